//! What compilers do not turn into good vector code by themselves: the recursion of the basis functions.

use crate::compute::kernel::{FEW_KNOTS, KnotTable};
use crate::compute::{Column, ROWS, Scalar};
use std::arch::x86_64::*;

/// A vector of AVX's.
///
/// # Safety
/// All methods may be called only where the processor has AVX2 and FMA.
pub trait Lanes<S>: Copy {
    /// Numbers in it.
    const COUNT: usize;
    /// The first numbers of a slice that is long enough (it panics where it is not).
    unsafe fn load(from: &[S]) -> Self;
    /// Into the first numbers of a slice that is long enough (it panics where it is not).
    unsafe fn store(self, to: &mut [S]);
    /// The same number everywhere.
    unsafe fn splat(value: S) -> Self;
    /// `self − other`
    unsafe fn minus(self, other: Self) -> Self;
    /// `self · other`
    unsafe fn times(self, other: Self) -> Self;
    /// `self · factor + addend`, rounded once.
    unsafe fn times_plus(self, factor: Self, addend: Self) -> Self;
    /// 1 where `self ≥ other`, else (and for NaN) 0.
    unsafe fn reaches(self, other: Self) -> Self;
}

macro_rules! lanes {
    ($scalar:ty, $vector:ty, $count:expr, $load:ident, $store:ident, $splat:ident, $minus:ident, $times:ident,
     $times_plus:ident, $compare:ident, $and:ident) => {
        impl Lanes<$scalar> for $vector {
            const COUNT: usize = $count;

            #[inline(always)]
            unsafe fn load(from: &[$scalar]) -> Self {
                let from: &[$scalar; $count] = from[..$count].try_into().expect("as many");
                // SAFETY: the array is that long; the caller vouches for the processor.
                unsafe { $load(from.as_ptr()) }
            }

            #[inline(always)]
            unsafe fn store(self, to: &mut [$scalar]) {
                let to: &mut [$scalar; $count] = (&mut to[..$count]).try_into().expect("as many");
                // SAFETY: the array is that long; the caller vouches for the processor.
                unsafe { $store(to.as_mut_ptr(), self) }
            }

            #[inline(always)]
            unsafe fn splat(value: $scalar) -> Self {
                // SAFETY: the caller vouches for the processor.
                unsafe { $splat(value) }
            }

            #[inline(always)]
            unsafe fn minus(self, other: Self) -> Self {
                // SAFETY: the caller vouches for the processor.
                unsafe { $minus(self, other) }
            }

            #[inline(always)]
            unsafe fn times(self, other: Self) -> Self {
                // SAFETY: the caller vouches for the processor.
                unsafe { $times(self, other) }
            }

            #[inline(always)]
            unsafe fn times_plus(self, factor: Self, addend: Self) -> Self {
                // SAFETY: the caller vouches for the processor.
                unsafe { $times_plus(self, factor, addend) }
            }

            #[inline(always)]
            unsafe fn reaches(self, other: Self) -> Self {
                // SAFETY: the caller vouches for the processor.
                unsafe { $and($compare::<_CMP_GE_OQ>(self, other), $splat(1.0)) }
            }
        }
    };
}

lanes!(
    f32,
    __m256,
    8,
    _mm256_loadu_ps,
    _mm256_storeu_ps,
    _mm256_set1_ps,
    _mm256_sub_ps,
    _mm256_mul_ps,
    _mm256_fmadd_ps,
    _mm256_cmp_ps,
    _mm256_and_ps
);
lanes!(
    f64,
    __m256d,
    4,
    _mm256_loadu_pd,
    _mm256_storeu_pd,
    _mm256_set1_pd,
    _mm256_sub_pd,
    _mm256_mul_pd,
    _mm256_fmadd_pd,
    _mm256_cmp_pd,
    _mm256_and_pd
);

/// [`kernel::fill_strip`](crate::compute::kernel::fill_strip) for all strips of a chunk, two vectors of rows at a time.
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
        let knot = V::splat(knots[0]);
        let mut before = (x0.reaches(knot), x1.reaches(knot));
        for (value, knot) in values.iter_mut().zip(&knots[1..]) {
            let knot = V::splat(*knot);
            let after = (x0.reaches(knot), x1.reaches(knot));
            *value = (before.0.minus(after.0), before.1.minus(after.1));
            before = after;
        }
        let mut reciprocals = &table.reciprocals[..];
        for order in 1..=table.degree {
            let (own, rest) = reciprocals.split_at(knots.len() - order);
            reciprocals = rest;
            if order == table.degree && !slopes.is_empty() {
                let factor = S::from_f64(order as f64);
                let basis = slopes[..features.len()].iter_mut();
                for ((slope, value), own) in basis.zip(values.windows(2)).zip(own.windows(2)) {
                    let (left, right) = (V::splat(factor * own[0]), V::splat(factor * own[1]));
                    left.times(value[0].0).minus(right.times(value[1].0)).store(&mut slope[first..]);
                    left.times(value[0].1).minus(right.times(value[1].1)).store(&mut slope[second..]);
                }
            }
            let count = knots.len() - order - 1;
            let (low, own, high) = (&knots[..count], &own[..count + 1], &knots[order + 1..order + 1 + count]);
            let mut here = values[0];
            for index in 0..count {
                let next = values[index + 1];
                let (low, left) = (V::splat(low[index]), V::splat(own[index]));
                let (high, right) = (V::splat(high[index]), V::splat(own[index + 1]));
                let from_left = (x0.minus(low).times(left).times(here.0), x1.minus(low).times(left).times(here.1));
                values[index] = (
                    high.minus(x0).times(right).times_plus(next.0, from_left.0),
                    high.minus(x1).times(right).times_plus(next.1, from_left.1),
                );
                here = next;
            }
        }
        for (feature, value) in features.iter_mut().zip(&*values) {
            value.0.store(&mut feature[first..]);
            value.1.store(&mut feature[second..]);
        }
    }
}
