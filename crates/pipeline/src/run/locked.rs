use super::files::RunFile;
use super::folder::Folder;
use super::store::{RunStore, RunStoreError};
use crate::files::{FileError, PARTIAL};
use bevy_ecs::resource::Resource;
use serde::Serialize;
use std::fs::{File, TryLockError};
use std::io::{Error, ErrorKind, Result as IoResult};
use std::ops::Deref;
use std::path::Path;
use std::sync::Arc;

/// A run directory that this process may write, and no other one may until all clones of this are dropped.
#[derive(Clone, Debug, Resource)]
pub struct LockedRun {
    store: RunStore,
    _lock: Arc<File>,
}

impl LockedRun {
    /// The run directory at `path`, made if it does not exist, and freed of what a killed process left half-written.
    ///
    /// # Errors
    /// [`RunStoreError::NotARun`] for a folder that holds something else, [`RunStoreError::InUse`] while another process
    /// works on it, [`RunStoreError::Write`] where it cannot be made.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, RunStoreError> {
        let path = path.as_ref();
        let error = |source| FileError { path: path.to_owned(), source };
        std::fs::create_dir_all(path).map_err(error)?;
        let store = RunStore::of(Folder::open(path).map_err(error)?);
        let folder = store.folder();
        let own = [RunFile::Lock.name(), RunFile::Stages.name()];
        let is_partial = |name: &std::ffi::OsStr| name.to_string_lossy().starts_with(PARTIAL);
        let entries = folder.entries().map_err(error)?;
        let strangers = entries.iter().any(|(name, _)| !own.iter().any(|own| name == own) && !is_partial(name));
        if strangers && !store.has(RunFile::Config) {
            return Err(RunStoreError::NotARun { path: path.to_owned() });
        }
        let lock =
            folder.lock_file(RunFile::Lock.name()).map_err(|source| store.unwritable(RunFile::Lock.name(), source))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(RunStoreError::InUse { path: path.to_owned() }),
            Err(TryLockError::Error(source)) => return Err(error(source).into()),
        }
        let run = Self { store, _lock: Arc::new(lock) };
        for (name, _) in entries.iter().filter(|(name, _)| is_partial(name)) {
            run.folder().remove(name).map_err(error)?;
        }
        run.stages()?;
        Ok(run)
    }

    /// Writes a file, whole or not at all.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn write(&self, file: RunFile, bytes: &[u8]) -> Result<(), FileError> {
        self.write_named(file.name(), bytes)
    }

    /// Writes a file as indented JSON.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn write_json<T: Serialize>(&self, file: RunFile, value: &T) -> Result<(), FileError> {
        self.write(file, &json(value).map_err(|source| self.unwritable(file.name(), source))?)
    }

    /// Writes a file that a stage of somebody else's adds to the run's own.
    ///
    /// # Errors
    /// [`FileError`], also for a name that is one of [`RunFile`] or not a plain file name.
    pub fn write_extra(&self, name: &str, bytes: &[u8]) -> Result<(), FileError> {
        if RunFile::from_name(name).is_some() {
            let reason = "runs already use this file name: choose another one";
            return Err(self.unwritable(name, Error::new(ErrorKind::InvalidInput, reason)));
        }
        self.write_named(name, bytes)
    }

    /// Takes over what another run's stages left: what does not depend on a change of the config need not be computed again.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn copy_stages(&self, other: &RunStore) -> Result<(), FileError> {
        let stages = RunFile::Stages.name();
        let copied = other.visit(&mut |name, mut file| {
            let mut parts: Vec<&str> = name.split('/').collect();
            let (Some(leaf), Some(&first)) = (parts.pop(), parts.first()) else { return Ok(()) };
            if first != stages {
                return Ok(());
            }
            let mut folder = self.folder().create_folder(first)?;
            for part in &parts[1..] {
                folder = folder.create_folder(part)?;
            }
            std::io::copy(&mut file, &mut folder.create_file(leaf)?).map(drop)
        });
        copied.map_err(|source| self.unwritable(stages, source))
    }

    fn write_named(&self, name: &str, bytes: &[u8]) -> Result<(), FileError> {
        self.folder().write(name, bytes).map_err(|source| self.unwritable(name, source))
    }

    /// Opens a file to write at its end.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn append(&self, file: RunFile) -> Result<File, FileError> {
        self.folder().append(file.name()).map_err(|source| self.unwritable(file.name(), source))
    }

    /// Makes a new file in the folder for TensorBoard.
    ///
    /// # Errors
    /// [`FileError`], also where it exists.
    pub(super) fn create_tensorboard_file(&self, name: &str) -> Result<File, FileError> {
        let folder = RunFile::TensorBoard.name();
        let file = self.folder().create_folder(folder).and_then(|folder| folder.create_file(name));
        file.map_err(|source| self.unwritable(folder, source))
    }
}

impl Deref for LockedRun {
    type Target = RunStore;

    fn deref(&self) -> &RunStore {
        &self.store
    }
}

impl RunStore {
    fn unwritable(&self, name: &str, source: Error) -> FileError {
        FileError { path: self.path().join(name), source }
    }
}

fn json<T: Serialize>(value: &T) -> IoResult<Vec<u8>> {
    let mut bytes = serde_json::to_vec_pretty(value).map_err(Error::other)?;
    bytes.push(b'\n');
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::{LockedRun, RunStore, RunStoreError};
    use crate::run::RunFile;

    #[test]
    fn a_run_is_written_by_one_process_and_read_by_any() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sweep/run");
        assert!(matches!(RunStore::open(&path), Err(RunStoreError::Read { .. })));
        let first = LockedRun::open(&path).unwrap();
        assert!(matches!(RunStore::open(&path), Err(RunStoreError::NotARun { .. })));
        first.write(RunFile::Config, b"seed = 3").unwrap();
        assert!(matches!(LockedRun::open(&path), Err(RunStoreError::InUse { .. })));
        let reader = RunStore::open(&path).unwrap();
        assert!(reader.is_in_use());
        assert_eq!(reader.read_text(RunFile::Config).unwrap(), "seed = 3");
        assert_eq!(reader.files(), [RunFile::Config, RunFile::Stages, RunFile::Lock]);
        assert_eq!(RunStore::list(folder.path(), 2).len(), 1);
        assert!(RunStore::list(folder.path(), 1).is_empty());
        std::fs::write(path.join(".partial-x"), b"half").unwrap();
        drop(first);
        assert!(!reader.is_in_use());
        LockedRun::open(&path).unwrap();
        assert!(!path.join(".partial-x").exists(), "what a killed process left is removed");
    }

    #[test]
    fn a_folder_of_something_else_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("thesis.tex"), "").unwrap();
        assert!(matches!(LockedRun::open(folder.path()), Err(RunStoreError::NotARun { .. })));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn files_of_others_do_not_replace_the_run_s_own() {
        let folder = tempfile::tempdir().unwrap();
        let run = LockedRun::open(folder.path()).unwrap();
        run.write_extra("policy.st", b"x").unwrap();
        assert!(folder.path().join("policy.st").is_file());
        for name in [RunFile::Metrics.name(), RunFile::Lock.name(), "a/b", ".."] {
            assert!(run.write_extra(name, b"x").is_err(), "{name}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn nothing_is_written_or_deleted_through_a_link() {
        use std::os::unix::fs::symlink;
        let outside = tempfile::tempdir().unwrap();
        let victim = |name: &str| outside.path().join(name);
        for file in RunFile::ALL {
            let place = tempfile::tempdir().unwrap();
            std::fs::write(place.path().join(RunFile::Config.name()), "seed = 3").unwrap();
            let (link, target) = (place.path().join(file.name()), victim(file.name()));
            let _ = std::fs::remove_file(&link);
            if file.is_folder() {
                std::fs::create_dir_all(target.join("fit")).unwrap();
                std::fs::write(target.join("fit/stage.json"), "untouched").unwrap();
            } else {
                std::fs::write(&target, "untouched").unwrap();
            }
            symlink(&target, &link).unwrap();
            if let Ok(run) = LockedRun::open(place.path()) {
                let _ = run.append(file);
                let _ = run.write(file, b"changed");
                let _ = run.create_stage("fit");
                let _ = run.complete_stage("fit", "key");
                let _ = run.create_tensorboard_file("events");
            }
            let untouched = if file.is_folder() { target.join("fit/stage.json") } else { target.clone() };
            assert_eq!(std::fs::read_to_string(untouched).unwrap(), "untouched", "{file}");
            assert!(!file.is_folder() || std::fs::read_dir(&target).unwrap().count() == 1, "{file}");
        }
    }
}
