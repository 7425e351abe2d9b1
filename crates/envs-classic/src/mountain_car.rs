use crate::pictures;
use crate::spec::{coordinate, observed, parameters};
use kanrl_core::environment::{Discrete, Environment, EnvironmentError, EnvironmentSpec, Frame, StepOutcome};
use kanrl_core::random::Generator;
use kanrl_core::space::{ActionSpace, BoxSpace, Coordinate, DiscreteSpace, ElementType};
use serde::Deserialize;
use std::sync::{Arc, LazyLock};

/// `MountainCar-v0`: an underpowered car must rock its way out of a valley.
///
/// The road has the height sin(3 `x`); the goal is on the right hill. From A. W. Moore, "Efficient memory-based learning
/// for robot control", 1990 (<https://www.cl.cam.ac.uk/techreports/UCAM-CL-TR-209.pdf>).
///
/// # Actions
/// | action | effect |
/// |---|---|
/// | 0 | accelerate to the left |
/// | 1 | do nothing |
/// | 2 | accelerate to the right |
///
/// # Observations
/// | index | name | meaning | range | unit |
/// |---|---|---|---|---|
/// | 0 | `x` | position along the road | −1.2 to 0.6 | m |
/// | 1 | `v` | velocity | ±0.07 | m/step |
///
/// A step adds `(action − 1)·force − gravity·cos(3 x)` to the velocity, then the velocity to the position; both are
/// clipped to their ranges, and the left wall takes all speed away.
///
/// # Rewards
/// −1 for every step.
///
/// # Start
/// `x` uniform in −0.6 to −0.4, at rest.
///
/// # End
/// Terminated when `x` ≥ 0.5 and `v` ≥ `goal_velocity`; truncated after 200 steps.
///
/// # Arguments
/// | name | default | meaning |
/// |---|---|---|
/// | `goal_velocity` | 0 | least velocity at the goal, m/step |
/// | `start` | none | the state that every episode starts in, instead of a random one |
///
/// # Parameters
/// `force` (0.001) and `gravity` (0.0025), both m/step².
///
/// # Versions
/// v0: first version.
#[derive(Clone, Debug)]
pub struct MountainCar {
    spec: Arc<EnvironmentSpec>,
    pub(crate) goal_velocity: f64,
    start: Option<[f64; 2]>,
    pub(crate) constants: Constants,
    position: f64,
    velocity: f64,
    generator: Generator,
}

/// Keyword arguments of [`MountainCar`] and [`MountainCarContinuous`](crate::MountainCarContinuous).
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MountainCarConfig {
    /// Least velocity at the goal, m/step.
    pub goal_velocity: f64,
    /// The state that every episode starts in, instead of a random one.
    pub start: Option<[f64; 2]>,
}

#[derive(Clone, Debug)]
pub(crate) struct Constants {
    pub(crate) force: f64,
    pub(crate) gravity: f64,
}

pub(crate) const MIN_POSITION: f64 = -1.2;
pub(crate) const MAX_POSITION: f64 = 0.6;
pub(crate) const MAX_SPEED: f64 = 0.07;
pub(crate) const GOAL_POSITION: f64 = 0.5;

/// Position and velocity, for both variants.
pub(crate) fn coordinates() -> Vec<Coordinate> {
    vec![
        coordinate("x", "m", MIN_POSITION, MAX_POSITION, "position along the road"),
        coordinate("v", "m/step", -MAX_SPEED, MAX_SPEED, "velocity"),
    ]
}

static SPEC: LazyLock<Arc<EnvironmentSpec>> = LazyLock::new(|| {
    Arc::new(EnvironmentSpec {
        id: "MountainCar-v0".to_owned(),
        observation_space: BoxSpace::new(ElementType::F32, coordinates()),
        action_space: ActionSpace::Discrete(DiscreteSpace::new([
            "accelerate to the left",
            "do nothing",
            "accelerate to the right",
        ])),
        max_episode_steps: Some(200),
        reward_threshold: Some(-110.0),
        frames_per_second: 30,
        info_names: Vec::new(),
    })
});

impl MountainCar {
    /// An environment that has not been reset yet.
    pub fn new(config: MountainCarConfig) -> Self {
        Self {
            spec: SPEC.clone(),
            goal_velocity: config.goal_velocity,
            start: config.start,
            constants: Constants { force: 0.001, gravity: 0.0025 },
            position: 0.0,
            velocity: 0.0,
            generator: Generator::new(0),
        }
    }

    #[inline]
    fn observe(&self, observation: &mut [f64]) {
        observation[0] = observed(self.position);
        observation[1] = observed(self.velocity);
    }
}

impl Environment for MountainCar {
    type Action = Discrete;

    #[inline]
    fn spec(&self) -> &EnvironmentSpec {
        &self.spec
    }

    fn reset(&mut self, seed: Option<u64>, observation: &mut [f64]) -> Result<(), EnvironmentError> {
        if let Some(seed) = seed {
            self.generator = Generator::new(seed);
        }
        [self.position, self.velocity] = self.start.unwrap_or_else(|| [self.generator.uniform(-0.6, -0.4), 0.0]);
        self.observe(observation);
        Ok(())
    }

    #[inline]
    fn step(&mut self, action: usize, observation: &mut [f64]) -> Result<StepOutcome, EnvironmentError> {
        let Constants { force, gravity } = self.constants;
        let push = (action as f64 - 1.0) * force + (3.0 * self.position).cos() * -gravity;
        self.velocity = (self.velocity + push).clamp(-MAX_SPEED, MAX_SPEED);
        self.position = (self.position + self.velocity).clamp(MIN_POSITION, MAX_POSITION);
        if self.position == MIN_POSITION && self.velocity < 0.0 {
            self.velocity = 0.0;
        }
        self.observe(observation);
        let terminated = self.position >= GOAL_POSITION && self.velocity >= self.goal_velocity;
        Ok(StepOutcome { reward: -1.0, terminated, truncated: false })
    }

    fn state(&self) -> Vec<f64> {
        vec![self.position, self.velocity]
    }

    fn render(&mut self) -> Result<Frame, EnvironmentError> {
        Ok(pictures::mountain_car(self.position, [MIN_POSITION, MAX_POSITION], GOAL_POSITION))
    }

    parameters! { force: "m/step^2", gravity: "m/step^2" }
}
