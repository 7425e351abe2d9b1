//! The kernels, in the version that is right for the processor.
//!
//! Whether AVX2 and FMA are there is asked once; `KANRL_PORTABLE=1` in the environment says no.
#![allow(unsafe_code, reason = "functions compiled for AVX2 and FMA may be called only where the processor has them")]

use super::kernel::{self, KnotTable};
use super::{Column, Scalar};
use crate::graph::BaseFunction;
use std::sync::LazyLock;

#[cfg(target_arch = "x86_64")]
static VECTORS: LazyLock<bool> = LazyLock::new(|| {
    let wanted = std::env::var_os("KANRL_PORTABLE").is_none_or(|value| value != "1");
    wanted && std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("fma")
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
                    return unsafe { avx2::$name($($argument),*) };
                }
                kernel::$name::<S, false>($($argument),*);
            }
        )*

        #[cfg(target_arch = "x86_64")]
        mod avx2 {
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

kernels! {
    /// See [`kernel::fill_features`].
    fn fill_features(
        table: &KnotTable<S>,
        base: BaseFunction,
        x: &Column<S>,
        features: &mut [Column<S>],
        slopes: &mut [Column<S>],
    );

    /// See [`kernel::combine`].
    fn combine(parameters: &[S], features: &[Column<S>], targets: &[usize], sums: &mut [Column<S>]);

    /// See [`kernel::parameter_gradient`].
    fn parameter_gradient(
        features: &[Column<S>],
        targets: &[usize],
        gradients: &[Column<S>],
        gradient: &mut [S],
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
