//! Which networks learn from the expert in a run, side by side.

use crate::config::RunConfig;
use kan_core::config::{ApproximatorConfig, BuildError};
use serde_json::json;

/// A network's name in the run, and what it is built from.
pub type NamedNetwork = (String, Box<dyn ApproximatorConfig>);

/// The names that a run's networks have (`kan` without hidden layers, `kan-2`, `kan-3-3`, `kan-2-lambda-0.01`), with what
/// each is built from: the config's approximator in each of the hidden widths with each sparsity strength, as far as its kind
/// has them.
///
/// # Errors
/// [`BuildError`] where the approximator does not take such widths.
pub fn networks(config: &RunConfig) -> Result<Vec<NamedNetwork>, BuildError> {
    let error = |source: serde_json::Error| BuildError {
        component: "approximator",
        reason: "the hidden widths do not fit it".into(),
        source: Some(Box::new(source)),
    };
    let whole = serde_json::to_value(&config.approximator).map_err(error)?;
    let kind = config.approximator.typetag_name();
    let has = |key: &str| whole.get(key).is_some_and(|value| !value.is_null());
    let own_widths = [None];
    let widths: Vec<Option<&Vec<usize>>> = match &config.students.widths {
        widths if has("hidden") && !widths.is_empty() => widths.iter().map(Some).collect(),
        _ => own_widths.to_vec(),
    };
    let lambdas: Vec<Option<f64>> = match &config.students.lambdas {
        lambdas if has("lambda") && !lambdas.is_empty() => lambdas.iter().copied().map(Some).collect(),
        _ => vec![None],
    };
    let mut networks = Vec::new();
    for widths in widths {
        for lambda in &lambdas {
            let (mut value, mut name) = (whole.clone(), kind.to_owned());
            if let Some(widths) = widths {
                value["hidden"] = json!(widths);
                widths.iter().for_each(|width| name += &format!("-{width}"));
            }
            if let Some(lambda) = lambda {
                value["lambda"] = json!(lambda);
                if lambdas.len() > 1 {
                    name += &format!("-lambda-{lambda}");
                }
            }
            networks.push((name, serde_json::from_value(value).map_err(error)?));
        }
    }
    Ok(networks)
}

/// The name of the linear rival.
pub const LINEAR: &str = "linear";
/// The name of the sparse quadratic rival.
pub const QUADRATIC: &str = "quadratic";

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
        assert_eq!(names("approximator.kind = 'mlp'"), ["mlp"]);
        assert_eq!(
            names("students.widths = [[2]]\nstudents.lambdas = [0, 0.01]"),
            ["kan-2-lambda-0", "kan-2-lambda-0.01"]
        );
        assert_eq!(names("approximator.lambda = 0.1"), ["kan", "kan-2"]);
    }
}
