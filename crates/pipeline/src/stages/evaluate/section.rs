use serde::{Deserialize, Serialize};

/// `[evaluate]`: how policies are compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct EvaluateSection {
    /// Number of episodes for each policy, on the same seeds. Nothing is ever fitted or chosen on these seeds.
    pub episodes: usize,
    /// Number of episodes for each changed mass and time step; 0 to skip.
    pub robustness_episodes: usize,
}

impl Default for EvaluateSection {
    fn default() -> Self {
        Self { episodes: 100, robustness_episodes: 20 }
    }
}
