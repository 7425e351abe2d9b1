//! Standard output, which is the result's alone: what a plugin prints goes to standard error.

use crate::isolation;
use std::fmt::Arguments;
use std::io::{ErrorKind, Result, Write};
use std::sync::OnceLock;

/// Where results go in a process that runs plugins.
static RESULTS: OnceLock<std::fs::File> = OnceLock::new();

/// As the standard library's, for results. A process whose reader has stopped (`kanrl env list | head`) ends quietly, as Unix
/// tools do.
macro_rules! println {
    ($($argument:tt)*) => { $crate::output::write(format_args!("{}\n", format_args!($($argument)*))) };
}

/// As [`println`], without the end of the line.
macro_rules! print {
    ($($argument:tt)*) => { $crate::output::write(format_args!($($argument)*)) };
}

/// From now on, only [`write`] writes to standard output: whatever else does so, such as a plugin, writes to standard error.
#[cfg(unix)]
pub fn keep_for_results() -> Result<()> {
    use std::os::fd::AsFd;
    let results = std::io::stdout().as_fd().try_clone_to_owned()?;
    nix::unistd::dup2_stdout(std::io::stderr())?;
    let _ = RESULTS.set(results.into());
    Ok(())
}

/// Elsewhere plugins share standard output with the results.
#[cfg(not(unix))]
pub fn keep_for_results() -> Result<()> {
    Ok(())
}

/// Writes a part of the result.
pub fn write(part: Arguments<'_>) {
    let written = match RESULTS.get() {
        // At once, so that a line is not torn.
        Some(mut file) => file.write_all(part.to_string().as_bytes()),
        None => std::io::stdout().write_fmt(part),
    };
    match written {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::BrokenPipe => isolation::exit(0),
        Err(error) => {
            eprintln!("error: cannot write the result: {error}");
            isolation::exit(1)
        }
    }
}
