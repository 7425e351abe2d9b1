//! A run without some of its stages: no tuning on return, so that the faithful formula is the result, and no videos.
//! What needs a dropped stage's results must go as well, here the report.
//!
//! ```sh
//! cargo run --release --example drop_stage
//! ```

use kanrl_core::environment::EnvironmentRegistry;
use kanrl_pipeline::config::{MergedConfig, RawConfig};
use kanrl_pipeline::run::Run;
use kanrl_pipeline::stages;

const CONFIG: &str = "
collect = { train_episodes = 3, validation_episodes = 1 }
students = { widths = [[]], rivals = false }
dagger = { rounds = 1, episodes = 2, validation_episodes = 2 }
select.episodes = 10
evaluate = { episodes = 10, robustness_episodes = 0 }
";

#[cfg_attr(test, test)]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut stages = stages::standard();
    for name in ["polish", "record_expert", "record_formula", "report"] {
        stages.remove(name)?;
    }

    let mut environments = EnvironmentRegistry::new();
    kanrl_envs_classic::register(&mut environments)?;
    let config = MergedConfig::new(RawConfig::from_toml("this example", CONFIG)?).resolve()?;
    let mut run = Run::with_pipeline(config, environments, stages)?;
    let folder = tempfile::tempdir()?;
    run.open(folder.path())?;
    let summary = run.execute()?;
    for row in &summary.rows {
        println!("{:<8} {:>8.3} ± {:.3}", row.policy, row.returns.mean, row.returns.std);
    }
    println!("\n{}", summary.formula);
    Ok(())
}
