use serde::{Deserialize, Serialize};

/// `[dagger]`: rounds in which a student plays, the expert labels the states that the student visits, and the student is
/// fitted to them as well (Ross et al. 2011, arXiv 1011.0686).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DaggerSection {
    /// Maximum number of rounds for each network. They end early once the network plays as well as the expert and nearly always
    /// acts like it, or when several rounds in a row bring no improvement.
    pub rounds: usize,
    /// Maximum number of rounds for each formula, which starts from its network's data.
    pub formula_rounds: usize,
    /// Environment steps per round, rounded to whole episodes; every fifth episode is held out for validation. The expert's own
    /// episodes count as at most one round. Default: the maximum episode length times the size of the observation, but at
    /// least 2000 and at most 20 000.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub steps: Option<usize>,
    /// Share of steps that the expert takes in a network's first round. Formulas always play alone.
    pub expert_share: f64,
    /// Factor by which that share shrinks in each round.
    pub expert_share_decay: f64,
    /// Whether the student controls only one action dimension at a time in the first round, and the expert the others; applies
    /// to three or more action dimensions.
    pub anchoring: bool,
    /// Number of episodes for comparing rounds. The best rounds then play twice as many fresh seeds, and the best of those is
    /// kept.
    pub validation_episodes: usize,
}

impl Default for DaggerSection {
    fn default() -> Self {
        Self {
            rounds: 12,
            formula_rounds: 6,
            steps: None,
            expert_share: 0.7,
            expert_share_decay: 0.7,
            anchoring: true,
            validation_episodes: 30,
        }
    }
}
