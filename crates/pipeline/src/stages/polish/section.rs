use kanrl_core::environment::EnvironmentHints;
use serde::{Deserialize, Serialize};

/// `[polish]`: how constants are tuned by CMA-ES, with all candidates of a generation on the same seeds: first to minimize the
/// return that is lost to the expert plus λ times the disagreement with it, finally to maximize return alone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PolishSection {
    /// Whether to tune at all; otherwise the faithful formula is the result.
    pub enabled: bool,
    /// Environment steps for all formulas together; twice, only the better half continues. Default: what the environment asks
    /// for, or ten million.
    pub environment_steps: u64,
    /// Values of λ to tune for, in order, before tuning for return alone. At 1, one percentage point of disagreement weighs as
    /// much as one percent of the expert's return; returns above the expert's count no more than the expert's. Half of the steps
    /// are spent on these, half on return alone.
    pub lambdas: Vec<f64>,
    /// Initial step of each constant, in standard deviations of the outputs.
    pub step_size: f64,
    /// Weight of the mean of the worst quarter relative to the mean return.
    pub tail_weight: f64,
    /// Number of generations that the budget should last for; longer episodes are played less often to achieve that.
    pub generations: u64,
    /// Terms are dropped and constants rounded as long as the score changes by less than this share.
    pub tolerance: f64,
    /// Also plays with masses and time steps that are larger and smaller by this share; 0 for never.
    pub perturbation: f64,
    /// Standard deviation of noise on observations, as a share of their own standard deviation.
    pub noise: f64,
    /// Where a generation's candidates play: `local`, or `ray`, on the Ray cluster that this machine is a node of. The results
    /// are the same bits.
    pub workers: PolishWorkers,
}

/// Where candidates play.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PolishWorkers {
    /// On this machine's threads.
    #[default]
    Local,
    /// On a Ray cluster, by the Python package `kanrl[ray]`.
    Ray,
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
            workers: PolishWorkers::Local,
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
