//! Stages in another order: the expert is filmed last, when everything else is known to work. An order in which a stage
//! would not find what it needs is refused before anything runs.
//!
//! ```sh
//! cargo run --release --example reorder_stages
//! ```

use kanrl_core::environment::EnvironmentRegistry;
use kanrl_pipeline::config::{MergedConfig, RawConfig};
use kanrl_pipeline::run::{Run, RunFile, RunStore};
use kanrl_pipeline::stages;

const CONFIG: &str = "
collect = { train_episodes = 3, validation_episodes = 1 }
approximator.steps = 5
";

#[cfg_attr(test, test)]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut stages = stages::standard();
    let order = ["collect", "fit", "record_expert"].map(str::to_owned);
    stages.select(&order)?;

    let mut environments = EnvironmentRegistry::new();
    kanrl_envs_classic::register(&mut environments)?;
    let config = MergedConfig::new(RawConfig::from_toml("this example", CONFIG)?).resolve()?;
    let mut run = Run::with_pipeline(config, environments, stages)?;
    println!("{}", run.stages().join(", "));
    let folder = tempfile::tempdir()?;
    run.open(folder.path())?;
    run.execute()?;
    println!("{}", RunStore::open(folder.path())?.read_text(RunFile::Log)?);

    let mut wrong = stages::standard();
    wrong.select(&["fit", "collect"].map(str::to_owned))?;
    println!("{}", wrong.check().expect_err("the data come too late"));
    Ok(())
}
