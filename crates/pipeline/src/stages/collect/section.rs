use serde::{Deserialize, Serialize};

/// `[collect]`: the expert episodes to learn from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CollectSection {
    /// Number of episodes to fit on.
    pub train_episodes: usize,
    /// Number of episodes for validation.
    pub validation_episodes: usize,
}

impl Default for CollectSection {
    fn default() -> Self {
        Self { train_episodes: 15, validation_episodes: 3 }
    }
}
