//! Adam.

use super::vector::{AdamStep, Vector};
use std::borrow::BorrowMut;

/// Adam (Kingma and Ba, 2015), with their constants.
pub struct Adam<V: Vector + ?Sized = [f64]> {
    rate: f64,
    mean: V::Owned,
    square: V::Owned,
    steps: i32,
}

impl<V: Vector + ?Sized> Adam<V> {
    const KEEP_MEAN: f64 = 0.9;
    const KEEP_SQUARE: f64 = 0.999;
    const SMALLEST: f64 = 1e-8;

    /// For as many variables as `x` has, with this learning rate.
    pub fn new(x: &V, rate: f64) -> Self {
        Self { rate, mean: x.zeros_like(), square: x.zeros_like(), steps: 0 }
    }

    /// Takes another learning rate from now on.
    pub fn set_rate(&mut self, rate: f64) {
        self.rate = rate;
    }

    /// Moves `x` by one step; a gradient that is not finite is passed over.
    pub fn step(&mut self, x: &mut V, gradient: &V) {
        if !gradient.is_finite() {
            return;
        }
        self.steps += 1;
        let step = AdamStep {
            rate: self.rate,
            keep_mean: Self::KEEP_MEAN,
            keep_square: Self::KEEP_SQUARE,
            mean_correction: 1.0 - Self::KEEP_MEAN.powi(self.steps),
            square_correction: 1.0 - Self::KEEP_SQUARE.powi(self.steps),
            smallest: Self::SMALLEST,
        };
        x.adam_step(gradient, self.mean.borrow_mut(), self.square.borrow_mut(), &step);
    }
}

#[cfg(test)]
mod tests {
    use super::Adam;

    #[test]
    fn finds_the_bottom_of_a_bowl() {
        let mut x = [3.0, -2.0];
        let mut adam = Adam::new(&x[..], 0.05);
        for _ in 0..2000 {
            let gradient = [2.0 * (x[0] - 1.0), 20.0 * (x[1] - 0.5)];
            adam.step(&mut x[..], &gradient[..]);
        }
        assert!((x[0] - 1.0).abs() < 1e-3 && (x[1] - 0.5).abs() < 1e-3, "{x:?}");
        let before = x;
        adam.step(&mut x[..], &[f64::NAN, 1.0][..]);
        assert_eq!(x, before);
    }
}
