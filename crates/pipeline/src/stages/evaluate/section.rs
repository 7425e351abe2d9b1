use serde::{Deserialize, Serialize};

/// `[evaluate]`: how policies are compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct EvaluateSection {
    /// Episodes for each policy, on the same seeds for all; nothing is ever fitted or chosen on these seeds.
    pub episodes: usize,
    /// Episodes for each change of masses and time step; 0 for none.
    pub robustness_episodes: usize,
}

impl Default for EvaluateSection {
    fn default() -> Self {
        Self { episodes: 100, robustness_episodes: 20 }
    }
}
