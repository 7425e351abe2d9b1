//! Telling one library from another.

use super::error::PluginError;
use sha2::{Digest, Sha256};
use std::io::Read;
use std::path::Path;

/// The SHA-256 of the library at `path`, in lower-case hexadecimal digits. None of its code runs.
///
/// # Errors
/// [`PluginError::NotFound`] where it cannot be read.
pub fn sha256(path: &Path) -> Result<String, PluginError> {
    let unreadable = |source| PluginError::NotFound { path: path.to_owned(), source };
    let mut file = std::fs::File::open(path).map_err(unreadable)?;
    let mut hash = Sha256::new();
    let mut part = vec![0; 1 << 16];
    loop {
        match file.read(&mut part).map_err(unreadable)? {
            0 => break,
            length => hash.update(&part[..length]),
        }
    }
    Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Whether the library at `path` is the one with this [`sha256`], before any of its code runs.
///
/// # Errors
/// [`PluginError::Changed`] where it is another one, [`PluginError::NotFound`] where it cannot be read.
pub fn verify(path: &Path, expected: &str) -> Result<(), PluginError> {
    let found = sha256(path)?;
    if found.eq_ignore_ascii_case(expected) {
        return Ok(());
    }
    Err(PluginError::Changed { path: path.to_owned(), expected: expected.to_owned(), found })
}
