//! SHA-256, in hexadecimal digits.

use sha2::{Digest, Sha256};
use std::io::{Read, Result};

/// Bytes as hexadecimal digits.
pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// SHA-256 of all that a reader gives.
pub(crate) fn sha256(reader: &mut impl Read) -> Result<String> {
    let mut hash = Sha256::new();
    let mut chunk = vec![0; 64 << 10];
    loop {
        match reader.read(&mut chunk)? {
            0 => return Ok(hexadecimal(&hash.finalize())),
            count => hash.update(&chunk[..count]),
        }
    }
}
