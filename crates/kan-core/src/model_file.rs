//! What the tensors of a model file do not say.

use crate::approximator::ApproximatorError;
use std::collections::{BTreeMap, HashMap};

/// The only key: a safetensors header keeps its metadata in no fixed order, and equal models must be equal files.
const KEY: &str = "kanrl";

/// Entries as safetensors metadata.
pub(crate) fn metadata<const N: usize>(entries: [(&str, String); N]) -> HashMap<String, String> {
    let entries = BTreeMap::from(entries);
    HashMap::from([(KEY.to_owned(), serde_json::to_string(&entries).expect("names and texts are plain data"))])
}

/// The entries that [`metadata`] wrote.
pub(crate) fn entries(
    metadata: Option<&HashMap<String, String>>,
) -> Result<BTreeMap<String, String>, ApproximatorError> {
    let bad = |reason: String| ApproximatorError::BadModel { reason };
    let text = metadata.and_then(|metadata| metadata.get(KEY));
    let text = text.ok_or_else(|| bad(format!("its metadata has no `{KEY}`")))?;
    serde_json::from_str(text).map_err(|error| bad(format!("its metadata: {error}")))
}
