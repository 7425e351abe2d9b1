use kanrl_core::environment::EnvironmentHints;
use serde::{Deserialize, Serialize};

/// `[refine]`: how the formula's constants are refitted, all together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RefineSection {
    /// Maximum number of Levenberg-Marquardt steps.
    pub steps: usize,
    /// Maximum number of products of two observations to add to each output if they explain its residual; 0 for none. With an
    /// observation that is 0 or 1, such as a leg's contact, a product is a gate.
    pub products: usize,
    /// Terms are dropped as long as the validation loss grows by less than this share of the targets' variance. Default: what
    /// the environment asks for, or 0.005.
    pub tolerance: f64,
    /// Also makes shorter formulas from the best one, one for each of these shares, rising: its terms go, and its functions
    /// become simpler ones, as long as the validation loss grows by less than this share of the best constant's loss and
    /// the validation rows on which it acts like the expert become fewer by less than this share.
    pub shorter: Vec<f64>,
    /// Constants are rounded to the fewest digits that change no output by more than this share of its standard deviation.
    pub rounding_tolerance: f64,
}

impl Default for RefineSection {
    fn default() -> Self {
        Self { steps: 40, products: 2, tolerance: 0.005, shorter: vec![0.005, 0.01, 0.02], rounding_tolerance: 0.002 }
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
