use serde::{Deserialize, Serialize};

/// `[symbolify]`: how edges are named.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SymbolifySection {
    /// Number of L-BFGS steps after each edge that is named.
    pub refit_steps: usize,
    /// All names together may increase the validation loss by this share of the best constant's loss.
    pub tolerance: f64,
    /// Number of episodes for judging each name in play; 0 to judge by the loss alone. Default: as many as are at most 32 000
    /// steps, but at least 24 and at most 200.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub episodes: Option<usize>,
    /// A function must be defined beyond the observed range of its argument by this share of the range, on both sides; outside
    /// of that its argument is clipped.
    pub margin: f64,
}

impl Default for SymbolifySection {
    fn default() -> Self {
        Self { refit_steps: 10, tolerance: 0.02, episodes: None, margin: 0.5 }
    }
}
