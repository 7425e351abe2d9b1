//! torch's zip and legacy files.
#![no_main]

use kanrl_experts::torch::StateDict;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(mut state) = StateDict::read("fuzz", bytes.to_vec()) {
        let names: Vec<String> = state.names().map(str::to_owned).collect();
        for name in names {
            if let Ok(tensor) = state.tensor(&name) {
                assert_eq!(tensor.values.len(), tensor.shape.iter().product::<usize>());
            }
        }
    }
});
