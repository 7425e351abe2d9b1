//! A plugin's tables, at any address of a memory that the fuzzer fills.
#![no_main]

use libfuzzer_sys::fuzz_target;
use kanrl_plugin::{SliceMemory, tables};

fuzz_target!(|bytes: &[u8]| {
    let memory = SliceMemory(bytes);
    let _ = tables::plugin(&memory, 1);
    let _ = tables::environments(&memory, 1, 2);
    if let Ok(spec) = tables::spec(&memory, 1, "Fuzz-v0") {
        assert!(!spec.observation_space.is_empty() && spec.action_space.outputs() > 0);
    }
    let _ = tables::parameters(&memory, 1, 2);
    if let Ok(frame) = tables::frame(&memory, 1) {
        assert_eq!(frame.rgb.len(), frame.width * frame.height * 3);
    }
    let _ = tables::numbers(&memory, 1, 3, "state");
});
