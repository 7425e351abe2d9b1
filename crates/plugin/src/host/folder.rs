//! The user's folder of plugins.

use super::error::PluginError;
use std::env::consts::DLL_EXTENSION;
use std::path::PathBuf;

/// The environment variable that names the folder.
const VARIABLE: &str = "KANRL_PLUGINS";

/// The folder whose plugins are loaded without being named: `$KANRL_PLUGINS`, else `kanrl/plugins` in the platform's
/// folder for a user's data (`$XDG_DATA_HOME` or `~/.local/share` on Linux, `~/Library/Application Support` on macOS,
/// `%APPDATA%` on Windows). `None` where the platform has no such folder, or the variable is empty. It need not exist.
///
/// # Errors
/// [`PluginError::Folder`] where the variable's path is relative: plugins never come from the working directory by
/// accident.
pub fn plugin_folder() -> Result<Option<PathBuf>, PluginError> {
    match std::env::var_os(VARIABLE) {
        Some(path) if path.is_empty() => Ok(None),
        Some(path) if PathBuf::from(&path).is_absolute() => Ok(Some(path.into())),
        Some(path) => {
            let reason = format!("${VARIABLE} is a relative path, expected an absolute one");
            Err(PluginError::Folder { path: path.into(), reason })
        }
        None => Ok(dirs::data_dir().map(|folder| folder.join("kanrl").join("plugins"))),
    }
}

/// Every library (`*.so`, `*.dylib`, `*.dll`) that lies in the user's [`plugin_folder`], in the order of their names. None of
/// their code runs.
///
/// # Errors
/// [`PluginError::Folder`] where the folder is there but cannot be read, or as [`plugin_folder`].
pub fn folder_libraries() -> Result<Vec<PathBuf>, PluginError> {
    let Some(folder) = plugin_folder()? else { return Ok(Vec::new()) };
    let unreadable = |error: std::io::Error| PluginError::Folder { path: folder.clone(), reason: error.to_string() };
    let entries = match std::fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(unreadable(error)),
    };
    let mut paths = Vec::new();
    for entry in entries {
        let path = entry.map_err(unreadable)?.path();
        if path.extension().is_some_and(|extension| extension == DLL_EXTENSION) {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}
