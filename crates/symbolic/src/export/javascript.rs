//! JavaScript: an ES module without dependencies.

use super::code::{self, Code, Dialect, Level, call, chained};
use crate::expression::{Curve, Operator};
use crate::formula::Formula;
use kanrl_core::action::ActionRule;
use std::cell::RefCell;
use std::collections::BTreeSet;

const RESERVED: [&str; 66] = [
    "await",
    "arguments",
    "break",
    "case",
    "catch",
    "class",
    "const",
    "continue",
    "debugger",
    "default",
    "delete",
    "do",
    "else",
    "enum",
    "eval",
    "export",
    "extends",
    "false",
    "finally",
    "for",
    "function",
    "if",
    "implements",
    "import",
    "in",
    "instanceof",
    "interface",
    "let",
    "new",
    "null",
    "of",
    "package",
    "private",
    "protected",
    "public",
    "return",
    "static",
    "super",
    "switch",
    "this",
    "throw",
    "true",
    "try",
    "typeof",
    "undefined",
    "var",
    "void",
    "while",
    "with",
    "yield",
    "async",
    "get",
    "set",
    "NaN",
    "Infinity",
    "Math",
    "INPUTS",
    "OUTPUTS",
    "observation",
    "outputs",
    "action",
    "values",
    "best",
    "power",
    "gate",
    "index",
];

/// Functions that the language does not have, written where they are used.
const HELPERS: [(&str, &str); 6] = [
    (
        "power",
        "function power(x, exponent) {\n  let result = 1;\n  for (let left = Math.abs(exponent); left > 0; left = left >> 1) {\n    \
         if (left & 1) result *= x;\n    x *= x;\n  }\n  return exponent < 0 ? 1 / result : result;\n}\n\n",
    ),
    ("step", "const step = (x) => (x > 0 ? 1 : 0);\n\n"),
    ("gate", "const gate = (x, positive, otherwise) => (x > 0 ? positive : otherwise);\n\n"),
    ("min", "const min = (a, b) => (a < b ? a : b);\n\n"),
    ("max", "const max = (a, b) => (a > b ? a : b);\n\n"),
    ("gaussian", "const gaussian = (x) => Math.exp(-(x * x));\n\n"),
];

#[derive(Default)]
struct JavaScript {
    helpers: RefCell<BTreeSet<&'static str>>,
}

impl JavaScript {
    fn helper(&self, name: &'static str) -> &'static str {
        self.helpers.borrow_mut().insert(name);
        name
    }
}

impl Dialect for JavaScript {
    fn whole_power(&self, base: &Code, exponent: i32) -> Code {
        Code::new(format!("{}({}, {exponent})", self.helper("power"), base.text), Level::Atom)
    }

    fn power(&self, base: &Code, exponent: &Code) -> Code {
        Code::new(format!("Math.pow({}, {})", base.text, exponent.text), Level::Atom)
    }

    fn call(&self, operator: Operator, operands: &[Code]) -> String {
        match operator {
            Operator::Min => chained(self.helper("min"), operands),
            Operator::Max => chained(self.helper("max"), operands),
            Operator::Clip => {
                let raised = call(self.helper("max"), &operands[..2]);
                format!("{}({raised}, {})", self.helper("min"), operands[2].text)
            }
            Operator::Gate => call(self.helper("gate"), operands),
            Operator::Step => call(self.helper("step"), operands),
            Operator::Gaussian => call(self.helper("gaussian"), operands),
            Operator::Arcsin => call("Math.asin", operands),
            Operator::Arccos => call("Math.acos", operands),
            Operator::Arctan => call("Math.atan", operands),
            Operator::Arctanh => call("Math.atanh", operands),
            other => call(&format!("Math.{}", other.name()), operands),
        }
    }

    fn define_curve(&self, number: usize, curve: &Curve) -> String {
        let mut text = format!("function {}(x) {{\n", self.curve(number));
        for (index, (origin, coefficients)) in curve.pieces().enumerate() {
            let value = code::horner(coefficients, &format!("({})", code::plus("x", -origin, self)), self);
            text += &match curve.breakpoints().get(index) {
                Some(end) => format!("  if (x < {end:?}) return {value};\n"),
                None => format!("  return {value};\n}}\n\n"),
            };
        }
        text
    }
}

/// A module with `outputs` and `action`.
pub(super) fn formula(formula: &Formula) -> String {
    let dialect = JavaScript::default();
    let names = code::identifiers(formula, |name| RESERVED.contains(&name), |_| code::NOTHING);
    let write = |output: &crate::formula::Output| {
        format!("    {},\n", code::write(&output.expression, &names, &formula.curves(), &dialect))
    };
    let values: String = formula.outputs().iter().map(write).collect();
    let helpers: String =
        HELPERS.iter().filter(|(name, _)| dialect.helpers.borrow().contains(name)).map(|(_, text)| *text).collect();
    let used: BTreeSet<&str> = formula.used_inputs().collect();
    let inputs: String = (formula.inputs().iter().enumerate())
        .filter(|(_, name)| used.contains(name.as_str()))
        .map(|(index, name)| format!("  const {} = observation[{index}];\n", names[name]))
        .collect();
    let action = match formula.action() {
        ActionRule::Argmax => "  const values = outputs(observation);\n  let best = 0;\n  \
                               for (let index = 1; index < OUTPUTS; index++) if (values[index] > values[best]) best = index;\n  \
                               return best;\n"
            .to_owned(),
        ActionRule::Threshold => "  return outputs(observation)[0] > 0 ? 1 : 0;\n".to_owned(),
        ActionRule::Clip { low, high } => {
            let list = |bounds: &[f64]| {
                let bound = |bound: &f64| match bound {
                    bound if bound.is_finite() => format!("{:?}", f64::from(*bound as f32)),
                    bound if *bound < 0.0 => "-Infinity".to_owned(),
                    _ => "Infinity".to_owned(),
                };
                bounds.iter().map(bound).collect::<Vec<_>>().join(", ")
            };
            format!(
                "  const low = [{}];\n  const high = [{}];\n  return outputs(observation).map((value, index) => {{\n    \
                 const single = Math.fround(value);\n    \
                 return single < low[index] ? low[index] : single > high[index] ? high[index] : single;\n  }});\n",
                list(low),
                list(high)
            )
        }
    };
    let about_action = match formula.action() {
        ActionRule::Argmax => "The number of the action: the first largest output.",
        ActionRule::Threshold => "The number of the action: 1 where the output is above 0, else 0.",
        ActionRule::Clip { .. } => "The action: the outputs in single precision, clipped to their bounds.",
    };
    format!(
        "{}\nexport const INPUTS = {};\nexport const OUTPUTS = {};\n\n{}{helpers}\
         /** The outputs' values for an array of INPUTS numbers, before the action rule. */\n\
         export function outputs(observation) {{\n{inputs}  return [\n{values}  ];\n}}\n\n\
         /** {about_action} */\nexport function action(observation) {{\n{action}}}\n",
        code::comment(formula, "// ", &[]),
        formula.inputs().len(),
        formula.outputs().len(),
        code::curves(formula, &dialect),
    )
}
