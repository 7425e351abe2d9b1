//! The inner loops, over one chunk of rows: plain loops over fixed-size arrays that compilers turn into vector code.
//!
//! Every function is inlined into two callers in [`simd`](super::simd): one for any processor, one compiled for AVX2 and
//! FMA. With `FMA` products and sums are rounded once, without it twice; nothing else differs.

use super::{Column, ROWS, Scalar};
use crate::graph::BaseFunction;
use crate::kan::spline::MAX_DEGREE;

#[inline(always)]
fn multiply_add<S: Scalar, const FMA: bool>(a: S, b: S, c: S) -> S {
    if FMA { a.mul_add(b, c) } else { a * b + c }
}

/// Knots with what their recursion divides by.
#[derive(Clone, Debug)]
pub(super) struct KnotTable<S> {
    pub knots: Vec<S>,
    pub degree: usize,
    /// `1 / (t[i + order] − t[i])` for each order from 1 on and each i, 0 for equal knots; orders one after another.
    pub reciprocals: Vec<S>,
}

impl<S: Scalar> KnotTable<S> {
    pub fn new(knots: &[f64], degree: usize) -> Self {
        // Differences of the rounded knots, so that the basis functions still add up to 1.
        let rounded: Vec<S> = knots.iter().map(|knot| S::from_f64(*knot)).collect();
        let reciprocal = |pair: (&S, &S)| {
            let difference = pair.1.to_f64() - pair.0.to_f64();
            if difference > 0.0 { S::from_f64(1.0 / difference) } else { S::ZERO }
        };
        let orders = 1..=degree.min(knots.len().saturating_sub(1));
        let reciprocals = orders
            .flat_map(|order| rounded.iter().zip(&rounded[order..]).map(reciprocal).collect::<Vec<_>>())
            .collect();
        Self { knots: rounded, degree, reciprocals }
    }

    /// Whether there are few enough knots for [`fill_strip`], and any at all.
    pub fn is_short(&self) -> bool {
        self.basis() > 0 && self.knots.len() <= FEW_KNOTS
    }

    pub fn basis(&self) -> usize {
        self.knots.len().saturating_sub(self.degree + 1)
    }
}

/// Rows that the recursion holds in registers.
const STRIP: usize = 16;
/// Knots up to which all basis functions are computed at once; beyond that only the active ones.
pub(super) const FEW_KNOTS: usize = 24;

/// Basis functions of `x`, then its base function, as columns; their derivatives too where `slopes` is not empty.
#[inline(always)]
pub(super) fn fill_features<S: Scalar, const FMA: bool>(
    table: &KnotTable<S>,
    base: BaseFunction,
    x: &Column<S>,
    features: &mut [Column<S>],
    slopes: &mut [Column<S>],
) {
    let basis = table.basis();
    if table.is_short() {
        for first in (0..ROWS).step_by(STRIP) {
            fill_strip::<S, FMA>(table, x, first, &mut features[..basis], slopes);
        }
    } else if basis > 0 {
        fill_active(table, x, &mut features[..basis], slopes);
    }
    fill_base::<S, FMA>(base, x, &mut features[basis..], if slopes.is_empty() { slopes } else { &mut slopes[basis..] });
}

/// The base function's column, if it has one, and its derivative's.
#[inline(always)]
pub(super) fn fill_base<S: Scalar, const FMA: bool>(
    base: BaseFunction,
    x: &Column<S>,
    features: &mut [Column<S>],
    slopes: &mut [Column<S>],
) {
    match base {
        BaseFunction::Zero => {}
        BaseFunction::Identity => {
            features[0] = *x;
            if !slopes.is_empty() {
                slopes[0] = [S::ONE; ROWS];
            }
        }
        BaseFunction::Silu => {
            let mut sigmoid = [S::ZERO; ROWS];
            for (sigmoid, x) in sigmoid.iter_mut().zip(x) {
                *sigmoid = sigmoid_of::<S, FMA>(*x);
            }
            for ((feature, x), sigmoid) in features[0].iter_mut().zip(x).zip(&sigmoid) {
                *feature = *x * *sigmoid;
            }
            if !slopes.is_empty() {
                for ((slope, x), sigmoid) in slopes[0].iter_mut().zip(x).zip(&sigmoid) {
                    *slope = *sigmoid * multiply_add::<S, FMA>(*x, S::ONE - *sigmoid, S::ONE);
                }
            }
        }
    }
}

/// Cox-de Boor for all basis functions of a strip of rows.
#[inline(always)]
pub(super) fn fill_strip<S: Scalar, const FMA: bool>(
    table: &KnotTable<S>,
    x: &Column<S>,
    first: usize,
    features: &mut [Column<S>],
    slopes: &mut [Column<S>],
) {
    let (knots, degree) = (&table.knots[..], table.degree);
    let strip: &[S; STRIP] = x[first..first + STRIP].try_into().expect("a strip");
    let mut values = [[S::ZERO; STRIP]; FEW_KNOTS];
    for (value, pair) in values.iter_mut().zip(knots.windows(2)) {
        for (value, x) in value.iter_mut().zip(strip) {
            *value = if *x >= pair[0] && *x < pair[1] { S::ONE } else { S::ZERO };
        }
    }
    let mut reciprocals = &table.reciprocals[..];
    for order in 1..=degree {
        let (own, rest) = reciprocals.split_at(knots.len() - order);
        reciprocals = rest;
        if order == degree && !slopes.is_empty() {
            let factor = S::from_f64(order as f64);
            for (index, slope) in slopes[..features.len()].iter_mut().enumerate() {
                let (left, right) = (factor * own[index], factor * own[index + 1]);
                let slope = &mut slope[first..first + STRIP];
                for row in 0..STRIP {
                    slope[row] = left * values[index][row] - right * values[index + 1][row];
                }
            }
        }
        for index in 0..knots.len() - order - 1 {
            let (left, right) = (own[index], own[index + 1]);
            let (low, high) = (knots[index], knots[index + order + 1]);
            for row in 0..STRIP {
                let from_left = (strip[row] - low) * left * values[index][row];
                let share = (high - strip[row]) * right;
                values[index][row] = multiply_add::<S, FMA>(share, values[index + 1][row], from_left);
            }
        }
    }
    for (feature, value) in features.iter_mut().zip(&values) {
        feature[first..first + STRIP].copy_from_slice(value);
    }
}

/// Cox-de Boor for the active basis functions of each row.
pub(super) fn fill_active<S: Scalar>(
    table: &KnotTable<S>,
    x: &Column<S>,
    features: &mut [Column<S>],
    slopes: &mut [Column<S>],
) {
    let basis = features.len();
    features.fill([S::ZERO; ROWS]);
    if !slopes.is_empty() {
        slopes[..basis].fill([S::ZERO; ROWS]);
    }
    for row in 0..ROWS {
        let above = table.knots.partition_point(|knot| *knot <= x[row]);
        if above == 0 || above >= table.knots.len() {
            continue;
        }
        let mut values = [S::ZERO; MAX_DEGREE + 2];
        let mut derivatives = [S::ZERO; MAX_DEGREE + 2];
        active(&table.knots, table.degree, above - 1, x[row], &mut values, &mut derivatives);
        for j in 0..=table.degree {
            let index = (above - 1 + j).wrapping_sub(table.degree);
            if index < basis {
                features[index][row] = values[j];
                if !slopes.is_empty() {
                    slopes[index][row] = derivatives[j];
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

/// `1 / (1 + e^-x)` without a call, so that it becomes vector code; NaN stays NaN.
#[inline(always)]
fn sigmoid_of<S: Scalar, const FMA: bool>(x: S) -> S {
    // e^-|x| does not overflow; both signs come from it.
    let negative = if x > S::ZERO { -x } else { x };
    let exponential = S::exp_of_negative::<FMA>(negative);
    let smaller = exponential / (S::ONE + exponential);
    if x > S::ZERO { S::ONE - smaller } else { smaller }
}

/// `sums[target_j] += Σ_f parameters[f, j] · features[f]`.
#[inline(always)]
pub(super) fn combine<S: Scalar, const FMA: bool>(
    parameters: &[S],
    features: &[Column<S>],
    targets: &[usize],
    sums: &mut [Column<S>],
) {
    let mut first = 0;
    while first + 6 <= targets.len() {
        combine_tile::<S, 6, FMA>(parameters, features, targets, first, sums);
        first += 6;
    }
    match targets.len() - first {
        5 => combine_tile::<S, 5, FMA>(parameters, features, targets, first, sums),
        4 => combine_tile::<S, 4, FMA>(parameters, features, targets, first, sums),
        3 => combine_tile::<S, 3, FMA>(parameters, features, targets, first, sums),
        2 => combine_tile::<S, 2, FMA>(parameters, features, targets, first, sums),
        1 => combine_tile::<S, 1, FMA>(parameters, features, targets, first, sums),
        _ => {}
    }
}

#[inline(always)]
fn combine_tile<S: Scalar, const TARGETS: usize, const FMA: bool>(
    parameters: &[S],
    features: &[Column<S>],
    targets: &[usize],
    first: usize,
    sums: &mut [Column<S>],
) {
    if size_of::<S>() == 4 {
        combine_rows::<S, TARGETS, 16, FMA>(parameters, features, targets, first, sums);
    } else {
        combine_rows::<S, TARGETS, 8, FMA>(parameters, features, targets, first, sums);
    }
}

#[inline(always)]
fn combine_rows<S: Scalar, const TARGETS: usize, const LANES: usize, const FMA: bool>(
    parameters: &[S],
    features: &[Column<S>],
    targets: &[usize],
    first: usize,
    sums: &mut [Column<S>],
) {
    for start in (0..ROWS).step_by(LANES) {
        let mut tile = [[S::ZERO; LANES]; TARGETS];
        for (feature, row) in features.iter().zip(parameters.chunks_exact(targets.len())) {
            let feature: &[S; LANES] = feature[start..start + LANES].try_into().expect("a strip");
            let factors: &[S; TARGETS] = row[first..first + TARGETS].try_into().expect("a tile");
            for target in 0..TARGETS {
                for lane in 0..LANES {
                    tile[target][lane] = multiply_add::<S, FMA>(factors[target], feature[lane], tile[target][lane]);
                }
            }
        }
        for (tile, target) in tile.iter().zip(&targets[first..first + TARGETS]) {
            for (sum, value) in sums[*target][start..start + LANES].iter_mut().zip(tile) {
                *sum += *value;
            }
        }
    }
}

/// `gradient[f, j] += features[f] · gradients[target_j]`.
#[inline(always)]
pub(super) fn parameter_gradient<S: Scalar, const FMA: bool>(
    features: &[Column<S>],
    targets: &[usize],
    gradients: &[Column<S>],
    gradient: &mut [S],
) {
    products::<S, FMA>(features, targets, gradients, gradient, targets.len(), 0);
}

/// `matrix[i, first + j] += left[i] · right[columns[j]]`, with rows of `stride` entries.
#[inline(always)]
pub(super) fn products<S: Scalar, const FMA: bool>(
    left: &[Column<S>],
    columns: &[usize],
    right: &[Column<S>],
    matrix: &mut [S],
    stride: usize,
    first: usize,
) {
    let mut row = 0;
    while row < left.len() {
        let rows = (left.len() - row).min(4);
        let mut column = 0;
        while column < columns.len() {
            let count = (columns.len() - column).min(3);
            let out = &mut matrix[row * stride + first + column..];
            match (rows, count) {
                (4, 3) => product_tile::<S, 4, 3, FMA>(&left[row..], &columns[column..], right, out, stride),
                (4, 2) => product_tile::<S, 4, 2, FMA>(&left[row..], &columns[column..], right, out, stride),
                (4, 1) => product_tile::<S, 4, 1, FMA>(&left[row..], &columns[column..], right, out, stride),
                _ => {
                    for offset in 0..rows {
                        let out = &mut out[offset * stride..];
                        match count {
                            3 => product_tile::<S, 1, 3, FMA>(
                                &left[row + offset..],
                                &columns[column..],
                                right,
                                out,
                                stride,
                            ),
                            2 => product_tile::<S, 1, 2, FMA>(
                                &left[row + offset..],
                                &columns[column..],
                                right,
                                out,
                                stride,
                            ),
                            _ => product_tile::<S, 1, 1, FMA>(
                                &left[row + offset..],
                                &columns[column..],
                                right,
                                out,
                                stride,
                            ),
                        }
                    }
                }
            }
            column += count;
        }
        row += rows;
    }
}

/// Lanes that a sum over rows is kept in; the same for both element types and all processors.
const SUM_LANES: usize = 8;

#[inline(always)]
fn product_tile<S: Scalar, const LEFT: usize, const RIGHT: usize, const FMA: bool>(
    left: &[Column<S>],
    columns: &[usize],
    right: &[Column<S>],
    out: &mut [S],
    stride: usize,
) {
    let left: &[Column<S>; LEFT] = left[..LEFT].try_into().expect("a tile");
    let right: [&Column<S>; RIGHT] = std::array::from_fn(|index| &right[columns[index]]);
    let mut tile = [[[S::ZERO; SUM_LANES]; RIGHT]; LEFT];
    for start in (0..ROWS).step_by(SUM_LANES) {
        for i in 0..LEFT {
            for j in 0..RIGHT {
                for lane in 0..SUM_LANES {
                    tile[i][j][lane] =
                        multiply_add::<S, FMA>(left[i][start + lane], right[j][start + lane], tile[i][j][lane]);
                }
            }
        }
    }
    for i in 0..LEFT {
        for j in 0..RIGHT {
            out[i * stride + j] += sum_lanes(&tile[i][j]);
        }
    }
}

#[inline(always)]
fn sum_lanes<S: Scalar>(lanes: &[S; SUM_LANES]) -> S {
    let half: [S; 4] = std::array::from_fn(|lane| lanes[lane] + lanes[lane + 4]);
    (half[0] + half[2]) + (half[1] + half[3])
}

/// `gradient += Σ_f slopes[f] · Σ_j parameters[f, j] · gradients[target_j]`: by the value that the features are of.
#[inline(always)]
pub(super) fn source_gradient<S: Scalar, const FMA: bool>(
    parameters: &[S],
    slopes: &[Column<S>],
    targets: &[usize],
    gradients: &[Column<S>],
    gradient: &mut Column<S>,
) {
    let mut first = 0;
    while first + 3 <= slopes.len() {
        source_tile::<S, 3, FMA>(parameters, slopes, targets, gradients, first, gradient);
        first += 3;
    }
    while first < slopes.len() {
        source_tile::<S, 1, FMA>(parameters, slopes, targets, gradients, first, gradient);
        first += 1;
    }
}

#[inline(always)]
fn source_tile<S: Scalar, const FEATURES: usize, const FMA: bool>(
    parameters: &[S],
    slopes: &[Column<S>],
    targets: &[usize],
    gradients: &[Column<S>],
    first: usize,
    gradient: &mut Column<S>,
) {
    if size_of::<S>() == 4 {
        source_rows::<S, FEATURES, 32, FMA>(parameters, slopes, targets, gradients, first, gradient);
    } else {
        source_rows::<S, FEATURES, 16, FMA>(parameters, slopes, targets, gradients, first, gradient);
    }
}

#[inline(always)]
fn source_rows<S: Scalar, const FEATURES: usize, const LANES: usize, const FMA: bool>(
    parameters: &[S],
    slopes: &[Column<S>],
    targets: &[usize],
    gradients: &[Column<S>],
    first: usize,
    gradient: &mut Column<S>,
) {
    let slopes: &[Column<S>; FEATURES] = slopes[first..first + FEATURES].try_into().expect("a tile");
    let factors: [&[S]; FEATURES] =
        std::array::from_fn(|feature| &parameters[(first + feature) * targets.len()..][..targets.len()]);
    for start in (0..ROWS).step_by(LANES) {
        let mut tile = [[S::ZERO; LANES]; FEATURES];
        for (index, target) in targets.iter().enumerate() {
            let outer: &[S; LANES] = gradients[*target][start..start + LANES].try_into().expect("a strip");
            for feature in 0..FEATURES {
                let factor = factors[feature][index];
                for lane in 0..LANES {
                    tile[feature][lane] = multiply_add::<S, FMA>(factor, outer[lane], tile[feature][lane]);
                }
            }
        }
        let sums = &mut gradient[start..start + LANES];
        for feature in 0..FEATURES {
            let slope: &[S; LANES] = slopes[feature][start..start + LANES].try_into().expect("a strip");
            for lane in 0..LANES {
                sums[lane] = multiply_add::<S, FMA>(tile[feature][lane], slope[lane], sums[lane]);
            }
        }
    }
}

/// Sum over rows, in the order of [`products`].
pub(super) fn sum<S: Scalar>(column: &Column<S>) -> S {
    let mut lanes = [S::ZERO; SUM_LANES];
    for values in column.chunks_exact(SUM_LANES) {
        for lane in 0..SUM_LANES {
            lanes[lane] += values[lane];
        }
    }
    sum_lanes(&lanes)
}
