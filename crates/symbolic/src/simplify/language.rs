//! Expressions as egg sees them: binary sums and products, numbers by their bits, variables by their index.

use crate::expression::{self, Expression, Native, Node, Operator};
use egg::{Id, RecExpr, define_language};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// A double that can be hashed and ordered: −0 is 0, and never NaN.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Number(u64);

impl Number {
    pub(super) fn new(value: f64) -> Self {
        Self((value + 0.0).to_bits())
    }

    pub(super) fn value(self) -> f64 {
        f64::from_bits(self.0)
    }
}

impl fmt::Display for Number {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.value())
    }
}

impl FromStr for Number {
    type Err = std::num::ParseFloatError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self::new)
    }
}

/// A variable's index in the sorted list of names: unlike interned names it is the same in every run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Variable(pub usize);

impl fmt::Display for Variable {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "v{}", self.0)
    }
}

impl FromStr for Variable {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.strip_prefix('v').unwrap_or("").parse().map(Self)
    }
}

/// A curve's index in the list of the expression's curves: the rules do not care what it computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Curve(pub usize);

impl fmt::Display for Curve {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "curve{}", self.0)
    }
}

impl FromStr for Curve {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.strip_prefix("curve").unwrap_or("").parse().map(Self)
    }
}

define_language! {
    pub(super) enum Math {
        "+" = Add([Id; 2]),
        "*" = Multiply([Id; 2]),
        "neg" = Negate(Id),
        "/" = Divide([Id; 2]),
        "^" = Power([Id; 2]),
        "exp" = Exp(Id),
        "log" = Log(Id),
        "sqrt" = Sqrt(Id),
        "sin" = Sin(Id),
        "cos" = Cos(Id),
        "tan" = Tan(Id),
        "tanh" = Tanh(Id),
        "arcsin" = Arcsin(Id),
        "arccos" = Arccos(Id),
        "arctan" = Arctan(Id),
        "arctanh" = Arctanh(Id),
        "abs" = Abs(Id),
        "sign" = Sign(Id),
        "gaussian" = Gaussian(Id),
        "step" = Step(Id),
        "min" = Min([Id; 2]),
        "max" = Max([Id; 2]),
        "clip" = Clip([Id; 3]),
        "gate" = Gate([Id; 3]),
        Native(Native, [Id; 1]),
        Curve(Curve, [Id; 1]),
        Constant(Number),
        Variable(Variable),
    }
}

impl Math {
    /// The operator, or `None` for a constant, a variable or a curve.
    pub(super) fn operator(&self) -> Option<Operator> {
        Some(match self {
            Self::Add(_) => Operator::Add,
            Self::Multiply(_) => Operator::Multiply,
            Self::Negate(_) => Operator::Negate,
            Self::Divide(_) => Operator::Divide,
            Self::Power(_) => Operator::Power,
            Self::Exp(_) => Operator::Exp,
            Self::Log(_) => Operator::Log,
            Self::Sqrt(_) => Operator::Sqrt,
            Self::Sin(_) => Operator::Sin,
            Self::Cos(_) => Operator::Cos,
            Self::Tan(_) => Operator::Tan,
            Self::Tanh(_) => Operator::Tanh,
            Self::Arcsin(_) => Operator::Arcsin,
            Self::Arccos(_) => Operator::Arccos,
            Self::Arctan(_) => Operator::Arctan,
            Self::Arctanh(_) => Operator::Arctanh,
            Self::Abs(_) => Operator::Abs,
            Self::Sign(_) => Operator::Sign,
            Self::Gaussian(_) => Operator::Gaussian,
            Self::Step(_) => Operator::Step,
            Self::Min(_) => Operator::Min,
            Self::Max(_) => Operator::Max,
            Self::Clip(_) => Operator::Clip,
            Self::Gate(_) => Operator::Gate,
            Self::Native(native, _) => Operator::Native(*native),
            Self::Constant(_) | Self::Variable(_) | Self::Curve(..) => return None,
        })
    }

    fn new(operator: Operator, operands: &[Id]) -> Self {
        let x = operands[0];
        match operator {
            Operator::Add => Self::Add([x, operands[1]]),
            Operator::Multiply => Self::Multiply([x, operands[1]]),
            Operator::Negate => Self::Negate(x),
            Operator::Divide => Self::Divide([x, operands[1]]),
            Operator::Power => Self::Power([x, operands[1]]),
            Operator::Exp => Self::Exp(x),
            Operator::Log => Self::Log(x),
            Operator::Sqrt => Self::Sqrt(x),
            Operator::Sin => Self::Sin(x),
            Operator::Cos => Self::Cos(x),
            Operator::Tan => Self::Tan(x),
            Operator::Tanh => Self::Tanh(x),
            Operator::Arcsin => Self::Arcsin(x),
            Operator::Arccos => Self::Arccos(x),
            Operator::Arctan => Self::Arctan(x),
            Operator::Arctanh => Self::Arctanh(x),
            Operator::Abs => Self::Abs(x),
            Operator::Sign => Self::Sign(x),
            Operator::Gaussian => Self::Gaussian(x),
            Operator::Step => Self::Step(x),
            Operator::Min => Self::Min([x, operands[1]]),
            Operator::Max => Self::Max([x, operands[1]]),
            Operator::Clip => Self::Clip([x, operands[1], operands[2]]),
            Operator::Gate => Self::Gate([x, operands[1], operands[2]]),
            Operator::Native(native) => Self::Native(native, [x]),
        }
    }
}

/// The expression for egg; `names` are its variables, sorted, and `curves` its curves.
pub(super) fn to_egg(expression: &Expression, names: &[Arc<str>], curves: &[Arc<expression::Curve>]) -> RecExpr<Math> {
    let mut result = RecExpr::default();
    expression.fold(|node, operands: Vec<Id>| match node {
        Node::Constant(value) => result.add(Math::Constant(Number::new(*value))),
        Node::Variable(name) => {
            let index = names.binary_search(name).expect("one of the expression's own variables");
            result.add(Math::Variable(Variable(index)))
        }
        Node::Operation(operator, arity) if *arity > 1 && operator.arity().1.is_none() => {
            let first = operands[0];
            operands[1..].iter().fold(first, |left, right| result.add(Math::new(*operator, &[left, *right])))
        }
        Node::Operation(operator, _) => result.add(Math::new(*operator, &operands)),
        Node::Curve(curve) => {
            let index = curves.iter().position(|known| known == curve).expect("one of the expression's own curves");
            result.add(Math::Curve(Curve(index), [operands[0]]))
        }
    });
    result
}

/// The expression that egg chose, sums and products flattened.
pub(super) fn from_egg(
    expression: &RecExpr<Math>,
    names: &[Arc<str>],
    curves: &[Arc<expression::Curve>],
) -> Expression {
    let mut built: Vec<Expression> = Vec::new();
    for node in expression.as_ref() {
        let mut operands: Vec<Expression> =
            egg::Language::children(node).iter().map(|id| built[usize::from(*id)].clone()).collect();
        built.push(match node {
            Math::Constant(value) => Expression::constant(value.value()),
            Math::Variable(Variable(index)) => Expression::symbol(&names[*index]),
            Math::Curve(Curve(index), _) => Expression::curve(curves[*index].clone(), operands.remove(0)),
            other => {
                let operator = other.operator().expect("an operation");
                Expression::rebuild(operator, operands)
            }
        });
    }
    built.pop().expect("an expression has at least one node")
}
