//! Optimizers, generic over an objective that gives its value and gradient in one go; one needs values only.

mod adam;
mod cma_es;
mod lbfgs;
mod levenberg_marquardt;
mod vector;

pub use adam::Adam;
pub use cma_es::CmaEs;
pub use lbfgs::{Lbfgs, Step};
pub use levenberg_marquardt::{CurvedObjective, LevenbergMarquardt};
pub use vector::{AdamStep, MAX_HISTORY, Pair, Vector};

/// A function to be minimized, of vectors on the CPU or [wherever it computes](Vector).
pub trait Objective<V: ?Sized = [f64]> {
    /// Number of variables.
    fn dimension(&self) -> usize;

    /// The value at `x`; overwrites `gradient`. Both vectors have [`Self::dimension`] entries.
    ///
    /// A value or gradient that is not finite means that `x` is outside the function's domain; optimizers step back.
    fn evaluate(&mut self, x: &V, gradient: &mut V) -> f64;
}
