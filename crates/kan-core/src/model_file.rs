//! Model files: safetensors, with what the tensors do not say in the metadata.

use crate::fit::ApproximatorError;
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::{BTreeMap, HashMap};

/// The only key: a safetensors header keeps its metadata in no fixed order, and equal models must be equal files.
const KEY: &str = "kanrl";

/// Version of all layouts.
const VERSION: &str = "1";

/// A tensor to be written: name, shape, values.
pub(crate) type Tensor<'a> = (String, Vec<usize>, &'a [f64]);

/// A model as a file.
///
/// # Panics
/// If a shape does not fit its values or two tensors have one name.
pub(crate) fn write<const N: usize>(
    format: &str,
    config: &impl Serialize,
    counts: [(&str, usize); N],
    tensors: &[Tensor<'_>],
) -> Vec<u8> {
    let bytes: Vec<Vec<u8>> = tensors
        .iter()
        .map(|(_, _, values)| values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>())
        .collect();
    let views = tensors.iter().zip(&bytes).map(|((name, shape, _), bytes)| {
        (name, TensorView::new(Dtype::F64, shape.clone(), bytes).expect("the shape fits the values"))
    });
    let mut entries = BTreeMap::from([
        ("format", format.to_owned()),
        ("version", VERSION.to_owned()),
        ("config", serde_json::to_string(config).expect("a config is plain data")),
    ]);
    entries.extend(counts.map(|(name, count)| (name, count.to_string())));
    let entries = serde_json::to_string(&entries).expect("names and texts are plain data");
    safetensors::serialize(views, Some(HashMap::from([(KEY.to_owned(), entries)]))).expect("names are unique")
}

/// A model file that was opened: format and version are right, nothing else was looked at.
pub(crate) struct ModelFile<'a> {
    tensors: SafeTensors<'a>,
    entries: BTreeMap<String, String>,
}

fn bad(reason: impl Into<String>) -> ApproximatorError {
    ApproximatorError::BadModel { reason: reason.into() }
}

impl<'a> ModelFile<'a> {
    /// Opens what [`write`] wrote in that format.
    pub(crate) fn open(bytes: &'a [u8], format: &str) -> Result<Self, ApproximatorError> {
        let (_, header) = SafeTensors::read_metadata(bytes).map_err(|error| bad(error.to_string()))?;
        let tensors = SafeTensors::deserialize(bytes).map_err(|error| bad(error.to_string()))?;
        let text = header.metadata().as_ref().and_then(|metadata| metadata.get(KEY));
        let text = text.ok_or_else(|| bad(format!("its metadata has no `{KEY}`")))?;
        let entries = serde_json::from_str(text).map_err(|error| bad(format!("its metadata: {error}")))?;
        let file = Self { tensors, entries };
        if file.entry("format")? != format {
            return Err(bad(format!("its format is `{}`, not `{format}`", file.entry("format")?)));
        }
        if file.entry("version")? != VERSION {
            return Err(bad(format!("its version is {}, this program reads {VERSION}", file.entry("version")?)));
        }
        Ok(file)
    }

    fn entry(&self, name: &str) -> Result<&str, ApproximatorError> {
        self.entries.get(name).map(String::as_str).ok_or_else(|| bad(format!("its metadata has no `{name}`")))
    }

    /// The configuration.
    pub(crate) fn config<T: DeserializeOwned>(&self) -> Result<T, ApproximatorError> {
        serde_json::from_str(self.entry("config")?).map_err(|error| bad(format!("its configuration: {error}")))
    }

    /// A number of something.
    pub(crate) fn count(&self, name: &str) -> Result<usize, ApproximatorError> {
        // Far above any use, and far below what could exhaust memory before the shapes are compared.
        let count = self.entry(name)?.parse().ok().filter(|count| (1..=65_536).contains(count));
        count.ok_or_else(|| bad(format!("its number of {name} is not between 1 and 65536")))
    }

    /// The values of a tensor of that shape, all of them finite.
    pub(crate) fn values(&self, name: &str, shape: &[usize]) -> Result<Vec<f64>, ApproximatorError> {
        let view = self.tensors.tensor(name).map_err(|_| bad(format!("there is no tensor `{name}`")))?;
        if view.dtype() != Dtype::F64 || view.shape() != shape {
            return Err(bad(format!("`{name}` is {:?} {:?}, not F64 {shape:?}", view.dtype(), view.shape())));
        }
        let read = |bytes: &[u8]| f64::from_le_bytes(bytes.try_into().expect("a chunk of 8 bytes"));
        let values: Vec<f64> = view.data().chunks_exact(8).map(read).collect();
        match values.iter().find(|value| !value.is_finite()) {
            Some(value) => Err(bad(format!("`{name}` contains {value}"))),
            None => Ok(values),
        }
    }

    /// Length of a tensor's first axis: how a model without counts in its metadata says its size.
    pub(crate) fn length(&self, name: &str) -> Result<usize, ApproximatorError> {
        let view = self.tensors.tensor(name).map_err(|_| bad(format!("there is no tensor `{name}`")))?;
        match view.shape().first() {
            Some(length @ 1..) => Ok(*length),
            _ => Err(bad(format!("`{name}` is empty"))),
        }
    }
}
