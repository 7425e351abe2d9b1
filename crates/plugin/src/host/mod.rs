//! The host's side: loading plugins and calling them.

mod arguments;
mod caller;
mod check;
mod checks;
mod environment;
mod error;
mod exit;
mod factory;
mod fingerprint;
mod folder;
mod handles;
mod instances;
mod last_call;
mod library;
mod memory;
pub mod tables;
mod trial;
mod trust;
mod vector;
mod watchdog;

pub use check::{CheckReport, EnvironmentReport, check, check_in_child, run_check};
pub use error::PluginError;
pub use fingerprint::{sha256, verify};
pub use folder::{folder_libraries, plugin_folder};
pub use library::{EnvironmentDescription, Plugin, PluginDescription};
pub use memory::{Memory, SliceMemory};
pub use trust::{is_trusted, trust, trust_list};
pub use watchdog::{CallLimit, HangError, HangHandler};

use kanrl_core::environment::EnvironmentRegistry;
use std::path::Path;

/// Loads the plugin at `path` with the default [`CallLimit`] and registers its environments.
///
/// # Errors
/// [`PluginError`] for a file that is not a plugin of this ABI version, and for an id that is taken.
pub fn load(path: &Path, registry: &mut EnvironmentRegistry) -> Result<PluginDescription, PluginError> {
    let plugin = Plugin::open(path, CallLimit::default())?;
    plugin.register(registry)?;
    Ok(plugin.description())
}

/// Loads the plugin at `path`, which runs its code, and says what it offers.
///
/// # Errors
/// [`PluginError`] for a file that is not a plugin of this ABI version.
pub fn list(path: &Path) -> Result<PluginDescription, PluginError> {
    Plugin::open(path, CallLimit::default()).map(|plugin| plugin.description())
}
