//! C99 without dependencies but the mathematical library: one file, or a header and a source, in doubles or floats.

use super::calls::{Calls, Language};
use super::code::{self, Code, Dialect, call};
use super::parts;
use crate::expression::{Curve, Operator};
use crate::formula::Formula;
use kanrl_core::action::ActionRule;
use std::collections::BTreeMap;

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
    let is_float_function =
        name.strip_suffix('f').is_some_and(|base| RESERVED.contains(&base) || Operator::from_name(base).is_some());
    RESERVED.contains(&name)
        || is_float_function
        || is_constant && !name.ends_with('_')
        || name.starts_with("__") && !name.ends_with("___")
        || matches!(name, "unix" | "linux")
}

/// Functions that the mathematical library does not have, in doubles.
const HELPERS: [(&str, &str); 7] = [
    (
        "power",
        "static double policy_power(double x, int exponent) {\n    double result = 1.0;\n    unsigned int left = \
         exponent < 0 ? (unsigned int)-exponent : (unsigned int)exponent;\n    while (left > 0) {\n        if (left & 1u) \
         result *= x;\n        x *= x;\n        left >>= 1;\n    }\n    return exponent < 0 ? 1.0 / result : result;\n}\n",
    ),
    ("sign", "static double policy_sign(double x) { return x > 0.0 ? 1.0 : (x < 0.0 ? -1.0 : x); }\n"),
    ("step", "static double policy_step(double x) { return x > 0.0 ? 1.0 : 0.0; }\n"),
    (
        "gate",
        "static double policy_gate(double x, double positive, double otherwise) { return x > 0.0 ? positive : otherwise; }\n",
    ),
    ("min", "static double policy_min(double a, double b) { return a < b ? a : b; }\n"),
    ("max", "static double policy_max(double a, double b) { return a > b ? a : b; }\n"),
    ("gaussian", "static double policy_gaussian(double x) { return exp(-(x * x)); }\n"),
];

const DOUBLES: Language =
    Language { library: "", suffix: "", renamed: &[("abs", "fabs")], prefix: "policy_", helpers: &HELPERS };

const FLOATS: Language = Language { suffix: "f", ..DOUBLES };

/// The floating-point type that exported C computes with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Real {
    /// `double`, as the formula is evaluated everywhere else.
    #[default]
    Double,
    /// `float`, for processors that have nothing wider.
    Float,
}

impl Real {
    fn name(self) -> &'static str {
        match self {
            Self::Double => "double",
            Self::Float => "float",
        }
    }

    fn language(self) -> &'static Language {
        match self {
            Self::Double => &DOUBLES,
            Self::Float => &FLOATS,
        }
    }

    /// Code that is written in doubles.
    fn code(self, text: &str) -> String {
        match self {
            Self::Double => text.to_owned(),
            Self::Float => text.replace("double", "float").replace(".0", ".0f").replace("exp(", "expf("),
        }
    }
}

struct C {
    real: Real,
    calls: Calls,
}

impl Dialect for C {
    fn number(&self, value: f64) -> String {
        match self.real {
            Real::Double => format!("{value:?}"),
            Real::Float if (value as f32).is_infinite() => {
                if value > 0.0 {
                    "HUGE_VALF".to_owned()
                } else {
                    "-HUGE_VALF".to_owned()
                }
            }
            Real::Float => format!("{:?}f", value as f32),
        }
    }

    fn whole_power(&self, base: &Code, exponent: i32) -> Code {
        self.calls.whole_power(base, exponent)
    }

    fn power(&self, base: &Code, exponent: &Code) -> Code {
        self.calls.power(base, exponent)
    }

    fn call(&self, operator: Operator, operands: &[Code]) -> String {
        match (operator, self.real) {
            (Operator::Native(native), Real::Double) => call(native.function().c.call, operands),
            (Operator::Native(native), Real::Float) => {
                format!("((float){}((double)({})))", native.function().c.call, operands[0].text)
            }
            _ => self.calls.call(operator, operands),
        }
    }

    fn curve(&self, number: usize) -> String {
        format!("policy_curve_{number}")
    }

    fn define_curve(&self, number: usize, curve: &Curve) -> String {
        let pieces = curve.pieces().enumerate().map(|(index, (origin, coefficients))| {
            let value = code::horner(coefficients, &format!("({})", code::plus("x", -origin, self)), self);
            match curve.breakpoints().get(index) {
                Some(end) => format!("    if (x < {}) return {value};\n", self.number(*end)),
                None => format!("    return {value};\n"),
            }
        });
        let (real, name) = (self.real.name(), self.curve(number));
        format!("static {real} {name}({real} x) {{\n{}}}\n", pieces.collect::<String>())
    }
}

/// A C99 file with `policy_outputs` and `policy_action`.
pub(super) fn formula(formula: &Formula) -> String {
    let Parts { about, definitions, body } = both(formula, Real::Double);
    format!("/*\n{about}*/\n#include <math.h>\n\n{definitions}\n{body}")
}

/// The formula as a C99 header and source, `policy.h` and `policy.c`, with `policy_outputs` and `policy_action`.
pub fn files(formula: &Formula, real: Real) -> [String; 2] {
    let Parts { about, definitions, body } = both(formula, real);
    let (outputs, action) = (outputs_signature(real), action_signature(formula, real));
    let header = format!(
        "/*\n{about}*/\n#ifndef POLICY_H\n#define POLICY_H\n\n{definitions}\n#ifdef __cplusplus\nextern \"C\" {{\n#endif\n\n\
         {OUTPUTS}{outputs};\n\n{}{action};\n\n#ifdef __cplusplus\n}}\n#endif\n\n#endif\n",
        about_action(formula)
    );
    [header, format!("/*\n{about}*/\n#include \"policy.h\"\n\n#include <math.h>\n\n{body}")]
}

/// What both forms have in common.
struct Parts {
    about: String,
    definitions: String,
    body: String,
}

const OUTPUTS: &str = "/* The outputs' values, before the action rule. */\n";

fn outputs_signature(real: Real) -> String {
    let real = real.name();
    format!("void policy_outputs(const {real} observation[POLICY_INPUTS], {real} outputs[POLICY_OUTPUTS])")
}

fn action_signature(formula: &Formula, real: Real) -> String {
    let real = real.name();
    match formula.action() {
        ActionRule::Clip { .. } => {
            format!("void policy_action(const {real} observation[POLICY_INPUTS], float action[POLICY_OUTPUTS])")
        }
        _ => format!("int policy_action(const {real} observation[POLICY_INPUTS])"),
    }
}

fn about_action(formula: &Formula) -> String {
    format!("/* {} */\n", parts::about_action(formula))
}

fn both(formula: &Formula, real: Real) -> Parts {
    let dialect = C { real, calls: Calls::new(real.language()) };
    let names = code::identifiers(formula, is_reserved, |native| native.c);
    let outputs = parts::outputs(formula, &names, &dialect, |index, text| format!("    outputs[{index}] = {text};\n"));
    let helpers = real.code(&dialect.calls.helpers());
    let definitions = code::definitions(formula, |native| native.c, "") + &code::curves(formula, &dialect);
    Parts {
        about: code::comment(formula, " * ", &["*/", "/*"]),
        definitions: format!(
            "#define POLICY_INPUTS {}\n#define POLICY_OUTPUTS {}\n",
            formula.inputs().len().max(1),
            formula.outputs().len()
        ),
        body: format!(
            "{definitions}{helpers}\n{OUTPUTS}{} {{\n{}{outputs}}}\n\n{}{} {{\n{}}}\n",
            outputs_signature(real),
            inputs(formula, &names, real),
            about_action(formula),
            action_signature(formula, real),
            action(formula, real)
        ),
    }
}

fn inputs(formula: &Formula, names: &BTreeMap<String, String>, real: Real) -> String {
    let line = |index: usize, name: &str| format!("    const {} {name} = observation[{index}];\n", real.name());
    let text = parts::inputs(formula, names, line);
    if text.is_empty() { "    (void)observation;\n".to_owned() } else { text }
}

fn action(formula: &Formula, real: Real) -> String {
    let name = real.name();
    let compute = format!("    {name} outputs[POLICY_OUTPUTS];\n    policy_outputs(observation, outputs);\n");
    match formula.action() {
        ActionRule::Argmax => format!(
            "{compute}    int best = 0;\n    for (int index = 1; index < POLICY_OUTPUTS; index++) {{\n        \
             if (outputs[index] > outputs[best]) best = index;\n    }}\n    return best;\n"
        ),
        ActionRule::Threshold => format!("{compute}    return outputs[0] > {} ? 1 : 0;\n", real.code("0.0")),
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
            format!("{compute}{lines}")
        }
    }
}
