//! Adam, as torch has it.

use rayon::prelude::*;

const BETA_1: f32 = 0.9;
const BETA_2: f32 = 0.999;
/// Stable-Baselines3's, not torch's 1e-8.
const EPSILON: f32 = 1e-5;

/// Parameters that one task updates; short vectors are not worth sharing out.
const CHUNK: usize = 16_384;

/// First and second moments of the gradient, bias-corrected. Kingma and Ba (2015), arXiv 1412.6980.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Adam {
    /// Running mean of the gradient.
    pub first_moment: Vec<f32>,
    /// Running mean of its square.
    pub second_moment: Vec<f32>,
    /// Steps taken.
    pub steps: u64,
}

impl Adam {
    /// For that many parameters.
    pub fn new(parameters: usize) -> Self {
        Self { first_moment: vec![0.0; parameters], second_moment: vec![0.0; parameters], steps: 0 }
    }

    /// One step against `scale` times the gradient.
    pub fn step(&mut self, parameters: &mut [f32], gradient: &[f32], scale: f32, learning_rate: f64) {
        self.steps += 1;
        let steps = i32::try_from(self.steps).unwrap_or(i32::MAX);
        let step_size = (learning_rate / (1.0 - f64::from(BETA_1).powi(steps))) as f32;
        let root_correction = (1.0 - f64::from(BETA_2).powi(steps)).sqrt().recip() as f32;
        parameters
            .par_chunks_mut(CHUNK)
            .zip(gradient.par_chunks(CHUNK))
            .zip(self.first_moment.par_chunks_mut(CHUNK))
            .zip(self.second_moment.par_chunks_mut(CHUNK))
            .for_each(|(((parameters, gradient), first), second)| {
                for (((parameter, gradient), first), second) in
                    parameters.iter_mut().zip(gradient).zip(first).zip(second)
                {
                    let gradient = gradient * scale;
                    *first = BETA_1 * *first + (1.0 - BETA_1) * gradient;
                    *second = BETA_2 * *second + (1.0 - BETA_2) * gradient * gradient;
                    *parameter -= step_size * *first / (second.sqrt() * root_correction + EPSILON);
                }
            });
    }
}

#[cfg(test)]
mod tests {
    use super::Adam;

    /// Two steps worked out by hand from the paper's algorithm 1.
    #[test]
    fn steps_as_published() {
        let (mut adam, mut parameters) = (Adam::new(1), [1.0]);
        adam.step(&mut parameters, &[2.0], 1.0, 0.1);
        // m = 0.2, v = 0.004; corrected 2 and 4: 0.1 · 2 / (2 + 1e-5)
        assert!((parameters[0] - (1.0 - 0.1 * 2.0 / 2.00001)).abs() < 1e-6);
        let before = f64::from(parameters[0]);
        adam.step(&mut parameters, &[-2.0], 0.5, 0.1);
        let (first, second): (f64, f64) = (0.9 * 0.2 - 0.1, 0.999 * 0.004 + 0.001);
        let expected = before - 0.1 * (first / 0.19) / ((second / 0.001_999).sqrt() + 1e-5);
        assert!((f64::from(parameters[0]) - expected).abs() < 1e-6);
    }

    #[test]
    fn finds_a_minimum() {
        let (mut adam, mut parameters) = (Adam::new(2), [3.0f32, -2.0]);
        for _ in 0..2000 {
            let gradient = [2.0 * (parameters[0] - 1.0), 20.0 * (parameters[1] - 0.5)];
            adam.step(&mut parameters, &gradient, 1.0, 0.01);
        }
        assert!((parameters[0] - 1.0).abs() < 1e-3 && (parameters[1] - 0.5).abs() < 1e-3, "{parameters:?}");
    }
}
