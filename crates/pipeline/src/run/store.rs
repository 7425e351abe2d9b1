use super::files::RunFile;
use super::folder::{Folder, Kind};
use super::role::PolicyRole;
use crate::config::{ConfigError, RawConfig};
use crate::files::FileError;
use serde::de::DeserializeOwned;
use std::fs::{File, TryLockError};
use std::io::{Error, Result as IoResult};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

/// Largest file that is read whole into memory, in bytes.
pub(super) const LARGEST: u64 = 256 << 20;
/// Depth up to which folders below a run directory are looked into.
const DEEPEST: usize = 8;

/// A run directory that may be read, whether or not a process works on it.
///
/// ```
/// use kanrl_pipeline::run::{LockedRun, RunFile, RunStore};
///
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("run");
/// let run = LockedRun::open(&path)?;
/// run.write(RunFile::Config, b"seed = 3\n")?;
/// let reader = RunStore::open(&path)?;
/// assert_eq!(reader.read(RunFile::Config)?, b"seed = 3\n");
/// assert!(reader.is_in_use() && !reader.has(RunFile::Metrics));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct RunStore {
    folder: Arc<Folder>,
}

impl RunStore {
    /// The run directory at `path`.
    ///
    /// # Errors
    /// [`RunStoreError::NotARun`] for a folder without a config, [`RunStoreError::Read`] where there is no folder or it
    /// cannot be opened.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, RunStoreError> {
        let path = path.as_ref();
        let folder = Folder::open(path).map_err(|source| RunStoreError::Read { path: path.to_owned(), source })?;
        let run = Self::of(folder);
        if run.has(RunFile::Config) { Ok(run) } else { Err(RunStoreError::NotARun { path: path.to_owned() }) }
    }

    /// The runs below `folder`, down to `depth` levels, by their paths; folders in a run are not looked into.
    pub fn list(folder: &Path, depth: usize) -> Vec<Self> {
        let entries = Folder::open(folder).and_then(|folder| folder.entries()).unwrap_or_default();
        let below = |path: PathBuf| match Self::open(&path) {
            Ok(run) => vec![run],
            Err(_) if depth > 1 => Self::list(&path, depth - 1),
            Err(_) => Vec::new(),
        };
        let folders = entries.into_iter().filter(|(_, kind)| *kind == Kind::Folder);
        folders.flat_map(|(name, _)| below(folder.join(name))).collect()
    }

    pub(super) fn of(folder: Folder) -> Self {
        Self { folder: Arc::new(folder) }
    }

    pub(super) fn folder(&self) -> &Folder {
        &self.folder
    }

    /// Its path, as it was opened.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Where a file of it lies, for messages and for other programs. Use [`Self::read`] to read it.
    pub fn path_of(&self, file: RunFile) -> PathBuf {
        self.path().join(file.name())
    }

    /// Whether it has the file, as a regular file, or the folder.
    pub fn has(&self, file: RunFile) -> bool {
        let expected = if file.is_folder() { Kind::Folder } else { Kind::File };
        self.folder.kind(file.name()).is_ok_and(|kind| kind == Some(expected))
    }

    /// All files and folders that it has.
    pub fn files(&self) -> Vec<RunFile> {
        RunFile::ALL.into_iter().filter(|file| self.has(*file)).collect()
    }

    /// Opens a file to read it piece by piece.
    ///
    /// # Errors
    /// [`RunStoreError::Read`] where it is missing, or not a regular file.
    pub fn open_file(&self, file: RunFile) -> Result<File, RunStoreError> {
        self.folder.open_file(file.name()).map_err(self.unreadable(file.name()))
    }

    /// A file's content.
    ///
    /// # Errors
    /// As [`Self::open_file`], also for a file of more than 256 MiB.
    pub fn read(&self, file: RunFile) -> Result<Vec<u8>, RunStoreError> {
        self.folder.read(file.name(), LARGEST).map_err(self.unreadable(file.name()))
    }

    /// A file's content as text.
    ///
    /// # Errors
    /// As [`Self::read`], also for a file that is not text.
    pub fn read_text(&self, file: RunFile) -> Result<String, RunStoreError> {
        let text = String::from_utf8(self.read(file)?).map_err(Error::other);
        text.map_err(self.unreadable(file.name()))
    }

    /// A file's content as the type it was written from.
    ///
    /// # Errors
    /// As [`Self::read`]; [`RunStoreError::Damaged`] for anything else than such a value.
    pub fn read_json<T: DeserializeOwned>(&self, file: RunFile) -> Result<T, RunStoreError> {
        let damaged =
            |error: serde_json::Error| RunStoreError::Damaged { path: self.path_of(file), reason: error.to_string() };
        serde_json::from_slice(&self.read(file)?).map_err(damaged)
    }

    /// When a file was written last.
    pub fn modified(&self, file: RunFile) -> Option<SystemTime> {
        self.open_file(file).ok()?.metadata().ok()?.modified().ok()
    }

    /// The config as it was written; paths in it are relative to the run directory.
    ///
    /// # Errors
    /// [`ConfigError`] where it cannot be read or parsed.
    pub fn config(&self) -> Result<RawConfig, ConfigError> {
        let name = self.path_of(RunFile::Config).display().to_string();
        let text = self.read_text(RunFile::Config).map_err(|error| ConfigError::unreadable(&name, &error))?;
        Ok(RawConfig::from_toml(name, text)?.in_folder(self.path()))
    }

    /// Whether a process works on it.
    pub fn is_in_use(&self) -> bool {
        let lock = self.folder.open_file(RunFile::Lock.name());
        lock.is_ok_and(|lock| matches!(lock.try_lock_shared(), Err(TryLockError::WouldBlock)))
    }

    /// The folder of a stage's artifacts.
    pub fn stage_path(&self, stage: &str) -> PathBuf {
        self.path_of(RunFile::Stages).join(stage)
    }

    /// Visits every regular file below the run directory in order, by its path inside (`stages/fit/stage.json`). Hidden
    /// files and links are left out, and so are files that vanish meanwhile.
    ///
    /// # Errors
    /// The visitor's.
    pub fn visit(&self, visitor: &mut dyn FnMut(&str, File) -> IoResult<()>) -> IoResult<()> {
        visit(&self.folder, "", DEEPEST, visitor)
    }

    fn unreadable(&self, name: &str) -> impl FnOnce(Error) -> RunStoreError + use<> {
        let path = self.path().join(name);
        move |source| RunStoreError::Read { path, source }
    }
}

fn visit(
    folder: &Folder,
    place: &str,
    depth: usize,
    visitor: &mut dyn FnMut(&str, File) -> IoResult<()>,
) -> IoResult<()> {
    let Ok(entries) = folder.entries() else { return Ok(()) };
    for (name, kind) in entries {
        let Some(text) = name.to_str().filter(|name| !name.starts_with('.')) else { continue };
        let inside = if place.is_empty() { text.to_owned() } else { format!("{place}/{text}") };
        match kind {
            Kind::File => {
                if let Ok(file) = folder.open_file(&name) {
                    visitor(&inside, file)?;
                }
            }
            Kind::Folder if depth > 0 => {
                if let Ok(folder) = folder.folder(&name) {
                    visit(&folder, &inside, depth - 1, visitor)?;
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// A run directory cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunStoreError {
    /// The folder holds something else.
    #[error("{} is not a run directory: it has no {}", .path.display(), RunFile::Config)]
    NotARun {
        /// The folder.
        path: PathBuf,
    },
    /// Another process works on it.
    #[error("another process is using {}: wait for it, or choose another folder", .path.display())]
    InUse {
        /// The folder.
        path: PathBuf,
    },
    /// Something cannot be read.
    #[error("cannot read {}: {source}", .path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// What the file system said.
        source: Error,
    },
    /// A file does not hold what it should.
    #[error("{} is damaged: {reason}", .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// A policy is not a formula.
    #[error("the {role} of a run is not a formula: use headline, faithful, or polished")]
    NoFormula {
        /// What was asked for.
        role: PolicyRole,
    },
    /// Something cannot be written.
    #[error(transparent)]
    Write(#[from] FileError),
}
