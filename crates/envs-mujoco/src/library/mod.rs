#![allow(unsafe_code, reason = "loads a shared library")]

//! MuJoCo's shared library, found and loaded at run time.
//!
//! mujoco-rs declares MuJoCo's C functions and leaves them to the linker. Here they are defined instead, each as a
//! forward to the loaded library, so that no program, test or doctest needs MuJoCo to be built or started, and none
//! needs a search path: what is missing is told when an environment is made.

mod functions;
mod python;

use functions::Functions;
use libloading::Library;
use mujoco_rs::wrappers::mj_logging::{MjLogMessage, MjtLogLevel};
use std::path::PathBuf;
use std::sync::OnceLock;

/// The version that mujoco-rs has the layouts of.
pub(crate) const VERSION: &str = "3.17.0";
const FILE_NAME: &str = "libmujoco.so.3.17.0";
/// Names the library's file, where it lies in none of the usual places.
const PATH_VARIABLE: &str = "KANRL_MUJOCO";
/// Where `cargo xtask setup` puts it.
const SETUP_FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../.mujoco/lib");

static LIBRARY: OnceLock<Result<Loaded, String>> = OnceLock::new();

struct Loaded {
    functions: Functions,
    /// Never closed: environments may live as long as the process.
    _library: Library,
}

/// Loads the library if that has not happened yet; all of mujoco-rs may be used afterwards.
///
/// # Errors
/// What was tried, and how to install it.
pub(crate) fn load() -> Result<(), &'static str> {
    match LIBRARY.get_or_init(find) {
        Ok(loaded) => {
            route_log();
            debug_assert_eq!(mujoco_rs::mujoco_version(), VERSION, "{:p}", &loaded.functions);
            Ok(())
        }
        Err(reason) => Err(reason),
    }
}

fn functions() -> &'static Functions {
    match LIBRARY.get() {
        Some(Ok(loaded)) => &loaded.functions,
        _ => panic!("MuJoCo is used before it is loaded"),
    }
}

fn find() -> Result<Loaded, String> {
    if let Some(path) = std::env::var_os(PATH_VARIABLE) {
        return open(path.into()).map_err(|reason| {
            format!("{PATH_VARIABLE} does not name MuJoCo {VERSION} ({reason}); to install it, {}", crate::INSTRUCTIONS)
        });
    }
    let beside_program = std::env::current_exe().ok().and_then(|path| Some(path.parent()?.to_owned()));
    let folders = beside_program.into_iter().flat_map(|folder| [folder.clone(), folder.join("../lib")]);
    let files = folders.chain([PathBuf::from(SETUP_FOLDER)]).map(|folder| folder.join(FILE_NAME));
    let mut reasons = Vec::new();
    for file in files.filter(|file| file.is_file()) {
        match open(file) {
            Ok(loaded) => return Ok(loaded),
            Err(reason) => reasons.push(reason),
        }
    }
    // Python is asked only where nothing lies near; last comes the bare name, which the system's loader looks up.
    match python::library(FILE_NAME).and_then(open).or_else(|reason| {
        reasons.push(reason);
        open(PathBuf::from(FILE_NAME))
    }) {
        Ok(loaded) => return Ok(loaded),
        Err(reason) => reasons.push(reason),
    }
    Err(format!(
        "MuJoCo {VERSION} is not installed ({}); to install it, {}; or name a {FILE_NAME} in {PATH_VARIABLE}",
        reasons.join("; "),
        crate::INSTRUCTIONS
    ))
}

fn open(path: PathBuf) -> Result<Loaded, String> {
    // SAFETY: MuJoCo's library runs nothing but C++ initializers of its own globals when it is loaded.
    let library = unsafe { Library::new(&path) }.map_err(|error| {
        let reason = std::error::Error::source(&error).map_or_else(|| error.to_string(), ToString::to_string);
        reason.replace(": cannot open shared object file: No such file or directory", " not found")
    })?;
    // SAFETY: the signatures are those that mujoco-rs declares, and the version is compared before any other is called.
    let functions = unsafe { Functions::resolve(&library) }
        .map_err(|error| format!("{} is not MuJoCo {VERSION}: {error}", path.display()))?;
    let found = functions.version();
    if found != VERSION {
        return Err(format!("{} is MuJoCo {found}, not {VERSION}", path.display()));
    }
    Ok(Loaded { functions, _library: library })
}

/// Sends MuJoCo's messages to `tracing` instead of the terminal and a file in the working directory.
fn route_log() {
    static ROUTED: std::sync::Once = std::sync::Once::new();
    // SAFETY: nothing else of MuJoCo runs before the first `load` returns.
    ROUTED.call_once(|| unsafe { mujoco_rs::logging::set_log_handler(log) });
}

fn log(message: &MjLogMessage) {
    let text = message.subject();
    match message.level() {
        MjtLogLevel::mjLOG_DEBUG => tracing::debug!(target: "mujoco", "{text}"),
        MjtLogLevel::mjLOG_INFO => tracing::info!(target: "mujoco", "{text}"),
        // A simulation that diverges; the environment returns an error that says so.
        MjtLogLevel::mjLOG_WARNING => tracing::debug!(target: "mujoco", "{text}"),
        MjtLogLevel::mjLOG_ERROR => tracing::error!(target: "mujoco", "{text}"),
    }
}
