//! An open folder. Everything in it is reached through its handle, one name at a time, and links are never followed: what
//! somebody else's run directory links to is neither read nor written nor deleted.

#[cfg(any(not(unix), test))]
mod portable;
#[cfg(unix)]
mod unix;

#[cfg(not(unix))]
use portable as system;
#[cfg(unix)]
use unix as system;

use crate::files::PARTIAL;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{Error, ErrorKind, Read, Result, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// What lies under a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A regular file.
    File,
    /// A folder.
    Folder,
    /// A link, a pipe, a device, …
    Other,
}

/// How a file is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Access {
    /// To be read; it exists.
    Read,
    /// To be written at its end; made if it does not exist.
    Append,
    /// To be locked; made if it does not exist, and left as it is if it does.
    Lock,
    /// To be written; it does not exist.
    New,
}

/// An open folder.
#[derive(Debug)]
pub(super) struct Folder {
    handle: system::Handle,
    path: PathBuf,
}

impl Folder {
    /// Opens the folder at `path`, which the user has named: links on the way to it are followed.
    pub(super) fn open(path: &Path) -> Result<Self> {
        Ok(Self { handle: system::open(path)?, path: path.to_owned() })
    }

    /// Where it was opened, for messages.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// What lies under `name`, if anything does.
    pub(super) fn kind(&self, name: impl AsRef<OsStr>) -> Result<Option<Kind>> {
        match system::kind(&self.handle, plain(name.as_ref())?) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            kind => kind.map(Some),
        }
    }

    /// Names of what lies in it, with their kinds, sorted.
    pub(super) fn entries(&self) -> Result<Vec<(OsString, Kind)>> {
        let mut names = system::names(&self.handle)?;
        names.sort_unstable();
        // What vanishes meanwhile is not there.
        let kinds = names.into_iter().filter_map(|name| self.kind(&name).transpose().map(|kind| Ok((name, kind?))));
        kinds.collect()
    }

    /// Opens a folder in it.
    pub(super) fn folder(&self, name: impl AsRef<OsStr>) -> Result<Self> {
        let name = plain(name.as_ref())?;
        let handle = system::open_folder(&self.handle, name).map_err(|error| self.explain(name, error))?;
        Ok(Self { handle, path: self.path.join(name) })
    }

    /// Opens a folder in it, and makes it where it does not exist.
    pub(super) fn create_folder(&self, name: impl AsRef<OsStr>) -> Result<Self> {
        match system::make_folder(&self.handle, plain(name.as_ref())?) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
            _ => self.folder(name),
        }
    }

    /// Opens a regular file, however many links lead to it.
    pub(super) fn open_file(&self, name: impl AsRef<OsStr>) -> Result<File> {
        self.open_as(name.as_ref(), Access::Read)
    }

    /// The content of a regular file of at most `limit` bytes.
    pub(super) fn read(&self, name: impl AsRef<OsStr>, limit: u64) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.open_file(name)?.take(limit + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > limit {
            return Err(Error::new(ErrorKind::FileTooLarge, format!("it has more than {limit} bytes")));
        }
        Ok(bytes)
    }

    /// Opens a file to write at its end; made if it does not exist.
    pub(super) fn append(&self, name: impl AsRef<OsStr>) -> Result<File> {
        self.open_as(name.as_ref(), Access::Append)
    }

    /// Opens a file to lock it, without changing it; made if it does not exist.
    pub(super) fn lock_file(&self, name: impl AsRef<OsStr>) -> Result<File> {
        self.open_as(name.as_ref(), Access::Lock)
    }

    /// Makes a new file.
    pub(super) fn create_file(&self, name: impl AsRef<OsStr>) -> Result<File> {
        self.open_as(name.as_ref(), Access::New)
    }

    fn open_as(&self, name: &OsStr, access: Access) -> Result<File> {
        let file = system::open_file(&self.handle, plain(name)?, access).map_err(|error| self.explain(name, error))?;
        if !file.metadata()?.is_file() {
            return Err(Error::new(ErrorKind::InvalidInput, "it is not a regular file"));
        }
        if access == Access::Append && system::names_of(&file)? > 1 {
            let reason = "the file has a second name (a hard link), which would be changed too";
            return Err(Error::new(ErrorKind::InvalidInput, reason));
        }
        Ok(file)
    }

    /// Writes a file whole or not at all: under a temporary name, synced, then renamed. A link of that name is replaced.
    pub(super) fn write(&self, name: impl AsRef<OsStr>, bytes: &[u8]) -> Result<()> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let name = plain(name.as_ref())?;
        let (partial, mut file) = loop {
            let count = COUNT.fetch_add(1, Ordering::Relaxed);
            let partial = OsString::from(format!("{PARTIAL}{}-{count}", std::process::id()));
            match self.create_file(&partial) {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                file => break (partial, file?),
            }
        };
        let written = file.write_all(bytes).and_then(|()| file.sync_all());
        let renamed = written.and_then(|()| system::rename(&self.handle, &partial, name));
        renamed.inspect_err(|_| {
            // Only the first error is of interest.
            let _ = system::remove_file(&self.handle, &partial);
        })
    }

    /// Removes what lies under `name`, if anything does: a folder with everything in it, a link and not what it leads to.
    pub(super) fn remove(&self, name: impl AsRef<OsStr>) -> Result<()> {
        let name = plain(name.as_ref())?;
        match self.kind(name)? {
            None => Ok(()),
            Some(Kind::Folder) => {
                let folder = self.folder(name)?;
                for (inner, _) in folder.entries()? {
                    folder.remove(inner)?;
                }
                system::remove_folder(&self.handle, name)
            }
            Some(_) => system::remove_file(&self.handle, name),
        }
    }

    /// The system's words for a link that was not followed ("too many levels of symbolic links") help nobody.
    fn explain(&self, name: &OsStr, error: Error) -> Error {
        match system::kind(&self.handle, name) {
            Ok(Kind::Other) => Error::new(
                error.kind(),
                "it is a link or something else that is neither a file nor a folder: remove it",
            ),
            _ => error,
        }
    }
}

/// A name without folders in it.
fn plain(name: &OsStr) -> Result<&OsStr> {
    match Path::new(name).file_name() {
        Some(plain) if plain == name => Ok(name),
        _ => Err(Error::new(ErrorKind::InvalidInput, format!("`{}` is not a file name", name.display()))),
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::{Folder, Kind};
    use std::os::unix::fs::symlink;

    #[test]
    fn links_lead_nowhere() {
        let outside = tempfile::tempdir().unwrap();
        std::fs::write(outside.path().join("victim"), "untouched").unwrap();
        std::fs::create_dir(outside.path().join("victims")).unwrap();
        std::fs::write(outside.path().join("victims/one"), "untouched").unwrap();
        let inside = tempfile::tempdir().unwrap();
        for name in ["read", "append", "lock", "write", "remove"] {
            symlink(outside.path().join("victim"), inside.path().join(name)).unwrap();
        }
        symlink(outside.path().join("victims"), inside.path().join("folder")).unwrap();
        symlink(outside.path().join("absent"), inside.path().join("dangling")).unwrap();
        let folder = Folder::open(inside.path()).unwrap();
        for error in [
            folder.read("read", 100).map(drop),
            folder.append("append").map(drop),
            folder.lock_file("lock").map(drop),
            folder.append("dangling").map(drop),
            folder.create_file("dangling").map(drop),
            folder.folder("folder").map(drop),
            folder.create_folder("folder").map(drop),
        ] {
            assert!(error.is_err());
        }
        assert!(folder.append("append").unwrap_err().to_string().contains("it is a link"));
        folder.write("write", b"new").unwrap();
        assert_eq!(folder.kind("write").unwrap(), Some(Kind::File), "the link has gone");
        folder.remove("remove").unwrap();
        folder.remove("folder").unwrap();
        folder.remove("absent").unwrap();
        assert!(!outside.path().join("absent").exists());
        assert_eq!(std::fs::read(outside.path().join("victim")).unwrap(), b"untouched");
        assert_eq!(std::fs::read(outside.path().join("victims/one")).unwrap(), b"untouched");
    }

    #[test]
    fn a_file_of_two_names_is_not_appended_to_and_a_pipe_is_not_waited_for() {
        let place = tempfile::tempdir().unwrap();
        std::fs::write(place.path().join("a"), "one").unwrap();
        std::fs::hard_link(place.path().join("a"), place.path().join("b")).unwrap();
        assert!(std::process::Command::new("mkfifo").arg(place.path().join("pipe")).status().unwrap().success());
        let folder = Folder::open(place.path()).unwrap();
        assert!(folder.append("b").is_err());
        folder.write("b", b"two").unwrap();
        assert_eq!(folder.read("a", 3).unwrap(), b"one");
        assert!(folder.read("a", 2).is_err(), "it is larger than allowed");
        assert!(folder.read("pipe", 100).is_err() && folder.append("pipe").is_err());
    }

    #[test]
    fn folders_are_removed_with_everything_in_them_and_names_stay_inside() {
        let place = tempfile::tempdir().unwrap();
        let folder = Folder::open(place.path()).unwrap();
        let inner = folder.create_folder("a").unwrap().create_folder("b").unwrap();
        inner.write("c", b"").unwrap();
        folder.write("d", b"").unwrap();
        for name in ["", ".", "..", "a/b", "/", "/etc", "a/"] {
            assert!(folder.read(name, 1).is_err() && folder.create_folder(name).is_err(), "{name}");
        }
        folder.remove("a").unwrap();
        assert_eq!(folder.entries().unwrap(), [("d".into(), Kind::File)]);
    }
}
