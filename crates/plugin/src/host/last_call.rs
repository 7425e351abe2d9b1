//! The function that a plugin was in last, in a file that outlives a crash.

use super::watchdog::Function;
use std::fs::File;
use std::path::Path;
use std::sync::OnceLock;

/// Where calls are noted; they are not outside a check.
static NOTES: OnceLock<File> = OnceLock::new();

/// Notes every call from now on in the file at `path`, as the byte of its function.
pub(super) fn note_in(path: &Path) -> std::io::Result<()> {
    let _ = NOTES.set(File::create(path)?);
    Ok(())
}

/// Notes that a function is called.
#[inline]
pub(super) fn note(function: Function) {
    if let Some(file) = NOTES.get() {
        write(file, function as u8);
    }
}

/// Nobody is left to tell where it fails.
fn write(file: &File, byte: u8) {
    #[cfg(unix)]
    let _ = std::os::unix::fs::FileExt::write_at(file, &[byte], 0);
    #[cfg(windows)]
    let _ = std::os::windows::fs::FileExt::seek_write(file, &[byte], 0);
}

/// The function whose call was noted last, if any was.
pub(super) fn read(path: &Path) -> Option<Function> {
    std::fs::read(path).ok()?.first().map(|code| Function::from_code(*code))
}
