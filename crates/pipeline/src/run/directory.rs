//! The folder that holds everything about a run.

use crate::files::{self, FileError};
use bevy_ecs::resource::Resource;
use serde::Serialize;
use std::ffi::{OsStr, OsString};
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A run's folder: results at the top, the stages' artifacts under `stages/`.
#[derive(Clone, Debug, Resource)]
pub struct RunDirectory {
    root: PathBuf,
    /// Held as long as the run is open, so that two processes never write into one run.
    _lock: Arc<File>,
}

impl RunDirectory {
    /// The folder `root`, made if it does not exist.
    ///
    /// # Errors
    /// [`RunDirectoryError::NotARun`] for a folder that holds something else, [`RunDirectoryError::InUse`] while another
    /// process runs in it, [`RunDirectoryError::File`] where it cannot be made.
    pub fn open(root: impl Into<PathBuf>) -> Result<Self, RunDirectoryError> {
        let root = root.into();
        let error = |source| FileError { path: root.clone(), source };
        if root.exists() {
            let entries = std::fs::read_dir(&root).map_err(error)?;
            let names = entries.map(|entry| Ok(entry?.file_name())).collect::<Result<Vec<_>, _>>().map_err(error)?;
            let own = |name: &OsString| name == ".lock" || name == "stages" || is_partial(name);
            let strangers = !names.iter().all(own);
            if strangers && !root.join("config.toml").is_file() {
                return Err(RunDirectoryError::NotARun { path: root });
            }
        }
        std::fs::create_dir_all(root.join("stages")).map_err(error)?;
        let lock = File::create(root.join(".lock")).map_err(error)?;
        match lock.try_lock() {
            Ok(()) => {
                for entry in std::fs::read_dir(&root).map_err(error)?.flatten() {
                    if is_partial(&entry.file_name()) {
                        std::fs::remove_file(entry.path()).map_err(error)?;
                    }
                }
                Ok(Self { root, _lock: Arc::new(lock) })
            }
            Err(TryLockError::WouldBlock) => Err(RunDirectoryError::InUse { path: root }),
            Err(TryLockError::Error(source)) => Err(error(source).into()),
        }
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.root
    }

    /// The folder of a stage's artifacts.
    pub fn stage_folder(&self, stage: &str) -> PathBuf {
        self.root.join("stages").join(stage)
    }

    /// Writes a result at the top, whole or not at all.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<(), FileError> {
        files::write(&self.root.join(name), bytes)
    }

    /// Writes a result as JSON.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn write_json<T: Serialize>(&self, name: &str, value: &T) -> Result<(), FileError> {
        files::write_json(&self.root.join(name), value)
    }
}

/// Whether a file was left behind by a process that was killed while it wrote it.
fn is_partial(name: &OsStr) -> bool {
    name.to_string_lossy().starts_with(files::PARTIAL)
}

/// A run directory could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunDirectoryError {
    /// The folder holds something else.
    #[error("{} is not empty and not a run (it has no config.toml): choose another folder", .path.display())]
    NotARun {
        /// The folder.
        path: PathBuf,
    },
    /// Another process runs in it.
    #[error("another process is running in {}: wait for it, or choose another folder", .path.display())]
    InUse {
        /// The folder.
        path: PathBuf,
    },
    /// The file system refused.
    #[error(transparent)]
    File(#[from] FileError),
}

#[cfg(test)]
mod tests {
    use super::{RunDirectory, RunDirectoryError};

    #[test]
    fn a_run_is_open_only_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run");
        let first = RunDirectory::open(&path).unwrap();
        first.write("config.toml", b"").unwrap();
        assert!(matches!(RunDirectory::open(&path), Err(RunDirectoryError::InUse { .. })));
        std::fs::write(path.join(".partial-x"), b"half").unwrap();
        drop(first);
        RunDirectory::open(&path).unwrap();
        assert!(!path.join(".partial-x").exists(), "what a killed process left is removed");
    }
}
