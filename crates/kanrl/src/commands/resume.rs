use super::extract;
use crate::{Failure, Plugins};
use clap::Args;
use kanrl_pipeline::config::MergedConfig;
use kanrl_pipeline::run::{PreparedRun, RunStore};
use kanrl_pipeline::stages;
use std::path::PathBuf;

/// `kanrl resume`.
#[derive(Debug, Args)]
pub struct Resume {
    /// The run directory.
    directory: PathBuf,
    /// Recompute this stage (collect, fit, prune, symbolify, refine, evaluate, report, …) and all later ones.
    #[arg(long, value_name = "STAGE")]
    from: Option<String>,
    /// Exit with code 2 if a file in the run directory is damaged, instead of recomputing it.
    #[arg(long)]
    strict: bool,
    /// Print the result as JSON.
    #[arg(long)]
    json: bool,
}

impl Resume {
    pub fn run(self, quiet: bool, plugins: &Plugins) -> Result<(), Failure> {
        let raw = RunStore::open(&self.directory).map_err(Failure::input)?.config()?;
        let config = MergedConfig::new(raw);
        let (config, registry) = plugins.resolve(|environments| config.resolve_in(environments))?;
        let run = PreparedRun::new(config, registry, stages::standard()).map_err(Failure::input)?;
        let mut run = run.open(&self.directory).map_err(Failure::input)?;
        if let Some(stage) = &self.from {
            run.recompute_from(stage).map_err(Failure::input)?;
        }
        if self.strict {
            run.refuse_damage();
        }
        extract::execute(run, quiet, self.json)
    }
}
