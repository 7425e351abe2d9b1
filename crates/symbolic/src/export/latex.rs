//! LaTeX, in the subset that every converter to MathML understands.

use super::names::Symbol;
use crate::expression::{Expression, Node, Operator};
use crate::formula::{ActionRule, Formula};

/// Characters of typeset mathematics in a line, roughly.
pub const DEFAULT_WIDTH: usize = 80;

/// A formula as an `aligned` environment: each output's sum broken into rows of about `width` typeset characters, then
/// the action.
pub fn formula(formula: &Formula, width: usize) -> String {
    let mut rows = Vec::new();
    for output in formula.outputs() {
        let name = Symbol::new(&output.name).latex();
        let terms = terms(&output.expression);
        let mut line = String::new();
        let mut used = 0;
        for (index, term) in terms.iter().enumerate() {
            let length = typeset_length(term);
            if index > 0 && used + length > width {
                rows.push(std::mem::take(&mut line));
                line = format!(r"&\quad {}", term.trim_start());
                used = length;
                continue;
            }
            if index == 0 {
                line = format!("{name} &= ");
            }
            line += term;
            used += length;
        }
        rows.push(line);
    }
    rows.push(action(formula));
    format!("\\begin{{aligned}}\n{}\n\\end{{aligned}}", rows.join(" \\\\\n"))
}

fn action(formula: &Formula) -> String {
    let names: Vec<String> = formula.outputs().iter().map(|output| Symbol::new(&output.name).latex()).collect();
    let right = match formula.action() {
        // `\operatorname*` is beyond most converters.
        ActionRule::Argmax => format!(r"\underset{{i}}{{\mathrm{{argmax}}}}\left({}\right)", names.join(", ")),
        ActionRule::Threshold => {
            format!(r"\begin{{cases}}1 & {} > 0\\ 0 & \text{{otherwise}}\end{{cases}}", names[0])
        }
        ActionRule::Clip { low, high } => {
            let clipped = names.iter().zip(low).zip(high).map(|((name, low), high)| match (low, high) {
                (low, high) if low.is_finite() && high.is_finite() => {
                    format!(r"\mathrm{{clip}}\left({name},\ {},\ {}\right)", number(*low), number(*high))
                }
                (low, _) if low.is_finite() => format!(r"\max\left({name},\ {}\right)", number(*low)),
                (_, high) if high.is_finite() => format!(r"\min\left({name},\ {}\right)", number(*high)),
                _ => name.clone(),
            });
            let clipped: Vec<String> = clipped.collect();
            if clipped.len() == 1 { clipped[0].clone() } else { format!(r"\left({}\right)", clipped.join(",\\ ")) }
        }
    };
    format!(r"\mathrm{{action}} &= {right}")
}

/// An expression on one line.
pub fn expression(expression: &Expression) -> String {
    terms(expression).concat()
}

/// The terms of the outermost sum, signs included.
fn terms(expression: &Expression) -> Vec<String> {
    match expression.root() {
        Node::Operation(Operator::Add, _) => sum(expression.operands().iter().map(piece).collect()),
        _ => vec![piece(expression).text],
    }
}

fn sum(operands: Vec<Piece>) -> Vec<String> {
    let joined = operands.into_iter().enumerate().map(|(index, operand)| match operand.text.strip_prefix('-') {
        Some(rest) if index > 0 && operand.level != Level::Sum => format!(" - {}", rest.trim_start()),
        _ if index > 0 => format!(" + {}", operand.within(Level::Negation)),
        _ => operand.within(Level::Negation),
    });
    joined.collect()
}

struct Piece {
    text: String,
    level: Level,
}

#[derive(Clone, Copy, PartialEq, PartialOrd)]
enum Level {
    Sum,
    Negation,
    Product,
    /// A power, or a function with its argument: may not be a base.
    Power,
    Atom,
}

impl Piece {
    /// With parentheses unless it binds at least as tightly as `level`.
    fn within(&self, level: Level) -> String {
        if self.level >= level { self.text.clone() } else { format!(r"\left({}\right)", self.text) }
    }

    fn negative(&self) -> bool {
        self.text.starts_with('-')
    }
}

fn piece(expression: &Expression) -> Piece {
    expression.fold(|node, operands| match node {
        Node::Constant(value) => {
            let text = number(*value);
            let level = if text.contains(r"\cdot") { Level::Product } else { Level::Atom };
            Piece { text, level }
        }
        Node::Variable(name) => {
            let symbol = Symbol::new(name);
            let level = if symbol.function.is_some() { Level::Power } else { Level::Atom };
            Piece { text: symbol.latex(), level }
        }
        Node::Operation(operator, _) => operation(*operator, operands),
    })
}

fn operation(operator: Operator, operands: Vec<Piece>) -> Piece {
    let x = operands[0].text.clone();
    let atom = |text: String| Piece { text, level: Level::Atom };
    let call = |name: &str| Piece { text: format!(r"{name}\left({x}\right)"), level: Level::Power };
    match operator {
        Operator::Add => Piece { text: sum(operands).concat(), level: Level::Sum },
        Operator::Negate => {
            let operand = &operands[0];
            let level = if operand.negative() { Level::Atom } else { Level::Product };
            let text = if operand.negative() { format!(r"\left({x}\right)") } else { operand.within(level) };
            Piece { text: format!("-{text}"), level: Level::Negation }
        }
        Operator::Multiply => product(&operands),
        Operator::Divide => atom(format!(r"\frac{{{x}}}{{{}}}", operands[1].text)),
        Operator::Power => {
            let base = &operands[0];
            let bare =
                base.level == Level::Atom && !base.negative() && !x.contains(['^', '_']) && !x.starts_with(r"\frac");
            let base = if bare || is_subscripted(&x, base.level) { x } else { format!(r"\left({x}\right)") };
            Piece { text: format!("{base}^{{{}}}", operands[1].text), level: Level::Power }
        }
        Operator::Sqrt => atom(format!(r"\sqrt{{{x}}}")),
        Operator::Abs => atom(format!(r"\left|{x}\right|")),
        Operator::Exp => Piece { text: format!("e^{{{x}}}"), level: Level::Power },
        Operator::Gaussian => {
            let base = if operands[0].level == Level::Atom && !operands[0].negative() && !x.contains('^') {
                x
            } else {
                format!(r"\left({x}\right)")
            };
            Piece { text: format!("e^{{-{base}^{{2}}}}"), level: Level::Power }
        }
        Operator::Step => atom(format!(r"\left[{x} > 0\right]")),
        Operator::Gate => atom(format!(
            r"\begin{{cases}}{} & {x} > 0\\ {} & \text{{otherwise}}\end{{cases}}",
            operands[1].text, operands[2].text
        )),
        Operator::Log | Operator::Sin | Operator::Cos | Operator::Tan | Operator::Tanh => {
            call(&format!(r"\{}", operator.name()))
        }
        Operator::Arcsin | Operator::Arccos | Operator::Arctan => call(&format!(r"\{}", operator.name())),
        Operator::Arctanh | Operator::Sign => call(&format!(r"\mathrm{{{}}}", operator.name())),
        Operator::Min | Operator::Max | Operator::Clip => {
            let name =
                if operator == Operator::Clip { r"\mathrm{clip}".into() } else { format!(r"\{}", operator.name()) };
            let operands: Vec<String> = operands.into_iter().map(|operand| operand.text).collect();
            Piece { text: format!(r"{name}\left({}\right)", operands.join(",\\ ")), level: Level::Power }
        }
    }
}

/// A plain symbol with a subscript takes an exponent without parentheses.
fn is_subscripted(text: &str, level: Level) -> bool {
    level == Level::Atom
        && !text.contains(['^', '(', '|'])
        && !text.starts_with('-')
        && !text.starts_with(r"\frac")
        && !text.starts_with(r"\begin")
}

fn product(operands: &[Piece]) -> Piece {
    let mut text = String::new();
    for (index, operand) in operands.iter().enumerate() {
        let factor = if index > 0 && operand.negative() {
            format!(r"\left({}\right)", operand.text)
        } else {
            operand.within(Level::Product)
        };
        if index > 0 {
            // Two numbers side by side need a sign between them.
            text += if factor.starts_with(|character: char| character.is_ascii_digit()) { r" \cdot " } else { r"\," };
        }
        text += &factor;
    }
    Piece { text, level: Level::Product }
}

/// A number, with a power of ten in place of an exponent.
fn number(value: f64) -> String {
    let text = crate::expression::number(value);
    match text.split_once('e') {
        Some((mantissa, exponent)) => format!(r"{mantissa} \cdot 10^{{{exponent}}}"),
        None => text,
    }
}

/// About how many characters wide the text is once typeset: commands count as one, braces as none.
fn typeset_length(latex: &str) -> usize {
    let mut length = 0;
    let mut characters = latex.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\\' => {
                let mut command = String::new();
                while let Some(letter) = characters.next_if(char::is_ascii_alphabetic) {
                    command.push(letter);
                }
                length += match command.as_str() {
                    "left" | "right" | "mathrm" | "dot" | "ddot" | "frac" => 0,
                    "sin" | "cos" | "tan" | "log" | "min" | "max" => 3,
                    "tanh" => 4,
                    "arcsin" | "arccos" | "arctan" => 6,
                    _ => 1,
                };
            }
            '{' | '}' | '^' | '_' | '&' => {}
            _ => length += 1,
        }
    }
    length
}
