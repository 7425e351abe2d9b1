//! Which networks learn from the expert in a run, side by side.

use crate::config::RunConfig;
use kan_core::config::{ApproximatorConfig, BuildError};
use serde_json::{Value, json};

/// The names that a run's networks have, with what each is built from: the config's approximator in each of the hidden
/// widths, or as it is where its kind has none.
///
/// # Errors
/// [`BuildError`] where the approximator does not take such widths.
pub fn networks(config: &RunConfig) -> Result<Vec<(String, Box<dyn ApproximatorConfig>)>, BuildError> {
    let error = |source: serde_json::Error| BuildError {
        component: "approximator",
        reason: "the hidden widths do not fit it".into(),
        source: Some(Box::new(source)),
    };
    let whole = serde_json::to_value(&config.approximator).map_err(error)?;
    let kind = config.approximator.typetag_name();
    let with = |widths: &[usize]| {
        let mut value = whole.clone();
        value["hidden"] = json!(widths);
        let built = serde_json::from_value(value).map_err(error)?;
        Ok((name(kind, widths), built))
    };
    if whole.get("hidden").is_some_and(Value::is_array) && !config.students.widths.is_empty() {
        config.students.widths.iter().map(|widths| with(widths)).collect()
    } else {
        Ok(vec![(kind.to_owned(), serde_json::from_value(whole.clone()).map_err(error)?)])
    }
}

/// The name of the linear rival.
pub const LINEAR: &str = "linear";
/// The name of the sparse quadratic rival.
pub const QUADRATIC: &str = "quadratic";

/// `kan` without hidden layers, `kan-2`, `kan-3-3`, …
fn name(kind: &str, widths: &[usize]) -> String {
    widths.iter().fold(kind.to_owned(), |name, width| format!("{name}-{width}"))
}

#[cfg(test)]
mod tests {
    use super::networks;
    use crate::config::{MergedConfig, RawConfig};

    #[test]
    fn widths_that_are_set_are_the_only_ones() {
        let names = |text: &str| {
            let raw = RawConfig::from_toml("run.toml", text).unwrap();
            let config = MergedConfig::new(raw).resolve().unwrap();
            networks(&config).unwrap().into_iter().map(|(name, _)| name).collect::<Vec<_>>()
        };
        assert_eq!(names(""), ["kan", "kan-2"]);
        assert_eq!(names("approximator.hidden = [3, 3]"), ["kan-3-3"]);
        assert_eq!(names("approximator.hidden = []"), ["kan"]);
        assert_eq!(names("approximator.hidden = [3]\nstudents.widths = [[4]]"), ["kan-4"]);
        assert_eq!(names("approximator.kind = 'linear'"), ["linear"]);
    }
}
