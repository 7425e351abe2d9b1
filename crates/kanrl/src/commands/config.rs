use crate::{Failure, Plugins, json};
use clap::Subcommand;
use kanrl_pipeline::config::{self, MergedConfig, RawConfig};
use kanrl_pipeline::run::PreparedRun;
use kanrl_pipeline::stages;
use std::path::PathBuf;

#[derive(Debug, Subcommand)]
pub enum Config {
    /// Print the whole config of a run of this environment, every default filled in, as TOML.
    Show {
        /// The environment's id.
        environment: String,
        /// Print JSON, which is a config as well.
        #[arg(long)]
        json: bool,
    },
    /// Print the JSON schema of config files, for editors that complete and check them.
    Schema,
    /// List the kinds of experts, approximators and libraries, with an example of each.
    Kinds {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Say whether a config file would run: keys, kinds, values, environment, expert and stages. Runs nothing.
    Check {
        /// The file.
        file: PathBuf,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

impl Config {
    pub fn run(self, plugins: &Plugins) -> Result<(), Failure> {
        match self {
            Self::Show { environment, json } => {
                let mut config = MergedConfig::new(RawConfig::default());
                config.set("environment", "id", environment);
                let mut config = config.resolve()?;
                let registry = plugins.environments_of(&mut config)?;
                registry.get(&config.environment.id).map_err(Failure::input)?;
                if json {
                    json::print(&config)?;
                } else {
                    print!("{}", config.to_toml());
                }
            }
            Self::Schema => json::print(&config::schema())?,
            Self::Kinds { json } => kinds(json)?,
            Self::Check { file, json } => {
                let mut config = MergedConfig::new(RawConfig::read(&file)?).resolve()?;
                let registry = plugins.environments_of(&mut config)?;
                let environment = config.environment.id.clone();
                let run = PreparedRun::new(config, registry, stages::standard()).map_err(Failure::input)?;
                if json {
                    json::print(
                        &serde_json::json!({ "file": file, "environment": environment, "stages": run.stages() }),
                    )?;
                } else {
                    println!("{} is fine; stages: {}", file.display(), run.stages().join(", "));
                }
            }
        }
        Ok(())
    }
}

fn kinds(json: bool) -> Result<(), Failure> {
    if json {
        let kinds: Vec<serde_json::Value> = config::components()
            .into_iter()
            .map(|kind| {
                let schema = kind.tagged_schema(&mut schemars::SchemaGenerator::default());
                serde_json::json!({
                    "component": kind.component, "kind": kind.kind, "summary": kind.summary, "example": kind.example,
                    "schema": schema,
                })
            })
            .collect();
        return json::print(&kinds);
    }
    for kind in config::components() {
        println!("[{}] kind = \"{}\": {}", kind.component, kind.kind, kind.summary);
        for line in kind.example.lines().skip(1) {
            println!("    {line}");
        }
    }
    Ok(())
}
