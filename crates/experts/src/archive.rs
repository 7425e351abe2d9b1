//! Files of others with limits: what a file or a zip's member claims is checked before anything is allocated for it.

use crate::ExpertError;
use kanrl_core::config::{BuildError, ExpertSource};
use std::io::{Cursor, Read};
use std::path::Path;
use zip::ZipArchive;

/// Largest file that is read at all, in bytes.
pub(crate) const MAX_FILE: u64 = 512 << 20;

/// Most members of an archive.
const MAX_MEMBERS: usize = 1 << 16;

/// A zip archive in memory; its members are stored or deflated.
#[derive(Clone)]
pub struct Archive {
    file: String,
    zip: ZipArchive<Cursor<Vec<u8>>>,
}

impl Archive {
    /// Opens the bytes of a zip; `file` names it in errors.
    ///
    /// # Errors
    /// [`ExpertError::Malformed`] for bytes that are not a complete zip, or a zip with too many members.
    pub fn new(file: String, bytes: Vec<u8>) -> Result<Self, ExpertError> {
        match ZipArchive::new(Cursor::new(bytes)) {
            Ok(zip) if zip.len() > MAX_MEMBERS => Err(ExpertError::malformed(
                &file,
                format!("has {} members; at most {MAX_MEMBERS} are accepted", zip.len()),
            )),
            Ok(zip) => Ok(Self { file, zip }),
            Err(error) => {
                let reason = format!("is not a complete zip archive ({error}); copy or download it again");
                Err(ExpertError::malformed(&file, reason))
            }
        }
    }

    /// Names of all members, sorted.
    pub fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = self.zip.file_names().map(str::to_owned).collect();
        names.sort();
        names
    }

    /// Whether the zip begins where the file does: what remains of an archive that was cut off may end with a member that is a
    /// zip itself.
    pub fn is_whole(&self) -> bool {
        self.zip.offset() == 0
    }

    /// Size that a member claims to have when unpacked, or `None` where there is no such member.
    pub fn size(&mut self, member: &str) -> Option<u64> {
        let index = self.zip.index_for_name(member)?;
        self.zip.by_index_raw(index).ok().map(|entry| entry.size())
    }

    /// Unpacks a member of at most `limit` bytes.
    ///
    /// # Errors
    /// [`ExpertError`] for a member that is not there, is larger, damaged, or not as long as it claims to be.
    pub fn read(&mut self, member: &str, limit: u64) -> Result<Vec<u8>, ExpertError> {
        let path = format!("{}/{member}", self.file);
        let too_large = |bytes| ExpertError::TooLarge { file: path.clone(), bytes, limit };
        let damaged = |error: &dyn std::fmt::Display| {
            ExpertError::malformed(&path, format!("cannot be unpacked ({error}); copy or download the archive again"))
        };
        let Some(index) = self.zip.index_for_name(member) else {
            let (file, present) = (self.file.clone(), self.names());
            return Err(ExpertError::MissingMember { file, member: member.to_owned(), present });
        };
        let entry = self.zip.by_index(index).map_err(|error| damaged(&error))?;
        let size = entry.size();
        if size > limit {
            return Err(too_large(size));
        }
        // The claim may be a lie in either direction: start small and stop right after the limit.
        let mut bytes = Vec::with_capacity(size.min(1 << 20) as usize);
        entry.take(limit + 1).read_to_end(&mut bytes).map_err(|error| damaged(&error))?;
        if bytes.len() as u64 > limit {
            return Err(too_large(bytes.len() as u64));
        }
        if bytes.len() as u64 != size {
            return Err(damaged(&format!("{} bytes, {size} were announced", bytes.len())));
        }
        Ok(bytes)
    }
}

/// Opens a regular file, and nothing that could keep the reader waiting.
fn open(path: &Path) -> std::io::Result<std::fs::File> {
    let mut options = std::fs::File::options();
    options.read(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, libc::O_NONBLOCK);
    let file = options.open(path)?;
    if file.metadata()?.is_file() {
        return Ok(file);
    }
    Err(std::io::Error::other("it is not a regular file; pipes, devices, and folders cannot be read"))
}

/// A regular file's bytes, if it is not larger than `limit`.
///
/// # Errors
/// [`ExpertError::Io`], also for a pipe or a device, or [`ExpertError::TooLarge`] before anything is read.
pub fn read_file(path: &Path, limit: u64) -> Result<Vec<u8>, ExpertError> {
    let file = path.display().to_string();
    let io = |source| ExpertError::Io { file: file.clone(), source };
    let opened = open(path).map_err(io)?;
    let too_large = |bytes| Err(ExpertError::TooLarge { file: file.clone(), bytes, limit });
    let length = opened.metadata().map_err(io)?.len();
    if length > limit {
        return too_large(length);
    }
    // A file may grow.
    let mut bytes = Vec::new();
    opened.take(limit + 1).read_to_end(&mut bytes).map_err(io)?;
    if bytes.len() as u64 > limit { too_large(bytes.len() as u64) } else { Ok(bytes) }
}

/// Files as what an expert is made from.
pub(crate) fn sources(paths: &[&Path]) -> Result<Vec<ExpertSource>, BuildError> {
    let source =
        |path: &&Path| Ok(ExpertSource { name: path.display().to_string(), content: read_file(path, MAX_FILE)? });
    paths.iter().map(source).collect::<Result<_, ExpertError>>().map_err(ExpertError::into_build_error)
}
