//! The fuzz targets' corpora, replayed: nothing panics, and every refusal says what it always said.

use kanrl_experts::archive::Archive;
use kanrl_experts::data_files::{read_log, read_observations};
use kanrl_experts::network_file::NetworkFile;
use kanrl_experts::pickle::Pickle;
use kanrl_experts::sb3::Sb3Archive;
use kanrl_experts::torch::StateDict;
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

#[test]
fn zip_archives() {
    let outcomes = replay("zip_archive", |bytes| {
        let mut archive = match Archive::new("x.zip".to_owned(), bytes) {
            Ok(archive) => archive,
            Err(error) => return format!("refused: {error}"),
        };
        let members = archive.names().into_iter().map(|name| match archive.read(&name, 1 << 20) {
            Ok(bytes) => format!("{name} of {} bytes", bytes.len()),
            Err(error) => format!("refused: {error}"),
        });
        members.collect::<Vec<String>>().join(", ")
    });
    insta::assert_snapshot!(outcomes);
}

#[test]
fn network_files() {
    let outcomes = replay("network_file", |bytes| {
        let file = match NetworkFile::read("x.safetensors", &bytes) {
            Ok(file) => file,
            Err(error) => return format!("refused: {error}"),
        };
        assert_eq!(NetworkFile::read("x.safetensors", &file.write()).expect("what was written"), file);
        match file.standalone() {
            Ok(policy) => format!("{:?} of {} parameters", policy.head(), policy.network().parameters()),
            Err(error) => format!("refused: {error}"),
        }
    });
    insta::assert_snapshot!(outcomes);
}

/// The first byte of an input says which kind of file the rest is.
#[test]
fn data_files() {
    let folder = tempfile::tempdir().expect("a folder");
    let without_folder = |text: String| text.replace(&format!("{}/", folder.path().display()), "");
    let outcomes = replay("data_file", |bytes| {
        let Some((kind, content)) = bytes.split_first() else { return "nothing".to_owned() };
        let kinds = ["npz", "npy", "csv", "safetensors", "hdf5"];
        let kind = if *kind == b'h' { 4 } else { usize::from(*kind) % 4 };
        let file = folder.path().join(format!("x.{}", kinds[kind]));
        std::fs::write(&file, content).expect("a temporary file");
        let observations = match read_observations(&file, &[]) {
            Ok(observations) => format!("{:?}", observations.values),
            Err(error) => format!("refused: {error}"),
        };
        let dataset = match read_log(&file, None, None).map(|log| log.rows) {
            Ok(dataset) => format!("{} rows to learn {:?} from", dataset.rows(), dataset.targets),
            Err(error) => format!("refused: {error}"),
        };
        without_folder(format!("{observations}; {dataset}"))
    });
    insta::assert_snapshot!(outcomes);
}
