//! Zip archives: every member is read whole, within its limit, or refused.
#![no_main]

use kanrl_experts::archive::Archive;
use libfuzzer_sys::fuzz_target;

const LIMIT: u64 = 1 << 20;

fuzz_target!(|bytes: &[u8]| {
    let Ok(mut archive) = Archive::new("fuzz.zip".to_owned(), bytes.to_vec()) else { return };
    for name in archive.names() {
        if let Ok(member) = archive.read(&name, LIMIT) {
            assert_eq!(archive.size(&name), Some(member.len() as u64));
            assert!(member.len() as u64 <= LIMIT);
        }
    }
});
