use crate::{Failure, Plugins};
use clap::Args;
use kanrl_pipeline::config::{MergedConfig, RawConfig};
use kanrl_pipeline::stages::polish::elsewhere::serve;
use std::path::PathBuf;

/// `kanrl polish-worker`: plays the candidates of a search that runs in another process, which asks on standard input.
#[derive(Debug, Args)]
pub struct PolishWorker {
    /// The run's config.
    config: PathBuf,
}

impl PolishWorker {
    pub fn run(self, plugins: &Plugins) -> Result<(), Failure> {
        let config = MergedConfig::new(RawConfig::read(&self.config)?);
        let (config, registry) = plugins.resolve(|environments| config.resolve_in(environments))?;
        serve(&config, &registry, std::io::stdin().lock(), |line| println!("{line}")).map_err(Failure::run)
    }
}
