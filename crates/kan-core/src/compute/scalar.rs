//! The element types that networks compute in.

use std::fmt::Debug;
use std::ops::{Add, AddAssign, Div, Mul, Neg, Sub};

mod sealed {
    pub trait Sealed {}
    impl Sealed for f32 {}
    impl Sealed for f64 {}
}

/// `f32` or `f64`.
pub trait Scalar:
    sealed::Sealed
    + super::simd::lanes::Vectorized
    + Copy
    + Default
    + Debug
    + PartialOrd
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + AddAssign
    + Send
    + Sync
    + 'static
{
    /// 0.
    const ZERO: Self;
    /// 1.
    const ONE: Self;

    /// Rounded to nearest.
    fn from_f64(value: f64) -> Self;

    /// Widened.
    fn to_f64(self) -> f64;

    /// `self · factor + addend`, rounded once.
    #[must_use]
    fn mul_add(self, factor: Self, addend: Self) -> Self;

    /// `e^x` for x from −∞ to 0, to about two units in the last place, without a call.
    fn exp_of_negative<const FMA: bool>(x: Self) -> Self;
}

macro_rules! scalar {
    ($type:ident, $lowest:expr, $round:expr, $ln2_high:expr, $ln2_low:expr, $bias:expr, $mantissa:expr, $coefficients:expr) => {
        impl Scalar for $type {
            const ZERO: Self = 0.0;
            const ONE: Self = 1.0;

            #[inline(always)]
            fn from_f64(value: f64) -> Self {
                value as Self
            }

            #[inline(always)]
            fn to_f64(self) -> f64 {
                f64::from(self)
            }

            #[inline(always)]
            fn mul_add(self, factor: Self, addend: Self) -> Self {
                <$type>::mul_add(self, factor, addend)
            }

            #[inline(always)]
            fn exp_of_negative<const FMA: bool>(x: Self) -> Self {
                // Far below, the result is 0 as far as 1 + e^x can tell.
                let x = if x < $lowest { $lowest } else { x };
                // x = n ln 2 + r with |r| ≤ ln 2 / 2; adding and taking away 1.5 · 2^mantissa rounds to a whole number.
                let scaled = x * std::$type::consts::LOG2_E;
                let shifted = scaled + $round;
                let n = shifted - $round;
                let fused = |a: Self, b: Self, c: Self| if FMA { a.mul_add(b, c) } else { a * b + c };
                let r = fused(n, -$ln2_high, x);
                let r = fused(n, -$ln2_low, r);
                let mut sum: Self = 0.0;
                for coefficient in $coefficients {
                    sum = fused(sum, r, coefficient);
                }
                let power = <$type>::from_bits(shifted.to_bits().wrapping_add($bias).wrapping_shl($mantissa));
                sum * power
            }
        }
    };
}

// ln 2 in two parts: the first one has so few digits that its product with n is exact. The bias turns the whole number in
// the low bits of `shifted` into an exponent. The coefficients are 1 / k!, highest first.
scalar!(
    f32,
    -87.0,
    12_582_912.0,
    0.693_359_4,
    -2.121_944_4e-4,
    127,
    23,
    [1.0 / 5040.0, 1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0, 1.0]
);
scalar!(
    f64,
    -708.0,
    6_755_399_441_055_744.0,
    0.693_147_180_369_123_8,
    1.908_214_929_270_587_7e-10,
    1023,
    52,
    [
        1.0 / 6_227_020_800.0,
        1.0 / 479_001_600.0,
        1.0 / 39_916_800.0,
        1.0 / 3_628_800.0,
        1.0 / 362_880.0,
        1.0 / 40_320.0,
        1.0 / 5040.0,
        1.0 / 720.0,
        1.0 / 120.0,
        1.0 / 24.0,
        1.0 / 6.0,
        0.5,
        1.0,
        1.0
    ]
);

/// `a · b + c`, rounded once with `FMA` and twice without.
#[inline(always)]
pub(super) fn multiply_add<S: Scalar, const FMA: bool>(a: S, b: S, c: S) -> S {
    if FMA { a.mul_add(b, c) } else { a * b + c }
}
