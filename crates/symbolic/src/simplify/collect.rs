//! Like terms of sums and equal factors of products brought together, affine chains collapsed, and everything sorted:
//! what needs no search, however long the sums are.

use crate::expression::{Expression, Node, Operator, is_whole_exponent};

impl Expression {
    /// The same with like terms and equal factors collected, terms and factors sorted.
    pub(super) fn collected(&self) -> Self {
        self.fold(|node, mut operands: Vec<Self>| match node {
            Node::Constant(value) => Self::constant(*value),
            Node::Variable(name) => Self::symbol(name),
            Node::Curve(curve) => Self::curve(curve.clone(), operands.remove(0)),
            Node::Operation(operator, _) => {
                let rebuilt = Self::rebuild(*operator, operands);
                match rebuilt.root() {
                    Node::Operation(Operator::Add, _) => collect_terms(rebuilt.operands()),
                    Node::Operation(Operator::Multiply, _) => {
                        let product = collect_factors(rebuilt.operands());
                        match scaled_sum(&product) {
                            Some((scale, terms)) => Self::sum(terms).affine(scale, 0.0),
                            None => product,
                        }
                    }
                    Node::Operation(Operator::Negate, _) => {
                        let inner = rebuilt.operands().remove(0);
                        match inner.root() {
                            Node::Operation(Operator::Add, _) => inner.affine(-1.0, 0.0),
                            _ => rebuilt,
                        }
                    }
                    _ => rebuilt,
                }
            }
        })
    }
}

/// The sum with like terms collected, where a number times a sum among them is multiplied out if that makes the whole
/// shorter: `2·(x + 1) + 3·x` is `5·x + 2`, and `2·(x + 1) + y` stays.
fn collect_terms(terms: Vec<Expression>) -> Expression {
    let mut best = collect_like_terms(terms.clone());
    let parts: Vec<Option<(f64, Vec<Expression>)>> = terms.iter().map(scaled_sum).collect();
    let nested: Vec<usize> = (0..terms.len()).filter(|term| parts[*term].is_some()).collect();
    let multiplied_out = |chosen: &[usize]| {
        let terms = terms.iter().zip(&parts).enumerate().flat_map(|(index, (term, part))| match part {
            Some((scale, inner)) if chosen.contains(&index) => {
                inner.iter().map(|term| Expression::constant(*scale) * term.clone()).collect()
            }
            _ => vec![term.clone()],
        });
        collect_like_terms(terms.collect())
    };
    // All together: terms of two nested sums may cancel. Then each by itself, on top of what has helped.
    let mut chosen: Vec<usize> = Vec::new();
    for more in std::iter::once(nested.clone()).chain(nested.iter().map(|index| vec![*index])) {
        let with: Vec<usize> = chosen.iter().chain(&more).copied().collect();
        let found = multiplied_out(&with);
        if found.size() < best.size() {
            (best, chosen) = (found, with);
        }
    }
    best
}

/// A number and the terms of a sum, of `k·(a + b)`, `−(a + b)` or `(a + b)/k`.
fn scaled_sum(term: &Expression) -> Option<(f64, Vec<Expression>)> {
    let terms = |sum: &Expression| match sum.root() {
        Node::Operation(Operator::Add, _) => Some(sum.operands()),
        _ => None,
    };
    let operands = term.operands();
    match (term.root(), &operands[..]) {
        (Node::Operation(Operator::Negate, _), [sum]) => Some((-1.0, terms(sum)?)),
        (Node::Operation(Operator::Multiply, _), [scale, sum]) => Some((scale.as_constant()?, terms(sum)?)),
        (Node::Operation(Operator::Divide, _), [sum, divisor]) => {
            let scale = 1.0 / divisor.as_constant()?;
            scale.is_normal().then_some((scale, terms(sum)?))
        }
        _ => None,
    }
}

/// `3·a + a` is `4·a`.
fn collect_like_terms(terms: Vec<Expression>) -> Expression {
    let terms: Vec<(Expression, f64)> = terms.into_iter().map(split_coefficient).collect();
    let collected = collect(terms, super::add_constants);
    Expression::sum(collected.into_iter().map(|(body, coefficient)| Expression::constant(coefficient) * body))
}

/// `a·a²` is `a³`; only whole powers of 1 or more, which are defined wherever a is.
fn collect_factors(factors: Vec<Expression>) -> Expression {
    let factors: Vec<(Expression, f64)> = factors.into_iter().map(split_exponent).collect();
    let collected =
        collect(factors, |sum, exponent| if is_whole_exponent(sum + exponent) { sum + exponent } else { f64::NAN });
    Expression::product(collected.into_iter().map(|(base, exponent)| base.powi(exponent as i32)))
}

/// Adds up the numbers of equal expressions, as long as that gives a number, and sorts by expression.
fn collect(parts: Vec<(Expression, f64)>, add: impl Fn(f64, f64) -> f64) -> Vec<(Expression, f64)> {
    let mut keyed: Vec<((usize, String), Expression, f64)> = parts
        .into_iter()
        .map(|(expression, number)| ((expression.depth(), expression.to_string()), expression, number))
        .collect();
    // Stable: equal ones are added in the order they came in.
    keyed.sort_by(|left, right| left.0.cmp(&right.0));
    let mut collected: Vec<((usize, String), Expression, f64)> = Vec::new();
    for (key, expression, number) in keyed {
        match collected.last_mut() {
            Some((last, _, sum)) if *last == key && !add(*sum, number).is_nan() => *sum = add(*sum, number),
            _ => collected.push((key, expression, number)),
        }
    }
    collected.into_iter().map(|(_, expression, number)| (expression, number)).collect()
}

/// `3·a` is a with 3.
fn split_coefficient(term: Expression) -> (Expression, f64) {
    match term.root() {
        Node::Constant(value) => (Expression::constant(1.0), *value),
        Node::Operation(Operator::Negate, _) => {
            let (body, coefficient) = split_coefficient(term.operands().remove(0));
            (body, -coefficient)
        }
        Node::Operation(Operator::Multiply, _) => {
            let mut factors = term.operands();
            match factors[0].as_constant() {
                Some(coefficient) => {
                    factors.remove(0);
                    (Expression::product(factors), coefficient)
                }
                None => (term, 1.0),
            }
        }
        _ => (term, 1.0),
    }
}

/// `a^3` is a with 3.
fn split_exponent(factor: Expression) -> (Expression, f64) {
    if let Node::Operation(Operator::Power, _) = factor.root() {
        let mut operands = factor.operands();
        if let Some(exponent) = operands[1].as_constant().filter(|value| *value >= 1.0 && is_whole_exponent(*value)) {
            return (operands.remove(0), exponent);
        }
    }
    (factor, 1.0)
}
