//! The inner loops, over one chunk of rows.

use super::{Column, ROWS, Scalar};
use crate::graph::BaseFunction;
use crate::kan::spline::MAX_DEGREE;

/// Basis functions of `x`, then its base function, as columns (and their derivatives, where `slopes` is not empty).
pub(super) fn fill_features<S: Scalar>(
    knots: &[S],
    degree: usize,
    basis: usize,
    base: BaseFunction,
    x: &Column<S>,
    features: &mut [Column<S>],
    slopes: &mut [Column<S>],
) {
    features.fill([S::ZERO; ROWS]);
    slopes.fill([S::ZERO; ROWS]);
    for row in 0..ROWS {
        let above = knots.partition_point(|knot| *knot <= x[row]);
        if above == 0 || above >= knots.len() || basis == 0 {
            continue;
        }
        let mut values = [S::ZERO; MAX_DEGREE + 2];
        let mut derivatives = [S::ZERO; MAX_DEGREE + 2];
        active(knots, degree, above - 1, x[row], &mut values, &mut derivatives);
        for j in 0..=degree {
            let index = (above - 1 + j).wrapping_sub(degree);
            if index < basis {
                features[index][row] = values[j];
                if !slopes.is_empty() {
                    slopes[index][row] = derivatives[j];
                }
            }
        }
    }
    match base {
        BaseFunction::Zero => {}
        BaseFunction::Identity => {
            features[basis] = *x;
            if !slopes.is_empty() {
                slopes[basis] = [S::ONE; ROWS];
            }
        }
        BaseFunction::Silu => {
            for row in 0..ROWS {
                let sigmoid = x[row].sigmoid();
                features[basis][row] = x[row] * sigmoid;
                if !slopes.is_empty() {
                    slopes[basis][row] = sigmoid * (S::ONE + x[row] * (S::ONE - sigmoid));
                }
            }
        }
    }
}

/// Cox-de Boor on the interval that holds `x`: as [`crate::kan::spline::active_basis`], in any element type.
fn active<S: Scalar>(
    knots: &[S],
    degree: usize,
    interval: usize,
    x: S,
    values: &mut [S; MAX_DEGREE + 2],
    derivatives: &mut [S; MAX_DEGREE + 2],
) {
    let last = knots.len() - 1;
    let knot = |index: isize| knots[index.clamp(0, last as isize) as usize];
    values[0] = S::ONE;
    for order in 1..=degree {
        let previous = *values;
        let factor = S::from_f64(order as f64);
        for j in 0..=order {
            let first = interval as isize - order as isize + j as isize;
            let (low, high) = (knot(first), knot(first + order as isize + 1));
            let (left, right) = (knot(first + order as isize) - low, high - knot(first + 1));
            let from_left = if j > 0 && left > S::ZERO { previous[j - 1] / left } else { S::ZERO };
            let from_right = if j < order && right > S::ZERO { previous[j] / right } else { S::ZERO };
            values[j] = (x - low) * from_left + (high - x) * from_right;
            derivatives[j] = factor * (from_left - from_right);
        }
    }
}

/// `sums[target_j] += Σ_f parameters[f, j] · features[f]`.
pub(super) fn combine<S: Scalar>(parameters: &[S], features: &[Column<S>], targets: &[usize], sums: &mut [Column<S>]) {
    for (feature, row) in features.iter().zip(parameters.chunks_exact(targets.len())) {
        for (target, parameter) in targets.iter().zip(row) {
            for (sum, feature) in sums[*target].iter_mut().zip(feature) {
                *sum += *parameter * *feature;
            }
        }
    }
}

/// `gradient[f, j] += features[f] · gradients[target_j]`.
pub(super) fn parameter_gradient<S: Scalar>(
    features: &[Column<S>],
    targets: &[usize],
    gradients: &[Column<S>],
    gradient: &mut [S],
) {
    for (feature, row) in features.iter().zip(gradient.chunks_exact_mut(targets.len())) {
        for (target, sum) in targets.iter().zip(row) {
            *sum += dot(feature, &gradients[*target]);
        }
    }
}

/// `matrix[i, first + j] += left[i] · right[columns[j]]`, with rows of `stride` entries.
pub(super) fn add_products<S: Scalar>(
    left: &[Column<S>],
    columns: &[usize],
    right: &[Column<S>],
    matrix: &mut [S],
    stride: usize,
    first: usize,
) {
    for (left, row) in left.iter().zip(matrix.chunks_exact_mut(stride)) {
        for (column, sum) in columns.iter().zip(&mut row[first..]) {
            *sum += dot(left, &right[*column]);
        }
    }
}

/// `gradient += Σ_f slopes[f] · Σ_j parameters[f, j] · gradients[target_j]`: by the value that the features are of.
pub(super) fn source_gradient<S: Scalar>(
    parameters: &[S],
    slopes: &[Column<S>],
    targets: &[usize],
    gradients: &[Column<S>],
    gradient: &mut Column<S>,
) {
    for (slope, row) in slopes.iter().zip(parameters.chunks_exact(targets.len())) {
        let mut back = [S::ZERO; ROWS];
        for (target, parameter) in targets.iter().zip(row) {
            for (back, gradient) in back.iter_mut().zip(&gradients[*target]) {
                *back += *parameter * *gradient;
            }
        }
        for ((sum, back), slope) in gradient.iter_mut().zip(&back).zip(slope) {
            *sum += *back * *slope;
        }
    }
}

/// Sum over rows of `a · b`, in eight interleaved sums.
pub(super) fn dot<S: Scalar>(a: &Column<S>, b: &Column<S>) -> S {
    let mut lanes = [S::ZERO; 8];
    for (a, b) in a.chunks_exact(8).zip(b.chunks_exact(8)) {
        for lane in 0..8 {
            lanes[lane] += a[lane] * b[lane];
        }
    }
    sum(&lanes)
}

/// Sum in a fixed order.
pub(super) fn sum<S: Scalar>(values: &[S]) -> S {
    values.iter().fold(S::ZERO, |sum, value| sum + *value)
}
