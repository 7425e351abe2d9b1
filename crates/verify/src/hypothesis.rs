//! Hypotheses about a function that is only known by its values: pykan's tests, and a formula of the user's.

use kanrl_core::random::Generator;
use kanrl_symbolic::{Expression, SymbolicError, Tape};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A function of observations: rows of inputs, row-major, to one value each.
pub type Values<'a> = dyn Fn(&[f64]) -> Vec<f64> + Sync + 'a;

/// What holds of two inputs, by how much it fails: 0 for exactly, relative to the standard deviation of the values.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pair {
    /// One input.
    pub one: String,
    /// The other.
    pub other: String,
    /// The values are a sum of a function of one and a function of the other.
    pub separable_sum: f64,
    /// They are a product of both; none where the values change their sign.
    pub separable_product: Option<f64>,
    /// Both matter through their sum only.
    pub through_sum: f64,
    /// Through their difference only.
    pub through_difference: f64,
    /// Through their product only.
    pub through_product: f64,
    /// Through their quotient only.
    pub through_quotient: f64,
    /// The two gains have this steady ratio, one to the other: both matter through `ratio·one + other` only.
    pub steady_ratio: Option<f64>,
}

/// Below this share of the standard deviation a hypothesis is taken to hold.
pub const HOLDS_BELOW: f64 = 0.05;

/// Rows that are compared for each pair, at most.
const ROWS: usize = 2000;

/// Tests all pairs of inputs on states `[rows, names]`.
pub fn pairs(values: &Values<'_>, names: &[String], states: &[f64]) -> Vec<Pair> {
    let size = names.len();
    let rows: Vec<&[f64]> = states.chunks_exact(size).collect();
    let mut random = Generator::new(0);
    let chosen: Vec<(usize, usize)> = (0..ROWS.min(rows.len()))
        .map(|_| {
            let any = |random: &mut Generator| random.integers(0, rows.len() as i64) as usize;
            (any(&mut random), any(&mut random))
        })
        .collect();
    let at = |change: &dyn Fn(&mut [f64], &[f64])| -> Vec<f64> {
        let moved = chosen.iter().flat_map(|(own, other)| {
            let mut row = rows[*own].to_vec();
            change(&mut row, rows[*other]);
            row
        });
        values(&moved.collect::<Vec<f64>>())
    };
    let here = at(&|_, _| {});
    let (_, std) = moments(&here);
    let scale = std.max(1e-12);
    let spread: Vec<f64> =
        (0..size).map(|index| moments(&rows.iter().map(|row| row[index]).collect::<Vec<f64>>()).1).collect();
    // Of the difference between two lists, relative to the spread of the values.
    let off = |one: &[f64], other: &[f64], scale: f64| {
        let squares = one.iter().zip(other).map(|(a, b)| (a - b).powi(2)).filter(|square| square.is_finite());
        (squares.sum::<f64>() / one.len().max(1) as f64).sqrt() / scale
    };
    let mut found = Vec::new();
    for one in 0..size {
        for other in one + 1..size {
            let first = at(&|row, from| row[one] = from[one]);
            let second = at(&|row, from| row[other] = from[other]);
            let both = at(&|row, from| {
                row[one] = from[one];
                row[other] = from[other];
            });
            let sum = |index: usize| first[index] + second[index] - here[index];
            let expected: Vec<f64> = (0..here.len()).map(sum).collect();
            let one_sign =
                [&here, &first, &second, &both].iter().all(|list| list.iter().all(|value| value * here[0] > 0.0));
            let separable_product = one_sign.then(|| {
                let logarithms = |list: &[f64]| list.iter().map(|value| value.abs().ln()).collect::<Vec<f64>>();
                let [here, first, second, both] = [&here, &first, &second, &both].map(|list| logarithms(list));
                let expected: Vec<f64> =
                    (0..here.len()).map(|index| first[index] + second[index] - here[index]).collect();
                off(&both, &expected, moments(&here).1.max(1e-12))
            });
            // Steps of a typical size, along which a function of that combination does not change.
            let step = 0.5 * spread[one].min(spread[other]);
            let along = |sign: f64| {
                at(&|row, _| {
                    row[one] += step;
                    row[other] += sign * step;
                })
            };
            let scaled = |power: f64| {
                at(&|row, _| {
                    row[one] *= 1.25;
                    row[other] *= 1.25_f64.powf(power);
                })
            };
            let gains = |index: usize| {
                let step = 1e-4 * spread[index].max(1e-9);
                let (above, below) = (at(&|row, _| row[index] += step), at(&|row, _| row[index] -= step));
                above.iter().zip(&below).map(|(above, below)| (above - below) / (2.0 * step)).collect::<Vec<f64>>()
            };
            let (steep, other_steep) = (gains(one), gains(other));
            let ratios: Vec<f64> =
                steep.iter().zip(&other_steep).map(|(a, b)| a / b).filter(|ratio| ratio.is_finite()).collect();
            let (mean, std) = moments(&ratios);
            let steady =
                !ratios.is_empty() && ratios.len() * 2 > here.len() && mean.abs() > 1e-9 && std < 0.05 * mean.abs();
            found.push(Pair {
                one: names[one].clone(),
                other: names[other].clone(),
                separable_sum: off(&both, &expected, scale),
                separable_product,
                through_sum: off(&along(-1.0), &here, scale),
                through_difference: off(&along(1.0), &here, scale),
                through_product: off(&scaled(-1.0), &here, scale),
                through_quotient: off(&scaled(1.0), &here, scale),
                steady_ratio: steady.then_some(mean),
            });
        }
    }
    found
}

/// Mean and standard deviation.
fn moments(values: &[f64]) -> (f64, f64) {
    let n = values.len().max(1) as f64;
    let mean = values.iter().sum::<f64>() / n;
    (mean, (values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / n).sqrt())
}

/// A formula with unknown constants, fitted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fitted {
    /// With its constants.
    pub formula: String,
    /// The constants k1, k2, …
    pub constants: BTreeMap<String, f64>,
    /// Coefficient of determination: 1 where it is the function.
    pub r_squared: f64,
}

/// Fits `candidate`, over the inputs `names` and constants that begin with `k` and a digit, to the values at the states, by
/// the method of K. Levenberg and D. Marquardt from several starts.
///
/// # Errors
/// [`SymbolicError::UnknownVariable`] for a variable that is neither.
pub fn fit(candidate: &Expression, names: &[String], states: &[f64], values: &[f64]) -> Result<Fitted, SymbolicError> {
    let is_constant =
        |name: &str| name.strip_prefix('k').is_some_and(|rest| rest.starts_with(|digit: char| digit.is_ascii_digit()));
    let constants: Vec<String> = candidate
        .variables()
        .iter()
        .filter(|name| is_constant(name) && !names.iter().any(|known| known == &***name))
        .map(|name| name.to_string())
        .collect();
    let inputs: Vec<String> = names.iter().chain(&constants).cloned().collect();
    let parts: Vec<Expression> =
        std::iter::once(candidate.clone()).chain(constants.iter().map(|name| candidate.derivative(name))).collect();
    let tape = Tape::compile(&parts, &inputs)?;
    let (rows, count) = (values.len(), constants.len());
    let evaluate = |k: &[f64]| {
        let rows_of: Vec<f64> =
            states.chunks_exact(names.len().max(1)).flat_map(|row| row.iter().chain(k).copied()).collect();
        let mut results = vec![0.0; rows * (count + 1)];
        tape.evaluate(&rows_of, &mut results);
        results
    };
    let loss = |results: &[f64]| -> f64 {
        results.chunks_exact(count + 1).zip(values).map(|(row, value)| (row[0] - value).powi(2)).sum()
    };
    let mut random = Generator::new(0);
    let mut best = (f64::INFINITY, vec![1.0; count]);
    for start in 0..8 {
        let mut k: Vec<f64> = (0..count).map(|_| if start == 0 { 1.0 } else { random.uniform(-3.0, 3.0) }).collect();
        let mut results = evaluate(&k);
        let mut current = loss(&results);
        let mut damping = 1e-3;
        for _ in 0..100 {
            let mut matrix = vec![vec![0.0; count + 1]; count];
            for (row, value) in results.chunks_exact(count + 1).zip(values) {
                for i in 0..count {
                    for j in 0..count {
                        matrix[i][j] += row[1 + i] * row[1 + j];
                    }
                    matrix[i][count] += row[1 + i] * (value - row[0]);
                }
            }
            for (i, row) in matrix.iter_mut().enumerate() {
                row[i] += damping * row[i].max(1e-12);
            }
            let Some(step) = solved(matrix) else { break };
            let tried: Vec<f64> = k.iter().zip(&step).map(|(k, step)| k + step).collect();
            let there = evaluate(&tried);
            let new = loss(&there);
            if new < current {
                let gained = (current - new) / current.max(f64::MIN_POSITIVE);
                (k, results, current) = (tried, there, new);
                damping = (damping * 0.3).max(1e-12);
                if gained < 1e-12 {
                    break;
                }
            } else {
                damping *= 10.0;
                if damping > 1e12 {
                    break;
                }
            }
        }
        if current < best.0 {
            best = (current, k);
        }
    }
    let (_, std) = moments(values);
    let total = std * std * rows as f64;
    let found: BTreeMap<&str, Expression> =
        constants.iter().zip(&best.1).map(|(name, value)| (name.as_str(), Expression::constant(*value))).collect();
    Ok(Fitted {
        formula: candidate.substitute(&found).folded().to_string(),
        constants: constants.into_iter().zip(best.1).collect(),
        r_squared: 1.0 - best.0 / total.max(f64::MIN_POSITIVE),
    })
}

/// The solution of `[A | b]` by elimination with pivots; none where A is singular.
fn solved(mut matrix: Vec<Vec<f64>>) -> Option<Vec<f64>> {
    let n = matrix.len();
    for column in 0..n {
        let pivot = (column..n).max_by(|a, b| matrix[*a][column].abs().total_cmp(&matrix[*b][column].abs()))?;
        matrix.swap(column, pivot);
        let own = matrix[column].clone();
        if own[column].abs() <= 1e-300 || own[column].is_nan() {
            return None;
        }
        for (index, row) in matrix.iter_mut().enumerate() {
            if index != column {
                let factor = row[column] / own[column];
                row.iter_mut().zip(&own).for_each(|(value, own)| *value -= factor * own);
            }
        }
    }
    let solution: Vec<f64> = (0..n).map(|index| matrix[index][n] / matrix[index][index]).collect();
    solution.iter().all(|value| value.is_finite()).then_some(solution)
}

#[cfg(test)]
mod tests {
    use super::{HOLDS_BELOW, fit, pairs};
    use kanrl_core::random::Generator;

    fn states() -> Vec<f64> {
        let mut random = Generator::new(1);
        (0..3000).map(|_| random.uniform(0.5, 2.0)).collect()
    }

    fn names() -> Vec<String> {
        ["a", "b", "c"].map(str::to_owned).to_vec()
    }

    #[test]
    fn sums_products_and_combinations_are_told_apart() {
        let holds = |function: fn(&[f64]) -> f64| {
            let values = move |rows: &[f64]| rows.chunks_exact(3).map(function).collect::<Vec<f64>>();
            let pair = pairs(&values, &names(), &states()).remove(0);
            let is = |off: f64| off < HOLDS_BELOW;
            let ratio = pair.steady_ratio.map(|ratio| (ratio * 100.0).round() / 100.0);
            (
                [
                    is(pair.separable_sum),
                    pair.separable_product.is_some_and(is),
                    is(pair.through_sum),
                    is(pair.through_difference),
                    is(pair.through_product),
                    is(pair.through_quotient),
                ],
                ratio,
            )
        };
        assert_eq!(
            holds(|row| row[0].powi(2) + row[1].sin() * row[2]),
            ([true, false, false, false, false, false], None)
        );
        assert_eq!(holds(|row| row[0].powi(2) * row[1].exp()), ([false, true, false, false, false, false], None));
        assert_eq!(
            holds(|row| (row[0] - row[1]).tanh() + row[2]),
            ([false, false, false, true, false, false], Some(-1.0))
        );
        assert!(holds(|row| (row[0] + row[1]).powi(3)).0[2]);
        assert_eq!(holds(|row| (row[0] * row[1]).sqrt()).0, [false, true, false, false, true, false]);
        assert!(holds(|row| (row[0] / row[1]).exp()).0[5]);
        assert_eq!(holds(|row| (3.0 * row[0] + row[1]).tanh()).1, Some(3.0));
    }

    #[test]
    fn a_formula_is_fitted_and_said_to_be_the_function_or_not() {
        let states = states();
        let values: Vec<f64> = states.chunks_exact(3).map(|row| 3.0 * row[0] + (0.5 * row[1]).exp() - 2.0).collect();
        let fitted =
            |text: &str| fit(&text.parse().expect("an expression"), &names(), &states, &values).expect("known");
        let right = fitted("k1*a + exp(k2*b) + k3");
        assert!(right.r_squared > 1.0 - 1e-9, "{right:?}");
        assert!((right.constants["k1"] - 3.0).abs() < 1e-4 && (right.constants["k2"] - 0.5).abs() < 1e-4, "{right:?}");
        let wrong = fitted("k1*c + k2");
        assert!(wrong.r_squared < 0.1, "{wrong:?}");
        assert!(fit(&"k1*d".parse().expect("an expression"), &names(), &states, &values).is_err());
    }
}
