//! Observation normalization, as Stable-Baselines3's `VecNormalize` does it.

/// `clip((x − mean) / √(variance + epsilon), −clip, clip)` in f64, then rounded to f32.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ObservationNormalization {
    /// Mean of each coordinate.
    pub mean: Vec<f64>,
    /// Variance of each coordinate, not negative.
    pub variance: Vec<f64>,
    /// Added to the variance, inside the root.
    pub epsilon: f64,
    /// Largest magnitude that is let through.
    pub clip: f64,
}

impl ObservationNormalization {
    /// Checks lengths and values for observations of `size` coordinates.
    ///
    /// # Errors
    /// A sentence that says what is wrong.
    pub fn check(&self, size: usize) -> Result<(), String> {
        if self.mean.len() != size || self.variance.len() != size {
            return Err(format!(
                "the observation normalization has {} means and {} variances, but the network takes {size} inputs",
                self.mean.len(),
                self.variance.len()
            ));
        }
        let positive = |variance: &f64| variance.is_finite() && *variance + self.epsilon > 0.0;
        if !self.mean.iter().all(|mean| mean.is_finite()) || !self.variance.iter().all(positive) || self.clip.is_nan() {
            return Err("the observation normalization has a mean or variance that is not a usable number".to_owned());
        }
        if self.clip < 0.0 {
            return Err(format!("the observation normalization clips to {}; expected a positive number", self.clip));
        }
        Ok(())
    }

    /// Coordinate `index`, normalized.
    #[inline]
    pub(crate) fn apply(&self, index: usize, value: f64) -> f32 {
        let scaled = (value - self.mean[index]) / (self.variance[index] + self.epsilon).sqrt();
        scaled.clamp(-self.clip, self.clip) as f32
    }
}
