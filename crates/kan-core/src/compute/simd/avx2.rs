//! What compilers do not turn into good vector code by themselves: the recursion of the basis functions.

use super::lanes::Lanes;
use crate::compute::chunk::{Column, ROWS};
use crate::compute::kernel::{FEW_KNOTS, KnotTable};
use crate::compute::scalar::Scalar;

/// [`kernel::fill_strip`](crate::compute::kernel::fill_strip) for all strips of a chunk.
///
/// # Safety
/// The processor has AVX2 and FMA.
#[inline(always)]
pub unsafe fn fill_strips<S: Scalar, V: Lanes<S>>(
    table: &KnotTable<S>,
    x: &Column<S>,
    features: &mut [Column<S>],
    slopes: &mut [Column<S>],
) {
    // Of the usual numbers of knots all sums stay in registers.
    // SAFETY: passed on.
    unsafe {
        match (table.knots.len(), table.degree) {
            (10, 3) if table.strict => fill_cubic::<S, V, 10>(table, x, features, slopes),
            (12, 3) if table.strict => fill_cubic::<S, V, 12>(table, x, features, slopes),
            _ => fill_any::<S, V>(table, x, features, slopes),
        }
    }
}
/// Cubic basis functions of a known number of knots, none of them equal: as [`fill_any`], to the same bits.
///
/// # Safety
/// The processor has AVX2 and FMA.
#[inline(always)]
unsafe fn fill_cubic<S: Scalar, V: Lanes<S>, const KNOTS: usize>(
    table: &KnotTable<S>,
    x: &Column<S>,
    features: &mut [Column<S>],
    slopes: &mut [Column<S>],
) {
    let knots: &[S; KNOTS] = table.knots[..].try_into().expect("as many knots");
    let (first, rest) = table.reciprocals.split_at(KNOTS - 1);
    let (second, third) = rest.split_at(KNOTS - 2);
    let (second, third) = (&second[..KNOTS - 2], &third[..KNOTS - 3]);
    let features = &mut features[..KNOTS - 4];
    let three = S::from_f64(3.0);
    for row in (0..ROWS).step_by(V::COUNT) {
        // SAFETY: all calls only need the processor to have AVX2 and FMA, which the caller vouches for.
        unsafe {
            let x = V::load(&x[row..]);
            let (zero, one) = (V::splat(S::ZERO), V::splat(S::ONE));
            let mut values = [zero; KNOTS];
            let mut here = rise(x, knots[0], first[0]);
            for index in 0..KNOTS - 2 {
                let next = rise(x, knots[index + 1], first[index + 1]);
                values[index] = here.smaller(one.minus(next)).larger(zero);
                here = next;
            }
            let mut weight = rise(x, knots[0], second[0]);
            for index in 0..KNOTS - 3 {
                let next = rise(x, knots[index + 1], second[index + 1]);
                values[index] = blend(weight, values[index], next, values[index + 1]);
                weight = next;
            }
            if !slopes.is_empty() {
                for index in 0..KNOTS - 4 {
                    let (left, right) = (V::splat(three * third[index]), V::splat(three * third[index + 1]));
                    let slope = right.taken_from(values[index + 1], left.times(values[index]));
                    slope.store(&mut slopes[index][row..]);
                }
            }
            let mut weight = rise(x, knots[0], third[0]);
            for index in 0..KNOTS - 4 {
                let next = rise(x, knots[index + 1], third[index + 1]);
                blend(weight, values[index], next, values[index + 1]).store(&mut features[index][row..]);
                weight = next;
            }
        }
    }
}

/// All other basis functions, two vectors of rows at a time.
///
/// # Safety
/// The processor has AVX2 and FMA.
#[inline(always)]
unsafe fn fill_any<S: Scalar, V: Lanes<S>>(
    table: &KnotTable<S>,
    x: &Column<S>,
    features: &mut [Column<S>],
    slopes: &mut [Column<S>],
) {
    for first in (0..ROWS).step_by(2 * V::COUNT) {
        // SAFETY: passed on.
        unsafe { fill_pair::<S, V>(table, x, first, first + V::COUNT, features, slopes) };
    }
}

/// # Safety
/// The processor has AVX2 and FMA.
#[inline(always)]
unsafe fn fill_pair<S: Scalar, V: Lanes<S>>(
    table: &KnotTable<S>,
    x: &Column<S>,
    first: usize,
    second: usize,
    features: &mut [Column<S>],
    slopes: &mut [Column<S>],
) {
    // SAFETY: all calls only need the processor to have AVX2 and FMA, which the caller vouches for.
    unsafe {
        let knots = &table.knots[..];
        let (x0, x1) = (V::load(&x[first..]), V::load(&x[second..]));
        let zero = V::splat(S::ZERO);
        let mut values = [(zero, zero); FEW_KNOTS];
        let values = &mut values[..knots.len()];
        let mut reciprocals = &table.reciprocals[..];
        let mut start = 1;
        if table.strict && table.degree > 1 {
            // Order 1 at once: a hat, the lower one of a rising and a falling line, where it is above 0.
            let (own, rest) = reciprocals.split_at(knots.len() - 1);
            (reciprocals, start) = (rest, 2);
            let one = V::splat(S::ONE);
            let mut here = (rise(x0, knots[0], own[0]), rise(x1, knots[0], own[0]));
            for (index, value) in values[..knots.len() - 2].iter_mut().enumerate() {
                let (knot, reciprocal) = (knots[index + 1], own[index + 1]);
                let next = (rise(x0, knot, reciprocal), rise(x1, knot, reciprocal));
                *value =
                    (here.0.smaller(one.minus(next.0)).larger(zero), here.1.smaller(one.minus(next.1)).larger(zero));
                here = next;
            }
        } else {
            let knot = V::splat(knots[0]);
            let mut before = (x0.reaches(knot), x1.reaches(knot));
            for (value, knot) in values.iter_mut().zip(&knots[1..]) {
                let knot = V::splat(*knot);
                let after = (x0.reaches(knot), x1.reaches(knot));
                *value = (before.0.minus(after.0), before.1.minus(after.1));
                before = after;
            }
        }
        for order in start..=table.degree {
            let (own, rest) = reciprocals.split_at(knots.len() - order);
            reciprocals = rest;
            if order == table.degree && !slopes.is_empty() {
                let factor = S::from_f64(order as f64);
                let basis = slopes[..features.len()].iter_mut();
                for ((slope, value), own) in basis.zip(values.windows(2)).zip(own.windows(2)) {
                    let (left, right) = (V::splat(factor * own[0]), V::splat(factor * own[1]));
                    right.taken_from(value[1].0, left.times(value[0].0)).store(&mut slope[first..]);
                    right.taken_from(value[1].1, left.times(value[0].1)).store(&mut slope[second..]);
                }
            }
            let (mut here, mut weight) = (values[0], (rise(x0, knots[0], own[0]), rise(x1, knots[0], own[0])));
            for index in 0..knots.len() - order - 1 {
                let (knot, reciprocal) = (knots[index + 1], own[index + 1]);
                let next = values[index + 1];
                let next_weight = (rise(x0, knot, reciprocal), rise(x1, knot, reciprocal));
                values[index] =
                    (blend(weight.0, here.0, next_weight.0, next.0), blend(weight.1, here.1, next_weight.1, next.1));
                (here, weight) = (next, next_weight);
            }
        }
        for (feature, value) in features.iter_mut().zip(&*values) {
            value.0.store(&mut feature[first..]);
            value.1.store(&mut feature[second..]);
        }
    }
}

/// `(x − knot) · reciprocal`: what rises from 0 at a knot to 1 at a later one.
///
/// # Safety
/// The processor has AVX2 and FMA.
// A closure would not be compiled for that processor, and call every intrinsic as a function.
#[inline(always)]
unsafe fn rise<S: Scalar, V: Lanes<S>>(x: V, knot: S, reciprocal: S) -> V {
    // SAFETY: the caller vouches for the processor.
    unsafe { x.minus(V::splat(knot)).times(V::splat(reciprocal)) }
}

/// `weight · here + (1 − next_weight) · next`: what rises from one knot on falls from the next.
///
/// # Safety
/// The processor has AVX2 and FMA.
#[inline(always)]
unsafe fn blend<S: Scalar, V: Lanes<S>>(weight: V, here: V, next_weight: V, next: V) -> V {
    // SAFETY: the caller vouches for the processor.
    unsafe { weight.times_plus(here, next_weight.taken_from(next, next)) }
}
