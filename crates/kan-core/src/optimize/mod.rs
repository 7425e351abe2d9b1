//! Optimisers, generic over an objective that gives its value and gradient in one go.

mod adam;
mod lbfgs;
mod levenberg_marquardt;

pub use adam::Adam;
pub use lbfgs::{Lbfgs, Step};
pub use levenberg_marquardt::{CurvedObjective, LevenbergMarquardt};

/// A function to be minimised.
pub trait Objective {
    /// Number of variables.
    fn dimension(&self) -> usize;

    /// The value at `x`; overwrites `gradient`. Both slices have [`Self::dimension`] entries.
    ///
    /// A value or gradient that is not finite means that `x` is outside the function's domain; optimisers step back.
    fn evaluate(&mut self, x: &[f64], gradient: &mut [f64]) -> f64;
}
