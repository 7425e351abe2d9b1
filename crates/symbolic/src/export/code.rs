//! What the programming languages have in common: infix arithmetic, and names that are legal everywhere.

use super::names::greek_name;
use crate::expression::{
    Code as Snippet, Curve, Expression, Native, NativeFunction, Node, Operator, is_plain_name, is_whole_exponent,
};
use crate::formula::Formula;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The code of a function in a language that it has none in.
pub(super) const NOTHING: Snippet = Snippet { call: "", definition: "" };

/// How a language writes what is not infix arithmetic.
pub(super) trait Dialect {
    /// A number as a double.
    fn number(&self, value: f64) -> String {
        format!("{value:?}")
    }

    /// `base ^ exponent`, `exponent` being whole and up to 64 in size.
    fn whole_power(&self, base: &Code, exponent: i32) -> Code;

    /// Any other power.
    fn power(&self, base: &Code, exponent: &Code) -> Code;

    /// An operator that is a function; the result must be an atom.
    fn call(&self, operator: Operator, operands: &[Code]) -> String;

    /// What the function of a curve, counted from 1, is called.
    fn curve(&self, number: usize) -> String {
        format!("{CURVE}{number}")
    }

    /// The function of a curve, up to the definitions after it.
    fn define_curve(&self, number: usize, curve: &Curve) -> String;
}

/// What names of curves begin with.
const CURVE: &str = "curve_";

/// A piece of code.
#[derive(Clone, Debug)]
pub(super) struct Code {
    pub text: String,
    level: Level,
    /// The number, if it is one.
    value: Option<f64>,
}

/// How tightly a piece of code binds.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub(super) enum Level {
    Sum,
    Product,
    Power,
    Atom,
}

impl Code {
    pub(super) fn new(text: impl Into<String>, level: Level) -> Self {
        Self { text: text.into(), level, value: None }
    }

    /// With parentheses unless it binds at least as tightly as `level`.
    pub(super) fn within(&self, level: Level) -> String {
        let bare = self.level >= level && !(level > Level::Sum && self.text.starts_with('-'));
        if bare { self.text.clone() } else { format!("({})", self.text) }
    }
}

/// The expression in that dialect; `names` says what each variable is called, `curves` are the formula's.
pub(super) fn write(
    expression: &Expression,
    names: &BTreeMap<String, String>,
    curves: &[Arc<Curve>],
    dialect: &dyn Dialect,
) -> String {
    let code = expression.fold(|node, operands: Vec<Code>| match node {
        Node::Constant(value) => Code { text: dialect.number(*value), level: Level::Atom, value: Some(*value) },
        Node::Variable(name) => Code::new(names[&**name].clone(), Level::Atom),
        Node::Operation(operator, _) => operation(*operator, &operands, dialect),
        Node::Curve(curve) => {
            let number = curves.iter().position(|known| known == curve).map_or(0, |index| index + 1);
            Code::new(call(&dialect.curve(number), &operands), Level::Atom)
        }
    });
    code.text
}

fn operation(operator: Operator, operands: &[Code], dialect: &dyn Dialect) -> Code {
    let first = &operands[0];
    match operator {
        Operator::Add => {
            let mut text = first.text.clone();
            for operand in &operands[1..] {
                // Subtracting is the same to the bit as adding the negative, and reads better.
                match operand.text.strip_prefix('-') {
                    Some(rest) if operand.level > Level::Sum => text += &format!(" - {rest}"),
                    _ => text += &format!(" + {}", operand.within(Level::Product)),
                }
            }
            Code::new(text, Level::Sum)
        }
        Operator::Negate => Code::new(format!("-{}", first.within(Level::Power)), Level::Product),
        Operator::Multiply | Operator::Divide => {
            let sign = if operator == Operator::Multiply { " * " } else { " / " };
            // A leading minus sign binds to the number or the name that follows it, with the same value.
            let mut text =
                if first.level >= Level::Product { first.text.clone() } else { first.within(Level::Product) };
            for operand in &operands[1..] {
                text += sign;
                text += &operand.within(Level::Power);
            }
            Code::new(text, Level::Product)
        }
        Operator::Power => match operands[1].value {
            Some(exponent) if is_whole_exponent(exponent) => dialect.whole_power(first, exponent as i32),
            _ => dialect.power(first, &operands[1]),
        },
        function => Code::new(dialect.call(function, operands), Level::Atom),
    }
}

/// `name(operands)`.
pub(super) fn call(name: &str, operands: &[Code]) -> String {
    let operands: Vec<&str> = operands.iter().map(|operand| operand.text.as_str()).collect();
    format!("{name}({})", operands.join(", "))
}

/// `name(name(a, b), c)`: a function of two for any number of operands, from the left as the tape does it.
pub(super) fn chained(name: &str, operands: &[Code]) -> String {
    let pairs = operands.len() - 1;
    let mut text = format!("{name}(").repeat(pairs) + &operands[0].text;
    for operand in &operands[1..] {
        text += ", ";
        text += &operand.text;
        text.push(')');
    }
    text
}

/// ASCII identifiers for all inputs and outputs: different names stay different, and none is `reserved`, an operator's name
/// or one of the program's own functions.
pub(super) fn identifiers(
    formula: &Formula,
    reserved: impl Fn(&str) -> bool,
    code: fn(&NativeFunction) -> Snippet,
) -> BTreeMap<String, String> {
    let called: Vec<&str> = natives(formula).into_iter().map(|native| code(native).call).collect();
    let names = formula.inputs().iter().chain(formula.outputs().iter().map(|output| &output.name));
    let mut used: BTreeSet<String> = BTreeSet::new();
    let mut identifiers = BTreeMap::new();
    for name in names {
        let mut identifier = ascii(name);
        while reserved(&identifier)
            || Operator::from_name(&identifier).is_some()
            || is_curve(&identifier)
            || called.contains(&identifier.as_str())
            || used.contains(&identifier)
        {
            identifier.push('_');
        }
        used.insert(identifier.clone());
        identifiers.insert(name.clone(), identifier);
    }
    identifiers
}

fn is_curve(name: &str) -> bool {
    let number = name.strip_prefix("policy_").unwrap_or(name).strip_prefix(CURVE);
    number.is_some_and(|number| number.bytes().all(|digit| digit.is_ascii_digit()))
}

/// The functions of the formula's curves.
pub(super) fn curves(formula: &Formula, dialect: &dyn Dialect) -> String {
    formula.curves().iter().zip(1..).map(|(curve, number)| dialect.define_curve(number, curve)).collect()
}

/// A polynomial in `u` by Horner's rule, coefficients from the constant on.
pub(super) fn horner(coefficients: &[f64], u: &str, dialect: &dyn Dialect) -> String {
    let (last, rest) = coefficients.split_last().expect("at least a constant");
    let mut text = dialect.number(*last);
    for (index, coefficient) in rest.iter().rev().enumerate() {
        let product = if index == 0 { format!("{text} * {u}") } else { format!("({text}) * {u}") };
        text = plus(&product, *coefficient, dialect);
    }
    text
}

/// `text + value`, with a minus sign where that is negative.
pub(super) fn plus(text: &str, value: f64, dialect: &dyn Dialect) -> String {
    let sign = if value.is_sign_negative() { '-' } else { '+' };
    format!("{text} {sign} {}", dialect.number(value.abs()))
}

/// A plain name letter by letter; any other with an underscore for what stands between its letters and digits:
/// `pole_angle_rad` for `pole angle (rad)`.
fn ascii(name: &str) -> String {
    let mut text = String::new();
    for character in name.chars() {
        match character {
            '\u{307}' => text += "_dot",
            '\u{308}' => text += "_ddot",
            _ if character.is_ascii_alphanumeric() || character == '_' => text.push(character),
            _ if character.is_alphanumeric() => match greek_name(character) {
                Some(name) => text += name,
                None => text += &format!("u{:04x}", u32::from(character)),
            },
            _ if text.ends_with('_') => {}
            _ => text.push('_'),
        }
    }
    if !is_plain_name(name) {
        text.truncate(text.trim_end_matches('_').len());
    }
    if text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_') { text } else { format!("v_{text}") }
}

/// The program's own functions that the formula calls, each once.
pub(super) fn natives(formula: &Formula) -> Vec<&'static NativeFunction> {
    let nodes = formula.outputs().iter().flat_map(|output| output.expression.nodes());
    let natives: BTreeSet<Native> = nodes
        .filter_map(|node| match node {
            Node::Operation(Operator::Native(native), _) => Some(*native),
            _ => None,
        })
        .collect();
    natives.into_iter().map(Native::function).collect()
}

/// The definitions of `code`, each followed by `gap`.
pub(super) fn definitions(formula: &Formula, code: fn(&NativeFunction) -> Snippet, gap: &str) -> String {
    let definitions = natives(formula).into_iter().map(|native| code(native).definition);
    definitions.filter(|definition| !definition.is_empty()).map(|definition| format!("{definition}{gap}")).collect()
}

/// The formula's plain text as lines of a comment, in which `ends` would end or open one.
pub(super) fn comment(formula: &Formula, prefix: &str, ends: &[&str]) -> String {
    let apart =
        |text: String, mark: &&str| text.replace(mark, &mark.chars().flat_map(|c| [c, ' ']).collect::<String>());
    let mut text = super::text::plain(formula);
    if !formula.labels().is_empty() {
        let numbers = formula.labels().iter().enumerate().map(|(number, label)| format!("{number} is {label}"));
        text += &format!("\nThe action is a number: {}.", numbers.collect::<Vec<_>>().join(", "));
    }
    let text = ends.iter().fold(text, apart);
    text.lines().map(|line| format!("{prefix}{line}\n")).collect()
}

/// A text between quotation marks, as C, Python and Rust write it.
pub(super) fn quotation(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
