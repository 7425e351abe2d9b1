use kanrl_core::environment::{EnvironmentError, LaneError};
use kanrl_core::policy::PolicyError;

/// What can go wrong while a policy is trained.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainingError {
    /// The hyper-parameters make no sense.
    #[error("bad training configuration: {reason}")]
    BadConfig {
        /// Which field, its value, and how to fix it.
        reason: String,
    },
    /// The environment failed.
    #[error(transparent)]
    Environment(#[from] EnvironmentError),
    /// The environment failed in one of the lanes.
    #[error("training environment {}", .0)]
    Lane(#[source] LaneError),
    /// The policy failed while it was evaluated.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// A loss or gradient is not a finite number any more.
    #[error(
        "training diverged after {timesteps} steps: {what} is {value}; a lower learning_rate, a lower max_grad_norm or \
         normalize = true usually helps"
    )]
    Diverged {
        /// Environment steps taken.
        timesteps: u64,
        /// Which number.
        what: &'static str,
        /// Its value.
        value: f64,
    },
    /// The checkpoint is damaged, or another run's.
    #[error("not a usable checkpoint: {reason}")]
    BadCheckpoint {
        /// What is wrong with it.
        reason: String,
    },
    /// A file could not be written.
    #[error(transparent)]
    File(kanrl_core::files::FileError),
}
