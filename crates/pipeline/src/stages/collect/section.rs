use serde::{Deserialize, Serialize};

/// `[collect]`: expert episodes to learn from, split by whole episodes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CollectSection {
    /// Episodes to fit on.
    pub train_episodes: usize,
    /// Episodes to choose by.
    pub validation_episodes: usize,
}

impl Default for CollectSection {
    fn default() -> Self {
        Self { train_episodes: 15, validation_episodes: 3 }
    }
}
