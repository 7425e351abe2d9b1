//! The Python package, where a part of the work is its.

use std::ffi::OsString;
use std::process::Command;

/// What a Python does first: an empty entry of its search path is the current folder, whose files may be anybody's.
const SAFE: &str = "import sys; sys.path[:] = filter(None, sys.path)";

/// The interpreter: the one that `KANRL_PYTHON` names, or `python3`.
pub fn interpreter() -> OsString {
    std::env::var_os("KANRL_PYTHON").unwrap_or_else(|| "python3".into())
}

/// A Python that runs this code, with packages from where packages are, not from the current folder.
pub fn command(code: &str) -> Command {
    let mut command = Command::new(interpreter());
    command.args(["-c", &format!("{SAFE}\n{code}")]);
    command
}

#[cfg(all(test, unix))]
mod tests {
    use super::command;

    #[test]
    fn no_module_of_the_current_folder_is_imported() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("kanrl_stranger.py"), "print('it ran')").unwrap();
        let code = "try:\n    import kanrl_stranger\nexcept ImportError:\n    print('not found')";
        match command(code).current_dir(folder.path()).output() {
            Ok(output) => assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "not found"),
            Err(error) => println!("skipped: no Python: {error}"),
        }
    }
}
