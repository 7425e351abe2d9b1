//! Inputs at mean 0 and deviation 1.

/// Mean and 1 / deviation of each of `width` columns of `values` `[rows, width]`; 1 where a column is constant.
pub(crate) fn standardization(values: &[f64], width: usize) -> Vec<(f64, f64)> {
    let rows = (values.len() / width.max(1)) as f64;
    let column = |index: usize| values.iter().skip(index).step_by(width);
    (0..width)
        .map(|index| {
            let mean = column(index).sum::<f64>() / rows;
            let deviation = (column(index).map(|value| (value - mean) * (value - mean)).sum::<f64>() / rows).sqrt();
            // What rounding leaves of a constant is not a deviation.
            let constant = deviation <= 1e-12 * mean.abs().max(f64::MIN_POSITIVE);
            (mean, if constant { 1.0 } else { 1.0 / deviation })
        })
        .collect()
}
