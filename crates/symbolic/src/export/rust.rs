//! Rust without the standard library: a module that needs the crate `libm` where it calls functions.

use super::calls::{Calls, Language};
use super::code::{self, Code, Dialect, call};
use super::parts;
use crate::expression::{Curve, Operator};
use crate::formula::Formula;
use kanrl_core::action::ActionRule;
use std::collections::BTreeSet;

const RESERVED: [&str; 68] = [
    "None",
    "Some",
    "Ok",
    "Err",
    "abstract",
    "as",
    "async",
    "await",
    "become",
    "box",
    "break",
    "const",
    "continue",
    "crate",
    "do",
    "dyn",
    "else",
    "enum",
    "extern",
    "false",
    "final",
    "fn",
    "for",
    "gen",
    "if",
    "impl",
    "in",
    "let",
    "loop",
    "macro",
    "match",
    "mod",
    "move",
    "mut",
    "override",
    "priv",
    "pub",
    "ref",
    "return",
    "self",
    "Self",
    "static",
    "struct",
    "super",
    "trait",
    "true",
    "try",
    "type",
    "typeof",
    "unsafe",
    "unsized",
    "use",
    "virtual",
    "where",
    "while",
    "yield",
    "libm",
    "core",
    "f64",
    "f32",
    "observation",
    "outputs",
    "action",
    "power",
    "_",
    "gate",
    "OUTPUTS",
    "INPUTS",
];

static RUST: Language = Language {
    library: "libm::",
    suffix: "",
    renamed: &[("abs", "fabs")],
    prefix: "",
    helpers: &[
        (
            "power",
            "fn power(x: f64, exponent: i32) -> f64 {\n    let (mut result, mut square, mut left) = (1.0, x, \
         exponent.unsigned_abs());\n    while left > 0 {\n        if left & 1 == 1 {\n            result *= square;\n        \
         }\n        square *= square;\n        left >>= 1;\n    }\n    if exponent < 0 { 1.0 / result } else { result }\n}\n\n",
        ),
        (
            "sign",
            "fn sign(x: f64) -> f64 {\n    if x > 0.0 {\n        1.0\n    } else if x < 0.0 {\n        -1.0\n    } else {\n        \
         x\n    }\n}\n\n",
        ),
        ("step", "fn step(x: f64) -> f64 {\n    if x > 0.0 { 1.0 } else { 0.0 }\n}\n\n"),
        (
            "gate",
            "fn gate(x: f64, positive: f64, otherwise: f64) -> f64 {\n    if x > 0.0 { positive } else { otherwise }\n}\n\n",
        ),
        ("min", "fn min(a: f64, b: f64) -> f64 {\n    if a < b { a } else { b }\n}\n\n"),
        ("max", "fn max(a: f64, b: f64) -> f64 {\n    if a > b { a } else { b }\n}\n\n"),
        ("gaussian", "fn gaussian(x: f64) -> f64 {\n    libm::exp(-(x * x))\n}\n\n"),
    ],
};

struct Rust(Calls);

impl Dialect for Rust {
    fn number(&self, value: f64) -> String {
        // A suffix, so that a method or a negation on a bare literal has a type.
        format!("{value:?}_f64")
    }

    fn whole_power(&self, base: &Code, exponent: i32) -> Code {
        self.0.whole_power(base, exponent)
    }

    fn power(&self, base: &Code, exponent: &Code) -> Code {
        self.0.power(base, exponent)
    }

    fn call(&self, operator: Operator, operands: &[Code]) -> String {
        match operator {
            Operator::Native(native) => call(native.function().rust.call, operands),
            _ => self.0.call(operator, operands),
        }
    }

    fn define_curve(&self, number: usize, curve: &Curve) -> String {
        let mut text = format!("fn {}(x: f64) -> f64 {{\n    ", self.curve(number));
        for (index, (origin, coefficients)) in curve.pieces().enumerate() {
            let value = code::horner(coefficients, &format!("({})", code::plus("x", -origin, self)), self);
            text += &match curve.breakpoints().get(index) {
                Some(end) => format!("if x < {end:?} {{\n        {value}\n    }} else "),
                None => format!("{{\n        {value}\n    }}\n}}\n\n"),
            };
        }
        text
    }
}

/// A module with `outputs` and `action`.
pub(super) fn formula(formula: &Formula) -> String {
    let dialect = Rust(Calls::new(&RUST));
    let names = code::identifiers(formula, |name| RESERVED.contains(&name), |native| native.rust);
    let values = parts::outputs(formula, &names, &dialect, |_, text| format!("        {text},\n"));
    let helpers = dialect.0.helpers();
    let used: BTreeSet<&str> = formula.used_inputs().collect();
    let is_snake_case = |name: &&str| {
        !names[*name].contains(|letter: char| letter.is_ascii_uppercase()) && !names[*name].contains("__")
    };
    // The names are the observations' own, whose capitals may tell one from another.
    let allowed = if used.iter().all(is_snake_case) { "" } else { "#[allow(non_snake_case)]\n" };
    let pattern: Vec<&str> = formula
        .inputs()
        .iter()
        .map(|name| if used.contains(name.as_str()) { names[name].as_str() } else { "_" })
        .collect();
    format!(
        "// Needs neither the standard library nor an allocator; functions come from the crate `libm`.\n//\n{}\n\
         /// Numbers in an observation.\npub const INPUTS: usize = {};\n/// Numbers that the action is made of.\n\
         pub const OUTPUTS: usize = {};\n\n\
         /// The outputs' values, before the action rule.\n{allowed}\
         pub fn outputs(observation: &[f64; INPUTS]) -> [f64; OUTPUTS] {{\n    \
         let [{}] = *observation;\n    [\n{}    ]\n}}\n\n/// {}\n{}{helpers}{}",
        code::comment(formula, "// ", &[]),
        formula.inputs().len(),
        formula.outputs().len(),
        pattern.join(", "),
        values,
        parts::about_action(formula),
        action(formula),
        code::curves(formula, &dialect) + &code::definitions(formula, |native| native.rust, "\n"),
    )
}

fn action(formula: &Formula) -> String {
    match formula.action() {
        ActionRule::Argmax => {
            "pub fn action(observation: &[f64; INPUTS]) -> usize {\n    let outputs = outputs(observation);\n    \
             let mut best = 0;\n    for index in 1..OUTPUTS {\n        if outputs[index] > outputs[best] {\n            \
             best = index;\n        }\n    }\n    best\n}\n\n"
                .to_owned()
        }
        ActionRule::Threshold => {
            "pub fn action(observation: &[f64; INPUTS]) -> usize {\n    \
             if outputs(observation)[0] > 0.0 { 1 } else { 0 }\n}\n\n"
                .to_owned()
        }
        ActionRule::Clip { low, high } => {
            let bound = |value: f64| match value {
                value if value.is_finite() => format!("{:?}", value as f32),
                value if value < 0.0 => "f32::NEG_INFINITY".to_owned(),
                _ => "f32::INFINITY".to_owned(),
            };
            let clipped = low.iter().zip(high).enumerate().map(|(index, (low, high))| {
                format!("        (outputs[{index}] as f32).clamp({}, {}),\n", bound(*low), bound(*high))
            });
            format!(
                "pub fn action(observation: &[f64; INPUTS]) -> [f32; OUTPUTS] {{\n    \
                 let outputs = outputs(observation);\n    [\n{}    ]\n}}\n\n",
                clipped.collect::<String>()
            )
        }
    }
}
