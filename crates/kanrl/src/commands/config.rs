use super::explain::explained;
use crate::{Failure, Plugins, json};
use clap::Subcommand;
use kanrl_pipeline::config::{self, MergedConfig, RawConfig};
use kanrl_pipeline::run::PreparedRun;
use kanrl_pipeline::stages;
use std::path::{Path, PathBuf};

#[derive(Debug, Subcommand)]
pub enum Config {
    /// Print the complete config for an environment, defaults included, as TOML.
    Show {
        /// The environment's id.
        environment: String,
        /// Explain each setting in a comment.
        #[arg(long)]
        explain: bool,
        /// Print JSON instead, which is also a valid config.
        #[arg(long, conflicts_with = "explain")]
        json: bool,
    },
    /// Print the JSON schema of config files, for completion and checks in your editor.
    Schema,
    /// List the kinds of experts, approximators, and libraries with an example of each.
    Kinds {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Check a config file: keys, kinds, values, environment, expert, and stages.
    ///
    /// Never loads a plugin, so environments that come from plugins are not checked.
    Check {
        /// Config file.
        file: PathBuf,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

impl Config {
    pub fn run(self, plugins: &Plugins) -> Result<(), Failure> {
        match self {
            Self::Show { environment, explain, json } => {
                let mut config = MergedConfig::new(RawConfig::default());
                config.set("environment", "id", environment);
                let (config, registry) = plugins.resolve(|environments| config.resolve_in(environments))?;
                registry.get(&config.environment.id).map_err(Failure::input)?;
                if json {
                    json::print(&config)?;
                } else if explain {
                    let schema = serde_json::to_value(config::schema()).expect("a schema serializes");
                    print!("{}", explained(&config.to_toml(), &schema));
                } else {
                    print!("{}", config.to_toml());
                }
            }
            Self::Schema => json::print(&config::schema())?,
            Self::Kinds { json } => kinds(json)?,
            Self::Check { file, json } => {
                check(&file, json, plugins)?;
            }
        }
        Ok(())
    }
}

/// Checks a config without any code but this program's own.
fn check(file: &Path, json: bool, plugins: &Plugins) -> Result<(), Failure> {
    let config = MergedConfig::new(RawConfig::read(file)?).resolve()?;
    let registry = kanrl::environments().map_err(Failure::run)?;
    let environment = config.environment.id.clone();
    let is_from_plugin = config.is_played()
        && registry.get(&environment).is_err()
        && (!config.plugins.is_empty() || plugins.are_there()?);
    let names = if is_from_plugin {
        config.library.build().map_err(Failure::input)?;
        let mut pipeline = stages::standard();
        if let Some(names) = &config.stages {
            pipeline.select(names).map_err(Failure::input)?;
        }
        pipeline.check().map_err(Failure::input)?;
        pipeline.stages().iter().map(|stage| stage.name().to_owned()).collect()
    } else {
        let run = PreparedRun::new(config, registry, stages::standard()).map_err(Failure::input)?;
        run.stages().into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    if json {
        return json::print(&serde_json::json!({
            "file": file, "environment": environment, "environment_is_checked": !is_from_plugin, "stages": names,
        }));
    }
    println!("{} is fine; stages: {}", file.display(), names.join(", "));
    if is_from_plugin {
        println!("`{environment}` is not built in, and no plugin was loaded: it and its expert are not checked");
    }
    Ok(())
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
