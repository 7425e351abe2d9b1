//! Which libraries the user trusts: those whose code may run when somebody's config names them.

use super::error::PluginError;
use super::fingerprint::sha256;
use kanrl_core::files;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// Largest list that is read, in bytes.
const LARGEST: u64 = 1 << 20;

/// The list of trusted libraries: a SHA-256 and a path a line, the path for people only. It is
/// `kanrl/trusted-plugins` in the platform's folder for a user's settings (`$XDG_CONFIG_HOME` or `~/.config` on Linux).
/// `None` where the platform has no such folder. It need not exist.
pub fn trust_list() -> Option<PathBuf> {
    dirs::config_dir().map(|folder| folder.join("kanrl").join("trusted-plugins"))
}

/// Whether the library with this [`sha256`] is on the user's [`trust_list`].
///
/// # Errors
/// [`PluginError::Folder`] where the list is there but cannot be read.
pub fn is_trusted(digest: &str) -> Result<bool, PluginError> {
    let Some(list) = trust_list() else { return Ok(false) };
    let known = read(&list)?;
    let digests = known.lines().filter_map(|line| line.split_whitespace().next());
    Ok(digests.into_iter().any(|known| known.eq_ignore_ascii_case(digest)))
}

/// Puts the library at `path`, as it is now, on the user's [`trust_list`]: its [`sha256`]. None of its code runs.
///
/// # Errors
/// [`PluginError::NotFound`] where the library cannot be read, [`PluginError::Folder`] where the list cannot be written.
pub fn trust(path: &Path) -> Result<String, PluginError> {
    let digest = sha256(path)?;
    if is_trusted(&digest)? {
        return Ok(digest);
    }
    let failed = |path: &Path, reason: String| PluginError::Folder { path: path.to_owned(), reason };
    let list = trust_list()
        .ok_or_else(|| failed(Path::new("trusted-plugins"), "this system has no folder for settings".to_owned()))?;
    let place = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let text = format!("{}{digest}  {}\n", read(&list)?, place.display().to_string().replace('\n', " "));
    let folder = list.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder).map_err(|error| failed(folder, error.to_string()))?;
    files::write(&list, text.as_bytes()).map_err(|error| failed(&list, error.to_string()))?;
    Ok(digest)
}

fn read(list: &Path) -> Result<String, PluginError> {
    let failed = |reason: String| PluginError::Folder { path: list.to_owned(), reason };
    match std::fs::metadata(list) {
        Ok(data) if data.len() > LARGEST => return Err(failed(format!("it has more than {LARGEST} bytes"))),
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(String::new()),
        _ => {}
    }
    std::fs::read_to_string(list).map_err(|error| failed(error.to_string()))
}
