use super::{ArsConfig, PpoConfig};
use kanrl_core::rollout::Episode;
use serde::{Deserialize, Serialize};

/// How a policy came to be; stands in its file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainingRecord {
    /// `ppo` or `ars`.
    pub algorithm: String,
    /// The hyper-parameters.
    pub config: AlgorithmConfig,
    /// The seed.
    pub seed: u64,
    /// Environment steps taken, over all lanes.
    pub timesteps: u64,
    /// How well it plays, where that was measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evaluation: Option<EvaluationRecord>,
}

/// The hyper-parameters of one of the algorithms. In a file it is known by its fields.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum AlgorithmConfig {
    /// Of proximal policy optimization.
    Ppo(PpoConfig),
    /// Of augmented random search.
    Ars(ArsConfig),
}

/// How well a policy plays, acting deterministically.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EvaluationRecord {
    /// Episodes, reset with the seeds `first_seed`, `first_seed + 1`, …
    pub episodes: u64,
    /// Seed of the first one.
    pub first_seed: u64,
    /// Mean return.
    pub mean_return: f64,
    /// Mean of the lowest twentieth of the returns, at least one of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worst_5_percent: Option<f64>,
    /// Standard deviation of the episodes' returns, n − 1 in the denominator; 0 for a single one.
    pub std_return: f64,
}

impl EvaluationRecord {
    /// Sums up episodes with consecutive seeds; `None` if there is none.
    pub fn new(episodes: &[Episode]) -> Option<Self> {
        let count = episodes.len() as f64;
        let returns = || episodes.iter().map(|episode| episode.episode_return);
        let mean_return = returns().sum::<f64>() / count;
        let squares: f64 = returns().map(|value| (value - mean_return).powi(2)).sum();
        episodes.first().map(|first| Self {
            episodes: episodes.len() as u64,
            first_seed: first.seed,
            mean_return,
            worst_5_percent: Some(lowest_mean(returns().collect(), 20)),
            std_return: (squares / (count - 1.0).max(1.0)).sqrt(),
        })
    }

    /// Standard error of the mean return.
    pub fn standard_error(&self) -> f64 {
        self.std_return / (self.episodes as f64).sqrt()
    }
}

/// Mean of the lowest one in `parts` values, at least one.
pub(super) fn lowest_mean(mut values: Vec<f64>, parts: usize) -> f64 {
    values.sort_by(f64::total_cmp);
    let count = (values.len() / parts).max(1).min(values.len());
    values[..count].iter().sum::<f64>() / count as f64
}
