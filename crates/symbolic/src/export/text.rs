//! Plain text.

use super::names::Symbol;
use crate::expression::{Curve, Expression, is_plain_name, quoted, written};
use crate::formula::Formula;
use kanrl_core::action::ActionRule;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

impl fmt::Display for Formula {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&plain(self))
    }
}

/// A line for each output, and one for the action.
pub(super) fn plain(formula: &Formula) -> String {
    let lines = formula.outputs().iter().map(|output| (output.name.clone(), output.expression.to_string()));
    assemble(formula, lines.collect())
}

/// As the plain text, with greek letters, dots and subscripts in the names, and curves by their names with their
/// definitions at the end: for reading in a terminal, not for parsing.
pub fn unicode(formula: &Formula) -> String {
    let names: Vec<(&str, Expression)> = formula
        .inputs()
        .iter()
        .filter_map(|name| Some((name.as_str(), Expression::variable(&Symbol::new(name).unicode()).ok()?)))
        .collect();
    let names: BTreeMap<&str, Expression> = names.into_iter().collect();
    let curves = formula.curves();
    let name = |curve: &Curve, operand: &str| {
        let number = curves.iter().position(|known| **known == *curve).map_or(0, |index| index + 1);
        format!("{}({operand})", Symbol::new(&format!("f_{number}")).unicode())
    };
    let lines = formula.outputs().iter().map(|output| {
        let text = written(&output.expression.substitute(&names), &name);
        (Symbol::new(&output.name).unicode(), text)
    });
    let definitions = curves.iter().map(|curve| format!("\n{} = curve(x; {curve})", name(curve, "x")));
    assemble(formula, lines.collect()) + &definitions.collect::<String>()
}

fn assemble(formula: &Formula, lines: Vec<(String, String)>) -> String {
    let mut text = String::new();
    for (name, expression) in &lines {
        text += &format!("{} = {expression}\n", quoted(name));
    }
    let names: Vec<Cow<'_, str>> = lines.iter().map(|(name, _)| quoted(name)).collect();
    let labels = formula.labels();
    text += &match formula.action() {
        ActionRule::Argmax if !labels.is_empty() => {
            let choices = labels.iter().zip(&names).map(|(label, name)| format!("{}: {name}", label_text(label)));
            format!("action = argmax({})", choices.collect::<Vec<_>>().join(", "))
        }
        ActionRule::Threshold if !labels.is_empty() => {
            format!("action = {} if {} > 0 else {}", label_text(&labels[1]), names[0], label_text(&labels[0]))
        }
        ActionRule::Argmax => format!("action = argmax({})", names.join(", ")),
        ActionRule::Threshold => format!("action = argmax(0, {0}) = 1 if {0} > 0 else 0", names[0]),
        ActionRule::Clip { low, high } => {
            let clipped = names.iter().zip(low).zip(high).map(|((name, low), high)| clip(name, *low, *high));
            format!("action = [{}]", clipped.collect::<Vec<_>>().join(", "))
        }
    };
    text
}

/// A label as text, between backticks where it is neither a word nor a number.
fn label_text(label: &str) -> Cow<'_, str> {
    if is_plain_name(label) || label.parse::<f64>().is_ok() { label.into() } else { format!("`{label}`").into() }
}

fn clip(name: &str, low: f64, high: f64) -> String {
    let number = crate::expression::number;
    match (low.is_finite(), high.is_finite()) {
        (true, true) => format!("clip({name}, {}, {})", number(low), number(high)),
        (true, false) => format!("max({name}, {})", number(low)),
        (false, true) => format!("min({name}, {})", number(high)),
        (false, false) => name.to_owned(),
    }
}
