//! Finds and reads the recorded data that tests compare with (Gymnasium trajectories, SB3 agents, pykan's numbers).
//!
//! Short recordings are part of the repository, in `tests/golden`. The whole ones are in the folder named by the environment
//! variable `KANRL_REFERENCE` (relative to the workspace's root), by default `../shared/reference`. If they are absent, tests
//! compare with the golden ones and say so; with `KANRL_REFERENCE=require` they fail.
//!
//! ```
//! for case in kanrl_reference_data::files("envs", "json") {
//!     println!("{}", kanrl_reference_data::read_json(&case)["max_episode_steps"]);
//! }
//! ```

use safetensors::{Dtype, SafeTensors};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

/// The variable that names the folder of the whole recordings, or is `require`.
const VARIABLE: &str = "KANRL_REFERENCE";

/// The folder `part` of the whole recordings, or `None` (and a visible line) where it is absent.
///
/// # Panics
/// If it is absent and `KANRL_REFERENCE` is `require`.
pub fn folder(part: &str) -> Option<PathBuf> {
    let named = std::env::var_os(VARIABLE).filter(|value| !value.is_empty());
    let is_required = named.as_ref().is_some_and(|value| value == "require");
    let root = named.filter(|_| !is_required).map_or_else(|| PathBuf::from("../shared/reference"), PathBuf::from);
    let folder = workspace().join(root).join(part);
    if folder.is_dir() {
        return Some(folder);
    }
    assert!(!is_required, "{VARIABLE}=require, but {} does not exist", folder.display());
    say(&format!("skipped: the whole recordings of `{part}` are not here"));
    None
}

/// The folders `part` that there are: that of the golden recordings, then that of the whole ones.
///
/// # Panics
/// As [`folder`].
pub fn folders(part: &str) -> Vec<PathBuf> {
    let golden = workspace().join("tests/golden").join(part);
    golden.is_dir().then_some(golden).into_iter().chain(folder(part)).collect()
}

/// All files of the folder `part` with that extension, sorted: of the whole recordings, or of the golden ones where these
/// are absent.
///
/// # Panics
/// As [`folder`], or if the folder cannot be read.
pub fn files(part: &str, extension: &str) -> Vec<PathBuf> {
    let Some(folder) = folders(part).pop() else { return Vec::new() };
    let entries = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.expect("a readable folder entry").path())
        .filter(|path| path.extension().is_some_and(|found| found == extension))
        .collect();
    files.sort();
    files
}

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A line that the test runner does not keep to itself: it captures what the print macros write, and nothing else.
pub fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// A JSON file.
///
/// # Panics
/// If it cannot be read.
pub fn read_json(path: &Path) -> serde_json::Value {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A number of the reference JSON, where `"inf"`, `"-inf"` and `"nan"` are strings.
///
/// # Panics
/// If it is none of these.
pub fn number(value: &serde_json::Value) -> f64 {
    match value.as_str() {
        Some("inf") => f64::INFINITY,
        Some("-inf") => f64::NEG_INFINITY,
        Some("nan") => f64::NAN,
        _ => value.as_f64().unwrap_or_else(|| panic!("not a number: {value}")),
    }
}

/// A (nested) JSON list of numbers, flattened row-major.
pub fn numbers(value: &serde_json::Value) -> Vec<f64> {
    match value.as_array() {
        Some(items) => items.iter().flat_map(numbers).collect(),
        None => vec![number(value)],
    }
}

/// A tensor, widened to f64 (all its element types fit).
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    /// Lengths of its axes.
    pub shape: Vec<usize>,
    /// Row-major values.
    pub values: Vec<f64>,
    /// The element type in the file, as safetensors names it (`F32`, `F64`, `I64`, `U8`, …).
    pub element_type: String,
}

/// The tensors of one file, by name.
#[derive(Clone, Debug, Default)]
pub struct Tensors(BTreeMap<String, Tensor>);

impl Tensors {
    /// Reads a `.safetensors` file.
    ///
    /// # Panics
    /// If it cannot be read.
    pub fn read(path: &Path) -> Self {
        let bytes = std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let file = SafeTensors::deserialize(&bytes).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let tensors = file.tensors().into_iter().map(|(name, view)| {
            let values = widen(view.dtype(), view.data());
            (name, Tensor { shape: view.shape().to_vec(), values, element_type: format!("{:?}", view.dtype()) })
        });
        Self(tensors.collect())
    }

    /// The tensor of that name, if there is one.
    pub fn find(&self, name: &str) -> Option<&Tensor> {
        self.0.get(name)
    }

    /// The tensor of that name.
    ///
    /// # Panics
    /// If there is none.
    pub fn get(&self, name: &str) -> &Tensor {
        self.find(name).unwrap_or_else(|| panic!("no tensor `{name}` in {:?}", self.0.keys()))
    }

    /// The values of the tensor of that name.
    ///
    /// # Panics
    /// If there is none.
    pub fn values(&self, name: &str) -> &[f64] {
        &self.get(name).values
    }

    /// All names, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

fn widen(element_type: Dtype, data: &[u8]) -> Vec<f64> {
    fn each<const N: usize>(data: &[u8], read: impl Fn([u8; N]) -> f64) -> Vec<f64> {
        data.chunks_exact(N).map(|bytes| read(bytes.try_into().expect("a chunk of N bytes"))).collect()
    }
    match element_type {
        Dtype::F64 => each(data, f64::from_le_bytes),
        Dtype::F32 => each(data, |bytes| f64::from(f32::from_le_bytes(bytes))),
        Dtype::I64 => each(data, |bytes| i64::from_le_bytes(bytes) as f64),
        Dtype::I32 => each(data, |bytes| f64::from(i32::from_le_bytes(bytes))),
        Dtype::U8 | Dtype::BOOL => each(data, |[byte]| f64::from(byte)),
        other => panic!("element type {other:?} is not supported"),
    }
}
