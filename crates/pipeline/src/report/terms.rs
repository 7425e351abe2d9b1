//! How much each term of a formula does.

use super::html::{percent, table};
use kanrl_symbolic::export::{mathml_expression, mathml_symbol};
use kanrl_symbolic::{Expression, Formula, Node, Operator, SymbolicError, Tape};

/// Rows that contributions are computed on.
const ROWS: usize = 5000;

/// Each term's share of its output's variance over `observations` `[rows, inputs]`: its covariance with the output over
/// the output's variance. The shares of an output sum to one; a negative one works against the others.
pub(super) fn part(formula: &Formula, observations: &[f64]) -> Result<String, SymbolicError> {
    let inputs = formula.inputs().len();
    let step = (observations.len() / inputs).div_ceil(ROWS).max(1);
    let rows: Vec<f64> = observations.chunks_exact(inputs).step_by(step).flatten().copied().collect();
    let mut text =
        "<p>Each term's share of its output's variance over the expert's states. The shares of an output sum to \
                    100 %; a negative share works against the others.</p>\n"
            .to_owned();
    for output in formula.outputs() {
        let terms = terms(&output.expression);
        let shares = shares(&terms, formula.inputs(), &rows)?;
        let mut rows = Vec::new();
        for (term, share) in terms.iter().zip(shares).filter(|(term, _)| !term.variables().is_empty()) {
            let width = (share.abs() * 100.0).min(100.0);
            let class = if share < 0.0 { "bar against" } else { "bar" };
            let bar = format!("<span class=\"{class}\" style=\"width:{width:.1}%\"></span>");
            rows.push((share, vec![inline(&mathml_expression(term, &formula.curves())?), percent(share), bar]));
        }
        if rows.is_empty() {
            continue;
        }
        rows.sort_by(|first, second| second.0.abs().total_cmp(&first.0.abs()));
        let rows: Vec<Vec<String>> = rows.into_iter().map(|(_, row)| row).collect();
        let name = format!("Term of {}", inline(&mathml_symbol(&output.name)));
        text += &table(&[name, "Share".to_owned(), String::new()], &rows);
    }
    Ok(text)
}

fn inline(mathml: &str) -> String {
    format!("<math>{mathml}</math>")
}

/// The terms of the outermost sum, sums in sums included.
fn terms(expression: &Expression) -> Vec<Expression> {
    match expression.root() {
        Node::Operation(Operator::Add, _) => expression.operands().iter().flat_map(terms).collect(),
        _ => vec![expression.clone()],
    }
}

fn shares(terms: &[Expression], inputs: &[String], rows: &[f64]) -> Result<Vec<f64>, SymbolicError> {
    let tape = Tape::compile(terms, inputs)?;
    let (count, width) = (rows.len() / inputs.len(), terms.len());
    let mut values = vec![0.0; count * width];
    tape.evaluate(rows, &mut values);
    let sums: Vec<f64> = values.chunks_exact(width).map(|row| row.iter().sum()).collect();
    let mean = sums.iter().sum::<f64>() / count as f64;
    let variance: f64 = sums.iter().map(|sum| (sum - mean) * (sum - mean)).sum();
    let covariance = |term: usize| -> f64 {
        values.iter().skip(term).step_by(width).zip(&sums).map(|(value, sum)| value * (sum - mean)).sum()
    };
    Ok((0..width).map(|term| covariance(term) / variance).collect())
}

#[cfg(test)]
mod tests {
    use super::{shares, terms};
    use kanrl_symbolic::Expression;

    #[test]
    fn shares_sum_to_one() {
        let expression: Expression = "3*x + sin(y) - 0.5*x*y + 2".parse().unwrap();
        let terms = terms(&expression);
        assert_eq!(terms.len(), 4);
        let rows: Vec<f64> = (0..200).map(|index| f64::from(index * 37 % 101) / 50.0 - 1.0).collect();
        let shares = shares(&terms, &["x".to_owned(), "y".to_owned()], &rows).unwrap();
        assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-12, "{shares:?}");
        assert!(shares[0] > 0.5 && shares[3].abs() < 1e-12, "{shares:?}");
    }
}
