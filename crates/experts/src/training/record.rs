use super::PpoConfig;
use kanrl_core::rollout::Episode;
use serde::{Deserialize, Serialize};

/// How a policy came to be; stands in its file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainingRecord {
    /// `ppo`.
    pub algorithm: String,
    /// The hyper-parameters.
    pub config: PpoConfig,
    /// The seed.
    pub seed: u64,
    /// Environment steps taken, over all lanes.
    pub timesteps: u64,
    /// How well it plays, where that was measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evaluation: Option<EvaluationRecord>,
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
            std_return: (squares / (count - 1.0).max(1.0)).sqrt(),
        })
    }

    /// Standard error of the mean return.
    pub fn standard_error(&self) -> f64 {
        self.std_return / (self.episodes as f64).sqrt()
    }
}
