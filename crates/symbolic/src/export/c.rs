//! C99: one file without dependencies but the mathematical library.

use super::code::{self, Code, Dialect, Level, call, chained};
use crate::expression::{Curve, Operator};
use crate::formula::Formula;
use kanrl_core::action::ActionRule;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::collections::BTreeSet;

const RESERVED: [&str; 62] = [
    "auto",
    "break",
    "case",
    "char",
    "const",
    "continue",
    "default",
    "do",
    "double",
    "else",
    "enum",
    "extern",
    "float",
    "for",
    "goto",
    "if",
    "inline",
    "int",
    "long",
    "register",
    "restrict",
    "return",
    "short",
    "signed",
    "sizeof",
    "static",
    "struct",
    "switch",
    "typedef",
    "union",
    "unsigned",
    "void",
    "volatile",
    "while",
    "_Bool",
    "_Complex",
    "_Imaginary",
    "asin",
    "acos",
    "atan",
    "atanh",
    "fabs",
    "pow",
    "policy_outputs",
    "policy_action",
    "policy_power",
    "policy_sign",
    "policy_step",
    "policy_gate",
    "policy_min",
    "policy_max",
    "policy_gaussian",
    "observation",
    "outputs",
    "action",
    "best",
    "index",
    "POLICY_INPUTS",
    "POLICY_OUTPUTS",
    "NAN",
    "INFINITY",
    "HUGE_VAL",
];

/// Whether a local variable cannot have that name: a word of the language, a function that is called, or what a header or
/// the compiler could define as a macro.
fn is_reserved(name: &str) -> bool {
    let is_constant = name.len() > 2 && !name.contains(|letter: char| letter.is_ascii_lowercase());
    // Underscores are added to a reserved name until it is none.
    RESERVED.contains(&name)
        || is_constant && !name.ends_with('_')
        || name.starts_with("__") && !name.ends_with("___")
        || matches!(name, "unix" | "linux")
}

/// Helper functions by name, written where they are used.
const HELPERS: [(&str, &str); 7] = [
    (
        "policy_power",
        "static double policy_power(double x, int exponent) {\n    double result = 1.0;\n    unsigned int left = \
         exponent < 0 ? (unsigned int)-exponent : (unsigned int)exponent;\n    while (left > 0) {\n        if (left & 1u) \
         result *= x;\n        x *= x;\n        left >>= 1;\n    }\n    return exponent < 0 ? 1.0 / result : result;\n}\n",
    ),
    ("policy_sign", "static double policy_sign(double x) { return x > 0.0 ? 1.0 : (x < 0.0 ? -1.0 : x); }\n"),
    ("policy_step", "static double policy_step(double x) { return x > 0.0 ? 1.0 : 0.0; }\n"),
    (
        "policy_gate",
        "static double policy_gate(double x, double positive, double otherwise) { return x > 0.0 ? positive : otherwise; }\n",
    ),
    ("policy_min", "static double policy_min(double a, double b) { return a < b ? a : b; }\n"),
    ("policy_max", "static double policy_max(double a, double b) { return a > b ? a : b; }\n"),
    ("policy_gaussian", "static double policy_gaussian(double x) { return exp(-(x * x)); }\n"),
];

#[derive(Default)]
struct C {
    helpers: RefCell<BTreeSet<&'static str>>,
}

impl C {
    fn helper(&self, name: &'static str) -> &'static str {
        self.helpers.borrow_mut().insert(name);
        name
    }
}

impl Dialect for C {
    fn whole_power(&self, base: &Code, exponent: i32) -> Code {
        Code::new(format!("{}({}, {exponent})", self.helper("policy_power"), base.text), Level::Atom)
    }

    fn power(&self, base: &Code, exponent: &Code) -> Code {
        Code::new(format!("pow({}, {})", base.text, exponent.text), Level::Atom)
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
            Operator::Sign => call(self.helper("policy_sign"), operands),
            Operator::Step => call(self.helper("policy_step"), operands),
            Operator::Gaussian => call(self.helper("policy_gaussian"), operands),
            Operator::Abs => call("fabs", operands),
            Operator::Arcsin => call("asin", operands),
            Operator::Arccos => call("acos", operands),
            Operator::Arctan => call("atan", operands),
            Operator::Arctanh => call("atanh", operands),
            Operator::Native(native) => call(native.function().c.call, operands),
            other => call(other.name(), operands),
        }
    }

    fn curve(&self, number: usize) -> String {
        format!("policy_curve_{number}")
    }

    fn define_curve(&self, number: usize, curve: &Curve) -> String {
        let pieces = curve.pieces().enumerate().map(|(index, (origin, coefficients))| {
            let value = code::horner(coefficients, &format!("({})", code::plus("x", -origin, self)), self);
            match curve.breakpoints().get(index) {
                Some(end) => format!("    if (x < {end:?}) return {value};\n"),
                None => format!("    return {value};\n"),
            }
        });
        format!("static double {}(double x) {{\n{}}}\n", self.curve(number), pieces.collect::<String>())
    }
}

/// A C99 file with `policy_outputs` and `policy_action`.
pub(super) fn formula(formula: &Formula) -> String {
    let dialect = C::default();
    let names = code::identifiers(formula, is_reserved, |native| native.c);
    let mut outputs = String::new();
    for (index, output) in formula.outputs().iter().enumerate() {
        let text = code::write(&output.expression, &names, &formula.curves(), &dialect);
        outputs += &format!("    outputs[{index}] = {text};\n");
    }
    let helpers: String =
        HELPERS.iter().filter(|(name, _)| dialect.helpers.borrow().contains(name)).map(|(_, text)| *text).collect();
    format!(
        "/*\n{}*/\n#include <math.h>\n\n#define POLICY_INPUTS {}\n#define POLICY_OUTPUTS {}\n\n{}{helpers}\n\
         /* The outputs' values, before the action rule. */\n\
         void policy_outputs(const double observation[POLICY_INPUTS], double outputs[POLICY_OUTPUTS]) {{\n\
         {}{outputs}}}\n\n{}",
        code::comment(formula, " * ", &["*/", "/*"]),
        formula.inputs().len().max(1),
        formula.outputs().len(),
        code::definitions(formula, |native| native.c, "") + &code::curves(formula, &dialect),
        inputs(formula, &names),
        action(formula)
    )
}

fn inputs(formula: &Formula, names: &BTreeMap<String, String>) -> String {
    let used: BTreeSet<&str> = formula.used_inputs().collect();
    let mut text = String::new();
    for (index, name) in formula.inputs().iter().enumerate().filter(|(_, name)| used.contains(name.as_str())) {
        text += &format!("    const double {} = observation[{index}];\n", names[name]);
    }
    if used.is_empty() {
        text += "    (void)observation;\n";
    }
    text
}

fn action(formula: &Formula) -> String {
    let compute = "    double outputs[POLICY_OUTPUTS];\n    policy_outputs(observation, outputs);\n";
    match formula.action() {
        ActionRule::Argmax => format!(
            "/* The number of the action: the first largest output. */\n\
             int policy_action(const double observation[POLICY_INPUTS]) {{\n{compute}    int best = 0;\n    \
             for (int index = 1; index < POLICY_OUTPUTS; index++) {{\n        \
             if (outputs[index] > outputs[best]) best = index;\n    }}\n    return best;\n}}\n"
        ),
        ActionRule::Threshold => format!(
            "/* The number of the action: 1 where the output is above 0, else 0. */\n\
             int policy_action(const double observation[POLICY_INPUTS]) {{\n{compute}    \
             return outputs[0] > 0.0 ? 1 : 0;\n}}\n"
        ),
        ActionRule::Clip { low, high } => {
            let mut lines = String::new();
            for (index, (low, high)) in low.iter().zip(high).enumerate() {
                lines += &format!("    action[{index}] = (float)outputs[{index}];\n");
                if low.is_finite() {
                    let low = f64::from(*low as f32);
                    lines += &format!("    if (action[{index}] < (float){low:?}) action[{index}] = (float){low:?};\n");
                }
                if high.is_finite() {
                    let high = f64::from(*high as f32);
                    lines +=
                        &format!("    if (action[{index}] > (float){high:?}) action[{index}] = (float){high:?};\n");
                }
            }
            format!(
                "/* The action: the outputs in single precision, clipped to their bounds. */\n\
                 void policy_action(const double observation[POLICY_INPUTS], float action[POLICY_OUTPUTS]) {{\n\
                 {compute}{lines}}}\n"
            )
        }
    }
}
