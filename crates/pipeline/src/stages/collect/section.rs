use serde::{Deserialize, Serialize};

/// `[collect]`: the expert episodes to learn from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CollectSection {
    /// Number of episodes to fit on.
    pub train_episodes: usize,
    /// Number of episodes for validation.
    pub validation_episodes: usize,
    /// Standard deviation of the noise on the expert's play, as a share of each action's range (of discrete actions, the share
    /// that is any action); labels stay the expert's own (DART, arXiv 1703.09327).
    pub noise: f64,
}

impl Default for CollectSection {
    fn default() -> Self {
        Self { train_episodes: 15, validation_episodes: 3, noise: 0.0 }
    }
}
