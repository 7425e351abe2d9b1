#![cfg_attr(feature = "host", doc = include_str!("../README.md"))]
//!
//! A plugin is a shared library that exports one table of functions, [`abi::KanrlPlugin`]. Rust authors write an
//! [`Environment`](kanrl_core::environment::Environment) and let [`export_plugin!`] make the table; C authors include
//! `include/kanrl_plugin.h` and fill it in. A host loads libraries by path and registers their environments, as above.
//!
//! # Features
//! `host`: loading and calling plugins. It is off by default: plugin authors do not need it.
//!
//! # What a host can rely on
//! - The ABI version and the tables' sizes are checked before any of the plugin's functions is called, and every table is
//!   checked before it is used. Errors name the plugin's path and the function.
//! - An error, a Rust panic, or a non-finite number in a plugin becomes an
//!   [`EnvironmentError`](kanrl_core::environment::EnvironmentError), and the host continues.
//! - If a call does not return within [`CallLimit`], the limit's handler is called. By default it ends the process.
//! - Loading a library runs its code with the permissions of the process, and an invalid pointer in it crashes the process.
//!   Load only what you trust; [`check_in_child`] checks a plugin in a separate process.
//!
//! # Threads
//! An instance may move between threads, one call at a time. Two instances may run at once, unless the plugin sets
//! [`KANRL_FLAG_ONE_CALL_AT_A_TIME`](abi::KANRL_FLAG_ONE_CALL_AT_A_TIME): then the host locks around every call.

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
