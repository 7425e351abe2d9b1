//! How far a policy does what the expert does.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How closely a policy follows the expert in some states, compared with a constant policy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "measure", rename_all = "snake_case")]
pub enum Agreement {
    /// Of discrete actions.
    SameAction {
        /// Share of states with the same action.
        value: f64,
        /// Share of states in which the expert takes its most frequent action: what that action alone would reach.
        most_frequent: f64,
        /// Cohen's κ: 0 for what chance gives policies that take each action as often as these do, 1 for the same action always.
        kappa: f64,
        /// Share of the same action where the expert takes action 0, 1, …; none for an action that it never takes.
        recall: Vec<Option<f64>>,
        /// Number of states.
        states: usize,
    },
    /// Of vector actions.
    RSquared {
        /// Coefficient of determination, all coordinates together: 0 for what the best constant would reach, 1 for the same
        /// action always; below 0 for less than a constant.
        value: f64,
        /// That of each coordinate; none where the expert's never changes.
        coordinates: Vec<Option<f64>>,
        /// Number of states.
        states: usize,
    },
}

impl Agreement {
    /// The share of equal actions, or the coefficient of determination.
    pub fn value(&self) -> f64 {
        match self {
            Self::SameAction { value, .. } | Self::RSquared { value, .. } => *value,
        }
    }

    /// What [`Self::value`] is.
    pub fn measure(&self) -> Measure {
        match self {
            Self::SameAction { .. } => Measure::SameAction,
            Self::RSquared { .. } => Measure::RSquared,
        }
    }

    /// Why this says no more than a constant would, if so.
    pub fn warning(&self) -> Option<String> {
        match self {
            Self::SameAction { value, most_frequent, kappa, states, .. } => {
                // Two standard errors of the share that is to be beaten.
                let error = 2.0 * (most_frequent * (1.0 - most_frequent) / (*states).max(1) as f64).sqrt();
                let is_no_better = *kappa <= 0.0 || (*kappa < LEAST_KAPPA && *value <= most_frequent + error);
                is_no_better.then(|| {
                    format!(
                        "it takes the expert's action in {:.1} % of {states} states; the most frequent action alone would in \
                         {:.1} % (Cohen's κ {kappa:.2})",
                        100.0 * value,
                        100.0 * most_frequent
                    )
                })
            }
            Self::RSquared { value, states, .. } => (*value <= NEXT_TO_NOTHING)
                .then(|| format!("its R² is {value:.3} over {states} states; a constant's is 0")),
        }
    }
}

/// A κ from which on a share that is hardly above the most frequent action's still says something.
const LEAST_KAPPA: f64 = 0.5;
/// A coefficient of determination that is hardly one.
const NEXT_TO_NOTHING: f64 = 0.05;

/// What a measure of agreement is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// Share of states with the same discrete action, from 0 to 1.
    SameAction,
    /// Coefficient of determination of the vector action, all coordinates together; at most 1, and below 0 for a policy
    /// that is further from the expert than one constant action.
    RSquared,
}

impl Measure {
    /// What the number is, in words.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::SameAction => "share of states with the same action",
            Self::RSquared => "coefficient of determination (R²) of the action",
        }
    }

    /// A number of this measure for people: `98.5 %`, or `R² 0.985`, which is not a percentage.
    pub fn text(self, value: f64) -> String {
        match self {
            Self::SameAction => format!("{:.1} %", 100.0 * value),
            Self::RSquared => format!("R² {value:.3}").replace('-', "−"),
        }
    }
}

/// For how long a policy stays with the expert.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Companionship {
    /// Mean number of steps from the start until some coordinate of the observation differs by more than half of its standard
    /// deviation, or an episode ends.
    pub steps: f64,
    /// The same as a mean share of the expert's episode.
    pub share: f64,
}
