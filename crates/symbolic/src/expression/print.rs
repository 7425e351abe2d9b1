//! Plain text: what [`super::parse`] reads back as an equal expression.

use super::{CURVE, Curve, Expression, Node, Operator, quoted};
use std::fmt;

/// Printed text and what its surroundings must know to decide on parentheses.
struct Piece {
    text: String,
    level: Level,
    /// The first token is a number that is not the base of a power: a minus sign in front would be read as its sign.
    starts_with_number: bool,
}

#[derive(Clone, Copy, PartialEq, PartialOrd)]
enum Level {
    Sum,
    Negation,
    Product,
    Quotient,
    Power,
    Atom,
}

impl fmt::Display for Expression {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&written(self, &|curve, operand| format!("{CURVE}({operand}; {curve})")))
    }
}

/// The expression's text, with curves over an operand's text written by `curve`.
pub(crate) fn written(expression: &Expression, curve: &dyn Fn(&Curve, &str) -> String) -> String {
    let piece = expression.fold(|node, operands: Vec<Piece>| match node {
        Node::Constant(value) => {
            Piece { text: number(*value), level: Level::Atom, starts_with_number: !value.is_sign_negative() }
        }
        Node::Variable(name) => {
            Piece { text: quoted(name).into_owned(), level: Level::Atom, starts_with_number: false }
        }
        Node::Operation(operator, _) => operation(*operator, &operands),
        Node::Curve(found) => {
            Piece { text: curve(found, &operands[0].text), level: Level::Atom, starts_with_number: false }
        }
    });
    piece.text
}

/// Its breakpoints, then the coefficients of each piece, as they stand in an expression's text: `-1, 1; 0; 0, 1; 2`.
impl fmt::Display for Curve {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |values: &[f64]| values.iter().map(|value| number(*value)).collect::<Vec<_>>().join(", ");
        formatter.write_str(&list(self.breakpoints()))?;
        self.pieces().try_for_each(|(_, piece)| write!(formatter, "; {}", list(piece)))
    }
}

/// The shortest text that reads back as the same number.
pub(crate) fn number(value: f64) -> String {
    let text = format!("{value:?}");
    match text.strip_suffix(".0") {
        Some(whole) => whole.to_owned(),
        None => text,
    }
}

impl Piece {
    fn negative(&self) -> bool {
        self.text.starts_with('-')
    }

    fn parenthesised_if(&self, needed: bool) -> String {
        if needed { format!("({})", self.text) } else { self.text.clone() }
    }

    /// As what is subtracted or negated.
    fn subtrahend(&self) -> String {
        self.parenthesised_if(self.level <= Level::Negation || self.starts_with_number || self.negative())
    }
}

fn operation(operator: Operator, operands: &[Piece]) -> Piece {
    let first = &operands[0];
    let mut starts_with_number = false;
    let (text, level) = match operator {
        Operator::Add => (sum(operands), Level::Sum),
        Operator::Negate => (format!("-{}", first.subtrahend()), Level::Negation),
        Operator::Multiply | Operator::Divide => {
            let bare =
                first.level >= Level::Quotient || (operator == Operator::Divide && first.level == Level::Product);
            starts_with_number = bare && first.starts_with_number;
            let (sign, level) =
                if operator == Operator::Multiply { ("*", Level::Product) } else { ("/", Level::Quotient) };
            let mut text = first.parenthesised_if(!bare);
            for operand in &operands[1..] {
                text += sign;
                text += &operand.parenthesised_if(operand.level <= Level::Quotient || operand.negative());
            }
            (text, level)
        }
        Operator::Power => {
            let exponent = &operands[1];
            let base = first.parenthesised_if(first.level < Level::Atom || first.negative());
            (format!("{base}^{}", exponent.parenthesised_if(exponent.level < Level::Power)), Level::Power)
        }
        function => {
            let operands: Vec<&str> = operands.iter().map(|operand| operand.text.as_str()).collect();
            (format!("{}({})", function.name(), operands.join(", ")), Level::Atom)
        }
    };
    Piece { text, level, starts_with_number }
}

fn sum(operands: &[Piece]) -> String {
    let mut text = operands[0].parenthesised_if(operands[0].level == Level::Sum);
    for operand in &operands[1..] {
        // "-x" stands for a negation or a negative number; either way the sign becomes the sum's.
        match operand.text.strip_prefix('-') {
            Some(rest) if operand.level != Level::Sum => {
                text += " - ";
                text += rest;
            }
            _ => {
                text += " + ";
                text += &operand.parenthesised_if(operand.level == Level::Sum);
            }
        }
    }
    text
}
