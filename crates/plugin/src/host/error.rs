use super::tables::{HeaderError, TableError};
use kanrl_core::environment::EnvironmentError;
use std::path::PathBuf;

/// A plugin cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PluginError {
    /// There is no such file.
    #[error("plugin `{}`: {source}", path.display())]
    NotFound {
        /// What was asked for.
        path: PathBuf,
        /// Why it cannot be read.
        source: std::io::Error,
    },
    /// The file is not a library that can be loaded here.
    #[error("plugin `{}`: the library cannot be loaded: {reason}", path.display())]
    NotALibrary {
        /// The file.
        path: PathBuf,
        /// What the system's loader said.
        reason: String,
    },
    /// The library is another one than the config names.
    #[error("plugin `{}` has changed: its SHA-256 is {found}, expected {expected}", path.display())]
    Changed {
        /// The library.
        path: PathBuf,
        /// The SHA-256 that was asked for.
        expected: String,
        /// The one it has.
        found: String,
    },
    /// The library exports no plugin.
    #[error("plugin `{}`: it is not a kanrl plugin: it does not export the symbol `kanrl_plugin`", path.display())]
    NoPlugin {
        /// The library.
        path: PathBuf,
    },
    /// The plugin was built for another version of the ABI, or its first table makes no sense.
    #[error("plugin `{}`: `kanrl_plugin`: {source}", path.display())]
    Header {
        /// The library.
        path: PathBuf,
        /// What is wrong.
        source: HeaderError,
    },
    /// Another table makes no sense.
    #[error("plugin `{}`: `{function}` returned an invalid table: {source}", path.display())]
    Table {
        /// The library.
        path: PathBuf,
        /// The function that handed it out.
        function: &'static str,
        /// What is wrong.
        source: TableError,
    },
    /// A function of the plugin failed.
    #[error("plugin `{}`: `{function}` failed: {reason}", path.display())]
    Call {
        /// The library.
        path: PathBuf,
        /// The function.
        function: &'static str,
        /// What it said.
        reason: String,
    },
    /// One of its environments cannot be made or registered.
    #[error("plugin `{}`: {source}", path.display())]
    Environment {
        /// The library.
        path: PathBuf,
        /// What is wrong.
        source: EnvironmentError,
    },
    /// It has no environment of that id.
    #[error("plugin `{}` has no environment `{id}`; it has: {}", path.display(), known.join(", "))]
    UnknownEnvironment {
        /// The library.
        path: PathBuf,
        /// What was asked for.
        id: String,
        /// What it has.
        known: Vec<String>,
    },
    /// The folder of plugins, or the list of trusted ones, cannot be used.
    #[error("`{}`, for plugins: {reason}", path.display())]
    Folder {
        /// The folder or the list.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The process that checks a plugin could not be run, or ended badly.
    #[error("plugin `{}`: the check {reason}", path.display())]
    Check {
        /// The library.
        path: PathBuf,
        /// What happened to it.
        reason: String,
    },
}
