//! Polynomials between knots, with targets in vectors.

use super::lanes::Lanes;
use crate::compute::chunk::{Column, ROWS};
use crate::compute::scalar::Scalar;
use crate::compute::tile::{LANES, POWERS, Tile};

/// `sums[tile][row] += bases[tile] · base[row] + Σ_p polynomials[interval of row, tile][p] · (x[row] − its knot)^p`
///
/// # Safety
/// The processor has AVX2 and FMA.
#[inline(always)]
pub unsafe fn add_pieces<S: Scalar, V: Lanes<S>>(
    knots: &[S],
    x: &Column<S>,
    base: &Column<S>,
    polynomials: &[[Tile<S>; POWERS]],
    bases: &[Tile<S>],
    sums: &mut [[Tile<S>; ROWS]],
) {
    // Before the first knot and behind the last one there is only the base function, wherever it is; NaN counts as before.
    let (outside, nowhere) = ([Tile::ZERO; POWERS], [S::ZERO; ROWS]);
    let mut behind = u64::MAX;
    for index in 0..=knots.len() {
        // SAFETY: passed on.
        let next = knots.get(index).map_or(0, |knot| unsafe { rows_behind::<S, V>(x, *knot) });
        let rows = behind & !next;
        behind = next;
        if rows == 0 {
            continue;
        }
        let inside = index > 0 && index < knots.len();
        let (origin, x) = if inside { (knots[index - 1], x) } else { (S::ZERO, &nowhere) };
        let first = if inside { (index - 1) * bases.len() } else { 0 };
        for (tile, (bases, sums)) in bases.iter().zip(&mut *sums).enumerate() {
            let polynomials = if inside { &polynomials[first + tile] } else { &outside };
            // SAFETY: passed on.
            unsafe { add_rows::<S, V>(rows, origin, x, base, polynomials, bases, sums) };
        }
    }
}

/// The rows that are at or behind `knot`, one bit for each.
///
/// # Safety
/// The processor has AVX2 and FMA.
#[inline(always)]
unsafe fn rows_behind<S: Scalar, V: Lanes<S>>(x: &Column<S>, knot: S) -> u64 {
    let mut rows = 0;
    for first in (0..ROWS).step_by(V::COUNT) {
        // SAFETY: the caller vouches for the processor.
        rows |= unsafe { V::load(&x[first..]).where_reaches(V::splat(knot)) } << first;
    }
    rows
}

/// One tile of targets for the rows whose bits are set.
///
/// # Safety
/// The processor has AVX2 and FMA.
#[inline(always)]
unsafe fn add_rows<S: Scalar, V: Lanes<S>>(
    rows: u64,
    origin: S,
    x: &Column<S>,
    base: &Column<S>,
    polynomials: &[Tile<S>; POWERS],
    bases: &Tile<S>,
    sums: &mut [Tile<S>; ROWS],
) {
    // Two vectors: the polynomials' factors, sums and steps are as many as there are registers.
    for first in (0..LANES).step_by(2 * V::COUNT) {
        let second = first + V::COUNT;
        // SAFETY: the caller vouches for the processor.
        unsafe {
            let origin = V::splat(origin);
            let load = |tile: &Tile<S>| (V::load(&tile.0[first..]), V::load(&tile.0[second..]));
            let [constant, linear, quadratic, cubic] = polynomials;
            let (constant, linear, quadratic, cubic) = (load(constant), load(linear), load(quadratic), load(cubic));
            let bases = load(bases);
            let mut left = rows;
            while left != 0 {
                let row = left.trailing_zeros() as usize;
                left &= left - 1;
                let distance = V::splat(x[row]).minus(origin);
                let base = V::splat(base[row]);
                let sum = &mut sums[row].0;
                let mut sum0 = V::load(&sum[first..]).plus(constant.0);
                let mut sum1 = V::load(&sum[second..]).plus(constant.1);
                let slope0 = cubic.0.times_plus(distance, quadratic.0).times_plus(distance, linear.0);
                let slope1 = cubic.1.times_plus(distance, quadratic.1).times_plus(distance, linear.1);
                sum0 = bases.0.times_plus(base, sum0);
                sum1 = bases.1.times_plus(base, sum1);
                slope0.times_plus(distance, sum0).store(&mut sum[first..]);
                slope1.times_plus(distance, sum1).store(&mut sum[second..]);
            }
        }
    }
}
