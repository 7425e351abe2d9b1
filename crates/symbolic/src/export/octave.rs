//! MATLAB and Octave: a function file.

use super::calls::{Calls, Language};
use super::code::{self, Code, Dialect};
use super::parts;
use crate::expression::{Curve, Operator};
use crate::formula::Formula;
use kanrl_core::action::ActionRule;

/// Functions that the language does not have, or that leave the real numbers there; written where they are used.
static OCTAVE: Language = Language {
    library: "",
    suffix: "",
    renamed: &[],
    prefix: "policy_",
    helpers: &[
        (
            "power",
            "function result = policy_power(x, exponent)\n  result = 1;\n  left = abs(exponent);\n  while left > 0\n    \
         if mod(left, 2) == 1\n      result = result * x;\n    end\n    x = x * x;\n    left = floor(left / 2);\n  end\n  \
         if exponent < 0\n    result = 1 / result;\n  end\nend\n\n",
        ),
        ("step", "function y = policy_step(x)\n  y = double(x > 0);\nend\n\n"),
        (
            "gate",
            "function y = policy_gate(x, positive, otherwise_)\n  if x > 0\n    y = positive;\n  else\n    y = otherwise_;\n  end\nend\n\n",
        ),
        ("min", "function y = policy_min(a, b)\n  if a < b\n    y = a;\n  else\n    y = b;\n  end\nend\n\n"),
        ("max", "function y = policy_max(a, b)\n  if a > b\n    y = a;\n  else\n    y = b;\n  end\nend\n\n"),
        ("gaussian", "function y = policy_gaussian(x)\n  y = exp(-(x * x));\nend\n\n"),
        ("log", "function y = policy_log(x)\n  if x >= 0\n    y = log(x);\n  else\n    y = NaN;\n  end\nend\n\n"),
        ("sqrt", "function y = policy_sqrt(x)\n  if x >= 0\n    y = sqrt(x);\n  else\n    y = NaN;\n  end\nend\n\n"),
        (
            "asin",
            "function y = policy_asin(x)\n  if abs(x) <= 1\n    y = asin(x);\n  else\n    y = NaN;\n  end\nend\n\n",
        ),
        (
            "acos",
            "function y = policy_acos(x)\n  if abs(x) <= 1\n    y = acos(x);\n  else\n    y = NaN;\n  end\nend\n\n",
        ),
        (
            "atanh",
            "function y = policy_atanh(x)\n  if abs(x) <= 1\n    y = atanh(x);\n  else\n    y = NaN;\n  end\nend\n\n",
        ),
        (
            "pow",
            "function z = policy_pow(x, y)\n  if x >= 0 || y == floor(y)\n    z = x ^ y;\n  else\n    z = NaN;\n  end\nend\n\n",
        ),
    ],
};

struct Octave(Calls);

impl Dialect for Octave {
    fn whole_power(&self, base: &Code, exponent: i32) -> Code {
        self.0.whole_power(base, exponent)
    }

    fn power(&self, base: &Code, exponent: &Code) -> Code {
        self.0.power(base, exponent)
    }

    fn call(&self, operator: Operator, operands: &[Code]) -> String {
        self.0.call(operator, operands)
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
    let dialect = Octave(Calls::new(&OCTAVE));
    // No word of the language and no function begins like this.
    let mut names = code::identifiers(formula, |_| false, |_| code::NOTHING);
    names.values_mut().for_each(|name| name.insert_str(0, "x_"));
    let values =
        parts::outputs(formula, &names, &dialect, |index, text| format!("  outputs({}) = {text};\n", index + 1));
    let inputs = parts::inputs(formula, &names, |index, name| format!("  {name} = observation({});\n", index + 1));
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
            format!(
                "  action = min(max(single(outputs), single([{}])), single([{}]));\n",
                parts::bounds(low, "Inf"),
                parts::bounds(high, "Inf")
            ),
        ),
    };
    let helpers = dialect.0.helpers();
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
