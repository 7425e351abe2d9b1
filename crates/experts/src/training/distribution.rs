//! Distributions over actions: sampling, log-probability, entropy and their gradients.

use kanrl_core::random::Generator;
use std::f32::consts::PI;

/// Added to a state-dependent variance, as Stable-Baselines3 does.
const EPSILON: f32 = 1e-6;

/// What the policy network's outputs parametrize.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum ActionDistribution {
    /// Logits of that many actions.
    Categorical {
        /// Number of actions.
        actions: usize,
    },
    /// Means of independent normal distributions with learned standard deviations.
    DiagonalGaussian {
        /// Number of coordinates.
        size: usize,
    },
    /// Means of normal distributions whose variance depends on the last hidden layer: the noise is that layer times a
    /// random matrix with learned standard deviations. Raffin et al. (2021), arXiv 2005.05719.
    StateDependent {
        /// Number of coordinates.
        size: usize,
        /// Width of the last hidden layer.
        latent: usize,
    },
}

/// Logarithm of the probability of an action, and entropy of the distribution it came from.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct ActionTerms {
    /// In nats.
    pub log_probability: f32,
    /// In nats.
    pub entropy: f32,
}

/// What a row of the policy network gave.
#[derive(Clone, Copy, Debug)]
pub(super) struct PolicyRow<'a> {
    /// Logits or means; may be longer than the action.
    pub output: &'a [f32],
    /// Last hidden layer.
    pub latent: &'a [f32],
}

impl ActionDistribution {
    /// Numbers that describe one action.
    pub fn action_size(self) -> usize {
        match self {
            Self::Categorical { .. } => 1,
            Self::DiagonalGaussian { size } | Self::StateDependent { size, .. } => size,
        }
    }

    /// Number of learned logarithms of standard deviations: `[size]`, or `[latent, size]` where they depend on the state.
    pub fn log_std_count(self) -> usize {
        match self {
            Self::Categorical { .. } => 0,
            Self::DiagonalGaussian { size } => size,
            Self::StateDependent { size, latent } => size * latent,
        }
    }

    /// Draws the matrix `[latent, size]` that makes state-dependent noise out of the last hidden layer.
    pub fn draw_noise_matrix(self, log_std: &[f32], random: &mut Generator, matrix: &mut [f32]) {
        for (value, log_std) in matrix.iter_mut().zip(log_std) {
            *value = random.standard_normal() as f32 * log_std.exp();
        }
    }

    /// Draws an action; a discrete one is stored as its index. `noise_matrix` is used only where it is state-dependent.
    pub fn sample(
        self,
        row: PolicyRow<'_>,
        log_std: &[f32],
        noise_matrix: &[f32],
        random: &mut Generator,
        action: &mut [f32],
    ) {
        match self {
            Self::Categorical { actions } => {
                let logits = &row.output[..actions];
                let log_sum = log_sum_exp(logits);
                let mut left = random.random() as f32;
                let chosen = logits.iter().position(|logit| {
                    left -= (logit - log_sum).exp();
                    left < 0.0
                });
                // Rounding can leave a crumb: it belongs to the most probable action.
                action[0] = chosen.unwrap_or_else(|| largest(logits)) as f32;
            }
            Self::DiagonalGaussian { .. } => {
                for ((action, mean), log_std) in action.iter_mut().zip(row.output).zip(log_std) {
                    *action = mean + log_std.exp() * random.standard_normal() as f32;
                }
            }
            Self::StateDependent { size, .. } => {
                action.copy_from_slice(&row.output[..size]);
                for (latent, noise) in row.latent.iter().zip(noise_matrix.chunks_exact(size)) {
                    action.iter_mut().zip(noise).for_each(|(action, noise)| *action += latent * noise);
                }
            }
        }
    }

    /// Log-probability and entropy; `variance` as [`Self::squared_std`] gives it.
    pub fn evaluate(self, row: PolicyRow<'_>, variance: &[f32], action: &[f32]) -> ActionTerms {
        match self {
            Self::Categorical { actions } => {
                let logits = &row.output[..actions];
                let log_sum = log_sum_exp(logits);
                let entropy = logits.iter().map(|logit| -(logit - log_sum).exp() * (logit - log_sum)).sum();
                ActionTerms { log_probability: logits[action[0] as usize] - log_sum, entropy }
            }
            Self::DiagonalGaussian { .. } => {
                normal_terms(action.iter().zip(row.output).zip(variance).map(|((a, mean), v)| (a - mean, *v)))
            }
            Self::StateDependent { size, .. } => normal_terms((0..size).map(|coordinate| {
                let variance = state_variance(row.latent, variance, size, coordinate);
                (action[coordinate] - row.output[coordinate], variance)
            })),
        }
    }

    /// Squares of the standard deviations, in the shape of `log_std`.
    pub fn squared_std(log_std: &[f32]) -> Vec<f32> {
        log_std.iter().map(|log_std| (2.0 * log_std).exp()).collect()
    }

    /// Writes the gradient with respect to the outputs and adds the one with respect to the *variances* (`variance`, in
    /// the shape of `log_std`), for given gradients with respect to log-probability and entropy. As in
    /// Stable-Baselines3, no gradient flows through the variance into the last hidden layer.
    pub fn backward(
        self,
        row: PolicyRow<'_>,
        variance: &[f32],
        action: &[f32],
        gradient: ActionTerms,
        output_gradient: &mut [f32],
        variance_gradient: &mut [f32],
    ) {
        let ActionTerms { log_probability: by_log_probability, entropy: by_entropy } = gradient;
        // d log p / d mean = δ/v, d log p / d v = (δ²/v - 1)/2v, d entropy / d v = 1/2v
        let by_variance = |difference: f32, variance: f32| {
            (by_log_probability * (difference * difference / variance - 1.0) + by_entropy) / (2.0 * variance)
        };
        match self {
            Self::Categorical { actions } => {
                let logits = &row.output[..actions];
                let log_sum = log_sum_exp(logits);
                let entropy: f32 = logits.iter().map(|logit| -(logit - log_sum).exp() * (logit - log_sum)).sum();
                for (index, (gradient, logit)) in output_gradient.iter_mut().zip(logits).enumerate() {
                    let log_probability = logit - log_sum;
                    let probability = log_probability.exp();
                    let chosen = if index == action[0] as usize { 1.0 } else { 0.0 };
                    *gradient = by_log_probability * (chosen - probability)
                        - by_entropy * probability * (log_probability + entropy);
                }
            }
            Self::DiagonalGaussian { size } => {
                for coordinate in 0..size {
                    let difference = action[coordinate] - row.output[coordinate];
                    output_gradient[coordinate] = by_log_probability * difference / variance[coordinate];
                    variance_gradient[coordinate] += by_variance(difference, variance[coordinate]);
                }
            }
            Self::StateDependent { size, .. } => {
                for coordinate in 0..size {
                    let difference = action[coordinate] - row.output[coordinate];
                    let state_variance = state_variance(row.latent, variance, size, coordinate);
                    output_gradient[coordinate] = by_log_probability * difference / state_variance;
                    let factor = by_variance(difference, state_variance);
                    for (gradients, latent) in variance_gradient.chunks_exact_mut(size).zip(row.latent) {
                        gradients[coordinate] += factor * latent * latent;
                    }
                }
            }
        }
    }
}

/// Sums over independent coordinates given as difference from the mean, and variance.
fn normal_terms(coordinates: impl Iterator<Item = (f32, f32)>) -> ActionTerms {
    coordinates.fold(ActionTerms::default(), |terms, (difference, variance)| {
        let log = 0.5 * (2.0 * PI * variance).ln();
        ActionTerms {
            log_probability: terms.log_probability - 0.5 * difference * difference / variance - log,
            entropy: terms.entropy + 0.5 + log,
        }
    })
}

fn state_variance(latent: &[f32], variance: &[f32], size: usize, coordinate: usize) -> f32 {
    let rows = latent.iter().zip(variance.chunks_exact(size));
    rows.map(|(latent, variance)| latent * latent * variance[coordinate]).sum::<f32>() + EPSILON
}

fn log_sum_exp(logits: &[f32]) -> f32 {
    let maximum = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    maximum + logits.iter().map(|logit| (logit - maximum).exp()).sum::<f32>().ln()
}

fn largest(values: &[f32]) -> usize {
    (1..values.len()).fold(0, |best, index| if values[index] > values[best] { index } else { best })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [ActionDistribution; 3] = [
        ActionDistribution::Categorical { actions: 3 },
        ActionDistribution::DiagonalGaussian { size: 2 },
        ActionDistribution::StateDependent { size: 2, latent: 4 },
    ];
    const OUTPUT: [f32; 3] = [0.3, -0.8, 1.1];
    const LATENT: [f32; 4] = [0.5, -0.9, 0.1, 0.7];
    const LOG_STD: [f32; 8] = [0.2, -0.5, -0.3, 0.1, 0.4, -0.2, 0.0, 0.3];

    /// Frequencies and moments of many samples are those that `evaluate` states.
    #[test]
    fn samples_follow_the_stated_density() {
        let count = 20_000;
        for distribution in ALL {
            let mut random = Generator::new(3);
            let log_std = &LOG_STD[..distribution.log_std_count()];
            let variance = ActionDistribution::squared_std(log_std);
            let row = PolicyRow { output: &OUTPUT, latent: &LATENT };
            let mut action = vec![0.0; distribution.action_size()];
            let mut matrix = vec![0.0; log_std.len()];
            let (mut entropy, mut log_probability) = (0.0, 0.0);
            for _ in 0..count {
                distribution.draw_noise_matrix(log_std, &mut random, &mut matrix);
                distribution.sample(row, log_std, &matrix, &mut random, &mut action);
                let terms = distribution.evaluate(row, &variance, &action);
                log_probability += f64::from(terms.log_probability) / f64::from(count);
                entropy = f64::from(terms.entropy);
            }
            // The entropy is the mean of -log p under the distribution itself.
            assert!((entropy + log_probability).abs() < 0.03, "{distribution:?}: {entropy} {log_probability}");
        }
    }

    #[test]
    fn gradients_are_differences() {
        for distribution in ALL {
            let log_std = &LOG_STD[..distribution.log_std_count()];
            let variance = ActionDistribution::squared_std(log_std);
            let action = &[1.0, -0.4][..distribution.action_size()];
            let loss = |output: &[f32], variance: &[f32]| {
                let terms = distribution.evaluate(PolicyRow { output, latent: &LATENT }, variance, action);
                0.7 * terms.log_probability - 1.3 * terms.entropy
            };
            let (mut by_output, mut by_variance) = ([0.0; 3], vec![0.0; variance.len()]);
            let row = PolicyRow { output: &OUTPUT, latent: &LATENT };
            let gradient = ActionTerms { log_probability: 0.7, entropy: -1.3 };
            distribution.backward(row, &variance, action, gradient, &mut by_output, &mut by_variance);
            let step = 1e-2;
            for index in 0..OUTPUT.len() {
                let (mut up, mut down) = (OUTPUT, OUTPUT);
                (up[index], down[index]) = (up[index] + step, down[index] - step);
                let difference = (loss(&up, &variance) - loss(&down, &variance)) / (2.0 * step);
                assert!((difference - by_output[index]).abs() < 1e-3, "{distribution:?} output {index}");
            }
            for index in 0..variance.len() {
                let (mut up, mut down) = (variance.clone(), variance.clone());
                (up[index], down[index]) = (up[index] + step, down[index] - step);
                let difference = (loss(&OUTPUT, &up) - loss(&OUTPUT, &down)) / (2.0 * step);
                assert!((difference - by_variance[index]).abs() < 2e-3, "{distribution:?} variance {index}");
            }
        }
    }
}
