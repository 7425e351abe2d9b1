//! What a formula need not do where only its sign is asked for.

use kanrl_symbolic::{Expression, Node, Operator};
use std::f64::consts::FRAC_PI_2;

/// An expression that is above 0 where this one is, without the increasing functions, factors and shifts around what
/// decides: of `2*tanh(3*x + y - 1) + 1` it is `3*x + y - 0.45…`. The same expression where that takes no fewer operations.
pub fn deciding_part(expression: &Expression) -> Expression {
    // sign · (inner − threshold) has the expression's sign all the way.
    let (mut inner, mut threshold, mut sign) = (expression.clone(), 0.0, 1.0);
    while let Some((next, next_threshold, factor)) = peeled(&inner, threshold) {
        (inner, threshold, sign) = (next, next_threshold, sign * factor);
    }
    let part = inner.affine(sign, -sign * threshold).folded();
    if part.operations() < expression.operations() && threshold.is_finite() { part } else { expression.clone() }
}

/// What is above another threshold where `expression` is above this one; or below it, where the sign is −1.
fn peeled(expression: &Expression, threshold: f64) -> Option<(Expression, f64, f64)> {
    let Node::Operation(operator, _) = expression.root() else { return None };
    let operands = expression.operands();
    let (constants, mut rest): (Vec<Expression>, Vec<Expression>) =
        operands.iter().cloned().partition(|operand| operand.as_constant().is_some());
    if matches!(operator, Operator::Add | Operator::Multiply) {
        let [constant] = &constants[..] else { return None };
        let value = constant.as_constant()?;
        let is_sum = *operator == Operator::Add;
        let inner = match rest.len() {
            1 => rest.remove(0),
            _ if is_sum => return None,
            _ => Expression::product(rest),
        };
        return match value {
            _ if is_sum => Some((inner, threshold - value, 1.0)),
            0.0 => None,
            _ => Some((inner, threshold / value, value.signum())),
        };
    }
    let inner = operands[0].clone();
    let is_within = |limit: f64| threshold.abs() < limit;
    let next = match operator {
        Operator::Negate => return Some((inner, -threshold, -1.0)),
        Operator::Tanh if is_within(1.0) => threshold.atanh(),
        Operator::Arctan if is_within(FRAC_PI_2) => threshold.tan(),
        Operator::Exp if threshold > 0.0 => threshold.ln(),
        Operator::Log => threshold.exp(),
        Operator::Power => {
            let exponent = operands[1].as_constant().filter(|exponent| exponent % 2.0 == 1.0 && *exponent < 10.0)?;
            threshold.abs().powf(1.0 / exponent).copysign(threshold)
        }
        Operator::Clip => {
            let [low, high] = [operands[1].as_constant()?, operands[2].as_constant()?];
            if threshold <= low || threshold >= high {
                return None;
            }
            threshold
        }
        _ => return None,
    };
    Some((inner, next, 1.0))
}

#[cfg(test)]
mod tests {
    use super::deciding_part;
    use kanrl_symbolic::Expression;

    #[test]
    fn what_only_stretches_is_left_out_and_the_sign_stays() {
        for (text, operations) in [
            ("2*tanh(3*x + y - 1) + 1", 3),
            ("-arctan(x*y + 0.5)^3", 3),
            ("-3*exp(2*x + y) + 4", 3),
            ("clip(2*x + y, -1, 1) + 0.25", 3),
            ("-5*x*y", 2),
            // Nothing to gain: never above 0, several terms, not increasing.
            ("tanh(x) - 2", 2),
            ("tanh(x) + y", 2),
            ("sin(x)", 1),
        ] {
            let whole: Expression = text.parse().unwrap();
            let part = deciding_part(&whole);
            assert_eq!(part.operations(), operations, "{text}: {part}");
            for x in [-2.0, -0.7, 0.0, 0.3, 1.1] {
                for y in [-1.3, 0.1, 0.9] {
                    let at = [("x", x), ("y", y)];
                    let (wanted, found) = (whole.evaluate(&at).unwrap(), part.evaluate(&at).unwrap());
                    assert_eq!(wanted > 0.0, found > 0.0, "{text} and {part} at {at:?}");
                }
            }
        }
    }
}
