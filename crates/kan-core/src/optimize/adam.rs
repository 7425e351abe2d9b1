//! Adam.

/// Adam (Kingma and Ba, 2015), with their constants.
#[derive(Clone, Debug)]
pub struct Adam {
    rate: f64,
    mean: Vec<f64>,
    square: Vec<f64>,
    steps: i32,
}

impl Adam {
    const KEEP_MEAN: f64 = 0.9;
    const KEEP_SQUARE: f64 = 0.999;
    const SMALLEST: f64 = 1e-8;

    /// For `dimension` variables, with this learning rate.
    pub fn new(dimension: usize, rate: f64) -> Self {
        Self { rate, mean: vec![0.0; dimension], square: vec![0.0; dimension], steps: 0 }
    }

    /// Takes another learning rate from now on.
    pub fn set_rate(&mut self, rate: f64) {
        self.rate = rate;
    }

    /// Moves `x` by one step; a gradient that is not finite is passed over.
    pub fn step(&mut self, x: &mut [f64], gradient: &[f64]) {
        if gradient.iter().any(|gradient| !gradient.is_finite()) {
            return;
        }
        self.steps += 1;
        let mean_correction = 1.0 - Self::KEEP_MEAN.powi(self.steps);
        let square_correction = 1.0 - Self::KEEP_SQUARE.powi(self.steps);
        for (index, gradient) in gradient.iter().enumerate() {
            let (mean, square) = (&mut self.mean[index], &mut self.square[index]);
            *mean = Self::KEEP_MEAN * *mean + (1.0 - Self::KEEP_MEAN) * gradient;
            *square = Self::KEEP_SQUARE * *square + (1.0 - Self::KEEP_SQUARE) * gradient * gradient;
            let scale = (*square / square_correction).sqrt() + Self::SMALLEST;
            x[index] -= self.rate * (*mean / mean_correction) / scale;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Adam;

    #[test]
    fn finds_the_bottom_of_a_bowl() {
        let mut adam = Adam::new(2, 0.05);
        let mut x = [3.0, -2.0];
        for _ in 0..2000 {
            let gradient = [2.0 * (x[0] - 1.0), 20.0 * (x[1] - 0.5)];
            adam.step(&mut x, &gradient);
        }
        assert!((x[0] - 1.0).abs() < 1e-3 && (x[1] - 0.5).abs() < 1e-3, "{x:?}");
        let before = x;
        adam.step(&mut x, &[f64::NAN, 1.0]);
        assert_eq!(x, before);
    }
}
