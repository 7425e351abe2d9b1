//! Which code a result was made by.

use crate::digest::sha256;
use std::fs::File;
use std::io::Result;
use std::path::PathBuf;
use std::sync::LazyLock;

/// What stands for code in keys: the version that its author gives it, or the running program.
///
/// Without a version, whatever is built anew counts as changed, so that no change is ever missed.
pub fn identity(version: Option<u64>) -> String {
    version.map_or_else(|| executable().to_owned(), |version| format!("version {version}"))
}

/// SHA-256 of the program, or of the shared library, that this code runs in, in hexadecimal digits; read once a process.
pub fn executable() -> &'static str {
    static DIGEST: LazyLock<String> = LazyLock::new(|| {
        read().unwrap_or_else(|error| {
            tracing::warn!("cannot read the running program, so changes to its code go unnoticed: {error}");
            env!("CARGO_PKG_VERSION").to_owned()
        })
    });
    &DIGEST
}

/// The program's file, where this code is a program's and not a shared library's.
pub fn program() -> Option<PathBuf> {
    if library().is_some() { None } else { std::env::current_exe().ok() }
}

fn read() -> Result<String> {
    let place = match library() {
        Some(library) => library,
        // The file itself, even where another one has taken its place since.
        None if cfg!(target_os = "linux") => "/proc/self/exe".into(),
        None => std::env::current_exe()?,
    };
    sha256(&mut File::open(place)?)
}

/// The shared library that this code lies in, such as a Python module; none in a program. Only Linux says.
fn library() -> Option<PathBuf> {
    let own = executable as fn() -> &'static str as usize;
    // `start-end permissions offset device inode path`, in hexadecimal digits (proc_pid_maps(5)).
    let maps = std::fs::read_to_string("/proc/self/maps").ok()?;
    let holds_it = |line: &&str| {
        let range = line.split(' ').next().and_then(|range| range.split_once('-'));
        let ends = range.and_then(|(start, end)| {
            Some((usize::from_str_radix(start, 16).ok()?, usize::from_str_radix(end, 16).ok()?))
        });
        ends.is_some_and(|(start, end)| (start..end).contains(&own))
    };
    let line = maps.lines().find(holds_it)?;
    let path = PathBuf::from(&line[line.find('/')?..]);
    let program = std::env::current_exe().ok()?;
    (path != program && path.is_file()).then_some(path)
}

#[cfg(test)]
mod tests {
    use super::{executable, identity};

    #[test]
    fn code_is_known_by_its_version_or_by_the_program() {
        assert_eq!(executable().len(), 64);
        assert_eq!(identity(None), executable());
        assert_ne!(identity(Some(1)), identity(Some(2)));
    }
}
