//! Checks that authors of environments run: the contract itself, and equality with recorded trajectories.

mod conformance;
mod recording;
mod starts;
mod trace;
mod trajectories;

pub use conformance::{Rule, Violation, check_environment};
pub use recording::RecordingError;
pub use starts::{STARTS_ALIKE, starts_alike};
pub use trajectories::{Deviation, PartReport, TrajectoryError, TrajectoryReport, check_trajectories};
