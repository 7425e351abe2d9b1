//! The host's side: loading plugins and calling them.

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
mod library;
mod memory;
pub mod tables;
mod trial;
mod vector;
mod watchdog;

pub use check::{CheckReport, EnvironmentReport, check, check_in_child, run_check};
pub use error::PluginError;
pub use fingerprint::{sha256, verify};
pub use folder::{FolderReport, load_folder, plugin_folder};
pub use library::{EnvironmentDescription, Plugin, PluginDescription};
pub use memory::{Memory, SliceMemory};
pub use watchdog::{CallLimit, HangError, HangHandler};
