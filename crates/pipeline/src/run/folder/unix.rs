//! Names below a directory's descriptor, by the calls that POSIX has for it.

use super::{Access, Kind};
use rustix::fs::{self, AtFlags, CWD, Dir, FileType, Mode, OFlags};
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::Result;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

pub(super) type Handle = OwnedFd;

/// The user's umask decides who may read and write.
const FILE_MODE: Mode = Mode::from_raw_mode(0o666);
const FOLDER_MODE: Mode = Mode::from_raw_mode(0o777);

pub(super) fn open(path: &Path) -> Result<Handle> {
    Ok(fs::openat(CWD, path, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?)
}

pub(super) fn open_folder(folder: &Handle, name: &OsStr) -> Result<Handle> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    Ok(fs::openat(folder, name, flags, Mode::empty())?)
}

pub(super) fn make_folder(folder: &Handle, name: &OsStr) -> Result<()> {
    Ok(fs::mkdirat(folder, name, FOLDER_MODE)?)
}

pub(super) fn open_file(folder: &Handle, name: &OsStr, access: Access) -> Result<File> {
    let access = match access {
        Access::Read => OFlags::RDONLY,
        Access::Append => OFlags::WRONLY | OFlags::APPEND | OFlags::CREATE,
        Access::Lock => OFlags::RDWR | OFlags::CREATE,
        Access::New => OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL,
    };
    // Without NONBLOCK, opening a pipe waits for its other end; for regular files it means nothing.
    let flags = access | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    Ok(fs::openat(folder, name, flags, FILE_MODE)?.into())
}

pub(super) fn rename(folder: &Handle, from: &OsStr, to: &OsStr) -> Result<()> {
    Ok(fs::renameat(folder, from, folder, to)?)
}

pub(super) fn remove_file(folder: &Handle, name: &OsStr) -> Result<()> {
    Ok(fs::unlinkat(folder, name, AtFlags::empty())?)
}

pub(super) fn remove_folder(folder: &Handle, name: &OsStr) -> Result<()> {
    Ok(fs::unlinkat(folder, name, AtFlags::REMOVEDIR)?)
}

pub(super) fn kind(folder: &Handle, name: &OsStr) -> Result<Kind> {
    let stat = fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW)?;
    Ok(match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => Kind::File,
        FileType::Directory => Kind::Folder,
        _ => Kind::Other,
    })
}

pub(super) fn names(folder: &Handle) -> Result<Vec<OsString>> {
    let mut names = Vec::new();
    for entry in Dir::read_from(folder)? {
        let entry = entry?;
        let name = OsStr::from_bytes(entry.file_name().to_bytes());
        if name != "." && name != ".." {
            names.push(name.to_owned());
        }
    }
    Ok(names)
}

/// How many names a file has.
pub(super) fn names_of(file: &File) -> Result<u64> {
    Ok(file.metadata()?.nlink())
}
