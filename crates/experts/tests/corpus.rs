//! The fuzz targets' corpora, replayed: nothing panics, and every refusal says what it always said.

use experts::pickle::Pickle;
use experts::sb3::Sb3Archive;
use experts::torch::StateDict;
use std::fmt::Write;
use std::path::Path;

/// One line for each file of a corpus.
fn replay(target: &str, outcome: impl Fn(Vec<u8>) -> String) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(target);
    let mut files: Vec<_> =
        std::fs::read_dir(&folder).expect("a corpus").map(|entry| entry.expect("an entry").path()).collect();
    files.sort();
    assert!(!files.is_empty());
    let mut lines = String::new();
    for file in files {
        let name = file.file_name().expect("a name").display().to_string();
        writeln!(lines, "{name}: {}", outcome(std::fs::read(&file).expect("a readable file"))).expect("a string");
    }
    lines
}

#[test]
fn pickles() {
    let outcomes = replay("pickle", |bytes| match Pickle::read(&bytes) {
        Ok(pickle) => {
            let globals: Vec<String> = pickle.globals().map(|(module, name)| format!("{module}.{name}")).collect();
            format!("{} {globals:?}", pickle.root().describe())
        }
        Err(error) => format!("refused: {error}"),
    });
    insta::assert_snapshot!(outcomes);
}

#[test]
fn state_dicts() {
    let outcomes = replay("state_dict", |bytes| {
        let mut state = match StateDict::read("x.pth", bytes) {
            Ok(state) => state,
            Err(error) => return format!("refused: {error}"),
        };
        let names: Vec<String> = state.names().map(str::to_owned).collect();
        let tensors = names.iter().map(|name| match state.tensor(name) {
            Ok(tensor) => format!("{name} {:?} {:?}", tensor.shape, tensor.values),
            Err(error) => format!("refused: {error}"),
        });
        tensors.collect::<Vec<String>>().join(", ")
    });
    insta::assert_snapshot!(outcomes);
}

#[test]
fn archives() {
    let outcomes = replay("sb3_archive", |bytes| {
        match Sb3Archive::read("x.zip", bytes, None).and_then(|archive| archive.standalone(None)) {
            Ok(policy) => format!("{:?} of {} parameters", policy.head(), policy.network().parameters()),
            Err(error) => format!("refused: {error}"),
        }
    });
    insta::assert_snapshot!(outcomes);
}
