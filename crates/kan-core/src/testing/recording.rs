//! Recordings of an environment: `<Id>.json` beside `<Id>.safetensors`.

use crate::action::Action;
use crate::environment::KeywordArguments;
use safetensors::{Dtype, SafeTensors};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A file of a recording cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{}: {reason}", path.display())]
pub struct RecordingError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub reason: String,
}

/// What the JSON file says; keys that are not listed here are for other readers.
#[derive(Debug, Deserialize)]
pub(super) struct Header {
    pub id: String,
    pub max_episode_steps: Option<u32>,
    pub reward_threshold: Option<f64>,
    pub observation_space: Space,
    pub action_space: Space,
    #[serde(default)]
    pub seeded_resets: Vec<SeededReset>,
    #[serde(default)]
    pub action_space_samples: BTreeMap<u64, Vec<Value>>,
    #[serde(default)]
    pub episodes: Vec<Episode>,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "type")]
pub(super) enum Space {
    Discrete { n: usize },
    Box { dtype: String, low: Vec<Number>, high: Vec<Number> },
}

#[derive(Debug, Deserialize)]
pub(super) struct SeededReset {
    pub seed: u64,
    pub obs: Vec<Number>,
    pub state: Option<Vec<Number>>,
    pub qpos: Option<Vec<Number>>,
    pub qvel: Option<Vec<Number>>,
    pub bodies: Option<Vec<Vec<Number>>>,
    #[serde(default)]
    pub then_unseeded_resets_obs: Vec<Vec<Number>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Episode {
    pub seed: u64,
    pub policy: String,
    #[serde(default)]
    pub kwargs: KeywordArguments,
}

/// A number, or `"inf"`, `"-inf"`, `"nan"`.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "Value")]
pub(super) struct Number(pub f64);

impl TryFrom<Value> for Number {
    type Error = String;

    fn try_from(value: Value) -> Result<Self, String> {
        let text = value.as_str().and_then(|text| text.parse().ok());
        value.as_f64().or(text).map(Self).ok_or_else(|| format!("{value} is not a number"))
    }
}

/// `Number`s as f64.
pub(super) fn plain(numbers: &[Number]) -> Vec<f64> {
    numbers.iter().map(|number| number.0).collect()
}

/// A whole recording.
pub(super) struct Recording {
    pub path: PathBuf,
    pub header: Header,
    tensors: BTreeMap<String, Tensor>,
}

struct Tensor {
    rows: usize,
    element_type: Dtype,
    /// Row-major, widened.
    values: Vec<f64>,
}

/// Rows of numbers of one episode.
#[derive(Clone, Copy)]
pub(super) struct Rows<'a> {
    pub values: &'a [f64],
    pub size: usize,
}

impl<'a> Rows<'a> {
    pub fn row(&self, row: usize) -> &'a [f64] {
        &self.values[row * self.size..(row + 1) * self.size]
    }
}

/// Actions of one episode in the element type they were recorded in.
pub(super) enum Actions {
    Discrete(Vec<usize>),
    F32 { values: Vec<f32>, size: usize },
    F64 { values: Vec<f64>, size: usize },
}

impl Actions {
    pub fn len(&self) -> usize {
        match self {
            Self::Discrete(actions) => actions.len(),
            Self::F32 { values, size } => values.len() / size,
            Self::F64 { values, size } => values.len() / size,
        }
    }

    pub fn row(&self, row: usize) -> Action<'_> {
        match self {
            Self::Discrete(actions) => Action::Discrete(actions[row]),
            Self::F32 { values, size } => Action::F32(&values[row * size..(row + 1) * size]),
            Self::F64 { values, size } => Action::F64(&values[row * size..(row + 1) * size]),
        }
    }
}

impl Recording {
    /// Only the JSON file's header.
    pub fn read_header(path: &Path) -> Result<Header, RecordingError> {
        let text = std::fs::read_to_string(path).map_err(|error| failed(path, &error))?;
        serde_json::from_str(&text).map_err(|error| failed(path, &error))
    }

    /// Both files.
    pub fn read(path: &Path) -> Result<Self, RecordingError> {
        let header = Self::read_header(path)?;
        let tensor_path = path.with_extension("safetensors");
        let bytes = std::fs::read(&tensor_path).map_err(|error| failed(&tensor_path, &error))?;
        let file = SafeTensors::deserialize(&bytes).map_err(|error| failed(&tensor_path, &error))?;
        let mut tensors = BTreeMap::new();
        for (name, view) in file.tensors() {
            let values = widen(view.dtype(), view.data())
                .ok_or_else(|| failed(&tensor_path, &format!("`{name}` has the element type {:?}", view.dtype())))?;
            let rows = view.shape().first().copied().unwrap_or(1);
            tensors.insert(name, Tensor { rows, element_type: view.dtype(), values });
        }
        Ok(Self { path: tensor_path, header, tensors })
    }

    /// The numbers `name` of episode `episode`, which has `rows` of them; `None` where they were not recorded.
    pub fn rows(&self, episode: usize, name: &str, rows: usize) -> Result<Option<Rows<'_>>, RecordingError> {
        let name = format!("ep{episode}/{name}");
        let Some(tensor) = self.tensors.get(&name) else { return Ok(None) };
        if tensor.rows != rows || rows == 0 {
            return Err(failed(&self.path, &format!("`{name}` has {} rows, expected {rows}", tensor.rows)));
        }
        Ok(Some(Rows { values: &tensor.values, size: tensor.values.len() / rows }))
    }

    /// As [`Self::rows`], for numbers that every recording has.
    pub fn required(&self, episode: usize, name: &str, rows: usize) -> Result<Rows<'_>, RecordingError> {
        self.rows(episode, name, rows)?.ok_or_else(|| failed(&self.path, &format!("no tensor `ep{episode}/{name}`")))
    }

    /// The actions of an episode.
    pub fn actions(&self, episode: usize) -> Result<Actions, RecordingError> {
        let name = format!("ep{episode}/actions");
        let tensor = self.tensors.get(&name).ok_or_else(|| failed(&self.path, &format!("no tensor `{name}`")))?;
        let size = tensor.values.len().checked_div(tensor.rows).filter(|size| *size > 0);
        let size = size.ok_or_else(|| failed(&self.path, &format!("`{name}` is empty")))?;
        Ok(match tensor.element_type {
            Dtype::F32 => Actions::F32 { values: tensor.values.iter().map(|value| *value as f32).collect(), size },
            Dtype::F64 => Actions::F64 { values: tensor.values.clone(), size },
            _ => Actions::Discrete(tensor.values.iter().map(|value| *value as usize).collect()),
        })
    }

    /// Names of the `info` numbers of an episode.
    pub fn info_names(&self, episode: usize) -> Vec<String> {
        let prefix = format!("ep{episode}/info_");
        self.tensors.keys().filter_map(|name| name.strip_prefix(&prefix)).map(str::to_owned).collect()
    }
}

fn failed(path: &Path, reason: &dyn std::fmt::Display) -> RecordingError {
    RecordingError { path: path.to_owned(), reason: reason.to_string() }
}

fn widen(element_type: Dtype, data: &[u8]) -> Option<Vec<f64>> {
    fn each<const N: usize>(data: &[u8], read: impl Fn([u8; N]) -> f64) -> Vec<f64> {
        data.as_chunks().0.iter().map(|bytes| read(*bytes)).collect()
    }
    Some(match element_type {
        Dtype::F64 => each(data, f64::from_le_bytes),
        Dtype::F32 => each(data, |bytes| f64::from(f32::from_le_bytes(bytes))),
        Dtype::I64 => each(data, |bytes| i64::from_le_bytes(bytes) as f64),
        Dtype::I32 => each(data, |bytes| f64::from(i32::from_le_bytes(bytes))),
        Dtype::U8 | Dtype::BOOL => each(data, |[byte]| f64::from(byte)),
        _ => return None,
    })
}
