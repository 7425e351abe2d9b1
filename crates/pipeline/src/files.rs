//! Files that appear whole or not at all.

use serde::Serialize;
use std::io::Write;
use std::path::{Path, PathBuf};

/// A file or folder could not be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {}: {source}", .path.display())]
pub struct FileError {
    /// Which.
    pub path: PathBuf,
    /// What the file system said.
    #[source]
    pub source: std::io::Error,
}

/// What the names of unfinished files begin with; one that is left behind belongs to a process that was killed.
pub const PARTIAL: &str = ".partial-";

/// Writes a file whole: under a temporary name in the same folder, synced, then renamed.
///
/// # Errors
/// [`FileError`]; the old file, if there was one, is still there then.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    let attempt = || {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut file = tempfile::Builder::new().prefix(PARTIAL).tempfile_in(folder)?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        allow_reading(file.as_file())?;
        file.persist(path).map_err(|error| error.error)?;
        Ok(())
    };
    attempt().map_err(|source| FileError { path: path.to_owned(), source })
}

/// Writes a value as indented JSON with a final newline.
///
/// # Errors
/// As [`write()`].
pub fn write_json<T: Serialize>(path: &Path, value: &T) -> Result<(), FileError> {
    let mut bytes = serde_json::to_vec_pretty(value)
        .map_err(|error| FileError { path: path.to_owned(), source: std::io::Error::other(error) })?;
    bytes.push(b'\n');
    write(path, &bytes)
}

/// Makes a folder, with its parents; one that exists is emptied.
///
/// # Errors
/// [`FileError`].
pub fn create_empty_folder(path: &Path) -> Result<(), FileError> {
    let attempt = || {
        if path.exists() {
            std::fs::remove_dir_all(path)?;
        }
        std::fs::create_dir_all(path)
    };
    attempt().map_err(|source| FileError { path: path.to_owned(), source })
}

/// Temporary files are private to their owner; finished ones get the usual permissions.
#[cfg(unix)]
fn allow_reading(file: &std::fs::File) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(std::fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn allow_reading(_file: &std::fs::File) -> std::io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::write;

    #[test]
    fn a_failed_write_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        write(&folder.path().join("a.txt"), b"one").unwrap();
        write(&folder.path().join("a.txt"), b"two").unwrap();
        assert_eq!(std::fs::read(folder.path().join("a.txt")).unwrap(), b"two");
        let error = write(&folder.path().join("absent/b.txt"), b"x").unwrap_err();
        assert!(error.to_string().contains("absent/b.txt"), "{error}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
