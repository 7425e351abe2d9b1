//! The unpickler and the reader of `vecnormalize.pkl` on top of it.
#![no_main]

use kanrl_experts::pickle::Pickle;
use kanrl_experts::sb3::vecnormalize;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok((pickle, length)) = Pickle::read_prefix(bytes) {
        assert!(length <= bytes.len());
        let _ = (pickle.root().describe(), pickle.globals().count());
        let _ = vecnormalize::read("fuzz", &bytes[..length]);
    }
});
