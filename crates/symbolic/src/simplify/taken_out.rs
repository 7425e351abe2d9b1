//! Numbers taken out of functions that let them through, where they meet another number: `3*max(2*x + 1, 5)` is
//! `6*max(x, 2) + 3`, `5*(2*x + 4*y)^2` is `20*(x + 2*y)^2`.

use crate::expression::{Expression, Node, Operator, is_whole_exponent};

/// Passes over all nodes: what one shortens, the next may shorten more.
const PASSES: usize = 3;
/// Factors beyond this size, or below its inverse, stay where they are.
const LARGEST: f64 = 1e12;

impl Expression {
    /// The same with numbers taken out of powers, hinges, absolute values, roots, exponentials, logarithms and denominators,
    /// wherever that makes the whole shorter.
    pub(super) fn taken_out(&self) -> Self {
        let mut best = self.clone();
        for _ in 0..PASSES {
            let before = best.size();
            let mut index = 0;
            while index < best.nodes().len() {
                if let Some(shorter) = best.taken_out_at(index).filter(|found| found.size() < best.size()) {
                    best = shorter;
                }
                index += 1;
            }
            if best.size() == before {
                break;
            }
        }
        best
    }

    /// With numbers taken out of that node; none where it is of another kind.
    fn taken_out_at(&self, place: usize) -> Option<Self> {
        if !matches!(self.nodes()[place], Node::Operation(..)) {
            return None;
        }
        let mut index = 0;
        let mut is_changed = false;
        let changed = self.fold(|node, mut operands: Vec<Self>| {
            index += 1;
            match node {
                Node::Constant(value) => Self::constant(*value),
                Node::Variable(name) => Self::symbol(name),
                Node::Curve(curve) => Self::curve(curve.clone(), operands.remove(0)),
                Node::Operation(operator, _) => {
                    if index == place + 1
                        && let Some(found) = without_numbers(*operator, &operands)
                    {
                        is_changed = true;
                        return found;
                    }
                    if *operator == Operator::Multiply
                        && let [factor, sum] = &operands[..]
                        && let Some(factor) = factor.as_constant()
                    {
                        return sum.clone().affine(factor, 0.0);
                    }
                    Self::rebuild(*operator, operands)
                }
            }
        });
        is_changed.then_some(changed)
    }
}

/// The operation as a scaled and shifted one whose operand has one number less; none where there is nothing to take out.
fn without_numbers(operator: Operator, operands: &[Expression]) -> Option<Expression> {
    let number = |index: usize| operands[index].as_constant();
    match operator {
        Operator::Max | Operator::Min if operands.len() == 2 => {
            let (limit, operand) = match (number(0), number(1)) {
                (Some(limit), None) => (limit, &operands[1]),
                (None, Some(limit)) => (limit, &operands[0]),
                _ => return None,
            };
            let Affine { scale, inner, shift } = Affine::of(operand)?;
            let turned = if operator == Operator::Max { Operator::Min } else { Operator::Max };
            let operator = if scale > 0.0 { operator } else { turned };
            let limit = Expression::constant((limit - shift) / scale);
            Some(Expression::operation(operator, [inner, limit]).affine(scale, shift))
        }
        Operator::Clip => {
            let Affine { scale, inner, shift } = Affine::of(&operands[0])?;
            let [low, high] = [number(1)?, number(2)?].map(|bound| (bound - shift) / scale);
            let bounds = if scale > 0.0 { [low, high] } else { [high, low] }.map(Expression::constant);
            Some(Expression::operation(operator, std::iter::once(inner).chain(bounds)).affine(scale, shift))
        }
        Operator::Abs => {
            let (scale, inner) = Affine::of(&operands[0])?.factored();
            Some(Expression::operation(operator, [inner]).affine(scale.abs(), 0.0))
        }
        Operator::Power => {
            let exponent = number(1).filter(|exponent| is_whole_exponent(*exponent))?;
            let (scale, inner) = Affine::of(&operands[0])?.factored();
            let factor = Some(scale.powf(exponent)).filter(|factor| is_moderate(*factor))?;
            Some(Expression::operation(operator, [inner, operands[1].clone()]).affine(factor, 0.0))
        }
        Operator::Sqrt | Operator::Log => {
            let (scale, inner) = Affine::of(&operands[0])?.factored();
            let own = (scale > 0.0).then(|| Expression::operation(operator, [inner]))?;
            Some(if operator == Operator::Sqrt { own.affine(scale.sqrt(), 0.0) } else { own.affine(1.0, scale.ln()) })
        }
        Operator::Exp => {
            let Node::Operation(Operator::Add, _) = operands[0].root() else { return None };
            let mut terms = operands[0].operands();
            let shift = terms.pop()?.as_constant()?;
            let factor = Some(shift.exp()).filter(|factor| is_moderate(*factor))?;
            Some(Expression::operation(operator, [Expression::sum(terms)]).affine(factor, 0.0))
        }
        Operator::Divide => {
            let numerator = number(0)?;
            let (scale, inner) = Affine::of(&operands[1])?.factored();
            Some(Expression::operation(operator, [Expression::constant(numerator / scale), inner]))
        }
        _ => None,
    }
}

fn is_moderate(factor: f64) -> bool {
    factor.abs() < LARGEST && factor.abs() > 1.0 / LARGEST
}

/// `scale · inner + shift`.
struct Affine {
    scale: f64,
    inner: Expression,
    shift: f64,
}

impl Affine {
    /// An expression that is more than a number, with the factor of one of its terms, and its last number, taken out; none
    /// where it has neither.
    fn of(expression: &Expression) -> Option<Self> {
        let mut terms = match expression.root() {
            Node::Operation(Operator::Add, _) => expression.operands(),
            _ => vec![expression.clone()],
        };
        let shift = terms.last()?.as_constant();
        if shift.is_some() {
            terms.pop();
        }
        let scales = terms.iter().map(|term| factor(term).0);
        let scale = scales.clone().find(|scale| scale.abs() != 1.0).or(scales.clone().find(|scale| *scale != 1.0));
        let scale = scale.filter(|scale| is_moderate(*scale)).unwrap_or(1.0);
        if scale == 1.0 && shift.is_none() {
            return None;
        }
        let term = |term: Expression| match factor(&term) {
            (own, rest) if own == scale => rest,
            (own, rest) => Expression::product([Expression::constant(own / scale), rest]),
        };
        let inner = Expression::sum(terms.into_iter().map(term));
        inner.as_constant().is_none().then_some(Self { scale, inner, shift: shift.unwrap_or(0.0) })
    }

    /// `scale · (inner + shift / scale)`.
    fn factored(self) -> (f64, Expression) {
        (self.scale, self.inner.affine(1.0, self.shift / self.scale))
    }
}

/// A term's number and what it multiplies.
fn factor(term: &Expression) -> (f64, Expression) {
    let mut operands = term.operands();
    match term.root() {
        Node::Operation(Operator::Negate, _) => (-1.0, operands.remove(0)),
        Node::Operation(Operator::Multiply, _) => match operands[0].as_constant() {
            Some(value) => {
                operands.remove(0);
                (value, Expression::product(operands))
            }
            None => (1.0, term.clone()),
        },
        _ => (1.0, term.clone()),
    }
}

#[cfg(test)]
mod tests {
    use crate::{Expression, SimplifyLimits};

    #[test]
    fn numbers_leave_functions_where_they_meet_others() {
        for (text, wanted) in [
            ("3*max(2*x + 1, 5) + y", "6*max(x, 2) + y + 3"),
            ("3*max(-2*x, 5)", "-6*min(x, -2.5)"),
            ("2*clip(4*x + y, -2, 2) + 1", "8*clip(x + 0.25*y, -0.5, 0.5) + 1"),
            ("5*(2*x + 4*y)^2", "20*(x + 2*y)^2"),
            ("5*(2*x + 6)^3", "40*(x + 3)^3"),
            ("3*abs(-2*x)", "6*abs(x)"),
            ("8/(2*exp(x) + 4)", "4/(exp(x) + 2)"),
            // Nothing to meet: it would get longer.
            ("sin(max(2*x, 5))", "sin(max(2*x, 5))"),
            ("(2*x + y)^2 + y", "(2*x + y)^2 + y"),
        ] {
            let expression: Expression = text.parse().unwrap();
            let wanted: Expression = wanted.parse().unwrap();
            let found = expression.taken_out();
            assert_eq!(found.operations(), wanted.operations(), "{text}: {found}");
            assert!(expression.simplified(SimplifyLimits::default()).operations() <= wanted.operations(), "{text}");
            for (x, y) in [(-3.0, 0.5), (0.7, -2.0), (4.0, 1.0)] {
                let at = [("x", x), ("y", y)];
                let [first, second] = [&expression, &found].map(|it| it.evaluate(&at).unwrap());
                assert!((first - second).abs() <= 1e-12 * first.abs().max(1.0), "{text}: {found}");
            }
        }
    }
}
