//! Sound bounds of an expression over a box, by interval arithmetic with outward rounding.

use crate::expression::{Curve, Expression, Native, Node, Operator, SymbolicError, unknown_variable};
use kanrl_interval::{Function, Interval};

/// What an expression's value can be over a box.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bounds {
    /// No value is below it.
    pub low: f64,
    /// No value is above it.
    pub high: f64,
    /// Whether it has a value everywhere: false where a part may leave its domain (NaN), and then the bounds are
    /// infinite.
    pub defined: bool,
}

impl Expression {
    /// Bounds of the value for variables within `low..=high` each: whatever is computed for a point of the box, in any
    /// export, lies within. They need not be tight where a variable occurs several times.
    ///
    /// ```
    /// let expression: kanrl_symbolic::Expression = "3*theta + tanh(theta_dot)".parse()?;
    /// let bounds = expression.bounds(&[("theta", -0.5, 0.5), ("theta_dot", f64::NEG_INFINITY, f64::INFINITY)])?;
    /// assert!(bounds.defined && bounds.low >= -2.500_001 && bounds.high <= 2.500_001);
    /// # Ok::<(), kanrl_symbolic::SymbolicError>(())
    /// ```
    ///
    /// # Errors
    /// [`SymbolicError::UnknownVariable`] for a variable without bounds, [`SymbolicError::Invalid`] for bounds out of
    /// order.
    pub fn bounds(&self, variables: &[(&str, f64, f64)]) -> Result<Bounds, SymbolicError> {
        if let Some((name, low, high)) =
            variables.iter().find(|(_, low, high)| low.is_nan() || high.is_nan() || low > high)
        {
            return Err(SymbolicError::Invalid(format!("the bounds {low} and {high} of `{name}` are not in order")));
        }
        let value = self.try_fold(|node, operands: Vec<Interval>| match node {
            Node::Constant(value) => Ok(Interval::point(*value)),
            Node::Variable(name) => match variables.iter().find(|(known, ..)| **known == **name) {
                Some((_, low, high)) => Ok(Interval::new(*low, *high)),
                None => Err(unknown_variable(name, variables.iter().map(|(known, ..)| *known))),
            },
            Node::Operation(operator, _) => Ok(operation(*operator, &operands)),
            Node::Curve(curve) => Ok(curve.interval(operands[0])),
        })?;
        Ok(match value {
            undefined if undefined.is_undefined() => {
                Bounds { low: f64::NEG_INFINITY, high: f64::INFINITY, defined: false }
            }
            Interval { low, high } => Bounds { low, high, defined: true },
        })
    }
}

fn operation(operator: Operator, operands: &[Interval]) -> Interval {
    if operands.iter().any(|operand| operand.is_undefined()) {
        return Interval::UNDEFINED;
    }
    let (x, rest) = (operands[0], &operands[1..]);
    match operator {
        Operator::Add => rest.iter().fold(x, |sum, term| sum + *term),
        Operator::Multiply => rest.iter().fold(x, |product, factor| product * *factor),
        Operator::Negate => -x,
        Operator::Divide => x / rest[0],
        Operator::Power => x.power(rest[0]),
        Operator::Min => rest.iter().fold(x, |least, other| least.minimum(*other)),
        Operator::Max => rest.iter().fold(x, |most, other| most.maximum(*other)),
        Operator::Clip => x.maximum(rest[0]).minimum(rest[1]),
        Operator::Native(native) => native.interval(x),
        Operator::Gate if x.low > 0.0 => rest[0],
        Operator::Gate if x.high <= 0.0 => rest[1],
        Operator::Gate => rest[0].hull(rest[1]),
        other => other.function().expect("all others take one operand").value(x),
    }
}

impl Operator {
    /// What it is to sound arithmetic, where it is a function of one variable that others know, too.
    pub fn function(self) -> Option<Function> {
        Some(match self {
            Self::Exp => Function::Exp,
            Self::Log => Function::Log,
            Self::Sqrt => Function::Sqrt,
            Self::Sin => Function::Sin,
            Self::Cos => Function::Cos,
            Self::Tan => Function::Tan,
            Self::Tanh => Function::Tanh,
            Self::Arcsin => Function::Arcsin,
            Self::Arccos => Function::Arccos,
            Self::Arctan => Function::Arctan,
            Self::Arctanh => Function::Arctanh,
            Self::Abs => Function::Abs,
            Self::Sign => Function::Sign,
            Self::Step => Function::Step,
            Self::Gaussian => Function::Gaussian,
            _ => return None,
        })
    }
}

impl Native {
    /// Its values over an interval, as far as its author's bounds say.
    pub fn interval(self, x: Interval) -> Interval {
        let function = self.function();
        if x.is_undefined() || !function.domain.contains(x.low, x.high) {
            return Interval::UNDEFINED;
        }
        let (low, high) = (function.bounds)(x.low, x.high);
        Interval::new(low, high).widened(Interval::FUNCTION_ERROR)
    }
}

impl Curve {
    /// Its values over an interval.
    pub fn interval(&self, x: Interval) -> Interval {
        if x.is_undefined() {
            return x;
        }
        let (low, high) = self.bounds(x.low, x.high);
        Interval::new(low, high)
    }
}
