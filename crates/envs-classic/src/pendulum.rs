use crate::numpy::{remainder, squared, squared_f32};
use crate::pictures;
use crate::spec::{coordinate, observed, parameters};
use kanrl_core::action::ContinuousAction;
use kanrl_core::environment::{Continuous, Environment, EnvironmentError, EnvironmentSpec, Frame, StepOutcome};
use kanrl_core::random::Generator;
use kanrl_core::space::{ActionSpace, BoxSpace, ElementType};
use serde::Deserialize;
use std::f64::consts::PI;
use std::sync::{Arc, LazyLock};

/// `Pendulum-v1`: swing a pendulum up and hold it there with too weak a motor.
///
/// # Actions
/// | index | name | meaning | range | unit |
/// |---|---|---|---|---|
/// | 0 | `torque` | torque at the joint, positive counter-clockwise | ±2 | N m |
///
/// # Observations
/// | index | name | meaning | range | unit |
/// |---|---|---|---|---|
/// | 0 | `cos_theta` | cosine of the angle, 1 upright: height of the free end | ±1 | 1 |
/// | 1 | `sin_theta` | sine of the angle | ±1 | 1 |
/// | 2 | `theta_dot` | angular velocity | ±8 | rad/s |
///
/// # Rewards
/// −(θ² + 0.1 θ̇² + 0.001 torque²) with θ in ±π, of the state before the step and the torque after clipping: between
/// −16.27 and 0.
///
/// # Start
/// θ uniform in ±π, θ̇ uniform in ±1 rad/s.
///
/// # End
/// Never terminated; truncated after 200 steps.
///
/// # Arguments
/// | name | default | meaning |
/// |---|---|---|
/// | `g` | 10.0 | acceleration of gravity, m/s² |
/// | `start` | none | the state that every episode starts in, instead of a random one |
///
/// # Parameters
/// `g` (m/s²), `m` (kg), `l` (m), `dt` (s, 0.05). Integrated by the semi-implicit Euler method.
///
/// # Precision
/// The state is float64; torque and its cost are computed in the action's own type, as NumPy 2 does.
///
/// # Versions
/// v1: simpler equations, the same behavior. v0: first version (not offered here).
#[derive(Clone, Debug)]
pub struct Pendulum {
    spec: Arc<EnvironmentSpec>,
    pub(crate) constants: Constants,
    start: Option<[f64; 2]>,
    theta: f64,
    theta_dot: f64,
    last_torque: Option<f64>,
    generator: Generator,
}

/// Keyword arguments of [`Pendulum`].
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PendulumConfig {
    /// Acceleration of gravity, m/s².
    pub g: f64,
    /// The state that every episode starts in, instead of a random one.
    pub start: Option<[f64; 2]>,
}

impl Default for PendulumConfig {
    fn default() -> Self {
        Self { g: 10.0, start: None }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Constants {
    pub(crate) g: f64,
    pub(crate) m: f64,
    pub(crate) l: f64,
    pub(crate) dt: f64,
}

pub(crate) const MAX_SPEED: f64 = 8.0;
const MAX_TORQUE: f64 = 2.0;

static SPEC: LazyLock<Arc<EnvironmentSpec>> = LazyLock::new(|| {
    let observations = vec![
        coordinate("cos_theta", "1", -1.0, 1.0, "cosine of the angle, 1 upright"),
        coordinate("sin_theta", "1", -1.0, 1.0, "sine of the angle"),
        coordinate("theta_dot", "rad/s", -MAX_SPEED, MAX_SPEED, "angular velocity"),
    ];
    let torque = coordinate("torque", "N m", -MAX_TORQUE, MAX_TORQUE, "torque at the joint, counter-clockwise");
    Arc::new(EnvironmentSpec {
        id: "Pendulum-v1".to_owned(),
        observation_space: BoxSpace::new(ElementType::F32, observations),
        action_space: ActionSpace::Box(BoxSpace::new(ElementType::F32, vec![torque])),
        max_episode_steps: Some(200),
        reward_threshold: None,
        frames_per_second: 30,
        info_names: Vec::new(),
    })
});

impl Pendulum {
    /// An environment that has not been reset yet.
    pub fn new(config: PendulumConfig) -> Self {
        Self {
            spec: SPEC.clone(),
            constants: Constants { g: config.g, m: 1.0, l: 1.0, dt: 0.05 },
            start: config.start,
            theta: PI,
            theta_dot: 0.0,
            last_torque: None,
            generator: Generator::new(0),
        }
    }

    #[inline]
    fn observe(&self, observation: &mut [f64]) {
        let (sin, cos) = self.theta.sin_cos();
        observation[0] = observed(cos);
        observation[1] = observed(sin);
        observation[2] = observed(self.theta_dot);
    }
}

impl Environment for Pendulum {
    type Action = Continuous;

    #[inline]
    fn spec(&self) -> &EnvironmentSpec {
        &self.spec
    }

    fn reset(&mut self, seed: Option<u64>, observation: &mut [f64]) -> Result<(), EnvironmentError> {
        if let Some(seed) = seed {
            self.generator = Generator::new(seed);
        }
        [self.theta, self.theta_dot] =
            self.start.unwrap_or_else(|| [self.generator.uniform(-PI, PI), self.generator.uniform(-1.0, 1.0)]);
        self.last_torque = None;
        self.observe(observation);
        Ok(())
    }

    #[inline]
    fn step(&mut self, action: ContinuousAction<'_>, observation: &mut [f64]) -> Result<StepOutcome, EnvironmentError> {
        let Constants { g, m, l, dt } = self.constants;
        let inverse_inertia = 3.0 / (m * squared(l));
        let (torque, acceleration, torque_cost) = match action {
            ContinuousAction::F32(values) => {
                let torque = values[0].clamp(-MAX_TORQUE as f32, MAX_TORQUE as f32);
                let cost = f64::from(0.001 * squared_f32(torque));
                (f64::from(torque), f64::from(inverse_inertia as f32 * torque), cost)
            }
            ContinuousAction::F64(values) => {
                let torque = values[0].clamp(-MAX_TORQUE, MAX_TORQUE);
                (torque, inverse_inertia * torque, 0.001 * squared(torque))
            }
        };
        let angle = remainder(self.theta + PI, 2.0 * PI) - PI;
        let cost = squared(angle) + 0.1 * squared(self.theta_dot) + torque_cost;

        let theta_dot = self.theta_dot + (3.0 * g / (2.0 * l) * self.theta.sin() + acceleration) * dt;
        self.theta_dot = theta_dot.clamp(-MAX_SPEED, MAX_SPEED);
        self.theta += self.theta_dot * dt;
        self.last_torque = Some(torque);
        self.observe(observation);
        Ok(StepOutcome { reward: -cost, terminated: false, truncated: false })
    }

    fn state(&self) -> Vec<f64> {
        vec![self.theta, self.theta_dot]
    }

    fn render(&mut self) -> Result<Frame, EnvironmentError> {
        Ok(pictures::pendulum(self.theta, self.last_torque))
    }

    parameters! { g: "m/s^2", m: "kg", l: "m", dt: "s" }
}
