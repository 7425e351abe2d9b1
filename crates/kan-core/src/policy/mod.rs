//! Policies: anything that chooses actions for a batch of observations, and experts that also say how sure they are.

mod function;

pub use function::FunctionExpert;

use crate::action::ActionBatch;
use crate::space::ActionSpace;

/// Chooses actions, deterministically: the same row gives the same action regardless of the other rows in the batch.
pub trait Policy: Send + Sync {
    /// Number of coordinates of an observation.
    fn observation_size(&self) -> usize;

    /// The space its actions lie in.
    fn action_space(&self) -> &ActionSpace;

    /// Writes one action for each row.
    ///
    /// # Shapes
    /// `observations` `[rows, observation_size]`, row-major, in the environment's own units; `elapsed_steps` `[rows]`,
    /// steps since each row's last reset; `actions` is resized to `rows`.
    ///
    /// # Errors
    /// [`PolicyError`], such as for an output that is not finite.
    fn act(&self, observations: &[f64], elapsed_steps: &[u32], actions: &mut ActionBatch) -> Result<(), PolicyError>;
}

/// Whether all of them are finite; many numbers are looked at at once.
///
/// ```
/// use kanrl_core::policy::all_finite;
/// assert!(all_finite(&[0.0, -1e308, 5e-324]) && !all_finite(&[1.0, f64::NEG_INFINITY]) && !all_finite(&[f64::NAN]));
/// ```
pub fn all_finite(values: &[f64]) -> bool {
    // To the last one, without a branch.
    values.iter().fold(true, |all, value| all & value.is_finite())
}

/// What an expert's scores mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScoreKind {
    /// Unnormalized log-probabilities of the discrete actions; only their differences matter.
    Logits,
    /// Expected returns of the discrete actions.
    QValues,
    /// The vector action before clipping to its bounds.
    Means,
}

/// A trained policy to be explained.
pub trait ExpertPolicy: Policy {
    /// What [`Self::scores`] gives, or `None` where only labels can be had.
    fn score_kind(&self) -> Option<ScoreKind>;

    /// Writes the expert's scores: better targets than the actions alone.
    ///
    /// # Shapes
    /// As [`Policy::act`]; `scores` `[rows, action_space.outputs()]`, row-major.
    ///
    /// # Errors
    /// [`PolicyError::NoScores`] where [`Self::score_kind`] is `None`.
    fn scores(&self, observations: &[f64], elapsed_steps: &[u32], scores: &mut [f64]) -> Result<(), PolicyError>;

    /// Where it comes from, such as `bundled` or a file name, for reports.
    fn source(&self) -> &str;

    /// How it was read where that was to be found out, each a sentence without a full stop; what may be wrong about it begins
    /// with `warning: `. Nothing by default.
    fn notes(&self) -> &[String] {
        &[]
    }
}

/// What can go wrong when a policy acts.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyError {
    /// An output is not a finite number.
    #[error("the policy's output {output} is {value} for the observation {observation:?}")]
    NotFinite {
        /// Index of the output.
        output: usize,
        /// Its value.
        value: f64,
        /// What it was asked about.
        observation: Vec<f64>,
    },
    /// The expert has labels only.
    #[error("this expert provides only actions, not scores")]
    NoScores,
    /// The program behind the policy failed.
    #[error("the policy failed: {reason}")]
    Failed {
        /// Why.
        reason: String,
    },
    /// The policy was made for another environment.
    #[error("the policy takes {policy}, but the environment {environment}")]
    Mismatch {
        /// What the policy takes or gives.
        policy: String,
        /// What the environment has.
        environment: String,
    },
}
