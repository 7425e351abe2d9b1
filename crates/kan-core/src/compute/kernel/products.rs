//! Features times parameters, and what goes back through that.

use crate::compute::chunk::{Column, ROWS};
use crate::compute::scalar::Scalar;
use crate::compute::scalar::multiply_add;

/// What a combination starts from. All give the same sum; its rounding differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::compute) enum Start {
    /// From 0; whatever was in the sums is gone.
    Overwrite,
    /// From the sums: features that come in parts are added up as if they came at once.
    Continue,
    /// From 0; the result is added to the sums.
    Add,
}

/// `sums[target_j] += Σ_f parameters[f, j] · features[f]`, from `start`.
#[inline(always)]
pub(in crate::compute) fn combine<S: Scalar, const FMA: bool>(
    parameters: &[S],
    features: &[Column<S>],
    targets: &[usize],
    sums: &mut [Column<S>],
    start: Start,
) {
    let mut first = 0;
    while first + 6 <= targets.len() {
        combine_tile::<S, 6, FMA>(parameters, features, targets, first, sums, start);
        first += 6;
    }
    match targets.len() - first {
        5 => combine_tile::<S, 5, FMA>(parameters, features, targets, first, sums, start),
        4 => combine_tile::<S, 4, FMA>(parameters, features, targets, first, sums, start),
        3 => combine_tile::<S, 3, FMA>(parameters, features, targets, first, sums, start),
        2 => combine_tile::<S, 2, FMA>(parameters, features, targets, first, sums, start),
        1 => combine_tile::<S, 1, FMA>(parameters, features, targets, first, sums, start),
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
    start: Start,
) {
    if size_of::<S>() == 4 {
        combine_rows::<S, TARGETS, 16, FMA>(parameters, features, targets, first, sums, start);
    } else {
        combine_rows::<S, TARGETS, 8, FMA>(parameters, features, targets, first, sums, start);
    }
}

#[inline(always)]
fn combine_rows<S: Scalar, const TARGETS: usize, const LANES: usize, const FMA: bool>(
    parameters: &[S],
    features: &[Column<S>],
    targets: &[usize],
    first: usize,
    sums: &mut [Column<S>],
    start: Start,
) {
    for lane in (0..ROWS).step_by(LANES) {
        let mut tile = [[S::ZERO; LANES]; TARGETS];
        if start == Start::Continue {
            for (tile, target) in tile.iter_mut().zip(&targets[first..first + TARGETS]) {
                tile.copy_from_slice(&sums[*target][lane..lane + LANES]);
            }
        }
        for (feature, row) in features.iter().zip(parameters.chunks_exact(targets.len())) {
            let feature: &[S; LANES] = feature[lane..lane + LANES].try_into().expect("a strip");
            let factors: &[S; TARGETS] = row[first..first + TARGETS].try_into().expect("a tile");
            for target in 0..TARGETS {
                for row in 0..LANES {
                    tile[target][row] = multiply_add::<S, FMA>(factors[target], feature[row], tile[target][row]);
                }
            }
        }
        for (tile, target) in tile.iter().zip(&targets[first..first + TARGETS]) {
            let sums = &mut sums[*target][lane..lane + LANES];
            if start != Start::Add {
                sums.copy_from_slice(tile);
                continue;
            }
            for (sum, value) in sums.iter_mut().zip(tile) {
                *sum += *value;
            }
        }
    }
}

/// `matrix[i, first + j] += left[i] · right[columns[j]]`, with rows of `stride` entries.
#[inline(always)]
pub(in crate::compute) fn products<S: Scalar, const FMA: bool>(
    left: &[Column<S>],
    columns: &[usize],
    right: &[Column<S>],
    matrix: &mut [S],
    stride: usize,
    first: usize,
) {
    let done = if size_of::<S>() == 4 {
        wide_products::<S, 16, 8, FMA>(left, columns, right, matrix, stride, first)
    } else {
        wide_products::<S, 8, 4, FMA>(left, columns, right, matrix, stride, first)
    };
    narrow_products::<S, FMA>(left, &columns[done..], right, matrix, stride, first + done);
}

/// Columns below which a sum over rows is kept in lanes of rows.
const WIDE: usize = 8;

/// As [`products`], for as many of the columns as fill vectors, two vectors or one at a time; gives their number.
#[inline(always)]
fn wide_products<S: Scalar, const TWO: usize, const ONE: usize, const FMA: bool>(
    left: &[Column<S>],
    columns: &[usize],
    right: &[Column<S>],
    matrix: &mut [S],
    stride: usize,
    first: usize,
) -> usize {
    let mut done = 0;
    while columns.len() >= WIDE && columns.len() - done >= ONE {
        let (own, place) = (&columns[done..], first + done);
        done += if own.len() >= TWO {
            wide_columns::<S, TWO, FMA>(left, own, right, matrix, stride, place)
        } else {
            wide_columns::<S, ONE, FMA>(left, own, right, matrix, stride, place)
        };
    }
    done
}

/// The first `WIDTH` columns side by side in vectors, so that nothing is to be summed across lanes at the end.
#[inline(always)]
fn wide_columns<S: Scalar, const WIDTH: usize, const FMA: bool>(
    left: &[Column<S>],
    columns: &[usize],
    right: &[Column<S>],
    matrix: &mut [S],
    stride: usize,
    first: usize,
) -> usize {
    let mut rows = [[S::ZERO; WIDTH]; ROWS];
    for (place, column) in columns[..WIDTH].iter().enumerate() {
        for (row, value) in rows.iter_mut().zip(&right[*column]) {
            row[place] = *value;
        }
    }
    // Six times two vectors are as many sums as registers hold beside their factors.
    let mut row = 0;
    while row + 6 <= left.len() {
        wide_tile::<S, 6, WIDTH, FMA>(&left[row..], &rows, &mut matrix[row * stride + first..], stride);
        row += 6;
    }
    while row + 3 <= left.len() {
        wide_tile::<S, 3, WIDTH, FMA>(&left[row..], &rows, &mut matrix[row * stride + first..], stride);
        row += 3;
    }
    while row < left.len() {
        wide_tile::<S, 1, WIDTH, FMA>(&left[row..], &rows, &mut matrix[row * stride + first..], stride);
        row += 1;
    }
    WIDTH
}

#[inline(always)]
fn wide_tile<S: Scalar, const LEFT: usize, const WIDTH: usize, const FMA: bool>(
    left: &[Column<S>],
    rows: &[[S; WIDTH]; ROWS],
    out: &mut [S],
    stride: usize,
) {
    let left: &[Column<S>; LEFT] = left[..LEFT].try_into().expect("a tile");
    let mut tile = [[S::ZERO; WIDTH]; LEFT];
    for (row, values) in rows.iter().enumerate() {
        for i in 0..LEFT {
            for j in 0..WIDTH {
                tile[i][j] = multiply_add::<S, FMA>(left[i][row], values[j], tile[i][j]);
            }
        }
    }
    for (i, tile) in tile.iter().enumerate() {
        for (sum, value) in out[i * stride..i * stride + WIDTH].iter_mut().zip(tile) {
            *sum += *value;
        }
    }
}

/// As [`products`], with the rows in vectors.
#[inline(always)]
fn narrow_products<S: Scalar, const FMA: bool>(
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
    let half = |first: usize| (lanes[first] + lanes[first + 2]) + (lanes[first + 1] + lanes[first + 3]);
    half(0) + half(4)
}

/// `gradient += Σ_f slopes[f] · Σ_j parameters[f, j] · gradients[target_j]`: by the value that the features are of.
#[inline(always)]
pub(in crate::compute) fn source_gradient<S: Scalar, const FMA: bool>(
    parameters: &[S],
    slopes: &[Column<S>],
    targets: &[usize],
    gradients: &[Column<S>],
    gradient: &mut Column<S>,
) {
    let mut first = 0;
    while first < slopes.len() {
        // Equal parts of at most six: two vectors of each are as many sums as registers hold beside their factors.
        let left = slopes.len() - first;
        let features = left.div_ceil(left.div_ceil(6));
        match features {
            6 => source_tile::<S, 6, FMA>(parameters, slopes, targets, gradients, first, gradient),
            5 => source_tile::<S, 5, FMA>(parameters, slopes, targets, gradients, first, gradient),
            4 => source_tile::<S, 4, FMA>(parameters, slopes, targets, gradients, first, gradient),
            3 => source_tile::<S, 3, FMA>(parameters, slopes, targets, gradients, first, gradient),
            2 => source_tile::<S, 2, FMA>(parameters, slopes, targets, gradients, first, gradient),
            _ => source_tile::<S, 1, FMA>(parameters, slopes, targets, gradients, first, gradient),
        }
        first += features;
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
        source_rows::<S, FEATURES, 16, FMA>(parameters, slopes, targets, gradients, first, gradient);
    } else {
        source_rows::<S, FEATURES, 8, FMA>(parameters, slopes, targets, gradients, first, gradient);
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
pub(in crate::compute) fn sum<S: Scalar>(column: &Column<S>) -> S {
    let mut lanes = [S::ZERO; SUM_LANES];
    for values in column.chunks_exact(SUM_LANES) {
        for lane in 0..SUM_LANES {
            lanes[lane] += values[lane];
        }
    }
    sum_lanes(&lanes)
}
