use serde::{Deserialize, Serialize};

/// `[symbolify]`: how edges are named.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SymbolifySection {
    /// L-BFGS steps of the refit after each name.
    pub refit_steps: usize,
    /// All names together may raise the validation loss by this share of the best constant's loss.
    pub tolerance: f64,
    /// Episodes that every name is judged by in play; 0 for the loss alone.
    pub episodes: usize,
    /// A name must be defined this share of its argument's observed range beyond it, on both sides; further out its
    /// argument is clipped.
    pub margin: f64,
}

impl Default for SymbolifySection {
    fn default() -> Self {
        Self { refit_steps: 10, tolerance: 0.02, episodes: 24, margin: 0.5 }
    }
}
