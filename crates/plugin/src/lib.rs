#![doc = include_str!("../README.md")]
//!
//! A plugin is a shared library that exports one table of functions, [`abi::KanrlPlugin`]. Rust authors write an
//! [`Environment`](kanrl_core::environment::Environment) and let [`export_plugin!`] make the table; C authors include
//! `include/kanrl_plugin.h` and fill it in. A host loads libraries by path and registers their environments, as above.
//!
//! # What a host can rely on
//! - The ABI's version and the tables' sizes are checked before any of the plugin's functions is called; every table is
//!   checked before it is used. What is wrong is said with the plugin's path and the function's name.
//! - An error, a Rust panic or a number that is not finite inside a plugin is an
//!   [`EnvironmentError`](kanrl_core::environment::EnvironmentError); the host goes on.
//! - A call that does not come back within [`CallLimit`] is told to the limit's handler, which ends the process unless
//!   the host wants otherwise.
//! - Loading a library runs its code with all the rights of the process, and a wrong pointer in it crashes the process.
//!   So load only what you trust; [`check_in_child`] looks at a plugin in a process of its own.
//!
//! # Threads
//! An instance may move between threads, one call at a time. Two instances may run at once, unless the plugin sets
//! [`KANRL_FLAG_ONE_CALL_AT_A_TIME`](abi::KANRL_FLAG_ONE_CALL_AT_A_TIME): then the host takes a lock around every call.

pub mod abi;
pub mod export;
mod host;

pub use export::ExportedEnvironment;
pub use host::{
    CallLimit, CheckReport, EnvironmentDescription, EnvironmentReport, FolderReport, HangError, HangHandler, Plugin,
    PluginDescription, PluginError, check, check_in_child, load_folder, plugin_folder, run_check, sha256, verify,
};
#[doc(hidden)]
pub use host::{Memory, SliceMemory, tables};

use kanrl_core::environment::EnvironmentRegistry;
use std::path::Path;

/// Loads the plugin at `path` with the default [`CallLimit`] and registers its environments.
///
/// # Errors
/// [`PluginError`] for a file that is no plugin of this ABI version, and for an id that is taken.
pub fn load(path: &Path, registry: &mut EnvironmentRegistry) -> Result<PluginDescription, PluginError> {
    let plugin = Plugin::open(path, CallLimit::default())?;
    plugin.register(registry)?;
    Ok(plugin.description())
}

/// Loads the plugin at `path`, which runs its code, and says what it offers.
///
/// # Errors
/// [`PluginError`] for a file that is no plugin of this ABI version.
pub fn list(path: &Path) -> Result<PluginDescription, PluginError> {
    Plugin::open(path, CallLimit::default()).map(|plugin| plugin.description())
}
