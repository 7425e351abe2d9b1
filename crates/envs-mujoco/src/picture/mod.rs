//! Pictures of a robot.

mod offscreen;

use crate::simulation::Simulation;
use kan_core::environment::Frame;

/// Pixels in a row and in a column, as Gymnasium's.
const SIZE: usize = 480;

/// The current state, seen by the model's camera `track`.
pub(crate) fn draw(simulation: &mut Simulation) -> Result<Frame, String> {
    offscreen::draw(simulation)
}
