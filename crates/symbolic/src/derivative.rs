//! Symbolic derivatives.

use crate::expression::{Expression, Node, Operator};
use std::collections::BTreeMap;

impl Expression {
    /// The derivative by a variable.
    ///
    /// Where a function has a kink or a jump (abs, sign, step, min, max, clip, gate) it is the derivative of the branch
    /// that [`Operator::value`] takes, and 0 for the jump itself.
    ///
    /// ```
    /// let expression: kanrl_symbolic::Expression = "x^3 + sin(2*x)".parse()?;
    /// assert_eq!(expression.derivative("x").to_string(), "3*x^2 + 2*cos(2*x)");
    /// # Ok::<(), kanrl_symbolic::SymbolicError>(())
    /// ```
    #[must_use]
    pub fn derivative(&self, variable: &str) -> Self {
        let (_, derivative) = self.fold(|node, operands: Vec<(Self, Self)>| match node {
            Node::Constant(value) => (Self::constant(*value), Self::constant(0.0)),
            Node::Variable(name) => {
                let derivative = if **name == *variable { 1.0 } else { 0.0 };
                (Self::symbol(name), Self::constant(derivative))
            }
            Node::Operation(operator, _) => {
                let derivative = differentiate(*operator, &operands);
                (Self::apply(*operator, operands.into_iter().map(|(value, _)| value)), derivative)
            }
            Node::Curve(curve) => {
                let (x, dx) = operands.into_iter().next().expect("a curve's operand");
                let slope = Self::curve(curve.derivative().into(), x.clone());
                (Self::curve(curve.clone(), x), slope * dx)
            }
        });
        derivative
    }
}

/// The derivative of an operation whose operands are given with their derivatives.
fn differentiate(operator: Operator, operands: &[(Expression, Expression)]) -> Expression {
    if operands.iter().all(|(_, derivative)| derivative.as_constant() == Some(0.0)) {
        return Expression::constant(0.0);
    }
    let (x, dx) = operands[0].clone();
    let apply = |operator, x: Expression| Expression::apply(operator, [x]);
    let one_minus_square = |x: Expression| Expression::constant(1.0) - x.powi(2);
    match operator {
        Operator::Add => Expression::sum(operands.iter().map(|(_, derivative)| derivative.clone())),
        Operator::Multiply => Expression::sum((0..operands.len()).map(|chosen| {
            let factors = operands
                .iter()
                .enumerate()
                .map(|(index, (value, derivative))| if index == chosen { derivative.clone() } else { value.clone() });
            Expression::product(factors)
        })),
        Operator::Negate => -dx,
        Operator::Divide => {
            let (y, dy) = operands[1].clone();
            dx / y.clone() - x * dy / y.powi(2)
        }
        Operator::Power => power(x, dx, &operands[1]),
        Operator::Exp => apply(Operator::Exp, x) * dx,
        Operator::Log => dx / x,
        Operator::Sqrt => dx / (apply(Operator::Sqrt, x) * 2.0),
        Operator::Sin => apply(Operator::Cos, x) * dx,
        Operator::Cos => -(apply(Operator::Sin, x) * dx),
        Operator::Tan => (apply(Operator::Tan, x).powi(2) + 1.0) * dx,
        Operator::Tanh => one_minus_square(apply(Operator::Tanh, x)) * dx,
        Operator::Arcsin => dx / apply(Operator::Sqrt, one_minus_square(x)),
        Operator::Arccos => -(dx / apply(Operator::Sqrt, one_minus_square(x))),
        Operator::Arctan => dx / (x.powi(2) + 1.0),
        Operator::Arctanh => dx / one_minus_square(x),
        Operator::Abs => apply(Operator::Sign, x) * dx,
        Operator::Sign | Operator::Step => Expression::constant(0.0),
        Operator::Gaussian => x.clone() * -2.0 * apply(Operator::Gaussian, x) * dx,
        Operator::Min | Operator::Max => extremum(operator, operands),
        Operator::Clip => {
            let raised = extremum(Operator::Max, &operands[..2]);
            let value = Expression::apply(Operator::Max, [x, operands[1].0.clone()]);
            extremum(Operator::Min, &[(value, raised), operands[2].clone()])
        }
        Operator::Native(native) => native.derivative().substitute(&BTreeMap::from([("x", x)])).folded() * dx,
        Operator::Gate => gate(x, operands[1].1.clone(), operands[2].1.clone()),
    }
}

fn power(x: Expression, dx: Expression, (y, dy): &(Expression, Expression)) -> Expression {
    let by_base = match y.as_constant() {
        Some(exponent) if exponent == 2.0 => x.clone() * exponent,
        Some(exponent) => x.clone().power(Expression::constant(exponent - 1.0)) * exponent,
        None => x.clone().power(y.clone() - 1.0) * y.clone(),
    };
    let by_base = by_base * dx;
    if dy.as_constant() == Some(0.0) {
        return by_base;
    }
    let logarithm = Expression::apply(Operator::Log, [x.clone()]);
    by_base + x.power(y.clone()) * logarithm * dy.clone()
}

/// Two at a time, from the left, as the value is computed.
fn extremum(operator: Operator, operands: &[(Expression, Expression)]) -> Expression {
    let (mut value, mut derivative) = operands[0].clone();
    for (other, other_derivative) in &operands[1..] {
        let difference = match operator {
            Operator::Min => other.clone() - value.clone(),
            _ => value.clone() - other.clone(),
        };
        derivative = gate(difference, derivative, other_derivative.clone());
        value = Expression::apply(operator, [value, other.clone()]);
    }
    derivative
}

fn gate(condition: Expression, positive: Expression, otherwise: Expression) -> Expression {
    if positive == otherwise { positive } else { Expression::apply(Operator::Gate, [condition, positive, otherwise]) }
}
