use serde::{Deserialize, Serialize};

/// `[dagger]`: rounds in which a student plays, the expert says what it would have done in the student's states, and the
/// student learns that too (Ross et al. 2011, arXiv 1011.0686).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DaggerSection {
    /// Rounds at most for each network; they end early once it plays as well as the expert and does nearly always what it
    /// does, or when several rounds in a row make nothing better.
    pub rounds: usize,
    /// As many of them for each formula, which learns from its network's rows first.
    pub formula_rounds: usize,
    /// Environment steps of a round, in whole episodes, every fifth of which is kept to validate on. The expert's own episodes
    /// count as one round at most. Where it is not set: the longest episode times the observation's coordinates, from 2000 to
    /// 20 000.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub steps: Option<usize>,
    /// Share of steps that the expert takes in a network's first round; formulas play alone.
    pub expert_share: f64,
    /// What that share is multiplied by from round to round.
    pub expert_share_decay: f64,
    /// Whether, with three or more action dimensions, the first round's student steers one of them at a time, the expert
    /// the others.
    pub anchoring: bool,
    /// Episodes that rounds are compared by; the best ones are then played on twice as many fresh seeds, and the best of
    /// those is kept.
    pub validation_episodes: usize,
}

impl Default for DaggerSection {
    fn default() -> Self {
        Self {
            rounds: 12,
            formula_rounds: 3,
            steps: None,
            expert_share: 0.7,
            expert_share_decay: 0.7,
            anchoring: true,
            validation_episodes: 30,
        }
    }
}
