use kanrl_core::environment::EnvironmentHints;
use serde::{Deserialize, Serialize};

/// `[polish]`: constants tuned by CMA-ES, all candidates of a generation on the same seeds: first for what is missed to the
/// expert's return and λ times the disagreement with it, at last for return alone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PolishSection {
    /// Whether to do it; without it the faithful formula is the result.
    pub enabled: bool,
    /// Steps of the environment for all formulas together; the better half goes on, twice. Where it is not set, as many as the environment
    /// asks for, or ten million.
    pub environment_steps: u64,
    /// Values of λ that the dial stops at before it comes to return alone. At 1, a point of disagreement weighs as much as one
    /// percent of the expert's return that is missed; more than the expert's return is worth nothing. Half of the steps go to
    /// these, half to return alone.
    pub lambdas: Vec<f64>,
    /// First step of each constant, in standard deviations of the outputs.
    pub step_size: f64,
    /// Weight of the mean of the worst quarter relative to the mean return.
    pub tail_weight: f64,
    /// Generations that the budget should be enough for; long episodes are played less often then.
    pub generations: u64,
    /// Terms are left out, and constants rounded, while the score stays within this share of itself.
    pub tolerance: f64,
    /// Masses and time steps are also played this share larger and smaller (0 for not at all).
    pub perturbation: f64,
    /// Deviation of the noise on observations, in shares of their own deviation.
    pub noise: f64,
}

impl Default for PolishSection {
    fn default() -> Self {
        Self {
            enabled: true,
            environment_steps: 10_000_000,
            lambdas: vec![3.0, 0.5],
            step_size: 0.1,
            tail_weight: 0.25,
            generations: 100,
            tolerance: 0.001,
            perturbation: 0.0,
            noise: 0.0,
        }
    }
}

impl PolishSection {
    /// With what the environment asks for, in fields that the config leaves out.
    pub(crate) fn hinted(mut self, hints: &EnvironmentHints, is_set: impl Fn(&str) -> bool) -> Self {
        if let Some(steps) = hints.polish_steps.filter(|_| !is_set("environment_steps")) {
            self.environment_steps = steps;
        }
        self
    }
}
