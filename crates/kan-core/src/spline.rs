//! B-splines on extended knots, as pykan defines them.
//!
//! An edge of degree k on G intervals has `G + 1` inner knots, k more on either side ([`extend_knots`]) and `G + k`
//! basis functions (Cox-de Boor; de Boor, *A Practical Guide to Splines*, 1978). Order 0 is half open,
//! `t_i ≤ x < t_{i+1}`, so every basis function is 0 outside the extended knots and at the last of them.

use nalgebra::{DMatrix, DVector};

/// Appends `degree` knots on both sides of `inner`, at its mean spacing.
///
/// # Panics
/// If `inner` has fewer than two knots.
pub fn extend_knots(inner: &[f64], degree: usize) -> Vec<f64> {
    let (first, last) = (inner[0], inner[inner.len() - 1]);
    let spacing = (last - first) / (inner.len() - 1) as f64;
    let mut knots = vec![0.0; inner.len() + 2 * degree];
    knots[degree..degree + inner.len()].copy_from_slice(inner);
    for step in 0..degree {
        // One spacing after another, in pykan's order, so that the bits agree too.
        knots[degree - 1 - step] = knots[degree - step] - spacing;
        knots[degree + inner.len() + step] = knots[degree + inner.len() - 1 + step] + spacing;
    }
    knots
}

/// Number of basis functions on extended knots.
pub fn basis_count(knots: &[f64], degree: usize) -> usize {
    knots.len().saturating_sub(degree + 1)
}

/// The interval `i` with `knots[i] ≤ x < knots[i + 1]`, or `None` outside (and for NaN).
#[inline]
pub fn interval(knots: &[f64], x: f64) -> Option<usize> {
    let above = knots.partition_point(|knot| *knot <= x);
    (above > 0 && above < knots.len()).then(|| above - 1)
}

/// The highest degree that networks may use.
pub const MAX_DEGREE: usize = 7;

/// Values and derivatives of the basis functions that are not 0 at one point.
#[derive(Clone, Copy, Debug)]
pub struct ActiveBasis {
    /// Interval that the point lies in; basis `interval − degree + j` belongs to entry `j`, and entries whose index
    /// falls outside the basis are to be left out.
    pub interval: usize,
    /// `[degree + 1]` values.
    pub values: [f64; MAX_DEGREE + 1],
    /// `[degree + 1]` derivatives.
    pub derivatives: [f64; MAX_DEGREE + 1],
}

/// The active basis functions at `x`, or `None` outside the extended knots.
///
/// # Panics
/// If `degree` is above [`MAX_DEGREE`].
pub fn active_basis(knots: &[f64], degree: usize, x: f64) -> Option<ActiveBasis> {
    assert!(degree <= MAX_DEGREE);
    let interval = interval(knots, x)?;
    // Knots beyond the ends only meet basis functions that do not exist; any value will do there.
    let knot = |index: isize| knots[index.clamp(0, knots.len() as isize - 1) as usize];
    let ratio = |numerator: f64, denominator: f64| if denominator > 0.0 { numerator / denominator } else { 0.0 };
    let mut values = [0.0; MAX_DEGREE + 1];
    let mut derivatives = [0.0; MAX_DEGREE + 1];
    values[0] = 1.0;
    for order in 1..=degree {
        let previous = values;
        for j in 0..=order {
            // Entry j of this order is basis `first`; of the order below it joins the entries j − 1 and j.
            let first = interval as isize - order as isize + j as isize;
            let (low, high) = (knot(first), knot(first + order as isize + 1));
            let (left, right) = (knot(first + order as isize) - low, high - knot(first + 1));
            let from_left = if j > 0 { previous[j - 1] } else { 0.0 };
            let from_right = if j < order { previous[j] } else { 0.0 };
            values[j] = ratio(x - low, left) * from_left + ratio(high - x, right) * from_right;
            derivatives[j] = order as f64 * (ratio(from_left, left) - ratio(from_right, right));
        }
    }
    Some(ActiveBasis { interval, values, derivatives })
}

/// Calls `each(basis, value, derivative)` for the basis functions that are not 0 at `x`.
#[inline]
pub fn for_each_basis(knots: &[f64], degree: usize, x: f64, mut each: impl FnMut(usize, f64, f64)) {
    let Some(active) = active_basis(knots, degree, x) else { return };
    let count = basis_count(knots, degree);
    for j in 0..=degree {
        let basis = (active.interval + j).wrapping_sub(degree);
        if basis < count {
            each(basis, active.values[j], active.derivatives[j]);
        }
    }
}

/// The spline `Σ coefficients_i · B_i(x)` and its derivative.
pub fn evaluate(knots: &[f64], degree: usize, coefficients: &[f64], x: f64) -> (f64, f64) {
    let mut sum = (0.0, 0.0);
    for_each_basis(knots, degree, x, |basis, value, derivative| {
        sum.0 += coefficients[basis] * value;
        sum.1 += coefficients[basis] * derivative;
    });
    sum
}

/// The coefficients whose curves are nearest to `y` at `x` in the least-squares sense; of several equally near ones
/// the shortest (minimum norm), where some basis function meets no sample.
///
/// # Shapes
/// `x` `[rows]`, `y` `[rows, curves]` row-major, result `[curves, basis]` row-major.
///
/// pykan 0.2.8 calls LAPACK's gelsy with an uninitialized pivot array: where the problem is rank-deficient its answer
/// changes from call to call. This is what gelsd would give.
///
/// # Panics
/// If the lengths do not fit together.
pub fn least_squares(knots: &[f64], degree: usize, x: &[f64], y: &[f64], curves: usize) -> Vec<f64> {
    assert_eq!(y.len(), x.len() * curves);
    let count = basis_count(knots, degree);
    if x.is_empty() || curves == 0 {
        return vec![0.0; count * curves];
    }
    let mut matrix = DMatrix::zeros(x.len().max(count), count);
    for (row, x) in x.iter().enumerate() {
        for_each_basis(knots, degree, *x, |basis, value, _| matrix[(row, basis)] = value);
    }
    let mut right = DMatrix::zeros(matrix.nrows(), curves);
    for (row, values) in y.chunks_exact(curves).enumerate() {
        right.row_mut(row).copy_from_slice(values);
    }
    let solution = minimum_norm(matrix, &right, x.len());
    (0..curves).flat_map(|curve| solution.column(curve).iter().copied().collect::<Vec<_>>()).collect()
}

/// The minimum-norm least-squares solution of `matrix · solution = right` by SVD; singular values below
/// `ε · max(rows, columns)` of the largest count as 0, as in LAPACK's drivers.
fn minimum_norm(matrix: DMatrix<f64>, right: &DMatrix<f64>, rows: usize) -> DMatrix<f64> {
    let columns = matrix.ncols();
    // A tall matrix is first reduced to its triangle: the SVD then works on columns × columns numbers.
    let (matrix, right) = if matrix.nrows() > columns {
        let qr = matrix.qr();
        let mut right = right.clone();
        qr.q_tr_mul(&mut right);
        (qr.r(), right.rows(0, columns).into_owned())
    } else {
        (matrix, right.clone())
    };
    let svd = matrix.svd(true, true);
    let largest = svd.singular_values.iter().fold(0.0, |largest: f64, value| largest.max(*value));
    let tolerance = f64::EPSILON * rows.max(columns) as f64 * largest;
    let (u, v_transposed) = (svd.u.expect("asked for"), svd.v_t.expect("asked for"));
    let inverse: DVector<f64> = svd.singular_values.map(|value| if value > tolerance { value.recip() } else { 0.0 });
    let mut projected = u.tr_mul(&right);
    for (mut row, factor) in projected.row_iter_mut().zip(inverse.iter()) {
        row *= *factor;
    }
    v_transposed.tr_mul(&projected)
}
