use crate::training::TrainingError;
use serde::{Deserialize, Serialize};

/// Hyper-parameters of augmented random search, under the names that sb3-contrib gives them.
///
/// [`Self::for_environment`] gives those of the paper's appendix for MuJoCo's robots.
///
/// # Example
/// ```
/// use kanrl_experts::training::ArsConfig;
///
/// let config = ArsConfig::for_environment("Hopper-v5");
/// assert_eq!((config.n_delta, config.n_top, config.alive_bonus_offset), (8, 4, -1.0));
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ArsConfig {
    /// Environment steps in all; the last iteration may go over it. Default 1 000 000.
    pub n_timesteps: u64,
    /// Random directions in an iteration; each is tried forward and backward. Default 8.
    pub n_delta: usize,
    /// The best of these directions that the step is made of. Default: all.
    pub n_top: usize,
    /// Standard deviation of the noise on the parameters. Default 0.05.
    pub delta_std: f64,
    /// Step size, before division by the standard deviation of the returns. Default 0.02.
    pub learning_rate: f64,
    /// Added to every step's reward while training: −1 where being alive is worth 1 a step. Default 0.
    pub alive_bonus_offset: f64,
    /// Observations are normalized to a running mean and variance and clipped to ±10. Default true.
    pub normalize: bool,
    /// Widths of hidden layers, with tanh between them. Default none: a linear policy.
    pub net_arch: Vec<usize>,
    /// Episodes that each direction is tried on. Default 1.
    pub n_eval_episodes: usize,
}

impl Default for ArsConfig {
    fn default() -> Self {
        Self {
            n_timesteps: 1_000_000,
            n_delta: 8,
            n_top: 8,
            delta_std: 0.05,
            learning_rate: 0.02,
            alive_bonus_offset: 0.0,
            normalize: true,
            net_arch: Vec::new(),
            n_eval_episodes: 1,
        }
    }
}

impl ArsConfig {
    /// The values that Mania et al. (arXiv 1803.07055, table 9) chose for an environment, by its id; the versions of one
    /// environment share them. Any other environment gets [`Self::default`].
    pub fn for_environment(id: &str) -> Self {
        let name = id.rsplit_once("-v").map_or(id, |(name, _)| name);
        let new = |n_delta, n_top, learning_rate, delta_std, alive_bonus_offset, n_timesteps| Self {
            n_timesteps,
            n_delta,
            n_top,
            delta_std,
            learning_rate,
            alive_bonus_offset,
            ..Self::default()
        };
        match name {
            "Swimmer" => Self { normalize: false, ..new(1, 1, 0.02, 0.01, 0.0, 500_000) },
            "Hopper" => new(8, 4, 0.01, 0.025, -1.0, 7_000_000),
            "HalfCheetah" => new(32, 4, 0.02, 0.03, 0.0, 12_500_000),
            "Walker2d" => new(40, 30, 0.03, 0.025, -1.0, 75_000_000),
            "Ant" => new(60, 20, 0.015, 0.025, -1.0, 75_000_000),
            _ => Self::default(),
        }
    }

    /// Says what makes no sense.
    ///
    /// # Errors
    /// [`TrainingError::BadConfig`] with the field's name, its value and how to fix it.
    pub fn validate(&self) -> Result<(), TrainingError> {
        let wrong = |field: &str, value: &dyn std::fmt::Display, wanted: &str| {
            Err(TrainingError::BadConfig { reason: format!("`{field}` is {value}, expected {wanted}") })
        };
        if !(1..=100_000).contains(&self.n_delta) {
            return wrong("n_delta", &self.n_delta, "1 to 100000 directions");
        }
        if !(1..=self.n_delta).contains(&self.n_top) {
            return wrong("n_top", &self.n_top, "1 to `n_delta` directions");
        }
        if self.n_eval_episodes == 0 {
            return wrong("n_eval_episodes", &self.n_eval_episodes, "at least 1");
        }
        for (field, value) in [("delta_std", self.delta_std), ("learning_rate", self.learning_rate)] {
            if !(value > 0.0 && value.is_finite()) {
                return wrong(field, &value, "a finite number above 0");
            }
        }
        if !self.alive_bonus_offset.is_finite() {
            return wrong("alive_bonus_offset", &self.alive_bonus_offset, "a finite number");
        }
        if self.net_arch.iter().any(|width| !(1..=4096).contains(width)) {
            return wrong("net_arch", &format!("{:?}", self.net_arch), "widths from 1 to 4096");
        }
        Ok(())
    }
}
