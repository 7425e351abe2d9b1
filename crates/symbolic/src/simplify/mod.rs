//! Simplification: like terms collected, constants folded, the rest by equality saturation.
//!
//! # References
//! M. Willsey et al., "egg: Fast and extensible equality saturation", POPL 2021, <https://doi.org/10.1145/3434304>.

mod collect;
mod language;
mod rules;
mod taken_out;

use crate::expression::{Expression, Node};
use crate::tape::Tape;
use egg::{Extractor, Runner};
use std::time::Duration;

/// How far [`Expression::simplified`] searches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SimplifyLimits {
    /// Nodes in the graph of equal expressions, after which no iteration is begun.
    pub nodes: usize,
    /// Iterations of all rules.
    pub iterations: usize,
}

impl Default for SimplifyLimits {
    fn default() -> Self {
        Self { nodes: 4000, iterations: 10 }
    }
}

/// Sums and products of more operands than this are searched operand by operand: the number of ways to order a sum
/// grows too fast.
const MOST_OPERANDS: usize = 7;

impl Expression {
    /// An equal expression with as few operations as the search finds: constants folded, like terms collected, affine
    /// chains collapsed, numbers taken out of functions that let them through, terms sorted. The result depends on the expression and the limits alone.
    ///
    /// On sampled points its value differs by at most 10⁻¹² of the largest intermediate value; where a rewriting would
    /// do worse it is not made.
    ///
    /// ```
    /// use kanrl_symbolic::{Expression, SimplifyLimits};
    /// let expression: Expression = "2*(x + 1) + 3*x - sin(-x) + y*y - 0*z".parse()?;
    /// assert_eq!(expression.simplified(SimplifyLimits::default()).to_string(), "5*x + sin(x) + y^2 + 2");
    /// # Ok::<(), kanrl_symbolic::SymbolicError>(())
    /// ```
    #[must_use]
    pub fn simplified(&self, limits: SimplifyLimits) -> Self {
        let mut best = keep_if_equal(self.clone(), self.collected());
        // What one pass brings together the next can use; it ends when nothing gets shorter.
        for _ in 0..3 {
            let found = keep_if_equal(best.clone(), search(&best, limits).collected().taken_out());
            if found.size() >= best.size() {
                break;
            }
            best = found;
        }
        best
    }

    /// What makes one of two equal expressions the better one to read, the most important first: operations, then
    /// constants, then nodes.
    fn size(&self) -> (usize, usize, usize) {
        (self.operations(), self.constants().count(), self.nodes().len())
    }
}

/// Searches small parts whole and large sums and products by their operands.
fn search(expression: &Expression, limits: SimplifyLimits) -> Expression {
    expression.fold(|node, mut operands: Vec<Expression>| match node {
        Node::Constant(value) => Expression::constant(*value),
        Node::Variable(name) => Expression::symbol(name),
        Node::Curve(curve) => Expression::curve(curve.clone(), operands.remove(0)),
        Node::Operation(operator, arity) => {
            let rebuilt = Expression::rebuild(*operator, operands);
            let large = *arity > MOST_OPERANDS || rebuilt.nodes().len() > 60;
            if large { rebuilt } else { saturate(&rebuilt, limits) }
        }
    })
}

fn saturate(expression: &Expression, limits: SimplifyLimits) -> Expression {
    let finite = expression.constants().all(f64::is_finite);
    if !finite || expression.nodes().len() < 3 {
        return expression.clone();
    }
    let (names, curves) = (expression.variables(), expression.curves());
    let runner = Runner::<_, _, ()>::new(rules::ConstantFolding)
        .with_expr(&language::to_egg(expression, &names, &curves))
        .with_node_limit(limits.nodes)
        .with_iter_limit(limits.iterations)
        // The limits above end the search, never the clock.
        .with_time_limit(Duration::MAX)
        .run(&rules::rules());
    let extractor = Extractor::new(&runner.egraph, rules::Reading);
    let (_, found) = extractor.find_best(runner.roots[0]);
    let found = language::from_egg(&found, &names, &curves);
    if found.size() < expression.size() { found } else { expression.clone() }
}

/// The sum of two constants; where only rounding errors keep it from a whole number, that number.
fn add_constants(left: f64, right: f64) -> f64 {
    let sum = left + right;
    if (sum - sum.round()).abs() <= 4.0 * f64::EPSILON * left.abs().max(right.abs()) { sum.round() + 0.0 } else { sum }
}

/// The new expression, unless it differs from the old one on the sampled points.
fn keep_if_equal(old: Expression, new: Expression) -> Expression {
    const ROWS: usize = 192;
    let names = old.variables();
    let compiled =
        (Tape::compile(std::slice::from_ref(&old), &names), Tape::compile(std::slice::from_ref(&new), &names));
    // The new one uses no other variables; if it does, it is wrong.
    let (Ok(old_tape), Ok(new_tape)) = compiled else { return old };
    let points = points(ROWS, names.len());
    let rows = if names.is_empty() { 1 } else { ROWS };
    let [mut before, mut after, mut largest] = [vec![0.0; rows], vec![0.0; rows], vec![0.0; rows]];
    old_tape.evaluate(&points, &mut before);
    new_tape.evaluate(&points, &mut after);
    old_tape.largest_intermediates(&points, &mut largest);
    let differs = |((before, after), largest): ((&f64, &f64), &f64)| {
        let change = (before - after).abs();
        before.is_finite() && largest.is_finite() && (change.is_nan() || change > 1e-12 * largest)
    };
    if before.iter().zip(&after).zip(&largest).any(differs) { old } else { new }
}

/// Points that fill cubes of three sizes, the same ones every time.
fn points(rows: usize, variables: usize) -> Vec<f64> {
    let mut points = Vec::with_capacity(rows * variables);
    for row in 0..rows {
        let size = [0.3, 3.0, 30.0][row % 3];
        for variable in 0..variables {
            // Additive recurrence with irrational steps.
            let step = ((variable + 2) as f64).sqrt() + 0.618_033_988_749_895 * (variable + 1) as f64;
            points.push(((step * (row as f64 + 0.5)).fract() * 2.0 - 1.0) * size);
        }
    }
    points
}
