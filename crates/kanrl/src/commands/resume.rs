use super::extract;
use crate::{Failure, Plugins};
use clap::Args;
use kanrl_pipeline::config::MergedConfig;
use kanrl_pipeline::run::{Run, RunStore};
use std::path::PathBuf;

/// `kanrl resume`.
#[derive(Debug, Args)]
pub struct Resume {
    /// The run directory.
    directory: PathBuf,
    /// Compute this stage and all later ones again (collect, fit, prune, symbolify, refine, evaluate, report).
    #[arg(long, value_name = "STAGE")]
    from: Option<String>,
    /// Print the result as JSON.
    #[arg(long)]
    json: bool,
}

impl Resume {
    pub fn run(self, quiet: bool, plugins: &Plugins) -> Result<(), Failure> {
        let raw = RunStore::open(&self.directory).map_err(Failure::input)?.config()?;
        let mut config = MergedConfig::new(raw).resolve()?;
        let registry = plugins.environments_of(&mut config)?;
        let mut run = Run::prepare(config, registry).map_err(Failure::input)?;
        run.open(&self.directory).map_err(Failure::input)?;
        if let Some(stage) = &self.from {
            run.recompute_from(stage).map_err(Failure::input)?;
        }
        extract::execute(run, &self.directory, quiet, self.json)
    }
}
