//! Basis functions and base functions of a column.

use crate::compute::chunk::{Column, ROWS};
use crate::compute::scalar::Scalar;
use crate::compute::scalar::multiply_add;
use crate::graph::BaseFunction;
use crate::spline::MAX_DEGREE;

/// Knots with what their recursion divides by.
#[derive(Clone, Debug)]
pub(in crate::compute) struct KnotTable<S> {
    pub knots: Vec<S>,
    pub degree: usize,
    /// `1 / (t[i + order] − t[i])` for each order from 1 on and each i, 0 for equal knots; orders one after another.
    pub reciprocals: Vec<S>,
    /// Whether no two knots are equal.
    pub strict: bool,
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
        let strict = rounded.windows(2).all(|pair| pair[0] < pair[1]);
        Self { knots: rounded, degree, reciprocals, strict }
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
pub(in crate::compute) const FEW_KNOTS: usize = 24;

/// Basis functions of `x`, then its base function, as columns; their derivatives too where `slopes` is not empty.
#[inline(always)]
pub(in crate::compute) fn fill_features<S: Scalar, const FMA: bool>(
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
pub(in crate::compute) fn fill_base<S: Scalar, const FMA: bool>(
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
fn fill_strip<S: Scalar, const FMA: bool>(
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
fn fill_active<S: Scalar>(table: &KnotTable<S>, x: &Column<S>, features: &mut [Column<S>], slopes: &mut [Column<S>]) {
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

/// Cox-de Boor on the interval that holds `x`: as [`crate::spline::active_basis`], in any element type.
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
