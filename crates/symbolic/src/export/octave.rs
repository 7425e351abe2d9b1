//! MATLAB and Octave: a function file.

use super::code::{self, Code, Dialect, Level, call, chained};
use crate::expression::{Curve, Operator};
use crate::formula::Formula;
use kanrl_core::action::ActionRule;
use std::cell::RefCell;
use std::collections::BTreeSet;

/// Functions that the language does not have, or that leave the real numbers there; written where they are used.
const HELPERS: [(&str, &str); 12] = [
    (
        "policy_power",
        "function result = policy_power(x, exponent)\n  result = 1;\n  left = abs(exponent);\n  while left > 0\n    \
         if mod(left, 2) == 1\n      result = result * x;\n    end\n    x = x * x;\n    left = floor(left / 2);\n  end\n  \
         if exponent < 0\n    result = 1 / result;\n  end\nend\n\n",
    ),
    ("policy_step", "function y = policy_step(x)\n  y = double(x > 0);\nend\n\n"),
    (
        "policy_gate",
        "function y = policy_gate(x, positive, otherwise_)\n  if x > 0\n    y = positive;\n  else\n    y = otherwise_;\n  end\nend\n\n",
    ),
    ("policy_min", "function y = policy_min(a, b)\n  if a < b\n    y = a;\n  else\n    y = b;\n  end\nend\n\n"),
    ("policy_max", "function y = policy_max(a, b)\n  if a > b\n    y = a;\n  else\n    y = b;\n  end\nend\n\n"),
    ("policy_gaussian", "function y = policy_gaussian(x)\n  y = exp(-(x * x));\nend\n\n"),
    ("policy_log", "function y = policy_log(x)\n  if x >= 0\n    y = log(x);\n  else\n    y = NaN;\n  end\nend\n\n"),
    ("policy_sqrt", "function y = policy_sqrt(x)\n  if x >= 0\n    y = sqrt(x);\n  else\n    y = NaN;\n  end\nend\n\n"),
    (
        "policy_asin",
        "function y = policy_asin(x)\n  if abs(x) <= 1\n    y = asin(x);\n  else\n    y = NaN;\n  end\nend\n\n",
    ),
    (
        "policy_acos",
        "function y = policy_acos(x)\n  if abs(x) <= 1\n    y = acos(x);\n  else\n    y = NaN;\n  end\nend\n\n",
    ),
    (
        "policy_atanh",
        "function y = policy_atanh(x)\n  if abs(x) <= 1\n    y = atanh(x);\n  else\n    y = NaN;\n  end\nend\n\n",
    ),
    (
        "policy_pow",
        "function z = policy_pow(x, y)\n  if x >= 0 || y == floor(y)\n    z = x ^ y;\n  else\n    z = NaN;\n  end\nend\n\n",
    ),
];

#[derive(Default)]
struct Octave {
    helpers: RefCell<BTreeSet<&'static str>>,
}

impl Octave {
    fn helper(&self, name: &'static str) -> &'static str {
        self.helpers.borrow_mut().insert(name);
        name
    }
}

impl Dialect for Octave {
    fn whole_power(&self, base: &Code, exponent: i32) -> Code {
        Code::new(format!("{}({}, {exponent})", self.helper("policy_power"), base.text), Level::Atom)
    }

    fn power(&self, base: &Code, exponent: &Code) -> Code {
        Code::new(format!("{}({}, {})", self.helper("policy_pow"), base.text, exponent.text), Level::Atom)
    }

    fn call(&self, operator: Operator, operands: &[Code]) -> String {
        match operator {
            Operator::Min => chained(self.helper("policy_min"), operands),
            Operator::Max => chained(self.helper("policy_max"), operands),
            Operator::Clip => {
                let raised = call(self.helper("policy_max"), &operands[..2]);
                format!("{}({raised}, {})", self.helper("policy_min"), operands[2].text)
            }
            Operator::Gate => call(self.helper("policy_gate"), operands),
            Operator::Step => call(self.helper("policy_step"), operands),
            Operator::Gaussian => call(self.helper("policy_gaussian"), operands),
            Operator::Log => call(self.helper("policy_log"), operands),
            Operator::Sqrt => call(self.helper("policy_sqrt"), operands),
            Operator::Arcsin => call(self.helper("policy_asin"), operands),
            Operator::Arccos => call(self.helper("policy_acos"), operands),
            Operator::Arctanh => call(self.helper("policy_atanh"), operands),
            Operator::Arctan => call("atan", operands),
            other => call(other.name(), operands),
        }
    }

    fn curve(&self, number: usize) -> String {
        format!("policy_curve_{number}")
    }

    fn define_curve(&self, number: usize, curve: &Curve) -> String {
        let mut text = format!("function y = {}(x)\n", self.curve(number));
        for (index, (origin, coefficients)) in curve.pieces().enumerate() {
            let value = code::horner(coefficients, &format!("({})", code::plus("x", -origin, self)), self);
            let word = if index == 0 { "if" } else { "elseif" };
            text += &match curve.breakpoints().get(index) {
                Some(end) => format!("  {word} x < {end:?}\n    y = {value};\n"),
                None => format!("  else\n    y = {value};\n  end\nend\n\n"),
            };
        }
        text
    }
}

/// `policy.m`: `[action, outputs] = policy(observation)`.
pub(super) fn formula(formula: &Formula) -> String {
    let dialect = Octave::default();
    // No word of the language and no function begins like this.
    let mut names = code::identifiers(formula, |_| false, |_| code::NOTHING);
    names.values_mut().for_each(|name| name.insert_str(0, "x_"));
    let write = |(index, output): (usize, &crate::formula::Output)| {
        let value = code::write(&output.expression, &names, &formula.curves(), &dialect);
        format!("  outputs({}) = {value};\n", index + 1)
    };
    let values: String = formula.outputs().iter().enumerate().map(write).collect();
    let used: BTreeSet<&str> = formula.used_inputs().collect();
    let inputs: String = (formula.inputs().iter().enumerate())
        .filter(|(_, input)| used.contains(input.as_str()))
        .map(|(index, input)| format!("  {} = observation({});\n", names[input], index + 1))
        .collect();
    let list = |bounds: &[f64]| {
        let bound = |bound: &f64| match bound {
            bound if bound.is_finite() => format!("{:?}", f64::from(*bound as f32)),
            bound if *bound < 0.0 => "-Inf".to_owned(),
            _ => "Inf".to_owned(),
        };
        bounds.iter().map(bound).collect::<Vec<_>>().join(", ")
    };
    let (about, action) = match formula.action() {
        ActionRule::Argmax => (
            "action is the number of the action, from 0: the first largest output.",
            "  [~, best] = max(outputs);\n  action = best - 1;\n".to_owned(),
        ),
        ActionRule::Threshold => (
            "action is the number of the action: 1 where the output is above 0, else 0.",
            "  action = double(outputs(1) > 0);\n".to_owned(),
        ),
        ActionRule::Clip { low, high } => (
            "action is the outputs in single precision, clipped to their bounds.",
            format!("  action = min(max(single(outputs), single([{}])), single([{}]));\n", list(low), list(high)),
        ),
    };
    let helpers: String =
        HELPERS.iter().filter(|(name, _)| dialect.helpers.borrow().contains(name)).map(|(_, text)| *text).collect();
    format!(
        "function [action, outputs] = policy(observation)\n{}  % {about}\n  % outputs are the values before the action rule.\n\
         {inputs}  outputs = zeros(1, {});\n{values}{action}end\n\n{}{helpers}",
        code::comment(formula, "  % ", &[]),
        formula.outputs().len(),
        code::curves(formula, &dialect),
    )
    .trim_end()
    .to_owned()
        + "\n"
}
