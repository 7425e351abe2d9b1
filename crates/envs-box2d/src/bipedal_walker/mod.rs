//! BipedalWalker.

mod picture;
mod spec;
mod terrain;
mod world;

use crate::engine::BodyState;
use crate::parameters::{Constant, Constants, Range, not_reset, write_f32};
use kanrl_core::action::ContinuousAction;
use kanrl_core::environment::{
    Continuous, Environment, EnvironmentError, EnvironmentSpec, Frame, Parameter, StepOutcome,
};
use kanrl_core::random::Generator;
use serde::Deserialize;
use world::Episode;

/// Walk to the far end of an uneven terrain on two legs with hips and knees.
///
/// # Actions
/// | index | name | meaning | range |
/// |---|---|---|---|
/// | 0 | `hip_1_torque` | torque of the first leg's hip, × 80 N·m, towards ±4 rad/s | -1 to 1 |
/// | 1 | `knee_1_torque` | torque of the first leg's knee, × 80 N·m, towards ±6 rad/s | -1 to 1 |
/// | 2 | `hip_2_torque` | the second leg's hip | -1 to 1 |
/// | 3 | `knee_2_torque` | the second leg's knee | -1 to 1 |
///
/// Values beyond the range are clipped.
///
/// # Observations
/// | index | name | meaning | range | one unit is |
/// |---|---|---|---|---|
/// | 0 | `hull_angle` | tilt of the hull, counter-clockwise | -π to π | 1 rad |
/// | 1 | `hull_angle_dot` | its angular velocity | -5 to 5 | 25 rad/s |
/// | 2 | `x_dot` | the hull's horizontal velocity | -5 to 5 | 25/3 m/s |
/// | 3 | `y_dot` | the hull's vertical velocity | -5 to 5 | 12.5 m/s |
/// | 4 | `hip_1` | angle of the first leg's hip | -π to π | 1 rad |
/// | 5 | `hip_1_dot` | its speed | -5 to 5 | 4 rad/s |
/// | 6 | `knee_1` | angle of the first leg's knee, plus 1 | -π to π | 1 rad |
/// | 7 | `knee_1_dot` | its speed | -5 to 5 | 6 rad/s |
/// | 8 | `leg_1_contact` | whether the first lower leg touches the ground | 0 or 1 (declared 0 to 5) | |
/// | 9 to 13 | `hip_2` to `leg_2_contact` | the same of the second leg | as above | |
/// | 14 to 23 | `lidar_0` to `lidar_9` | distance of the ground from straight below to 1.35 rad ahead | -1 to 1 | 16/3 m |
///
/// # Reward
/// The gain in 130/30 · x − 5·|hull angle|, minus 0.028 for each unit of torque; 300 and more for reaching the end.
/// Falling on the hull, or walking back beyond the start, gives −100 instead. The sum is taken in f32 where the action
/// is f32, as NumPy 2 does.
///
/// # Episode end
/// Terminated when the hull touches the ground, at x < 0, and at the end of the terrain (x > 88.7 m); truncated after
/// 1600 steps (hardcore: 2000). 300 points count as solved.
///
/// # Start
/// Standing near the left end, pushed by a force uniform in ±5 N along x for one step of 0.02 s, on ground that is level
/// for 20 points of 200.
///
/// # Randomness
/// In the reset only.
///
/// # Version history
/// - v3: the lidar gives the nearest hit. The only version here.
///
/// # Source
/// Gymnasium 1.4.0, `gymnasium/envs/box2d/bipedal_walker.py`. It keeps its world across resets, so that there the same
/// seed in a used environment can differ in the last bits; here every reset makes a new world, as in a fresh one.
#[derive(Debug)]
pub struct BipedalWalker {
    spec: EnvironmentSpec,
    constants: WalkerConstants,
    hardcore: bool,
    generator: Generator,
    episode: Option<Episode>,
    /// Pictures drawn so far, modulo 100.
    pictures: usize,
}

/// Gymnasium's keyword arguments of `BipedalWalker-v3`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BipedalWalkerConfig {
    /// Stumps, stairs and pits; by default, what the id says.
    pub hardcore: Option<bool>,
}

#[derive(Clone, Debug)]
struct WalkerConstants {
    gravity: f64,
    hull_density: f64,
    leg_density: f64,
    motor_torque: f64,
    time_step: f64,
}

impl Constants for WalkerConstants {
    fn each(&mut self) -> Vec<Constant<'_>> {
        use Range::{Any, Positive};
        let constant = |name, unit, range, value| Constant { name, unit, range, value };
        vec![
            constant("gravity", "m/s^2", Any, &mut self.gravity),
            constant("hull_density", "kg/m^2", Positive, &mut self.hull_density),
            constant("leg_density", "kg/m^2", Positive, &mut self.leg_density),
            constant("motor_torque", "N*m", Positive, &mut self.motor_torque),
            constant("time_step", "s", Positive, &mut self.time_step),
        ]
    }
}

impl BipedalWalker {
    /// An environment that calls itself `id`, on the normal terrain or the hardcore one.
    ///
    /// # Errors
    /// None at present; the signature is that of every constructor behind a registry.
    pub fn new(id: &str, hardcore: bool) -> Result<Self, EnvironmentError> {
        let constants = WalkerConstants {
            gravity: -10.0,
            hull_density: 5.0,
            leg_density: 1.0,
            motor_torque: world::MOTOR_TORQUE,
            time_step: 1.0 / 50.0,
        };
        // The time limit goes with the id, not with the argument, as in Gymnasium.
        let max_episode_steps = if id.contains("Hardcore") { 2000 } else { 1600 };
        let spec = spec::spec(id, max_episode_steps);
        Ok(Self { spec, constants, hardcore, generator: Generator::new(0), episode: None, pictures: 0 })
    }

    /// The ground's points, from left to right, in m; `None` before the first reset.
    pub fn terrain(&self) -> Option<&[[f64; 2]]> {
        self.episode.as_ref().map(|episode| &episode.terrain.points[..])
    }
}

impl Environment for BipedalWalker {
    type Action = Continuous;

    fn spec(&self) -> &EnvironmentSpec {
        &self.spec
    }

    fn reset(&mut self, seed: Option<u64>, observation: &mut [f64]) -> Result<(), EnvironmentError> {
        if let Some(seed) = seed {
            self.generator = Generator::new(seed);
        }
        let episode = self.episode.insert(Episode::new(&self.constants, self.hardcore, &mut self.generator));
        let (values, _) = episode.step(&self.constants, ContinuousAction::F64(&[0.0; 4]));
        write_f32(&values, observation);
        Ok(())
    }

    #[inline]
    fn step(&mut self, action: ContinuousAction<'_>, observation: &mut [f64]) -> Result<StepOutcome, EnvironmentError> {
        let Some(episode) = &mut self.episode else { return Err(not_reset(&self.spec.id)) };
        let (values, outcome) = episode.step(&self.constants, action);
        write_f32(&values, observation);
        Ok(outcome)
    }

    /// Of the hull, the first leg's upper and lower part and the second's: x, y (of the body's origin), angle, the
    /// velocity's x and y (of the center of mass), the angular velocity, and 1 while Box2D has the body awake. Zeros
    /// before the first reset.
    fn state(&self) -> Vec<f64> {
        match &self.episode {
            Some(episode) => episode.world.states().flat_map(|state| state.values()).collect(),
            None => vec![0.0; 5 * BodyState::LENGTH],
        }
    }

    fn parameters(&self) -> Vec<Parameter> {
        self.constants.parameters()
    }

    fn set_parameter(&mut self, name: &str, value: f64) -> Result<(), EnvironmentError> {
        self.constants.set(&self.spec.id, name, value)?;
        if let Some(episode) = &mut self.episode {
            episode.apply(&self.constants);
        }
        Ok(())
    }

    fn render(&mut self) -> Result<Frame, EnvironmentError> {
        let Some(episode) = &self.episode else { return Err(not_reset(&self.spec.id)) };
        self.pictures = (self.pictures + 1) % 100;
        Ok(picture::draw(episode, self.pictures))
    }
}
