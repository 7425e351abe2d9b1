//! Pictures of a robot.

mod flat;
mod offscreen;

use crate::simulation::Simulation;
use kanrl_core::environment::Frame;
use std::sync::Once;

/// Pixels in a row and in a column, as Gymnasium's.
const SIZE: usize = 480;
/// The camera that every model has; it follows robots that walk.
const CAMERA: &str = "track";

/// The current state, drawn by MuJoCo, or flat where there is no OpenGL.
pub(crate) fn draw(simulation: &mut Simulation) -> Result<Frame, String> {
    static TOLD: Once = Once::new();
    offscreen::draw(simulation.data_mut()).or_else(|reason| {
        TOLD.call_once(|| tracing::warn!("no OpenGL, so pictures of MuJoCo's robots are flat: {reason}"));
        flat::draw(simulation.data())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::robots::{Hopper, HopperConfig, Version};
    use kanrl_core::environment::Environment;

    /// Whether the middle of the picture shows something else than its upper corner.
    fn shows_something(frame: &Frame) -> bool {
        let pixel = |row: usize, column: usize| &frame.rgb[3 * (row * frame.width + column)..][..3];
        (0..SIZE).any(|row| {
            let difference = pixel(row, SIZE / 2).iter().zip(pixel(0, 0)).map(|(a, b)| a.abs_diff(*b)).max();
            difference > Some(60)
        })
    }

    #[test]
    fn both_ways_show_the_robot() {
        let mut hopper = Hopper::make(Version::V5, HopperConfig::default()).expect("MuJoCo");
        let mut observation = [0.0; 11];
        Environment::reset(&mut hopper, Some(0), &mut observation).expect("a start");
        let simulation = hopper.simulation_mut();
        let flat = flat::draw(simulation.data()).expect("a camera");
        assert!(shows_something(&flat));
        match offscreen::draw(simulation.data_mut()) {
            Ok(frame) => assert!(shows_something(&frame)),
            Err(reason) => println!("skipped: no EGL ({reason})"),
        }
    }
}
