//! The kernels, in the version that is right for the processor.
//!
//! Whether AVX2 and FMA (and BMI1, which came with them) are there is asked once; `KANRL_PORTABLE=1` in the environment says no.
#![allow(unsafe_code, reason = "functions compiled for AVX2 and FMA may be called only where the processor has them")]

#[cfg(target_arch = "x86_64")]
mod avx2;
pub(super) mod lanes;
#[cfg(target_arch = "x86_64")]
mod pieces;

use super::chunk::{Column, ROWS};
use super::kernel::{self, KnotTable, Start};
use super::scalar::Scalar;
use super::tile::{POWERS, Tile};
use crate::graph::BaseFunction;
use std::sync::LazyLock;

#[cfg(target_arch = "x86_64")]
static VECTORS: LazyLock<bool> = LazyLock::new(|| {
    let wanted = std::env::var_os("KANRL_PORTABLE").is_none_or(|value| value != "1");
    let there = std::arch::is_x86_feature_detected!("avx2")
        && std::arch::is_x86_feature_detected!("fma")
        && std::arch::is_x86_feature_detected!("bmi1");
    wanted && there
});

/// A kernel with a portable and an AVX2 version.
macro_rules! kernels {
    ($($(#[$doc:meta])* fn $name:ident($($argument:ident: $type:ty),* $(,)?);)*) => {
        $(
            $(#[$doc])*
            #[inline]
            pub(super) fn $name<S: Scalar>($($argument: $type),*) {
                #[cfg(target_arch = "x86_64")]
                if *VECTORS {
                    // SAFETY: the processor has AVX2 and FMA.
                    return unsafe { with_avx2::$name($($argument),*) };
                }
                kernel::$name::<S, false>($($argument),*);
            }
        )*

        #[cfg(target_arch = "x86_64")]
        mod with_avx2 {
            use super::*;

            $(
                #[target_feature(enable = "avx2,fma")]
                pub(super) fn $name<S: Scalar>($($argument: $type),*) {
                    kernel::$name::<S, true>($($argument),*);
                }
            )*
        }
    };
}

/// See [`kernel::fill_features`].
#[inline]
pub(super) fn fill_features<S: Scalar>(
    table: &KnotTable<S>,
    base: BaseFunction,
    x: &Column<S>,
    features: &mut [Column<S>],
    slopes: &mut [Column<S>],
) {
    #[cfg(target_arch = "x86_64")]
    if *VECTORS && table.is_short() {
        // SAFETY: the processor has AVX2 and FMA.
        return unsafe { fill_features_avx2(table, base, x, features, slopes) };
    }
    kernel::fill_features::<S, false>(table, base, x, features, slopes);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn fill_features_avx2<S: Scalar>(
    table: &KnotTable<S>,
    base: BaseFunction,
    x: &Column<S>,
    features: &mut [Column<S>],
    slopes: &mut [Column<S>],
) {
    let basis = table.basis();
    // SAFETY: this function is only called where the processor has AVX2 and FMA.
    unsafe { avx2::fill_strips::<S, S::Vector>(table, x, &mut features[..basis], slopes) };
    let slopes = if slopes.is_empty() { slopes } else { &mut slopes[basis..] };
    kernel::fill_base::<S, true>(base, x, &mut features[basis..], slopes);
}

/// Whether [`add_pieces`] is worth it: there is no portable version, the dense product is at least as fast.
pub(super) fn has_pieces() -> bool {
    #[cfg(target_arch = "x86_64")]
    return *VECTORS;
    #[cfg(not(target_arch = "x86_64"))]
    false
}

/// One source's share of the sums of a wide block: see `pieces::add_pieces`.
///
/// # Panics
/// Where [`has_pieces`] says no.
#[cfg_attr(not(target_arch = "x86_64"), allow(unused_variables, reason = "it only panics"))]
pub(super) fn add_pieces<S: Scalar>(
    knots: &[S],
    base: BaseFunction,
    x: &Column<S>,
    polynomials: &[[Tile<S>; POWERS]],
    bases: &[Tile<S>],
    sums: &mut [[Tile<S>; ROWS]],
) {
    assert!(has_pieces(), "no vectors for pieces");
    #[cfg(target_arch = "x86_64")]
    // SAFETY: the processor has AVX2 and FMA.
    unsafe {
        add_pieces_avx2(knots, base, x, polynomials, bases, sums);
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma,bmi1")]
fn add_pieces_avx2<S: Scalar>(
    knots: &[S],
    base: BaseFunction,
    x: &Column<S>,
    polynomials: &[[Tile<S>; POWERS]],
    bases: &[Tile<S>],
    sums: &mut [[Tile<S>; ROWS]],
) {
    let mut values = [[S::ZERO; ROWS]];
    kernel::fill_base::<S, true>(base, x, &mut values, &mut []);
    // SAFETY: this function is only called where the processor has AVX2 and FMA.
    unsafe { pieces::add_pieces::<S, S::Vector>(knots, x, &values[0], polynomials, bases, sums) };
}

/// `gradient[f, j] += features[f] · gradients[target_j]`.
#[inline]
pub(super) fn parameter_gradient<S: Scalar>(
    features: &[Column<S>],
    targets: &[usize],
    gradients: &[Column<S>],
    gradient: &mut [S],
) {
    products(features, targets, gradients, gradient, targets.len(), 0);
}

kernels! {
    /// See [`kernel::combine`].
    fn combine(
        parameters: &[S],
        features: &[Column<S>],
        targets: &[usize],
        sums: &mut [Column<S>],
        start: Start,
    );

    /// See [`kernel::products`].
    fn products(
        left: &[Column<S>],
        columns: &[usize],
        right: &[Column<S>],
        matrix: &mut [S],
        stride: usize,
        first: usize,
    );

    /// See [`kernel::source_gradient`].
    fn source_gradient(
        parameters: &[S],
        slopes: &[Column<S>],
        targets: &[usize],
        gradients: &[Column<S>],
        gradient: &mut Column<S>,
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spline::extend_knots;

    fn column<S: Scalar>(seed: usize) -> Column<S> {
        std::array::from_fn(|row| S::from_f64(((row * 7919 + seed * 104_729) % 2003) as f64 / 1001.5 - 1.0))
    }

    fn assert_near<S: Scalar>(what: &str, a: &[Column<S>], b: &[Column<S>], tolerance: f64) {
        for (index, (a, b)) in a.iter().flatten().zip(b.iter().flatten()).enumerate() {
            let (a, b) = (a.to_f64(), b.to_f64());
            assert!((a - b).abs() <= tolerance * (1.0 + b.abs()), "{what}[{index}]: {a:e} and {b:e}");
        }
    }

    /// The dispatched kernels against the portable ones, and those against the scalar recursion.
    fn compare<S: Scalar>(tolerance: f64) {
        for (grid, degree, base) in [
            (5, 3, BaseFunction::Silu),
            (3, 1, BaseFunction::Identity),
            (3, 3, BaseFunction::Silu),
            (4, 5, BaseFunction::Silu),
            (12, 2, BaseFunction::Zero),
            (40, 3, BaseFunction::Silu),
        ] {
            let inner: Vec<f64> = (0..=grid).map(|i| -0.9 + 1.7 * (i as f64 / grid as f64).powf(1.3)).collect();
            let knots = extend_knots(&inner, degree);
            let table = KnotTable::<S>::new(&knots, degree);
            let x = column::<S>(1).map(|x| x * S::from_f64(1.5));
            let count = table.basis() + 1;
            let empty = vec![[S::ZERO; ROWS]; count];
            let (mut features, mut slopes) = (empty.clone(), empty.clone());
            let (mut portable, mut portable_slopes) = (empty.clone(), empty.clone());
            fill_features(&table, base, &x, &mut features, &mut slopes);
            kernel::fill_features::<S, false>(&table, base, &x, &mut portable, &mut portable_slopes);
            assert_near("features", &features, &portable, tolerance);
            assert_near("slopes", &slopes, &portable_slopes, 100.0 * tolerance);
            let mut exact = empty.clone();
            let rounded: Vec<f64> = table.knots.iter().map(|knot| knot.to_f64()).collect();
            for row in 0..ROWS {
                crate::spline::for_each_basis(&rounded, degree, x[row].to_f64(), |basis, value, _| {
                    exact[basis][row] = S::from_f64(value);
                });
                exact[count - 1][row] = S::from_f64(base.value(x[row].to_f64()));
            }
            assert_near("exact", &features, &exact, 10.0 * tolerance);
            for targets in [1, 2, 3, 4, 5, 8, 13, 31, 64] {
                let parameters: Vec<S> = (0..count * targets).map(|i| column::<S>(i)[i % ROWS]).collect();
                let gradients: Vec<Column<S>> = (0..targets).map(|i| column(i + 50)).collect();
                let own: Vec<usize> = (0..targets).rev().collect();
                let (mut a, mut b) = (gradients.clone(), gradients.clone());
                for start in [Start::Overwrite, Start::Continue, Start::Add] {
                    combine(&parameters, &features, &own, &mut a, start);
                    kernel::combine::<S, false>(&parameters, &features, &own, &mut b, start);
                    assert_near("combine", &a, &b, 10.0 * tolerance);
                }
                let (mut a, mut b) = (parameters.clone(), parameters.clone());
                parameter_gradient(&features, &own, &gradients, &mut a);
                kernel::products::<S, false>(&features, &own, &gradients, &mut b, targets, 0);
                for (a, b) in a.iter().zip(&b) {
                    assert!((a.to_f64() - b.to_f64()).abs() <= 100.0 * tolerance, "{a:?} and {b:?}");
                }
                let (mut a, mut b) = (x, x);
                source_gradient(&parameters, &slopes, &own, &gradients, &mut a);
                kernel::source_gradient::<S, false>(&parameters, &slopes, &own, &gradients, &mut b);
                assert_near("source", &[a], &[b], 1000.0 * tolerance);
            }
        }
    }

    #[test]
    fn all_versions_agree_within_rounding() {
        compare::<f64>(1e-14);
        compare::<f32>(4e-6);
    }
}
