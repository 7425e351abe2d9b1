//! Names below a folder's path, for systems without POSIX: links are looked for before each step.

use super::{Access, Kind};
use std::ffi::{OsStr, OsString};
use std::fs::{self, File, OpenOptions};
use std::io::{Error, ErrorKind, Result};
use std::path::{Path, PathBuf};

pub(super) type Handle = PathBuf;

pub(super) fn open(path: &Path) -> Result<Handle> {
    if fs::metadata(path)?.is_dir() { Ok(path.to_owned()) } else { Err(ErrorKind::NotADirectory.into()) }
}

pub(super) fn open_folder(folder: &Handle, name: &OsStr) -> Result<Handle> {
    match kind(folder, name)? {
        Kind::Folder => Ok(folder.join(name)),
        _ => Err(ErrorKind::NotADirectory.into()),
    }
}

pub(super) fn make_folder(folder: &Handle, name: &OsStr) -> Result<()> {
    fs::create_dir(folder.join(name))
}

pub(super) fn open_file(folder: &Handle, name: &OsStr, access: Access) -> Result<File> {
    match kind(folder, name) {
        Ok(Kind::File) => {}
        Ok(_) => return Err(Error::new(ErrorKind::InvalidInput, "it is not a regular file")),
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        Err(_) => {}
    }
    let mut options = OpenOptions::new();
    match access {
        Access::Read => options.read(true),
        Access::Append => options.append(true).create(true),
        Access::Lock => options.read(true).write(true).create(true).truncate(false),
        Access::New => options.write(true).create_new(true),
    };
    options.open(folder.join(name))
}

pub(super) fn rename(folder: &Handle, from: &OsStr, to: &OsStr) -> Result<()> {
    fs::rename(folder.join(from), folder.join(to))
}

pub(super) fn remove_file(folder: &Handle, name: &OsStr) -> Result<()> {
    fs::remove_file(folder.join(name))
}

pub(super) fn remove_folder(folder: &Handle, name: &OsStr) -> Result<()> {
    fs::remove_dir(folder.join(name))
}

pub(super) fn kind(folder: &Handle, name: &OsStr) -> Result<Kind> {
    let found = fs::symlink_metadata(folder.join(name))?.file_type();
    Ok(if found.is_file() {
        Kind::File
    } else if found.is_dir() {
        Kind::Folder
    } else {
        Kind::Other
    })
}

pub(super) fn names(folder: &Handle) -> Result<Vec<OsString>> {
    fs::read_dir(folder)?.map(|entry| Ok(entry?.file_name())).collect()
}

/// How many names a file has: unknown here.
pub(super) fn names_of(_file: &File) -> Result<u64> {
    Ok(1)
}

#[cfg(all(test, unix))]
mod tests {
    use super::super::{Access, Kind};
    use std::ffi::OsStr;

    #[test]
    fn links_are_seen_before_they_are_followed() {
        let place = tempfile::tempdir().unwrap();
        std::fs::write(place.path().join("file"), "x").unwrap();
        std::os::unix::fs::symlink(place.path().join("file"), place.path().join("link")).unwrap();
        let folder = super::open(place.path()).unwrap();
        let name = OsStr::new;
        assert_eq!(super::kind(&folder, name("link")).unwrap(), Kind::Other);
        for access in [Access::Read, Access::Append, Access::Lock, Access::New] {
            assert!(super::open_file(&folder, name("link"), access).is_err(), "{access:?}");
        }
        super::make_folder(&folder, name("sub")).unwrap();
        super::open_folder(&folder, name("sub")).unwrap();
        super::open_file(&folder, name("new"), Access::New).unwrap();
        super::rename(&folder, name("new"), name("newer")).unwrap();
        super::remove_folder(&folder, name("sub")).unwrap();
        super::remove_file(&folder, name("link")).unwrap();
        let mut names = super::names(&folder).unwrap();
        names.sort();
        assert_eq!(names, ["file", "newer"]);
        let file = super::open_file(&folder, name("newer"), Access::Read).unwrap();
        assert_eq!(super::names_of(&file).unwrap(), 1);
    }
}
