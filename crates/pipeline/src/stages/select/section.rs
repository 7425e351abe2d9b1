use serde::{Deserialize, Serialize};

/// `[select]`: how one formula is chosen of all.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SelectSection {
    /// Episodes for each formula, on the same seeds for all.
    pub episodes: usize,
    /// What the result is to be, of all formulas that play as well as the expert: `fidelity`, `return` or `brevity`.
    pub prefer: Prefer,
    /// Where return is preferred, or no formula plays as well as the expert, the shortest formula is taken whose mean return
    /// is not significantly below the best one's, and by no more than this share of it; the mean of its worst twentieth may be
    /// below by twice this share.
    pub tolerance: f64,
}

impl Default for SelectSection {
    fn default() -> Self {
        Self { episodes: 200, prefer: Prefer::Fidelity, tolerance: 0.01 }
    }
}

/// What the headline formula is to be, of those that play as well as the expert.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Prefer {
    /// The most faithful one, or the shortest within two points of its fidelity.
    #[default]
    Fidelity,
    /// The one that plays best, or the shortest that plays no worse.
    Return,
    /// The shortest.
    Brevity,
}
