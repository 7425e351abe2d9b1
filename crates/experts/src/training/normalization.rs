//! Running normalization of observations and rewards, as Stable-Baselines3's `VecNormalize`.

use serde::{Deserialize, Serialize};

/// Added to a variance before its root is taken.
pub(super) const EPSILON: f64 = 1e-8;
/// Normalized observations and rewards are clipped to plus and minus this.
pub(super) const CLIP: f64 = 10.0;

/// Mean and variance of everything seen so far, coordinate by coordinate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct RunningMoments {
    /// `[size]`.
    pub mean: Vec<f64>,
    /// `[size]`.
    pub variance: Vec<f64>,
    /// Rows seen; starts just above 0, so that the first batch nearly replaces the initial mean 0 and variance 1.
    pub count: f64,
}

impl RunningMoments {
    /// For rows of `size` numbers.
    pub fn new(size: usize) -> Self {
        Self { mean: vec![0.0; size], variance: vec![1.0; size], count: 1e-4 }
    }

    /// Takes a batch in: `rows` `[rows, size]`. Chan, Golub and LeVeque's (1979) parallel update.
    pub fn update(&mut self, rows: &[f64]) {
        let size = self.mean.len();
        let batch_count = (rows.len() / size) as f64;
        let total = self.count + batch_count;
        for index in 0..size {
            let column = || rows.iter().skip(index).step_by(size);
            let batch_mean = column().sum::<f64>() / batch_count;
            let batch_variance = column().map(|value| (value - batch_mean).powi(2)).sum::<f64>() / batch_count;
            let delta = batch_mean - self.mean[index];
            let squares = self.variance[index] * self.count
                + batch_variance * batch_count
                + delta * delta * self.count * batch_count / total;
            self.mean[index] += delta * batch_count / total;
            self.variance[index] = squares / total;
        }
        self.count = total;
    }
}

/// The normalization's state during training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Normalization {
    /// Of the observations.
    pub observations: RunningMoments,
    /// Of the lanes' discounted returns so far.
    pub returns: RunningMoments,
    /// `[lanes]`.
    lane_returns: Vec<f64>,
    gamma: f64,
}

impl Normalization {
    /// Nothing seen yet.
    pub fn new(observation_size: usize, lanes: usize, gamma: f64) -> Self {
        Self {
            observations: RunningMoments::new(observation_size),
            returns: RunningMoments::new(1),
            lane_returns: vec![0.0; lanes],
            gamma,
        }
    }

    /// Whether both are for the same number of coordinates and lanes.
    pub fn has_shape_of(&self, other: &Self) -> bool {
        let shape = |this: &Self| {
            let moments = [&this.observations, &this.returns];
            (moments.map(|moments| (moments.mean.len(), moments.variance.len())), this.lane_returns.len())
        };
        shape(self) == shape(other)
    }

    /// Normalizes one observation and rounds it to f32.
    pub fn normalize_observation(&self, observation: &[f64], normalized: &mut [f32]) {
        let moments = self.observations.mean.iter().zip(&self.observations.variance);
        for ((output, value), (mean, variance)) in normalized.iter_mut().zip(observation).zip(moments) {
            *output = ((value - mean) / (variance + EPSILON).sqrt()).clamp(-CLIP, CLIP) as f32;
        }
    }

    /// Takes the rewards of one step in and normalizes them in place; `over` marks lanes whose episode has ended.
    pub fn normalize_rewards(&mut self, rewards: &mut [f64], over: &[bool]) {
        for (lane_return, reward) in self.lane_returns.iter_mut().zip(rewards.iter()) {
            *lane_return = *lane_return * self.gamma + reward;
        }
        self.returns.update(&self.lane_returns);
        let deviation = (self.returns.variance[0] + EPSILON).sqrt();
        rewards.iter_mut().for_each(|reward| *reward = (*reward / deviation).clamp(-CLIP, CLIP));
        self.lane_returns.iter_mut().zip(over).for_each(|(value, over)| *value = if *over { 0.0 } else { *value });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Batch by batch gives the moments of all rows at once.
        #[test]
        fn moments_do_not_depend_on_the_batches(values in prop::collection::vec(-5.0f64..5.0, 12..120), batch in 1usize..7) {
            let rows = &values[..values.len() / 2 * 2];
            let mut moments = RunningMoments::new(2);
            rows.chunks(2 * batch).for_each(|batch| moments.update(batch));
            for index in 0..2 {
                let column: Vec<f64> = rows.iter().skip(index).step_by(2).copied().collect();
                let mean = column.iter().sum::<f64>() / column.len() as f64;
                let variance = column.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / column.len() as f64;
                // The initial count of 1e-4 rows leaves a trace of that size.
                prop_assert!((moments.mean[index] - mean).abs() < 1e-3);
                prop_assert!((moments.variance[index] - variance).abs() < 1e-2);
            }
        }
    }

    #[test]
    fn rewards_are_divided_by_the_spread_of_returns() {
        let mut normalization = Normalization::new(1, 2, 0.5);
        let mut rewards = [1.0, 3.0];
        normalization.normalize_rewards(&mut rewards, &[false, true]);
        // Returns 1 and 3: mean 2, variance 1 (and 1e-4 rows of mean 0 and variance 1 from the start).
        let variance: f64 = (1e-4 + 2.0 + 4.0 * 1e-4 * 2.0 / 2.0001) / 2.0001;
        assert!((rewards[1] - 3.0 / (variance + 1e-8).sqrt()).abs() < 1e-12);
        assert_eq!(normalization.lane_returns, [1.0, 0.0]);
    }
}
