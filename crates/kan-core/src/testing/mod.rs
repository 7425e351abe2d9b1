//! Checks that authors of environments run: the contract itself, and equality with recorded trajectories.

mod recording;
mod trajectories;

pub use recording::RecordingError;
pub use trajectories::{Deviation, PartReport, TrajectoryError, TrajectoryReport, check_trajectories};
