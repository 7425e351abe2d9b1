//! The range of every number in a config: beyond it a run would need more memory or time than any machine has, or mean nothing.

use super::run::RunConfig;
use toml::Value;

/// Everything that is counted in episodes, rounds, steps of an optimizer, terms or rows is at most this.
const MANY: f64 = 1e6;
/// Layers of a network, and nodes of one.
const MOST_LAYERS: usize = 16;
const WIDEST: u64 = 1024;
/// Students that learn side by side.
const MOST_STUDENTS: usize = 1024;
/// Constants of a network's curves: with an optimizer's moments and a batch's intermediate values, some gigabytes.
const MOST_CONSTANTS: u64 = 20_000_000;

/// The lowest and the highest value of every number, by its key. Numbers in lists have the key of the list.
const RANGES: &[(&str, f64, f64)] = &[
    ("seed", 0.0, u64::MAX as f64),
    ("collect.train_episodes", 1.0, MANY),
    ("collect.validation_episodes", 1.0, MANY),
    ("collect.noise", 0.0, 1.0),
    ("students.widths", 0.0, WIDEST as f64),
    ("students.wider", 0.0, WIDEST as f64),
    ("students.lambdas", 0.0, 1e6),
    ("students.quadratic_terms", 0.0, 1e4),
    ("students.laws", 1.0, 64.0),
    ("approximator.hidden", 0.0, WIDEST as f64),
    ("approximator.products", 0.0, WIDEST as f64),
    ("approximator.grid", 1.0, 1e4),
    ("approximator.degree", 1.0, 16.0),
    ("approximator.noise", 0.0, 1e6),
    ("approximator.steps", 0.0, MANY),
    ("approximator.learning_rate", 0.0, 1e6),
    ("approximator.batch_rows", 0.0, 1e8),
    ("approximator.patience", 0.0, MANY),
    ("approximator.grid_updates", 0.0, MANY),
    ("approximator.grid_even_share", 0.0, 1.0),
    ("approximator.lambda", 0.0, 1e6),
    ("approximator.lambda_l1", 0.0, 1e6),
    ("approximator.lambda_entropy", 0.0, 1e6),
    ("approximator.lambda_coefficients", 0.0, 1e6),
    ("approximator.lambda_coefficient_differences", 0.0, 1e6),
    ("approximator.warm_up", 0.0, 1.0),
    ("approximator.gate", 0.0, 1e6),
    ("approximator.gate_at", 0.0, 1.0),
    ("approximator.device_crossover", 0.0, f64::MAX),
    ("dagger.rounds", 0.0, 1e4),
    ("dagger.formula_rounds", 0.0, 1e4),
    ("dagger.steps", 1.0, 1e8),
    ("dagger.expert_share", 0.0, 1.0),
    ("dagger.expert_share_decay", 0.0, 1.0),
    ("dagger.validation_episodes", 0.0, MANY),
    ("prune.edge_threshold", 0.0, 1e6),
    ("prune.node_threshold", 0.0, 1e6),
    ("library.margin", 0.0, 1e6),
    ("library.simplicity", 0.0, 1e6),
    ("symbolify.refit_steps", 0.0, MANY),
    ("symbolify.tolerance", 0.0, 1e6),
    ("symbolify.episodes", 0.0, MANY),
    ("symbolify.margin", 0.0, 1e6),
    ("refine.steps", 0.0, MANY),
    ("refine.products", 0.0, 1e4),
    ("refine.tolerance", 0.0, 1e6),
    ("refine.shorter", 0.0, 1e6),
    ("refine.rounding_tolerance", 0.0, 1e6),
    ("polish.environment_steps", 0.0, 1e13),
    ("polish.lambdas", 0.0, 1e6),
    ("polish.step_size", 0.0, 1e6),
    ("polish.tail_weight", 0.0, 1e6),
    ("polish.generations", 0.0, MANY),
    ("polish.tolerance", 0.0, 1e6),
    ("polish.perturbation", 0.0, 1.0),
    ("polish.noise", 0.0, 1e6),
    ("select.episodes", 0.0, MANY),
    ("select.tolerance", 0.0, 1e6),
    ("evaluate.episodes", 0.0, MANY),
    ("evaluate.robustness_episodes", 0.0, MANY),
];

/// A number that is out of its range: its section, its key inside, and what is wrong.
pub(super) struct OutOfRange {
    pub section: String,
    pub key: String,
    pub message: String,
}

/// Checks every number of a config, and what networks of these widths need.
pub(super) fn check(config: &RunConfig) -> Result<(), OutOfRange> {
    // TOML has infinities, and JSON none.
    let value = Value::try_from(config).expect("a config serializes");
    for (key, low, high) in RANGES {
        let (section, inside) = key.split_once('.').unwrap_or((key, ""));
        let found =
            value.get(section).and_then(|value| if inside.is_empty() { Some(value) } else { value.get(inside) });
        let refuse = |message: String| OutOfRange { section: section.to_owned(), key: inside.to_owned(), message };
        let mut numbers = Vec::new();
        found.into_iter().for_each(|found| collect(found, &mut numbers));
        if let Some(number) = numbers.into_iter().find(|number| !(*low..=*high).contains(number)) {
            let range = if *high == f64::MAX { format!("{low} or more") } else { format!("from {low} to {high}") };
            return Err(refuse(format!("{number} is out of range: it is {range}")));
        }
    }
    let students = &config.students;
    let refuse =
        |key: &str, message: String| OutOfRange { section: "students".to_owned(), key: key.to_owned(), message };
    let count = (students.widths.len().max(1) + students.wider.len())
        * students.lambdas.len().max(1)
        * students.functions.len().max(1);
    if count > MOST_STUDENTS {
        return Err(refuse(
            "widths",
            format!("{count} students are too many: at most {MOST_STUDENTS} learn side by side"),
        ));
    }
    let approximator = value.get("approximator");
    let number = |key: &str| approximator.and_then(|section| section.get(key)?.as_integer()).unwrap_or(0);
    let each = (number("grid") + number("degree") + 2).unsigned_abs();
    for (key, lists) in [("widths", &students.widths), ("wider", &students.wider)] {
        for widths in lists {
            if widths.len() > MOST_LAYERS {
                return Err(refuse(key, format!("{} layers are too many: at most {MOST_LAYERS}", widths.len())));
            }
            // Inputs and outputs are few beside widths that matter here.
            let curves: u64 = widths.windows(2).map(|pair| pair[0] as u64 * pair[1] as u64).sum();
            let curves = curves + widths.iter().map(|width| *width as u64).sum::<u64>();
            if curves.saturating_mul(each) > MOST_CONSTANTS {
                let message = format!(
                    "{widths:?} with `approximator.grid` has {curves} curves of {each} constants each: more than \
                     {MOST_CONSTANTS} in all need too much memory"
                );
                return Err(refuse(key, message));
            }
        }
    }
    Ok(())
}

/// The numbers in a value and in the lists that it holds.
fn collect(value: &Value, numbers: &mut Vec<f64>) {
    match value {
        Value::Integer(number) => numbers.push(*number as f64),
        Value::Float(number) => numbers.push(*number),
        Value::Array(list) => list.iter().for_each(|value| collect(value, numbers)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::RANGES;
    use crate::config::{MergedConfig, RawConfig};
    use serde_json::Value;

    #[test]
    fn every_number_of_the_default_config_has_a_range() {
        let config = MergedConfig::new(RawConfig::default()).resolve().unwrap();
        let Value::Object(sections) = serde_json::to_value(&config).unwrap() else { panic!("a table") };
        let has_range = |key: &str| RANGES.iter().any(|(known, ..)| *known == key);
        let is_number = |value: &Value| match value {
            Value::Array(list) => list.iter().any(|value| value.is_number() || value.is_array()),
            value => value.is_number(),
        };
        for (section, value) in sections {
            assert!(!is_number(&value) || has_range(&section), "{section}");
            for (key, value) in value.as_object().into_iter().flatten() {
                let key = format!("{section}.{key}");
                assert!(!is_number(value) || has_range(&key), "`{key}` has no range");
            }
        }
    }

    #[test]
    fn numbers_that_nobody_can_mean_are_refused_by_their_key() {
        for (text, says) in [
            ("collect.train_episodes = 4000000000", "collect.train_episodes"),
            ("collect.train_episodes = 0", "from 1 to"),
            ("[approximator]\nkind = 'kan'\ngrid = 400000", "approximator.grid"),
            ("approximator = { kind = 'kan', hidden = [1000000000] }", "1000000000 is out of range"),
            ("approximator = { kind = 'kan', degree = 300 }", "approximator.degree"),
            ("approximator = { kind = 'kan', grid = 9000 }\nstudents.widths = [[1000, 1000]]", "too much memory"),
            ("students.widths = [[1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1]]", "17 layers"),
            ("evaluate.episodes = 18446744073709551615", ""),
            ("polish.step_size = inf", "polish.step_size"),
            ("prune.edge_threshold = -1.0", "prune.edge_threshold"),
        ] {
            let raw = RawConfig::from_toml("run.toml", text);
            let refused = raw.and_then(|raw| MergedConfig::new(raw).resolve().map(drop));
            let error = refused.expect_err(text).to_string();
            assert!(error.contains(says), "{text}: {error}");
        }
    }
}
