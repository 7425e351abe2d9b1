//! The parts of a policy that every language has: inputs by name, outputs by number, bounds, and what an action is.

use super::code::{self, Dialect};
use crate::formula::Formula;
use kanrl_core::action::ActionRule;
use std::collections::{BTreeMap, BTreeSet};

/// A line for each input that the formula uses, of its index and its name there.
pub(super) fn inputs(
    formula: &Formula,
    names: &BTreeMap<String, String>,
    line: impl Fn(usize, &str) -> String,
) -> String {
    let used: BTreeSet<&str> = formula.used_inputs().collect();
    let inputs = formula.inputs().iter().enumerate().filter(|(_, name)| used.contains(name.as_str()));
    inputs.map(|(index, name)| line(index, &names[name])).collect()
}

/// A line for each output, of its index and its expression.
pub(super) fn outputs(
    formula: &Formula,
    names: &BTreeMap<String, String>,
    dialect: &dyn Dialect,
    line: impl Fn(usize, &str) -> String,
) -> String {
    let curves = formula.curves();
    let outputs = formula.outputs().iter().enumerate();
    outputs.map(|(index, output)| line(index, &code::write(&output.expression, names, &curves, dialect))).collect()
}

/// Bounds in single precision between commas, with the language's word for infinity.
pub(super) fn bounds(bounds: &[f64], infinity: &str) -> String {
    let bound = |bound: &f64| match bound {
        bound if bound.is_finite() => format!("{:?}", f64::from(*bound as f32)),
        bound if *bound < 0.0 => format!("-{infinity}"),
        _ => infinity.to_owned(),
    };
    bounds.iter().map(bound).collect::<Vec<_>>().join(", ")
}

/// What an action is, for a comment.
pub(super) fn about_action(formula: &Formula) -> &'static str {
    match formula.action() {
        ActionRule::Argmax => "The number of the action, from 0: the first largest output.",
        ActionRule::Threshold => "The number of the action: 1 where the output is above 0, else 0.",
        ActionRule::Clip { .. } => "The action: the outputs in single precision, clipped to their bounds.",
    }
}
