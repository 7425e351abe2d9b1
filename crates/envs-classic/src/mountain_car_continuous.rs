use crate::mountain_car::{MAX_POSITION, MAX_SPEED, MIN_POSITION, MountainCarConfig, coordinates};
use crate::numpy::squared;
use crate::pictures;
use crate::spec::{coordinate, observed, parameters};
use kanrl_core::action::ContinuousAction;
use kanrl_core::environment::{Continuous, Environment, EnvironmentError, EnvironmentSpec, Frame, StepOutcome};
use kanrl_core::random::Generator;
use kanrl_core::space::{ActionSpace, BoxSpace, ElementType};
use std::sync::{Arc, LazyLock};

/// `MountainCarContinuous-v0`: [`MountainCar`](crate::MountainCar) with an engine that can be throttled, and fuel to
/// save.
///
/// # Actions
/// | index | name | meaning | range | unit |
/// |---|---|---|---|---|
/// | 0 | `force` | push of the engine, positive to the right | ±1 | 1 |
///
/// A force beyond the range acts as the bound, but costs in full.
///
/// # Observations
/// | index | name | meaning | range | unit |
/// |---|---|---|---|---|
/// | 0 | `x` | position along the road | −1.2 to 0.6 | m |
/// | 1 | `v` | velocity | ±0.07 | m/step |
///
/// A step adds `force·power − gravity·cos(3 x)` to the velocity, then the velocity to the position; both are clipped to
/// their ranges, and the left wall takes all speed away.
///
/// # Rewards
/// −0.1 `force`² for every step, and 100 at the goal.
///
/// # Start
/// `x` uniform in −0.6 to −0.4, at rest.
///
/// # End
/// Terminated when `x` ≥ 0.45 and `v` ≥ `goal_velocity`; truncated after 999 steps.
///
/// # Arguments
/// | name | default | meaning |
/// |---|---|---|
/// | `goal_velocity` | 0 | least velocity at the goal, m/step |
/// | `start` | none | the state that every episode starts in, instead of a random one |
///
/// # Parameters
/// `power` (0.0015) and `gravity` (0.0025), both m/step².
///
/// # Precision
/// From the first step on the state is float32, and so is the arithmetic where the action is float32 (NumPy 2's rules
/// for Python's numbers among NumPy's); a float64 action is computed with in float64.
///
/// # Versions
/// v0: first version.
#[derive(Clone, Debug)]
pub struct MountainCarContinuous {
    spec: Arc<EnvironmentSpec>,
    pub(crate) goal_velocity: f64,
    start: Option<[f64; 2]>,
    pub(crate) constants: Constants,
    position: Scalar,
    velocity: Scalar,
    generator: Generator,
}

#[derive(Clone, Debug)]
pub(crate) struct Constants {
    pub(crate) power: f64,
    pub(crate) gravity: f64,
}

pub(crate) const GOAL_POSITION: f64 = 0.45;

static SPEC: LazyLock<Arc<EnvironmentSpec>> = LazyLock::new(|| {
    let force = coordinate("force", "1", -1.0, 1.0, "push of the engine, positive to the right");
    Arc::new(EnvironmentSpec {
        id: "MountainCarContinuous-v0".to_owned(),
        observation_space: BoxSpace::new(ElementType::F32, coordinates()),
        action_space: ActionSpace::Box(BoxSpace::new(ElementType::F32, vec![force])),
        max_episode_steps: Some(999),
        reward_threshold: Some(90.0),
        frames_per_second: 30,
        info_names: Vec::new(),
    })
});

/// A number as Python and NumPy 2 see it: a Python float takes the type of the NumPy number that it meets.
#[derive(Clone, Copy, Debug)]
enum Scalar {
    Python(f64),
    F32(f32),
    F64(f64),
}

impl Scalar {
    fn value(self) -> f64 {
        match self {
            Self::Python(value) | Self::F64(value) => value,
            Self::F32(value) => f64::from(value),
        }
    }

    #[inline]
    fn plus(self, other: Self) -> Self {
        match (self, other) {
            (Self::F32(a), Self::F32(b)) => Self::F32(a + b),
            (Self::F32(a), Self::Python(b)) | (Self::Python(b), Self::F32(a)) => Self::F32(a + b as f32),
            (Self::Python(a), Self::Python(b)) => Self::Python(a + b),
            _ => Self::F64(self.value() + other.value()),
        }
    }

    /// A Python float as this number sees it in a comparison.
    #[inline]
    fn sees(self, bound: f64) -> f64 {
        if matches!(self, Self::F32(_)) { observed(bound) } else { bound }
    }

    /// Clips as Python's `if` does: what is outside becomes the bound, a Python float.
    #[inline]
    fn clip(self, low: f64, high: f64) -> Self {
        if self.value() > self.sees(high) {
            Self::Python(high)
        } else if self.value() < self.sees(low) {
            Self::Python(low)
        } else {
            self
        }
    }

    #[inline]
    fn at_least(self, bound: f64) -> bool {
        self.value() >= self.sees(bound)
    }

    /// `self * 3`, to the C library's cosine.
    #[inline]
    fn cos_of_triple(self) -> f64 {
        match self {
            Self::F32(value) => f64::from(3.0 * value).cos(),
            Self::F64(value) | Self::Python(value) => (3.0 * value).cos(),
        }
    }
}

impl MountainCarContinuous {
    /// An environment that has not been reset yet.
    pub fn new(config: MountainCarConfig) -> Self {
        Self {
            spec: SPEC.clone(),
            goal_velocity: config.goal_velocity,
            start: config.start,
            constants: Constants { power: 0.0015, gravity: 0.0025 },
            position: Scalar::F64(0.0),
            velocity: Scalar::F64(0.0),
            generator: Generator::new(0),
        }
    }

    #[inline]
    fn observe(&self, observation: &mut [f64]) {
        observation[0] = observed(self.position.value());
        observation[1] = observed(self.velocity.value());
    }
}

impl Environment for MountainCarContinuous {
    type Action = Continuous;

    #[inline]
    fn spec(&self) -> &EnvironmentSpec {
        &self.spec
    }

    fn reset(&mut self, seed: Option<u64>, observation: &mut [f64]) -> Result<(), EnvironmentError> {
        if let Some(seed) = seed {
            self.generator = Generator::new(seed);
        }
        let [position, velocity] = self.start.unwrap_or_else(|| [self.generator.uniform(-0.6, -0.4), 0.0]);
        (self.position, self.velocity) = (Scalar::F64(position), Scalar::F64(velocity));
        self.observe(observation);
        Ok(())
    }

    #[inline]
    fn step(&mut self, action: ContinuousAction<'_>, observation: &mut [f64]) -> Result<StepOutcome, EnvironmentError> {
        let Constants { power, gravity } = self.constants;
        let force = match action {
            ContinuousAction::F32(values) => Scalar::F32(values[0]),
            ContinuousAction::F64(values) => Scalar::F64(values[0]),
        };
        let slope = gravity * self.position.cos_of_triple();
        let push = match force.clip(-1.0, 1.0) {
            Scalar::F32(force) => Scalar::F32(force * power as f32 - slope as f32),
            Scalar::F64(force) => Scalar::F64(force * power - slope),
            Scalar::Python(force) => Scalar::Python(force * power - slope),
        };
        let mut velocity = self.velocity.plus(push).clip(-MAX_SPEED, MAX_SPEED);
        let position = self.position.plus(velocity).clip(MIN_POSITION, MAX_POSITION);
        if position.value() == position.sees(MIN_POSITION) && velocity.value() < 0.0 {
            velocity = Scalar::Python(0.0);
        }
        let terminated = position.at_least(GOAL_POSITION) && velocity.at_least(self.goal_velocity);
        let bonus = if terminated { 100.0 } else { 0.0 };
        let reward = bonus - squared(force.value()) * 0.1;
        self.position = Scalar::F32(position.value() as f32);
        self.velocity = Scalar::F32(velocity.value() as f32);
        self.observe(observation);
        Ok(StepOutcome { reward, terminated, truncated: false })
    }

    fn state(&self) -> Vec<f64> {
        vec![self.position.value(), self.velocity.value()]
    }

    fn render(&mut self) -> Result<Frame, EnvironmentError> {
        Ok(pictures::mountain_car(self.position.value(), [MIN_POSITION, MAX_POSITION], GOAL_POSITION))
    }

    parameters! { power: "m/step^2", gravity: "m/step^2" }
}
