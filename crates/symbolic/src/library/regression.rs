//! Least squares of a curve on a few functions and a constant.

/// Coefficients of the columns, then the constant, and r²; `None` where the columns say the same or are not finite.
pub(super) fn regress<const N: usize>(columns: [&[f64]; N], y: &[f64]) -> Option<([f64; N], f64, f64)> {
    let rows = y.len() as f64;
    let mean = |values: &[f64]| values.iter().sum::<f64>() / rows;
    let (means, y_mean) = (columns.map(mean), mean(y));
    let mut matrix = [[0.0; N]; N];
    let mut right = [0.0; N];
    let mut total = 0.0;
    for row in 0..y.len() {
        let centered: [f64; N] = std::array::from_fn(|column| columns[column][row] - means[column]);
        let target = y[row] - y_mean;
        total += target * target;
        for column in 0..N {
            right[column] += centered[column] * target;
            for other in 0..=column {
                matrix[column][other] += centered[column] * centered[other];
            }
        }
    }
    // Cholesky's factor in place.
    for column in 0..N {
        let whole = matrix[column][column];
        for other in 0..=column {
            let known: f64 = (0..other).map(|inner| matrix[column][inner] * matrix[other][inner]).sum();
            let rest = matrix[column][other] - known;
            matrix[column][other] = if other < column {
                rest / matrix[other][other]
            } else if rest > 1e-9 * whole {
                rest.sqrt()
            } else {
                return None;
            };
        }
    }
    let mut solution = right;
    for column in 0..N {
        let known: f64 = (0..column).map(|inner| matrix[column][inner] * solution[inner]).sum();
        solution[column] = (solution[column] - known) / matrix[column][column];
    }
    let explained: f64 = solution.iter().map(|part| part * part).sum();
    for column in (0..N).rev() {
        let known: f64 = (column + 1..N).map(|inner| matrix[inner][column] * solution[inner]).sum();
        solution[column] = (solution[column] - known) / matrix[column][column];
    }
    let constant = y_mean - solution.iter().zip(means).map(|(factor, mean)| factor * mean).sum::<f64>();
    let r_squared = if total > 0.0 { explained / total } else { 0.0 };
    (constant.is_finite() && r_squared.is_finite()).then_some((solution, constant, r_squared))
}

#[cfg(test)]
mod tests {
    use super::regress;

    #[test]
    fn factors_and_constant_are_found() {
        let x: Vec<f64> = (0..30).map(|index| f64::from(index) / 7.0).collect();
        let sine: Vec<f64> = x.iter().map(|x| x.sin()).collect();
        let y: Vec<f64> = x.iter().map(|x| 3.0 * x - 0.5 * x.sin() + 2.0).collect();
        let (factors, constant, r_squared) = regress([&x, &sine], &y).unwrap();
        assert!((factors[0] - 3.0).abs() < 1e-9 && (factors[1] + 0.5).abs() < 1e-9 && (constant - 2.0).abs() < 1e-9);
        assert!((r_squared - 1.0).abs() < 1e-12);
        assert!(regress([&x, &x], &y).is_none());
    }
}
