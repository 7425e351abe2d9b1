//! This program again, in a process that ends with the one that started it.

use crate::isolation;
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

/// The id of the process that this one is to end with.
const PARENT: &str = "KANRL_PARENT";

/// The executable that runs the command, where the process is another program's.
static PROGRAM: OnceLock<PathBuf> = OnceLock::new();

/// Notes that executable.
pub fn is_started_by(program: PathBuf) {
    let _ = PROGRAM.set(program);
}

/// The executable that runs the command.
pub fn program() -> std::io::Result<PathBuf> {
    PROGRAM.get().map_or_else(std::env::current_exe, |program| Ok(program.clone()))
}

/// That executable as it is running, whatever lies at its path by now: an update of the program does not change what a studio that
/// was started before it starts.
pub fn running_program() -> std::io::Result<PathBuf> {
    if PROGRAM.get().is_none() && cfg!(target_os = "linux") {
        return Ok(PathBuf::from("/proc/self/exe"));
    }
    program()
}

/// This program, for a process that ends when this one does, however it ends.
pub fn this_program() -> std::io::Result<Command> {
    let mut command = Command::new(running_program()?);
    command.env(PARENT, std::process::id().to_string());
    isolation::without_notes(&mut command);
    Ok(command)
}

/// Ends this process when the one that started it ends, if that asked for it: nobody would hear of its result, and nobody could
/// stop it.
#[cfg(unix)]
pub fn end_with_parent() {
    use nix::sys::signal::kill;
    use nix::unistd::{Pid, getppid};
    let parent = std::env::var(PARENT).ok().and_then(|id| id.parse().ok()).map(Pid::from_raw);
    let Some(parent) = parent else { return };
    let is_child = getppid() == parent;
    let is_orphan = move || if is_child { getppid() != parent } else { kill(parent, None).is_err() };
    #[cfg(target_os = "linux")]
    if is_child && let Err(error) = nix::sys::prctl::set_pdeathsig(nix::sys::signal::Signal::SIGKILL) {
        tracing::debug!("no signal comes at the end of process {parent}: {error}");
    }
    // Where there is no such signal, or the parent ended before it was asked for.
    let watch = move || {
        while !is_orphan() {
            std::thread::sleep(std::time::Duration::from_millis(500));
        }
        let _ = kill(Pid::this(), nix::sys::signal::Signal::SIGKILL);
    };
    if let Err(error) = std::thread::Builder::new().name("parent-watch".into()).spawn(watch) {
        tracing::debug!("process {parent} is not watched: {error}");
    }
}

#[cfg(not(unix))]
pub fn end_with_parent() {}
