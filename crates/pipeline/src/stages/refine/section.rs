use kanrl_core::environment::EnvironmentHints;
use serde::{Deserialize, Serialize};

/// `[refine]`: how the formula's constants are fitted again, together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RefineSection {
    /// L-BFGS steps.
    pub steps: usize,
    /// Most products of two observations that are added to each output where they explain what it misses; with an
    /// observation that is 0 or 1, such as a leg's contact, a product is a gate. 0 for none.
    pub products: usize,
    /// Terms are left out while the validation loss stays within this share of the targets' variance of what it was. Where it
    /// is not set, what the environment asks for, or 0.005.
    pub tolerance: f64,
    /// Constants are rounded to the fewest digits that change no output by more than this share of its standard
    /// deviation.
    pub rounding_tolerance: f64,
}

impl Default for RefineSection {
    fn default() -> Self {
        Self { steps: 200, products: 2, tolerance: 0.005, rounding_tolerance: 0.002 }
    }
}

impl RefineSection {
    /// With what the environment asks for, in fields that the config leaves out.
    pub(crate) fn hinted(mut self, hints: &EnvironmentHints, is_set: impl Fn(&str) -> bool) -> Self {
        if let Some(tolerance) = hints.refine_tolerance.filter(|_| !is_set("tolerance")) {
            self.tolerance = tolerance;
        }
        self
    }
}
