use crate::pictures;
use crate::spec::{coordinate, observed, parameters};
use kanrl_core::environment::{Discrete, Environment, EnvironmentError, EnvironmentSpec, Frame, StepOutcome};
use kanrl_core::random::Generator;
use kanrl_core::space::{ActionSpace, BoxSpace, DiscreteSpace, ElementType};
use serde::Deserialize;
use std::sync::{Arc, LazyLock};

/// `CartPole-v1`: balance a pole on a cart.
///
/// A pole hangs upright on an unactuated joint of a cart, which moves on a frictionless track. From A. G. Barto,
/// R. S. Sutton and C. W. Anderson, "Neuronlike adaptive elements that can solve difficult learning control problems",
/// 1983 (<https://doi.org/10.1109/TSMC.1983.6313077>).
///
/// # Actions
/// | action | effect |
/// |---|---|
/// | 0 | push the cart to the left with 10 N |
/// | 1 | push the cart to the right with 10 N |
///
/// # Observations
/// | index | name | meaning | range | unit |
/// |---|---|---|---|---|
/// | 0 | `x` | position of the cart | ±4.8 | m |
/// | 1 | `x_dot` | velocity of the cart | any | m/s |
/// | 2 | `theta` | angle of the pole, 0 upright, positive to the right | ±0.419 (24°) | rad |
/// | 3 | `theta_dot` | angular velocity of the pole | any | rad/s |
///
/// The ranges are twice the limits at which the episode ends.
///
/// # Rewards
/// 1 for every step, the last one included. With `sutton_barto_reward`: 0, and −1 for the step that ends it.
///
/// # Start
/// All four numbers uniform in ±0.05.
///
/// # End
/// Terminated when |`x`| > 2.4 m or |`theta`| > 12°; truncated after 500 steps.
///
/// # Arguments
/// | name | default | meaning |
/// |---|---|---|
/// | `sutton_barto_reward` | `false` | the rewards of Sutton and Barto's code |
/// | `start` | none | the state that every episode starts in, instead of a random one |
///
/// # Parameters
/// `gravity` (m/s²), `masscart`, `masspole` (kg), `length` (m, half the pole's), `force_mag` (N), `tau` (s, the time
/// step). Derived quantities follow. Integrated by Euler's method, positions with the old velocities.
///
/// # Versions
/// v1: 500 steps instead of 200 and reward threshold 475 instead of 195. v0: first version (not offered here).
#[derive(Clone, Debug)]
pub struct CartPole {
    spec: Arc<EnvironmentSpec>,
    sutton_barto_reward: bool,
    start: Option<[f64; 4]>,
    pub(crate) constants: Constants,
    state: [f64; 4],
    fallen: bool,
    generator: Generator,
}

/// Keyword arguments of [`CartPole`].
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CartPoleConfig {
    /// Reward 0 and, at the end, −1, instead of 1.
    pub sutton_barto_reward: bool,
    /// The state that every episode starts in, instead of a random one.
    pub start: Option<[f64; 4]>,
}

#[derive(Clone, Debug)]
pub(crate) struct Constants {
    pub(crate) gravity: f64,
    pub(crate) masscart: f64,
    pub(crate) masspole: f64,
    pub(crate) length: f64,
    pub(crate) force_mag: f64,
    pub(crate) tau: f64,
}

pub(crate) const X_LIMIT: f64 = 2.4;
pub(crate) const THETA_LIMIT: f64 = 12.0 * 2.0 * std::f64::consts::PI / 360.0;

static SPEC: LazyLock<Arc<EnvironmentSpec>> = LazyLock::new(|| {
    let any = f64::INFINITY;
    let observations = vec![
        coordinate("x", "m", -2.0 * X_LIMIT, 2.0 * X_LIMIT, "position of the cart"),
        coordinate("x_dot", "m/s", -any, any, "velocity of the cart"),
        coordinate("theta", "rad", -2.0 * THETA_LIMIT, 2.0 * THETA_LIMIT, "angle of the pole, 0 upright"),
        coordinate("theta_dot", "rad/s", -any, any, "angular velocity of the pole"),
    ];
    Arc::new(EnvironmentSpec {
        id: "CartPole-v1".to_owned(),
        observation_space: BoxSpace::new(ElementType::F32, observations),
        action_space: ActionSpace::Discrete(DiscreteSpace::new(["push left", "push right"])),
        max_episode_steps: Some(500),
        reward_threshold: Some(475.0),
        frames_per_second: 50,
        info_names: Vec::new(),
    })
});

impl CartPole {
    /// An environment that has not been reset yet.
    pub fn new(config: CartPoleConfig) -> Self {
        let constants =
            Constants { gravity: 9.8, masscart: 1.0, masspole: 0.1, length: 0.5, force_mag: 10.0, tau: 0.02 };
        Self {
            spec: SPEC.clone(),
            sutton_barto_reward: config.sutton_barto_reward,
            start: config.start,
            constants,
            state: [0.0; 4],
            fallen: false,
            generator: Generator::new(0),
        }
    }

    #[inline]
    fn observe(&self, observation: &mut [f64]) {
        for (target, value) in observation.iter_mut().zip(self.state) {
            *target = observed(value);
        }
    }
}

impl Environment for CartPole {
    type Action = Discrete;

    #[inline]
    fn spec(&self) -> &EnvironmentSpec {
        &self.spec
    }

    fn reset(&mut self, seed: Option<u64>, observation: &mut [f64]) -> Result<(), EnvironmentError> {
        if let Some(seed) = seed {
            self.generator = Generator::new(seed);
        }
        self.state = self.start.unwrap_or_else(|| [(); 4].map(|()| self.generator.uniform(-0.05, 0.05)));
        self.fallen = false;
        self.observe(observation);
        Ok(())
    }

    #[inline]
    fn step(&mut self, action: usize, observation: &mut [f64]) -> Result<StepOutcome, EnvironmentError> {
        let Constants { gravity, masscart, masspole, length, force_mag, tau } = self.constants;
        let total_mass = masspole + masscart;
        let polemass_length = masspole * length;
        let [x, x_dot, theta, theta_dot] = self.state;

        let force = if action == 1 { force_mag } else { -force_mag };
        let (sin, cos) = theta.sin_cos();
        let temp = (force + polemass_length * (theta_dot * theta_dot) * sin) / total_mass;
        let theta_acceleration =
            (gravity * sin - cos * temp) / (length * (4.0 / 3.0 - masspole * (cos * cos) / total_mass));
        let x_acceleration = temp - polemass_length * theta_acceleration * cos / total_mass;

        let x = x + tau * x_dot;
        let theta = theta + tau * theta_dot;
        self.state = [x, x_dot + tau * x_acceleration, theta, theta_dot + tau * theta_acceleration];
        self.observe(observation);

        let terminated = !(-X_LIMIT..=X_LIMIT).contains(&x) || !(-THETA_LIMIT..=THETA_LIMIT).contains(&theta);
        let reward = match (self.sutton_barto_reward, terminated) {
            (false, false) => 1.0,
            // Once it has fallen, further steps are worth nothing.
            (false, true) => f64::from(u8::from(!self.fallen)),
            (true, false) => 0.0,
            (true, true) => -1.0,
        };
        self.fallen |= terminated;
        Ok(StepOutcome { reward, terminated, truncated: false })
    }

    fn state(&self) -> Vec<f64> {
        self.state.to_vec()
    }

    fn render(&mut self) -> Result<Frame, EnvironmentError> {
        Ok(pictures::cart_pole(self.state[0], self.state[2], 2.0 * self.constants.length, 2.0 * X_LIMIT))
    }

    parameters! {
        gravity: "m/s^2", masscart: "kg", masspole: "kg", length: "m", force_mag: "N", tau: "s",
    }
}
