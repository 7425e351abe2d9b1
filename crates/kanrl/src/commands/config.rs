use crate::{Failure, Plugins};
use clap::Subcommand;
use pipeline::config::{MergedConfig, RawConfig};
use pipeline::run::Run;
use std::path::PathBuf;

#[derive(Debug, Subcommand)]
pub enum Config {
    /// Print the whole config of a run of this environment, every default filled in, as TOML.
    Show {
        /// The environment's id.
        environment: String,
    },
    /// Say whether a config file would run: keys, kinds, values, environment, expert and stages. Runs nothing.
    Check {
        /// The file.
        file: PathBuf,
    },
}

impl Config {
    pub fn run(self, plugins: &Plugins) -> Result<(), Failure> {
        match self {
            Self::Show { environment } => {
                let mut config = MergedConfig::new(RawConfig::default());
                config.set("environment", "id", environment);
                let mut config = config.resolve()?;
                let registry = plugins.environments_of(&mut config)?;
                registry.get(&config.environment.id).map_err(Failure::input)?;
                print!("{}", config.to_toml());
            }
            Self::Check { file } => {
                let mut config = MergedConfig::new(RawConfig::read(&file)?).resolve()?;
                let registry = plugins.environments_of(&mut config)?;
                let run = Run::prepare(config, registry).map_err(Failure::input)?;
                println!("{} is fine; stages: {}", file.display(), run.stages().join(", "));
            }
        }
        Ok(())
    }
}
