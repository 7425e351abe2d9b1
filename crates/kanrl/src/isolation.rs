//! Plugins run in a process of their own: this program again, with the same arguments. Whatever a plugin does to that process
//! (a crash, a hang, an `exit`), the one that waits for it says so, names the plugin and ends with an error.

use crate::{Failure, output, processes};
use std::ffi::OsString;
use std::fs::File;
use std::io::{Error, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::sync::OnceLock;

/// The file in which the worker notes what it is doing.
const NOTES: &str = "KANRL_WORKER_NOTES";
/// Digests of plugins that the user has agreed to, for this once.
const ALLOWED: &str = "KANRL_WORKER_ALLOWED";

/// The worker's notes; none in any other process.
static WORKER: OnceLock<File> = OnceLock::new();
/// The command's arguments, for the worker.
static ARGUMENTS: OnceLock<Vec<OsString>> = OnceLock::new();

/// What a worker notes, a line each.
mod note {
    pub const OPENING: &str = "opening ";
    pub const OPENED: &str = "opened";
    pub const USING: &str = "using ";
    pub const RUN: &str = "run ";
    pub const DONE: &str = "done ";
}

/// A process that another one starts does not become a worker itself.
pub fn without_notes(command: &mut Command) {
    command.env_remove(NOTES).env_remove(ALLOWED);
}

/// Finds out whether this process is a worker; `arguments` are the command's.
pub fn start(arguments: &[OsString]) -> std::io::Result<()> {
    let _ = ARGUMENTS.set(arguments.to_vec());
    let Some(path) = std::env::var_os(NOTES) else { return Ok(()) };
    let notes = File::options().append(true).open(path)?;
    if WORKER.set(notes).is_ok() {
        output::keep_for_results()?;
    }
    Ok(())
}

/// Digests of plugins that the user agreed to before the worker was started.
pub fn allowed() -> Vec<String> {
    let list = std::env::var(ALLOWED).unwrap_or_default();
    list.split(',').map(str::to_owned).collect()
}

/// Is called before a plugin is opened. In a worker it returns; any other process starts the worker, waits for it and ends as it
/// does.
///
/// # Errors
/// What happened to the worker, where it did not end by itself.
pub fn enter(allowed: &[String]) -> Result<(), Failure> {
    if WORKER.get().is_some() {
        return Ok(());
    }
    let notes = tempfile::NamedTempFile::new().map_err(Failure::run)?;
    let mut worker = processes::this_program().map_err(Failure::run)?;
    worker.args(ARGUMENTS.get().into_iter().flatten()).env(NOTES, notes.path()).env(ALLOWED, allowed.join(","));
    let mut worker = worker.spawn().map_err(Failure::run)?;
    forward_interrupts(worker.id());
    let status = worker.wait().map_err(Failure::run)?;
    let notes = std::fs::read_to_string(notes.path()).unwrap_or_default();
    let notes: Vec<&str> = notes.lines().collect();
    let last = |kind: &str| notes.iter().rev().find_map(|note| note.strip_prefix(kind));
    if let Some(code) = last(note::DONE).and_then(|code| code.parse().ok()) {
        std::process::exit(code);
    }
    let Some(reason) = reason(status, &notes) else {
        std::process::exit(code(status));
    };
    if let Some(run) = last(note::RUN) {
        kanrl_pipeline::run::provenance::note_end(Path::new(run), &reason);
    }
    Err(Failure::run(Error::other(reason)))
}

/// What is wrong with the end of a worker that did not say that it was done, if anything is.
fn reason(status: ExitStatus, notes: &[&str]) -> Option<String> {
    let plugin = blamed(notes);
    match status.code() {
        // Our own panics have said what they are.
        Some(101) => None,
        Some(code) => Some(format!("{plugin} ended its process, with exit code {code}, before the work was done")),
        None => {
            let ending = status.to_string();
            let is_asked_for = ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"].iter().any(|name| ending.contains(name));
            (!is_asked_for).then(|| format!("{plugin} crashed, or something in its process did: {ending}"))
        }
    }
}

/// The plugin that was being opened, or is used, or those that it could have been.
fn blamed(notes: &[&str]) -> String {
    let opened: Vec<&str> = notes.iter().filter_map(|note| note.strip_prefix(note::OPENING)).collect();
    let used = notes.iter().rev().find_map(|note| note.strip_prefix(note::USING));
    let last = notes.last().and_then(|note| note.strip_prefix(note::OPENING)).or(used);
    match last.or(if let [only] = opened[..] { Some(only) } else { None }) {
        Some(plugin) => format!("plugin `{plugin}`"),
        None => format!("one of the plugins {}", opened.join(", ")),
    }
}

/// The exit code that a shell would give.
fn code(status: ExitStatus) -> i32 {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        return 128 + signal;
    }
    status.code().unwrap_or(1)
}

/// A Ctrl-C at a terminal reaches both processes; one that is sent to this one alone must reach the other as well.
#[cfg(unix)]
fn forward_interrupts(worker: u32) {
    use nix::sys::signal::{Signal, kill};
    let forward = move || {
        if let Ok(worker) = i32::try_from(worker) {
            let _ = kill(nix::unistd::Pid::from_raw(worker), Signal::SIGINT);
        }
    };
    if let Err(error) = ctrlc::set_handler(forward) {
        tracing::warn!("Ctrl-C will end the work at once: {error}");
    }
}

#[cfg(not(unix))]
fn forward_interrupts(_worker: u32) {
    let _ = ctrlc::set_handler(|| {});
}

fn note(kind: &str, what: &str) {
    if let Some(mut notes) = WORKER.get() {
        // A worker without its notes still works.
        let _ = notes.write_all(format!("{kind}{what}\n").as_bytes());
    }
}

/// Notes that a plugin is opened by `open`.
pub fn opening<T>(plugin: &Path, open: impl FnOnce() -> T) -> T {
    let place = plugin.canonicalize().unwrap_or_else(|_| plugin.to_owned());
    note(note::OPENING, &place.display().to_string());
    let opened = open();
    note(note::OPENED, "");
    opened
}

/// Notes the plugin that the environment comes from.
pub fn using(plugin: &Path) {
    note(note::USING, &plugin.display().to_string());
}

/// Notes the run that is worked on.
pub fn working_on(run: &Path) {
    let run: PathBuf = run.canonicalize().unwrap_or_else(|_| run.to_owned());
    note(note::RUN, &run.display().to_string());
}

/// Notes that this process ends by its own will, with this exit code.
pub fn done(code: u8) {
    note(note::DONE, &code.to_string());
}

/// Ends the process by its own will.
pub fn exit(code: u8) -> ! {
    done(code);
    std::process::exit(code.into())
}
