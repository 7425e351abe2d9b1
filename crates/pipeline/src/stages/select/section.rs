use serde::{Deserialize, Serialize};

/// `[select]`: how the result is chosen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SelectSection {
    /// Number of episodes for each formula, on the same seeds; what may be the result plays three times as many more. Default:
    /// as many as are at most 100 000 steps, but at least 50 and at most 200.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub episodes: Option<usize>,
    /// What to prefer among the formulas that play as well as the expert: `fidelity`, `return`, or `brevity`.
    pub prefer: Prefer,
    /// If return is preferred, or no formula plays as well as the expert, the result is the shortest formula whose mean return
    /// is not significantly lower than the best one's and lower by at most this share; the mean of its worst 5 % may be lower by
    /// twice this share.
    pub tolerance: f64,
    /// A formula to take as the result, constants and all: an expression for each of its outputs, as text. It joins the others as
    /// `own`, and is evaluated and filmed as it stands. None by default.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub formula: Vec<String>,
}

impl Default for SelectSection {
    fn default() -> Self {
        Self { episodes: None, prefer: Prefer::Fidelity, tolerance: 0.01, formula: Vec::new() }
    }
}

/// Which of the formulas that play as well as the expert to choose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Prefer {
    /// The most faithful one, or the shortest within two points of its fidelity; of those up to a tenth longer the best-playing.
    #[default]
    Fidelity,
    /// The best-playing one, or the shortest that plays no worse.
    Return,
    /// The shortest.
    Brevity,
}
