//! Terms that are giants of opposite signs, written as what they add up to.

use kanrl_symbolic::{Expression, Node, Operator, Tape};
use nalgebra::{DMatrix, DVector};

/// Terms with a number this much larger than the output's deviation are too large.
const GIANT: f64 = 1000.0;
/// What a parabola may differ by, in deviations of the output.
const SAME: f64 = 1e-3;

/// The sum with its too large terms over each variable, and the constant that goes with them, replaced by a parabola or a
/// line, where there is one that is the same on `rows` `[rows, inputs]`.
pub(super) fn conditioned(expression: &Expression, inputs: &[String], rows: &[f64]) -> Expression {
    let terms = match expression.root() {
        Node::Operation(Operator::Add, _) => expression.operands(),
        _ => return expression.clone(),
    };
    let Some(columns) = columns(&terms, inputs, rows) else { return expression.clone() };
    let count = rows.len() / inputs.len();
    let output: Vec<f64> = (0..count).map(|row| columns.iter().map(|column| column[row]).sum()).collect();
    let deviation = spread(&output);
    let mut kept: Vec<bool> = vec![true; terms.len()];
    let mut parabolas: Vec<Expression> = Vec::new();
    for (index, name) in inputs.iter().enumerate() {
        let giants: Vec<usize> = (0..terms.len())
            .filter(|term| {
                matches!(&terms[*term].variables()[..], [only] if **only == **name)
                    && has_function(&terms[*term])
                    && largest(&terms[*term], inputs, rows) > GIANT * deviation
            })
            .collect();
        if giants.is_empty() {
            continue;
        }
        let x: Vec<f64> = rows.iter().skip(index).step_by(inputs.len()).copied().collect();
        let y: Vec<f64> = (0..count).map(|row| giants.iter().map(|term| columns[*term][row]).sum()).collect();
        let found = (1..=2).find_map(|degree| polynomial(name, &x, &y, degree, SAME * deviation));
        if let Some(found) = found {
            giants.iter().for_each(|term| kept[*term] = false);
            parabolas.push(found);
        }
    }
    if parabolas.is_empty() {
        return expression.clone();
    }
    let rest = terms.into_iter().zip(kept).filter_map(|(term, kept)| kept.then_some(term));
    Expression::sum(rest.chain(parabolas))
}

/// Each term's values; none where one is not finite.
fn columns(terms: &[Expression], inputs: &[String], rows: &[f64]) -> Option<Vec<Vec<f64>>> {
    let tape = Tape::compile(terms, inputs).ok()?;
    let count = rows.len() / inputs.len();
    let mut values = vec![0.0; count * terms.len()];
    tape.evaluate(rows, &mut values);
    let finite = values.iter().all(|value| value.is_finite());
    let column = |term: usize| values.iter().skip(term).step_by(terms.len()).copied().collect();
    (finite && count > 0).then(|| (0..terms.len()).map(column).collect())
}

fn has_function(term: &Expression) -> bool {
    term.nodes().iter().any(|node| matches!(node, Node::Operation(operator, _) if operator.is_function()))
}

/// The largest number on the way to the term's value.
fn largest(term: &Expression, inputs: &[String], rows: &[f64]) -> f64 {
    let Ok(tape) = Tape::compile(std::slice::from_ref(term), inputs) else { return 0.0 };
    let mut largest = vec![0.0; rows.len() / inputs.len()];
    tape.largest_intermediates(rows, &mut largest);
    largest.into_iter().fold(0.0, f64::max)
}

fn spread(values: &[f64]) -> f64 {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / values.len() as f64;
    variance.sqrt().max(f64::MIN_POSITIVE)
}

/// The polynomial over the variable that is nearest to `y`, if it is nowhere further than `tolerance` from it.
fn polynomial(name: &str, x: &[f64], y: &[f64], degree: usize, tolerance: f64) -> Option<Expression> {
    let (center, scale) = (x.iter().sum::<f64>() / x.len() as f64, spread(x));
    let matrix = DMatrix::from_fn(x.len(), degree + 1, |row, power| ((x[row] - center) / scale).powi(power as i32));
    let right = DVector::from_column_slice(y);
    let solution = matrix.clone().svd(true, true).solve(&right, 1e-12).ok()?;
    let differences = matrix * &solution - right;
    if differences.iter().any(|difference| difference.abs() > tolerance) {
        return None;
    }
    // In powers of x itself: d0 + d1·u + d2·u² with u = (x − center)/scale.
    let at = |power: usize| solution.get(power).map_or(0.0, |value| value / scale.powi(power as i32));
    let variable = Expression::variable(name).ok()?;
    let constant = at(0) - at(1) * center + at(2) * center * center;
    // What is left of a constant by rounding.
    let constant = if constant.abs() < 1e-3 * tolerance { 0.0 } else { constant };
    let linear = at(1) - 2.0 * at(2) * center;
    Some(Expression::sum([variable.clone().powi(2) * at(2), variable * linear, Expression::constant(constant)]))
}

#[cfg(test)]
mod tests {
    use super::conditioned;

    #[test]
    fn giants_that_cancel_become_a_line_or_a_parabola() {
        let inputs = ["x".to_owned(), "y".to_owned()];
        let rows: Vec<f64> = (0..200).map(|index| f64::from(index * 37 % 101) / 50.0 - 1.0).collect();
        let text = |text: &str| conditioned(&text.parse().unwrap(), &inputs, &rows);
        let line = text("3945216.8*sin(6.8e-6*x) + tanh(y)");
        let [first, second] = &line.operands()[..] else { panic!("{line}") };
        assert_eq!(first.to_string(), "tanh(y)");
        assert!((second.evaluate(&[("x", 1.0)]).unwrap() - 26.827_474).abs() < 1e-3, "{line}");
        let parabola = text("20000*cos(0.01*x) + y - 19999");
        let wanted = 20000.0 * 0.003_f64.cos() - 19999.0;
        assert!((parabola.evaluate(&[("x", 0.3), ("y", 0.0)]).unwrap() - wanted).abs() < 1e-3, "{parabola}");
        assert!(parabola.to_string().contains("x^2"), "{parabola}");
        assert_eq!(text("2*sin(3*x) + y").to_string(), "2*sin(3*x) + y");
    }
}
