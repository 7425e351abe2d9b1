//! Files of numbers: the first byte chooses the kind, the rest is the file.
#![no_main]

use kanrl_experts::data_files::{read_log, read_observations};
use libfuzzer_sys::fuzz_target;
use std::path::PathBuf;
use std::sync::LazyLock;

static FILES: LazyLock<[PathBuf; 5]> = LazyLock::new(|| {
    // Kept until the process ends: a libfuzzer process is never told that it does.
    let folder = tempfile::tempdir().expect("a folder").keep();
    ["npz", "npy", "csv", "safetensors", "hdf5"].map(|kind| folder.join(format!("fuzz.{kind}")))
});

fuzz_target!(|bytes: &[u8]| {
    let [kind, content @ ..] = bytes else { return };
    // Inputs from before there was HDF5 keep their kinds.
    let file = &FILES[if *kind == b'h' { 4 } else { usize::from(*kind) % 4 }];
    std::fs::write(file, content).expect("a temporary file");
    if let Ok(observations) = read_observations(file, &[]) {
        assert_eq!(observations.values.len(), observations.rows() * observations.size);
        assert!(observations.values.iter().all(|value| value.is_finite()));
    }
    if let Ok(dataset) = read_log(file, None, None).map(|log| log.rows) {
        assert_eq!(dataset.observations.len(), dataset.rows() * dataset.input_names.len());
    }
});
