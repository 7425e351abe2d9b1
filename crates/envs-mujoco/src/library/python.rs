use std::path::PathBuf;
use std::process::{Command, Stdio};

/// The interpreter that is asked, where it is not the `python3` on the path.
const INTERPRETER: &str = "KANRL_PYTHON";
/// Prints the folder of the package `mujoco` without importing it. An empty entry of the search path is the current folder,
/// whose files may be anybody's.
const WHERE: &str = "import sys; sys.path[:] = filter(None, sys.path)
import importlib.util as u; s = u.find_spec('mujoco'); s and print(s.submodule_search_locations[0])";

/// MuJoCo's library inside an installed Python package `mujoco`.
///
/// # Errors
/// Why there is none, in a few words.
pub(super) fn library(file_name: &str) -> Result<PathBuf, String> {
    let interpreter = std::env::var_os(INTERPRETER).unwrap_or_else(|| "python3".into());
    let shown = interpreter.display().to_string();
    let output = Command::new(&interpreter)
        .args(["-c", WHERE])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .map_err(|_| format!("`{shown}` does not run"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    if text.trim().is_empty() {
        return Err(format!("`{shown}` has no package `mujoco`"));
    }
    let folder = PathBuf::from(text.trim());
    let file = folder.join(file_name);
    if file.is_file() {
        return Ok(file);
    }
    let names = std::fs::read_dir(&folder).into_iter().flatten().flatten();
    let other = names.map(|entry| entry.file_name()).find(|name| name.to_string_lossy().starts_with("libmujoco.so."));
    Err(match other {
        Some(other) => format!("the package `mujoco` of `{shown}` has {}, another version", other.display()),
        None => format!("the package `mujoco` of `{shown}` has no {file_name}"),
    })
}

#[cfg(test)]
mod tests {
    use super::library;

    #[test]
    fn a_python_without_mujoco_says_so() {
        // Whether this machine has the package or not, the answer is a file that exists or a reason in words.
        match library("libmujoco.so.0.0.0") {
            Ok(file) => panic!("{}: no such version was ever published", file.display()),
            Err(reason) => assert!(reason.contains("mujoco") || reason.contains("does not run"), "{reason}"),
        }
    }
}
