//! Networks with a description, such as `kanrl train-expert` writes: what is read is written again the same.
#![no_main]

use kanrl_experts::network_file::NetworkFile;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(file) = NetworkFile::read("fuzz", bytes) {
        let written = file.write();
        let again = NetworkFile::read("again", &written).expect("what was written");
        assert_eq!(again.write(), written);
        let _ = file.standalone();
    }
});
