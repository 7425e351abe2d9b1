//! The vectors that optimizers work on.

use std::borrow::{Borrow, BorrowMut};
use std::collections::VecDeque;

/// A vector where an objective wants it: `[f64]` on the CPU, a buffer on another device. Optimizers are written in these
/// operations, so that only the numbers that they return ever leave the device.
///
/// All vectors of one call have the same length.
pub trait Vector: ToOwned<Owned: BorrowMut<Self>> {
    /// As many zeros.
    fn zeros_like(&self) -> Self::Owned;

    /// `Σ self_i · other_i`
    fn dot(&self, other: &Self) -> f64;

    /// `Σ |self_i|`
    fn norm_one(&self) -> f64;

    /// `max |self_i|`
    fn norm_max(&self) -> f64;

    /// Whether no entry is infinite or NaN.
    fn is_finite(&self) -> bool;

    /// Whether it is `a + factor · b` to the last bit.
    fn is_sum(&self, a: &Self, factor: f64, b: &Self) -> bool;

    /// `self = a + factor · b`
    fn set_sum(&mut self, a: &Self, factor: f64, b: &Self);

    /// `self = factor · other`
    fn set_scaled(&mut self, factor: f64, other: &Self);

    /// `self = factor · self`
    fn scale(&mut self, factor: f64);

    /// `self += factor · other`
    fn add_scaled(&mut self, factor: f64, other: &Self);

    /// One step of Adam, in place.
    fn adam_step(&mut self, gradient: &Self, mean: &mut Self, square: &mut Self, step: &AdamStep);

    /// L-BFGS's direction from `gradient` and the pairs, oldest first: the two-loop recursion.
    fn set_direction(&mut self, gradient: &Self, pairs: &VecDeque<Pair<Self>>) {
        self.set_scaled(-1.0, gradient);
        let mut alphas = [0.0; MAX_HISTORY];
        for (pair, alpha) in pairs.iter().rev().zip(&mut alphas) {
            *alpha = pair.rho * Self::dot(pair.s.borrow(), self);
            self.add_scaled(-*alpha, pair.y.borrow());
        }
        if let Some(last) = pairs.back() {
            self.scale(1.0 / (last.rho * Self::dot(last.y.borrow(), last.y.borrow())));
        }
        let count = pairs.len();
        for (index, pair) in pairs.iter().enumerate() {
            let beta = pair.rho * Self::dot(pair.y.borrow(), self);
            self.add_scaled(alphas[count - 1 - index] - beta, pair.s.borrow());
        }
    }
}

/// Past steps that L-BFGS remembers at most.
pub const MAX_HISTORY: usize = 64;

/// A past step of L-BFGS.
pub struct Pair<V: Vector + ?Sized> {
    /// How far it went.
    pub s: V::Owned,
    /// How the gradient changed.
    pub y: V::Owned,
    /// `1 / (s · y)`
    pub rho: f64,
}

/// The numbers of one step of Adam: `mean` and `square` move towards the gradient and its square, then
/// `x -= rate · (mean / mean_correction) / (√(square / square_correction) + smallest)`.
#[derive(Clone, Copy, Debug)]
pub struct AdamStep {
    /// Learning rate.
    pub rate: f64,
    /// Share of the mean that is kept.
    pub keep_mean: f64,
    /// Share of the mean square that is kept.
    pub keep_square: f64,
    /// `1 − keep_mean^steps`
    pub mean_correction: f64,
    /// `1 − keep_square^steps`
    pub square_correction: f64,
    /// What keeps the divisor from being 0.
    pub smallest: f64,
}

impl Vector for [f64] {
    fn zeros_like(&self) -> Vec<f64> {
        vec![0.0; self.len()]
    }

    fn dot(&self, other: &Self) -> f64 {
        self.iter().zip(other).map(|(a, b)| a * b).sum()
    }

    fn norm_one(&self) -> f64 {
        self.iter().map(|value| value.abs()).sum()
    }

    fn norm_max(&self) -> f64 {
        self.iter().fold(0.0, |norm: f64, value| norm.max(value.abs()))
    }

    fn is_finite(&self) -> bool {
        self.iter().all(|value| value.is_finite())
    }

    fn is_sum(&self, a: &Self, factor: f64, b: &Self) -> bool {
        self.iter().zip(a).zip(b).all(|((own, a), b)| *own == a + factor * b)
    }

    fn set_sum(&mut self, a: &Self, factor: f64, b: &Self) {
        for ((own, a), b) in self.iter_mut().zip(a).zip(b) {
            *own = a + factor * b;
        }
    }

    fn set_scaled(&mut self, factor: f64, other: &Self) {
        for (own, other) in self.iter_mut().zip(other) {
            *own = factor * other;
        }
    }

    fn scale(&mut self, factor: f64) {
        self.iter_mut().for_each(|own| *own *= factor);
    }

    fn add_scaled(&mut self, factor: f64, other: &Self) {
        for (own, other) in self.iter_mut().zip(other) {
            *own += factor * other;
        }
    }

    fn adam_step(&mut self, gradient: &Self, mean: &mut Self, square: &mut Self, step: &AdamStep) {
        for (((x, gradient), mean), square) in self.iter_mut().zip(gradient).zip(mean).zip(square) {
            *mean = step.keep_mean * *mean + (1.0 - step.keep_mean) * gradient;
            *square = step.keep_square * *square + (1.0 - step.keep_square) * gradient * gradient;
            let scale = (*square / step.square_correction).sqrt() + step.smallest;
            *x -= step.rate * (*mean / step.mean_correction) / scale;
        }
    }
}
