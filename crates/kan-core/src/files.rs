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

/// Writes a file whole: under a temporary name in the same folder, synced, then renamed. A link stays a link to what is
/// written, and what is not an ordinary file, such as a pipe or a device, is written to as it is.
///
/// # Errors
/// [`FileError`]; the old file, if there was one, is still there then.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    let attempt = || {
        // A renamed file would take the place of the link or the device.
        if std::fs::metadata(path).is_ok_and(|found| !found.is_file()) {
            return std::fs::write(path, bytes);
        }
        let path = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut builder = tempfile::Builder::new();
        builder.prefix(PARTIAL);
        // Temporary files are private to their owner; this one gets the permissions that the user's umask leaves.
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        let mut file = builder.tempfile_in(folder)?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        file.persist(&path).map_err(|error| error.error)?;
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

    #[cfg(unix)]
    #[test]
    fn links_and_pipes_stay_what_they_are() {
        use std::os::unix::fs::{FileTypeExt, symlink};
        let folder = tempfile::tempdir().unwrap();
        let (file, link, pipe) = (folder.path().join("a"), folder.path().join("link"), folder.path().join("pipe"));
        std::fs::write(&file, b"one").unwrap();
        symlink(&file, &link).unwrap();
        write(&link, b"two").unwrap();
        assert_eq!(std::fs::read(&file).unwrap(), b"two");
        assert!(link.symlink_metadata().unwrap().is_symlink());

        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let reader = std::thread::spawn({
            let pipe = pipe.clone();
            move || std::fs::read(pipe).unwrap()
        });
        write(&pipe, b"three").unwrap();
        assert_eq!(reader.join().unwrap(), b"three");
        assert!(pipe.symlink_metadata().unwrap().file_type().is_fifo());
    }
}
