//! Files of numbers and pickles with bits that flipped, ends that are missing, lengths that lie: an error or a valid value,
//! and no more memory than files of a few kilobytes can need.

use kanrl_experts::data_files::{read_log, read_observations};
use kanrl_experts::pickle::{Pickle, Value};
use kanrl_experts::sb3::vecnormalize;
use peak_alloc::PeakAlloc;
use proptest::prelude::*;
use std::path::{Path, PathBuf};

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

/// Most bytes that this process may hold at any time. The files have at most 2 kB, which deflate can turn into 2 MB, and
/// arrays are widened to eight bytes an element; lengths that are believed would ask for gigabytes.
const MEMORY: usize = 64 << 20;

fn folder(path: &str) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    let entries = std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let mut files: Vec<PathBuf> = entries.filter(|path| path.is_file()).collect();
    files.sort();
    let name = |path: &Path| path.file_name().expect("a name").display().to_string();
    files.iter().map(|path| (name(path), std::fs::read(path).expect("a readable file"))).collect()
}

/// Undamaged files of every kind.
fn files() -> Vec<(String, Vec<u8>)> {
    let logs = folder("tests/fixtures/logs");
    let pickles = folder("../../fuzz/corpus/pickle").into_iter();
    logs.into_iter().chain(pickles.filter(|(_, bytes)| bytes.len() > 20)).collect()
}

/// Every object that can be reached without following one twice.
fn walk(value: Value<'_>, depth: usize) -> usize {
    assert!(depth <= 2 * kanrl_experts::pickle::MAX_DEPTH);
    assert!(!value.describe().is_empty());
    let inside = value.as_sequence().unwrap_or_default().into_iter().chain(value.arguments().unwrap_or_default());
    1 + inside.take(8).take_while(|_| depth < 4).map(|value| walk(value, depth + 1)).sum::<usize>()
}

/// Reads it in every way there is; what is read must be valid.
fn read(name: &str, bytes: &[u8], folder: &Path) {
    if name.ends_with(".pkl") {
        if let Ok((pickle, length)) = Pickle::read_prefix(bytes) {
            assert!(length <= bytes.len());
            walk(pickle.root(), 0);
            let _ = vecnormalize::read(name, &bytes[..length]);
        }
    } else {
        let path = folder.join(name);
        std::fs::write(&path, bytes).expect("a file");
        if let Ok(observations) = read_observations(&path, &[]) {
            assert_eq!(observations.values.len(), observations.rows() * observations.size);
            assert!(observations.values.iter().all(|value| value.is_finite()));
        }
        if let Ok(log) = read_log(&path, None, None) {
            let rows = &log.rows;
            assert_eq!(rows.observations.len(), rows.rows() * rows.input_names.len());
            assert!(rows.rows() > 0 && rows.targets.iter().all(|value| value.is_finite()));
        }
    }
    assert!(ALLOCATOR.peak_usage() < MEMORY, "{name} made it {} bytes", ALLOCATOR.peak_usage());
}

#[test]
fn an_end_that_is_missing() {
    let temporary = tempfile::tempdir().expect("a folder");
    for (name, bytes) in files() {
        for length in 0..bytes.len() {
            read(&name, &bytes[..length], temporary.path());
        }
    }
}

#[test]
fn a_bit_that_flipped() {
    let temporary = tempfile::tempdir().expect("a folder");
    for (name, bytes) in files() {
        // Every fifth: all places in a byte come up.
        for bit in (0..bytes.len() * 8).step_by(5) {
            let mut damaged = bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            read(&name, &damaged, temporary.path());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]
    #[test]
    fn bytes_that_lie(
        file in any::<prop::sample::Index>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), prop::sample::select(&[1_usize, 2, 4, 8][..]), 0..4_u8), 1..5),
        end in any::<prop::sample::Index>(),
        cut in any::<bool>(),
    ) {
        let files = files();
        let (name, bytes) = &files[file.index(files.len())];
        let mut bytes = bytes.clone();
        for (place, width, value) in changes {
            // Lengths that are too large, nothing, the largest positive number, or text.
            let place = place.index(bytes.len());
            let stop = (place + width).min(bytes.len());
            bytes[place..stop].fill([0xff, 0, 0x7f, b'9'][usize::from(value)]);
        }
        if cut {
            bytes.truncate(end.index(bytes.len()));
        }
        let temporary = tempfile::tempdir().expect("a folder");
        read(name, &bytes, temporary.path());
    }
}
