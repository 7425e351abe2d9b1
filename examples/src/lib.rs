//! What the examples share: a run into a temporary folder, with its returns and its formula printed.

use kanrl_core::environment::EnvironmentRegistry;
use kanrl_pipeline::config::{MergedConfig, RawConfig};
use kanrl_pipeline::run::{Run, RunSummary};
use std::error::Error;

/// Runs a config with the standard stages on classic control, or on `environments` of one's own.
///
/// # Errors
/// Whatever the run says.
pub fn run(config: &str, environments: Option<EnvironmentRegistry>) -> Result<RunSummary, Box<dyn Error>> {
    let environments = match environments {
        Some(environments) => environments,
        None => {
            let mut classic = EnvironmentRegistry::new();
            kanrl_envs_classic::register(&mut classic)?;
            classic
        }
    };
    let config = MergedConfig::new(RawConfig::from_toml("this example", config)?).resolve()?;
    let mut run = Run::prepare(config, environments)?;
    let folder = tempfile::tempdir()?;
    run.open(folder.path())?;
    let summary = run.execute()?;
    for row in &summary.rows {
        println!("{:<8} {:>8.3} ± {:.3}", row.policy, row.returns.mean, row.returns.std);
    }
    println!("\n{}", summary.formula);
    Ok(summary)
}
