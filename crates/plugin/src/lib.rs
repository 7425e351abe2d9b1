#![cfg_attr(feature = "host", doc = include_str!("../README.md"))]
//!
//! A plugin is a shared library that exports one table of functions, [`abi::KanrlPlugin`]. Rust authors write an
//! [`Environment`](kanrl_core::environment::Environment) and let [`export_plugin!`] make the table; C authors include
//! `include/kanrl_plugin.h` and fill it in. A host loads libraries by path and registers their environments, as above.
//!
//! # Features
//! `host`: loading plugins and calling them. Without it, the default, this is what an author of plugins needs and no more.
//!
//! # What a host can rely on
//! - The ABI's version and the tables' sizes are checked before any of the plugin's functions is called; every table is
//!   checked before it is used. What is wrong is said with the plugin's path and the function's name.
//! - An error, a Rust panic or a number that is not finite inside a plugin is an
//!   [`EnvironmentError`](kanrl_core::environment::EnvironmentError); the host goes on.
//! - A call that does not come back within [`CallLimit`] is told to the limit's handler, which ends the process unless
//!   the host wants otherwise.
//! - Loading a library runs its code with all the rights of the process, and a wrong pointer in it crashes the process.
//!   So load only what you trust; [`check_in_child`] looks at a plugin in a separate process.
//!
//! # Threads
//! An instance may move between threads, one call at a time. Two instances may run at once, unless the plugin sets
//! [`KANRL_FLAG_ONE_CALL_AT_A_TIME`](abi::KANRL_FLAG_ONE_CALL_AT_A_TIME): then the host takes a lock around every call.

pub mod abi;
pub mod export;
#[cfg(feature = "host")]
mod host;

pub use export::ExportedEnvironment;
#[cfg(feature = "host")]
pub use host::{
    CallLimit, CheckReport, EnvironmentDescription, EnvironmentReport, HangError, HangHandler, Plugin,
    PluginDescription, PluginError, check, check_in_child, folder_libraries, is_trusted, list, load, plugin_folder,
    run_check, sha256, trust, trust_list, verify,
};
#[cfg(feature = "host")]
#[doc(hidden)]
pub use host::{Memory, SliceMemory, tables};
