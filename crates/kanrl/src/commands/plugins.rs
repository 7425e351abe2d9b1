use crate::{Failure, Plugins, isolation, processes};
use clap::Subcommand;
use kanrl_plugin::{Plugin, PluginDescription};
use std::ffi::OsString;
use std::io::Error;
use std::path::PathBuf;
use std::time::Duration;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// List the environments of a plugin, or of all plugins in the plugin folder. Runs the libraries' code.
    ///
    /// The plugin folder is $KANRL_PLUGINS, or else kanrl/plugins in your data directory (~/.local/share on Linux).
    List {
        /// A shared library.
        path: Option<PathBuf>,
    },
    /// Check that a plugin's environments keep their contract. Runs the library's code in a separate process.
    Check {
        /// A shared library.
        path: PathBuf,
        /// Check only these environments.
        ids: Vec<String>,
    },
    /// Trust a library in its current version, so that configs can load it. Runs none of its code.
    ///
    /// The SHA-256 of each trusted library is stored in kanrl/trusted-plugins in your config directory (~/.config on Linux);
    /// delete a line there to revoke trust.
    Trust {
        /// A shared library.
        path: PathBuf,
    },
    /// The inside of `check`.
    #[command(hide = true)]
    RunCheck {
        #[arg(allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
}

/// A limit that is none: some 30 years.
const FOREVER: Duration = Duration::from_secs(1_000_000_000);

impl Command {
    pub fn run(self, plugins: &Plugins) -> Result<(), Failure> {
        match self {
            Self::List { path: Some(path) } => {
                isolation::enter(&[])?;
                let plugin = isolation::opening(&path, || Plugin::open(&path, plugins.limit()));
                print(&plugin.map_err(Failure::input)?.description())
            }
            Self::List { path: None } => list(plugins),
            Self::Check { path, ids } => check(plugins, &path, &ids),
            Self::Trust { path } => {
                let digest = kanrl_plugin::trust(&path).map_err(Failure::input)?;
                let list = kanrl_plugin::trust_list().unwrap_or_default();
                println!("{} is trusted: {digest} in {}", path.display(), list.display());
                Ok(())
            }
            Self::RunCheck { arguments } => {
                kanrl_plugin::run_check(arguments).map_err(|reason| Failure::input(Error::other(reason)))
            }
        }
    }
}

fn list(plugins: &Plugins) -> Result<(), Failure> {
    let descriptions = plugins.descriptions()?;
    descriptions.iter().try_for_each(print)?;
    if descriptions.is_empty() {
        println!("no plugins");
    }
    if let Some(folder) = kanrl_plugin::plugin_folder().map_err(Failure::input)? {
        println!("plugin folder: {}", folder.display());
    }
    Ok(())
}

fn print(plugin: &PluginDescription) -> Result<(), Failure> {
    println!("{} {}\n  {}", plugin.name, plugin.version, plugin.path.display());
    println!("  sha256 {}", kanrl_plugin::sha256(&plugin.path).map_err(Failure::input)?);
    if plugin.one_call_at_a_time {
        println!("  its environments never run at once");
    }
    for environment in &plugin.environments {
        println!("  {:<26} {}", environment.id, environment.summary);
        if !environment.default_arguments.is_empty() {
            let arguments = serde_json::Value::Object(environment.default_arguments.clone());
            println!("  {:<26} arguments {arguments}", "");
        }
    }
    Ok(())
}

fn check(plugins: &Plugins, path: &std::path::Path, ids: &[String]) -> Result<(), Failure> {
    eprintln!("running the code of {}, in a separate process", path.display());
    let mut child = processes::this_program().map_err(Failure::run)?;
    child.args(["plugins", "run-check"]);
    let limit = plugins.limit().duration.unwrap_or(FOREVER);
    let report = kanrl_plugin::check_in_child(child, path, ids, limit).map_err(Failure::run)?;
    print!("{report}");
    if report.is_ok() {
        return Ok(());
    }
    Err(Failure::run(Error::other(format!("{} breaks its contract", path.display()))))
}
