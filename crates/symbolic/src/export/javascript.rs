//! JavaScript: an ES module without dependencies.

use super::calls::{Calls, Language};
use super::code::{self, Code, Dialect};
use super::parts;
use crate::expression::{Curve, Operator};
use crate::formula::Formula;
use kanrl_core::action::ActionRule;

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
static JAVA_SCRIPT: Language = Language {
    library: "Math.",
    suffix: "",
    renamed: &[],
    prefix: "",
    helpers: &[
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
    ],
};

struct JavaScript(Calls);

impl Dialect for JavaScript {
    fn whole_power(&self, base: &Code, exponent: i32) -> Code {
        self.0.whole_power(base, exponent)
    }

    fn power(&self, base: &Code, exponent: &Code) -> Code {
        self.0.power(base, exponent)
    }

    fn call(&self, operator: Operator, operands: &[Code]) -> String {
        self.0.call(operator, operands)
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
    let dialect = JavaScript(Calls::new(&JAVA_SCRIPT));
    let names = code::identifiers(formula, |name| RESERVED.contains(&name), |_| code::NOTHING);
    let values = parts::outputs(formula, &names, &dialect, |_, text| format!("    {text},\n"));
    let helpers = dialect.0.helpers();
    let inputs = parts::inputs(formula, &names, |index, name| format!("  const {name} = observation[{index}];\n"));
    let action = match formula.action() {
        ActionRule::Argmax => "  const values = outputs(observation);\n  let best = 0;\n  \
                               for (let index = 1; index < OUTPUTS; index++) if (values[index] > values[best]) best = index;\n  \
                               return best;\n"
            .to_owned(),
        ActionRule::Threshold => "  return outputs(observation)[0] > 0 ? 1 : 0;\n".to_owned(),
        ActionRule::Clip { low, high } => format!(
            "  const low = [{}];\n  const high = [{}];\n  return outputs(observation).map((value, index) => {{\n    \
             const single = Math.fround(value);\n    \
             return single < low[index] ? low[index] : single > high[index] ? high[index] : single;\n  }});\n",
            parts::bounds(low, "Infinity"),
            parts::bounds(high, "Infinity")
        ),
    };
    let about_action = parts::about_action(formula);
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
