//! `vecnormalize.pkl`: the running statistics that an agent's observations were normalized with.

use crate::ExpertError;
use crate::normalization::ObservationNormalization;
use crate::numpy;
use crate::pickle::{Pickle, Value};

const CLASS: (&str, &str) = ("stable_baselines3.common.vec_env.vec_normalize", "VecNormalize");

/// The observation normalization of a pickled `VecNormalize`, of all numbers in a row; `None` where it normalizes rewards only.
/// `file` names the file in errors.
///
/// # Errors
/// [`ExpertError`] for a damaged pickle, another class, or statistics that are not numbers.
pub fn read(file: &str, bytes: &[u8]) -> Result<Option<ObservationNormalization>, ExpertError> {
    let pickle = Pickle::read(bytes).map_err(|source| ExpertError::Pickle { file: file.to_owned(), source })?;
    let root = pickle.root();
    let class = match root.callee() {
        // Protocols 0 and 1 rebuild an object through a helper.
        Some(("copyreg" | "copy_reg", "_reconstructor")) => {
            root.arguments().and_then(|arguments| arguments.first()?.as_global())
        }
        other => other,
    };
    if class != Some(CLASS) {
        let reason = format!("holds {}; expected Stable-Baselines3's VecNormalize", root.describe());
        return Err(ExpertError::malformed(file, reason));
    }
    statistics(root).map_err(|reason| ExpertError::malformed(file, reason))
}

fn statistics(root: Value<'_>) -> Result<Option<ObservationNormalization>, String> {
    if root.attribute("norm_obs").and_then(Value::as_bool) == Some(false) {
        return Ok(None);
    }
    let statistics = root.attribute("obs_rms").ok_or("has no observation statistics (obs_rms)")?;
    let is_statistics = |value: &Value<'_>| value.callee().is_some_and(|(_, name)| name == "RunningMeanStd");
    // A Dict's statistics come by key, in the order of its keys.
    let parts = match statistics.entries() {
        Some(entries) if !is_statistics(&statistics) => entries.map(|(_, value)| value).collect(),
        _ => vec![statistics],
    };
    if let Some(other) = parts.iter().find(|part| !is_statistics(part)) {
        return Err(format!("has {} as observation statistics; expected running means", other.describe()));
    }
    let array = |name: &str| {
        let mut values = Vec::new();
        for part in &parts {
            let value = part.attribute(name).ok_or_else(|| format!("has no `{name}` in its statistics"))?;
            let array =
                numpy::array(value).map_err(|reason| format!("has a bad `{name}` in its statistics: {reason}"))?;
            values.extend(array.values);
        }
        Ok::<_, String>(values)
    };
    let number = |name: &str| {
        let value = root.attribute(name).map(numpy::array);
        match value {
            Some(Ok(array)) if array.values.len() == 1 => Ok(array.values[0]),
            _ => Err(format!("has no number `{name}`")),
        }
    };
    let normalization = ObservationNormalization {
        mean: array("mean")?,
        variance: array("var")?,
        epsilon: number("epsilon")?,
        clip: number("clip_obs")?,
    };
    normalization.check(normalization.mean.len())?;
    Ok(Some(normalization))
}
