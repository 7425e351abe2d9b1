//! A formula laid out for typesetting: what LaTeX and MathML have in common.

use crate::expression::{Curve, Expression, Node, Operator, SymbolicError};
use crate::formula::Formula;
use kanrl_core::action::ActionRule;
use std::sync::Arc;

/// A piece of mathematics.
#[derive(Clone, Debug)]
pub(super) enum Item {
    /// Digits, and the power of ten they are multiplied by.
    Number(String, Option<i32>),
    /// A variable.
    Symbol(String),
    /// `+`, `−`, `·`, `>`, `,` …
    Sign(&'static str),
    /// Words among the mathematics.
    Words(&'static str),
    /// A discrete action.
    Label(String),
    /// One after the other.
    Row(Vec<Item>),
    /// Numerator and denominator.
    Fraction(Box<Item>, Box<Item>),
    /// Base and exponent.
    Power(Box<Item>, Box<Item>),
    /// Square root.
    Root(Box<Item>),
    /// Between brackets.
    Fenced(&'static str, Box<Item>, &'static str),
    /// A function's name and its bracketed arguments.
    Call(&'static str, Box<Item>),
    /// A curve's number, from 1, and its bracketed argument.
    Curve(usize, Box<Item>),
    /// argmax over i.
    Argmax(Box<Item>),
    /// Values and their conditions.
    Cases(Vec<[Item; 2]>),
}

/// A row of the formula: left side (empty in a continuation) and right side.
pub(super) type Line = (Option<Item>, Item);

/// All rows of a formula; sums are broken before terms, at about `width` typeset characters.
pub(super) fn lines(formula: &Formula, width: usize) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    let curves = formula.curves();
    for output in formula.outputs() {
        let mut left = Some(Item::Symbol(output.name.clone()));
        let mut row: Vec<Item> = Vec::new();
        let mut used = 0;
        for term in terms(&output.expression, &curves) {
            let length: usize = term.iter().map(Item::width).sum();
            if !row.is_empty() && used + length > width {
                lines.push((left.take(), Item::Row(std::mem::take(&mut row))));
                used = 0;
            }
            used += length;
            row.extend(term);
        }
        lines.push((left, Item::Row(row)));
    }
    lines.push((Some(Item::Words("action")), action(formula)));
    lines.extend(curves.iter().enumerate().map(|(index, curve)| definition(index + 1, curve)));
    lines
}

/// An expression on one line; `curves` are those that have a name.
pub(super) fn expression(expression: &Expression, curves: &[Arc<Curve>]) -> Result<Item, SymbolicError> {
    // Items are trees: what draws them recurses.
    expression.check()?;
    Ok(Item::Row(terms(expression, curves).concat()))
}

/// A curve's name with an argument, and what it computes in each piece.
fn definition(number: usize, curve: &Curve) -> Line {
    let x = || Item::Symbol("x".to_owned());
    let variable = Expression::variable("x").expect("a good name");
    let constant = |value: f64| piece(&Expression::constant(value), &[]).signed();
    let last = curve.breakpoints().len();
    let pieces = curve.pieces().enumerate().map(|(index, (origin, coefficients))| {
        let u = variable.clone() - origin;
        let powers = coefficients.iter().zip(0..);
        let terms = powers.map(|(coefficient, power)| u.clone().powi(power) * *coefficient);
        let value = Item::Row(self::terms(&Expression::sum(terms), &[]).concat());
        let condition = match index == last {
            true => Item::Words("otherwise"),
            false => Item::Row(vec![x(), Item::Sign("<"), constant(curve.breakpoints()[index])]),
        };
        [value, condition]
    });
    (Some(Item::Curve(number, Box::new(x()))), Item::Cases(pieces.collect()))
}

fn action(formula: &Formula) -> Item {
    let names = || formula.outputs().iter().map(|output| Item::Symbol(output.name.clone()));
    let number = |value: f64| piece(&Expression::constant(value), &[]).signed();
    let label = |label: &String| Item::Label(label.clone());
    match formula.action() {
        ActionRule::Argmax if !formula.labels().is_empty() => {
            let choices = formula.labels().iter().zip(names());
            Item::Argmax(Box::new(list(choices.map(|(of, name)| Item::Row(vec![label(of), Item::Sign(":"), name])))))
        }
        ActionRule::Argmax => Item::Argmax(Box::new(list(names()))),
        ActionRule::Threshold => {
            let name = Item::Symbol(formula.outputs()[0].name.clone());
            let argmax = Item::Argmax(Box::new(list([number(0.0), name.clone()])));
            let condition = Item::Row(vec![name, Item::Sign(">"), number(0.0)]);
            if let [first, second] = formula.labels() {
                return cases(label(second), condition, label(first));
            }
            Item::Row(vec![argmax, Item::Sign("="), cases(number(1.0), condition, number(0.0))])
        }
        ActionRule::Clip { low, high } => {
            let clipped =
                names().zip(low).zip(high).map(|((name, low), high)| match (low.is_finite(), high.is_finite()) {
                    (true, true) => Item::Call("clip", Box::new(list([name, number(*low), number(*high)]))),
                    (true, false) => Item::Call("max", Box::new(list([name, number(*low)]))),
                    (false, true) => Item::Call("min", Box::new(list([name, number(*high)]))),
                    (false, false) => name,
                });
            let mut clipped: Vec<Item> = clipped.collect();
            if clipped.len() == 1 { clipped.remove(0) } else { Item::Fenced("(", Box::new(list(clipped)), ")") }
        }
    }
}

fn list(items: impl IntoIterator<Item = Item>) -> Item {
    let separated = items.into_iter().flat_map(|item| [Item::Sign(","), item]);
    Item::Row(separated.skip(1).collect())
}

fn cases(positive: Item, condition: Item, otherwise: Item) -> Item {
    Item::Cases(vec![[positive, condition], [otherwise, Item::Words("otherwise")]])
}

/// The terms of the outermost sum, signs included.
fn terms(expression: &Expression, curves: &[Arc<Curve>]) -> Vec<Vec<Item>> {
    match expression.root() {
        Node::Operation(Operator::Add, _) => sum(expression.operands().iter().map(|term| piece(term, curves))),
        _ => vec![vec![piece(expression, curves).signed()]],
    }
}

fn sum(pieces: impl Iterator<Item = Piece>) -> Vec<Vec<Item>> {
    let terms = pieces.enumerate().map(|(index, piece)| {
        let sign = match (piece.negative, index) {
            (true, _) => Some(Item::Sign("−")),
            (false, 0) => None,
            (false, _) => Some(Item::Sign("+")),
        };
        let item = if piece.level == Level::Sum { piece.fenced() } else { piece.item };
        sign.into_iter().chain([item]).collect()
    });
    terms.collect()
}

/// An item with what its surroundings must know.
#[derive(Clone)]
struct Piece {
    item: Item,
    /// A minus sign stands in front of it.
    negative: bool,
    level: Level,
}

#[derive(Clone, Copy, PartialEq, PartialOrd)]
enum Level {
    Sum,
    Product,
    /// A power or a function: may be a factor, not a base.
    Power,
    Atom,
}

impl Piece {
    fn new(item: Item, level: Level) -> Self {
        Self { item, negative: false, level }
    }

    fn signed(self) -> Item {
        if self.negative { Item::Row(vec![Item::Sign("−"), self.item]) } else { self.item }
    }

    fn fenced(self) -> Item {
        Item::Fenced("(", Box::new(self.signed()), ")")
    }

    /// With brackets if it is negative or binds less tightly than `level`.
    fn within(self, level: Level) -> Item {
        if self.negative || self.level < level { self.fenced() } else { self.item }
    }
}

fn piece(expression: &Expression, curves: &[Arc<Curve>]) -> Piece {
    expression.fold(|node, mut operands: Vec<Piece>| match node {
        Node::Constant(value) => {
            let text = crate::expression::number(value.abs());
            let (digits, exponent) = match text.split_once('e') {
                Some((digits, exponent)) => (digits.to_owned(), exponent.parse().ok()),
                None => (text, None),
            };
            let level = if exponent.is_some() { Level::Product } else { Level::Atom };
            Piece { item: Item::Number(digits, exponent), negative: value.is_sign_negative(), level }
        }
        Node::Variable(name) => {
            let has_function = super::names::Symbol::new(name).function.is_some();
            Piece::new(Item::Symbol(name.to_string()), if has_function { Level::Power } else { Level::Atom })
        }
        Node::Operation(operator, _) => operation(*operator, operands),
        Node::Curve(curve) => {
            let number = curves.iter().position(|known| known == curve).map_or(0, |index| index + 1);
            Piece::new(Item::Curve(number, Box::new(operands.remove(0).signed())), Level::Power)
        }
    })
}

fn operation(operator: Operator, operands: Vec<Piece>) -> Piece {
    if operator == Operator::Add {
        return Piece::new(Item::Row(sum(operands.into_iter()).concat()), Level::Sum);
    }
    if operator == Operator::Multiply {
        return product(operands);
    }
    let mut operands = operands.into_iter();
    let first = operands.next().expect("every operator takes operands");
    let call = |name, argument| Piece::new(Item::Call(name, Box::new(argument)), Level::Power);
    match operator {
        Operator::Negate if first.negative || first.level == Level::Sum => {
            Piece { item: first.fenced(), negative: true, level: Level::Product }
        }
        Operator::Negate => Piece { negative: true, level: Level::Product, ..first },
        Operator::Divide => {
            let negative = first.negative && first.level > Level::Sum;
            let numerator = if negative { first.item } else { first.signed() };
            let denominator = operands.next().expect("two operands").signed();
            Piece { item: Item::Fraction(Box::new(numerator), Box::new(denominator)), negative, level: Level::Product }
        }
        Operator::Power => {
            let exponent = operands.next().expect("two operands").signed();
            Piece::new(Item::Power(Box::new(first.within(Level::Atom)), Box::new(exponent)), Level::Power)
        }
        Operator::Exp => {
            let base = Box::new(Item::Symbol("e".into()));
            Piece::new(Item::Power(base, Box::new(first.signed())), Level::Power)
        }
        Operator::Gaussian => {
            let square = Item::Power(Box::new(first.within(Level::Atom)), Box::new(Item::Number("2".into(), None)));
            let exponent = Item::Row(vec![Item::Sign("−"), square]);
            Piece::new(Item::Power(Box::new(Item::Symbol("e".into())), Box::new(exponent)), Level::Power)
        }
        Operator::Sqrt => Piece::new(Item::Root(Box::new(first.signed())), Level::Power),
        Operator::Abs => Piece::new(Item::Fenced("|", Box::new(first.signed()), "|"), Level::Atom),
        Operator::Step => {
            let condition = Item::Row(vec![first.signed(), Item::Sign(">"), Item::Number("0".into(), None)]);
            Piece::new(Item::Fenced("[", Box::new(condition), "]"), Level::Atom)
        }
        Operator::Gate => {
            let condition = Item::Row(vec![first.signed(), Item::Sign(">"), Item::Number("0".into(), None)]);
            let mut branches = operands.map(Piece::signed);
            let (positive, otherwise) = (branches.next().expect("three"), branches.next().expect("three"));
            // Cases have no closing bracket of their own.
            Piece::new(Item::Fenced("(", Box::new(cases(positive, condition, otherwise)), ")"), Level::Atom)
        }
        Operator::Min | Operator::Max | Operator::Clip => {
            call(operator.name(), list([first.signed()].into_iter().chain(operands.map(Piece::signed))))
        }
        function => call(function.name(), first.signed()),
    }
}

fn product(operands: Vec<Piece>) -> Piece {
    let negative = operands[0].negative && operands[0].level > Level::Sum;
    let mut row = Vec::new();
    for (index, mut operand) in operands.into_iter().enumerate() {
        if index == 0 {
            operand.negative &= !negative;
        }
        let factor = operand.within(Level::Product);
        if index > 0 {
            // Two numbers side by side need a sign between them.
            row.push(if factor.starts_with_digit() { Item::Sign("·") } else { Item::Sign("\u{2062}") });
        }
        row.push(factor);
    }
    Piece { item: Item::Row(row), negative, level: Level::Product }
}

impl Item {
    fn starts_with_digit(&self) -> bool {
        match self {
            Self::Number(..) => true,
            Self::Row(items) => items.first().is_some_and(Self::starts_with_digit),
            Self::Power(base, _) => base.starts_with_digit(),
            _ => false,
        }
    }

    /// About how many characters wide it is.
    fn width(&self) -> usize {
        match self {
            Self::Number(digits, exponent) => digits.len() + exponent.map_or(0, |_| 5),
            Self::Symbol(name) => {
                let symbol = super::names::Symbol::new(name);
                let words = std::iter::once(symbol.base).chain(symbol.subscripts).chain(symbol.function);
                words.map(|word| if super::names::greek(word).is_some() { 1 } else { word.chars().count() }).sum()
            }
            Self::Sign("\u{2062}" | ",") => 1,
            Self::Sign(_) => 3,
            Self::Words(words) => words.len(),
            Self::Label(label) => label.chars().count(),
            Self::Row(items) => items.iter().map(Self::width).sum(),
            Self::Fraction(numerator, denominator) => numerator.width().max(denominator.width()),
            Self::Power(base, exponent) => base.width() + exponent.width().div_ceil(2) + 1,
            Self::Root(inner) => inner.width() + 2,
            Self::Fenced(_, inner, _) => inner.width() + 2,
            Self::Call(name, inner) => name.len() + inner.width() + 2,
            Self::Curve(_, inner) => inner.width() + 4,
            Self::Argmax(inner) => inner.width() + 8,
            Self::Cases(cases) => {
                cases.iter().map(|[value, condition]| value.width() + condition.width() + 4).max().unwrap_or(0)
            }
        }
    }
}
