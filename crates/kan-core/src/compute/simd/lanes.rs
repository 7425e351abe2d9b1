//! Vectors of numbers, as the processor has them.

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::*;

/// A vector of AVX's.
///
/// # Safety
/// All methods may be called only where the processor has AVX2 and FMA.
#[cfg(target_arch = "x86_64")]
pub trait Lanes<S>: Copy {
    /// Numbers in it.
    const COUNT: usize;
    /// The first numbers of a slice that is long enough (it panics where it is not).
    unsafe fn load(from: &[S]) -> Self;
    /// Into the first numbers of a slice that is long enough (it panics where it is not).
    unsafe fn store(self, to: &mut [S]);
    /// The same number everywhere.
    unsafe fn splat(value: S) -> Self;
    /// `self + other`
    unsafe fn plus(self, other: Self) -> Self;
    /// `self − other`
    unsafe fn minus(self, other: Self) -> Self;
    /// `self · other`
    unsafe fn times(self, other: Self) -> Self;
    /// `self · factor + addend`, rounded once.
    unsafe fn times_plus(self, factor: Self, addend: Self) -> Self;
    /// `addend − self · factor`, rounded once.
    unsafe fn taken_from(self, factor: Self, addend: Self) -> Self;
    /// 1 where `self ≥ other`, else (and for NaN) 0.
    unsafe fn reaches(self, other: Self) -> Self;
    /// A bit for each number, the first one lowest: 1 where `self ≥ other`.
    unsafe fn where_reaches(self, other: Self) -> u64;
    /// The smaller one of two; `other` where one is NaN.
    unsafe fn smaller(self, other: Self) -> Self;
    /// The larger one of two; `other` where one is NaN.
    unsafe fn larger(self, other: Self) -> Self;
}

#[cfg(target_arch = "x86_64")]
macro_rules! lanes {
    ($scalar:ty, $vector:ty, $count:expr, $load:ident, $store:ident, $splat:ident, $plus:ident, $minus:ident, $times:ident,
     $times_plus:ident, $taken_from:ident, $compare:ident, $and:ident, $mask:ident, $min:ident, $max:ident) => {
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
            unsafe fn plus(self, other: Self) -> Self {
                // SAFETY: the caller vouches for the processor.
                unsafe { $plus(self, other) }
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
            unsafe fn taken_from(self, factor: Self, addend: Self) -> Self {
                // SAFETY: the caller vouches for the processor.
                unsafe { $taken_from(self, factor, addend) }
            }

            #[inline(always)]
            unsafe fn smaller(self, other: Self) -> Self {
                // SAFETY: the caller vouches for the processor.
                unsafe { $min(self, other) }
            }

            #[inline(always)]
            unsafe fn larger(self, other: Self) -> Self {
                // SAFETY: the caller vouches for the processor.
                unsafe { $max(self, other) }
            }

            #[inline(always)]
            unsafe fn reaches(self, other: Self) -> Self {
                // SAFETY: the caller vouches for the processor.
                unsafe { $and($compare::<_CMP_GE_OQ>(self, other), $splat(1.0)) }
            }

            #[inline(always)]
            unsafe fn where_reaches(self, other: Self) -> u64 {
                // SAFETY: the caller vouches for the processor.
                u64::from(unsafe { $mask($compare::<_CMP_GE_OQ>(self, other)) }.cast_unsigned())
            }
        }
    };
}

#[cfg(target_arch = "x86_64")]
lanes!(
    f32,
    __m256,
    8,
    _mm256_loadu_ps,
    _mm256_storeu_ps,
    _mm256_set1_ps,
    _mm256_add_ps,
    _mm256_sub_ps,
    _mm256_mul_ps,
    _mm256_fmadd_ps,
    _mm256_fnmadd_ps,
    _mm256_cmp_ps,
    _mm256_and_ps,
    _mm256_movemask_ps,
    _mm256_min_ps,
    _mm256_max_ps
);
#[cfg(target_arch = "x86_64")]
lanes!(
    f64,
    __m256d,
    4,
    _mm256_loadu_pd,
    _mm256_storeu_pd,
    _mm256_set1_pd,
    _mm256_add_pd,
    _mm256_sub_pd,
    _mm256_mul_pd,
    _mm256_fmadd_pd,
    _mm256_fnmadd_pd,
    _mm256_cmp_pd,
    _mm256_and_pd,
    _mm256_movemask_pd,
    _mm256_min_pd,
    _mm256_max_pd
);

/// The vectors of an element type.
pub trait Vectorized: Sized {
    /// Of AVX's.
    #[cfg(target_arch = "x86_64")]
    type Vector: Lanes<Self>;
}

impl Vectorized for f32 {
    #[cfg(target_arch = "x86_64")]
    type Vector = __m256;
}

impl Vectorized for f64 {
    #[cfg(target_arch = "x86_64")]
    type Vector = __m256d;
}
