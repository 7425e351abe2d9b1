//! The command line, so that the wheel's `kanrl` needs no second copy of everything.

use pyo3::prelude::*;
use std::ffi::OsString;
use std::panic::catch_unwind;
use std::path::PathBuf;

/// Runs the command and ends the process with its exit code. `program` is the executable that was started, and `arguments` are
/// what follows its name.
#[pyfunction]
pub fn command(py: Python<'_>, program: PathBuf, arguments: Vec<OsString>) {
    // As a program would: a panic has said what it is.
    const PANICKED: i32 = 101;
    let run = || catch_unwind(|| kanrl::command_line::main_of(program, arguments)).map_or(PANICKED, i32::from);
    let code = py.detach(run);
    // Here, since the standard library empties its buffers only where a Rust program ends.
    std::process::exit(code);
}
