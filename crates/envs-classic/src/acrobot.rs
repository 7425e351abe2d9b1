use crate::numpy::{cos_sin_f32, squared};
use crate::pictures;
use crate::spec::{coordinate, observed, parameters};
use kanrl_core::environment::{Discrete, Environment, EnvironmentError, EnvironmentSpec, Frame, StepOutcome};
use kanrl_core::random::Generator;
use kanrl_core::space::{ActionSpace, BoxSpace, DiscreteSpace, ElementType};
use serde::Deserialize;
use std::f64::consts::{FRAC_PI_2, PI};
use std::sync::{Arc, LazyLock};

/// `Acrobot-v1`: swing a two-link arm up with a motor at its elbow only.
///
/// From R. S. Sutton, "Generalization in reinforcement learning: successful examples using sparse coarse coding", 1996,
/// with the equations of R. S. Sutton and A. G. Barto's book (Gymnasium's default).
///
/// # Actions
/// | action | effect |
/// |---|---|
/// | 0 | a torque of −1 N m at the elbow |
/// | 1 | no torque |
/// | 2 | a torque of 1 N m at the elbow |
///
/// # Observations
/// | index | name | meaning | range | unit |
/// |---|---|---|---|---|
/// | 0 | `cos_theta1` | cosine of the first link's angle, 1 hanging down | ±1 | 1 |
/// | 1 | `sin_theta1` | sine of the first link's angle | ±1 | 1 |
/// | 2 | `cos_theta2` | cosine of the second link's angle relative to the first | ±1 | 1 |
/// | 3 | `sin_theta2` | sine of the second link's angle relative to the first | ±1 | 1 |
/// | 4 | `theta1_dot` | angular velocity of the first angle | ±4π | rad/s |
/// | 5 | `theta2_dot` | angular velocity of the second angle | ±9π | rad/s |
///
/// # Rewards
/// −1 for every step, 0 for the one that reaches the goal.
///
/// # Start
/// All four numbers of the state (two angles, two velocities) uniform in ±0.1.
///
/// # End
/// Terminated when the free end is more than one link above the joint, −cos θ₁ − cos(θ₁ + θ₂) > 1; truncated after 500
/// steps.
///
/// # Arguments
/// | name | default | meaning |
/// |---|---|---|
/// | `start` | none | the state that every episode starts in, instead of a random one |
///
/// # Parameters
/// `dt` (s, 0.2), `link_length_1`, `link_com_pos_1`, `link_com_pos_2` (m), `link_mass_1`, `link_mass_2` (kg),
/// `link_moi` (kg m²), `gravity` (m/s²), `torque_noise_max` (N m, 0: uniform noise on the torque). Integrated by one step
/// of the classical Runge-Kutta method.
///
/// # Precision
/// The state is float64, but float32 right after a reset.
///
/// # Versions
/// v1: cosines and sines instead of angles, 500 steps instead of 200. v0: first version (not offered here).
#[derive(Clone, Debug)]
pub struct Acrobot {
    spec: Arc<EnvironmentSpec>,
    start: Option<[f64; 4]>,
    pub(crate) constants: Constants,
    state: [f64; 4],
    /// Sine and cosine of the state's second angle, which the observation and the next step both need.
    elbow: (f64, f64),
    generator: Generator,
}

/// Keyword arguments of [`Acrobot`].
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AcrobotConfig {
    /// The state that every episode starts in, instead of a random one.
    pub start: Option<[f64; 4]>,
}

#[derive(Clone, Debug)]
pub(crate) struct Constants {
    pub(crate) dt: f64,
    pub(crate) link_length_1: f64,
    pub(crate) link_com_pos_1: f64,
    pub(crate) link_com_pos_2: f64,
    pub(crate) link_mass_1: f64,
    pub(crate) link_mass_2: f64,
    pub(crate) link_moi: f64,
    pub(crate) gravity: f64,
    pub(crate) torque_noise_max: f64,
}

pub(crate) const MAX_VELOCITY_1: f64 = 4.0 * PI;
pub(crate) const MAX_VELOCITY_2: f64 = 9.0 * PI;

static SPEC: LazyLock<Arc<EnvironmentSpec>> = LazyLock::new(|| {
    let one = |name, description| coordinate(name, "1", -1.0, 1.0, description);
    let velocity = |name, bound: f64, description| coordinate(name, "rad/s", -bound, bound, description);
    let observations = vec![
        one("cos_theta1", "cosine of the first link's angle, 1 hanging down"),
        one("sin_theta1", "sine of the first link's angle"),
        one("cos_theta2", "cosine of the second link's angle relative to the first"),
        one("sin_theta2", "sine of the second link's angle relative to the first"),
        velocity("theta1_dot", MAX_VELOCITY_1, "angular velocity of the first angle"),
        velocity("theta2_dot", MAX_VELOCITY_2, "angular velocity of the second angle"),
    ];
    Arc::new(EnvironmentSpec {
        id: "Acrobot-v1".to_owned(),
        observation_space: BoxSpace::new(ElementType::F32, observations),
        action_space: ActionSpace::Discrete(DiscreteSpace::new(["torque -1 N m", "no torque", "torque 1 N m"])),
        max_episode_steps: Some(500),
        reward_threshold: Some(-100.0),
        frames_per_second: 15,
        info_names: Vec::new(),
    })
});

impl Acrobot {
    /// An environment that has not been reset yet.
    pub fn new(config: AcrobotConfig) -> Self {
        let constants = Constants {
            dt: 0.2,
            link_length_1: 1.0,
            link_com_pos_1: 0.5,
            link_com_pos_2: 0.5,
            link_mass_1: 1.0,
            link_mass_2: 1.0,
            link_moi: 1.0,
            gravity: 9.8,
            torque_noise_max: 0.0,
        };
        Self {
            spec: SPEC.clone(),
            start: config.start,
            constants,
            state: [0.0; 4],
            elbow: (0.0, 1.0),
            generator: Generator::new(0),
        }
    }
}

impl Acrobot {
    /// Writes what is observed of the state; gives the first angle's cosine.
    #[inline]
    fn observe(&self, observation: &mut [f64]) -> f64 {
        let ((sin1, cos1), (sin2, cos2)) = (sin_cos(self.state[0]), self.elbow);
        for (target, value) in observation.iter_mut().zip([cos1, sin1, cos2, sin2, self.state[2], self.state[3]]) {
            *target = observed(value);
        }
        cos1
    }
}

impl Environment for Acrobot {
    type Action = Discrete;

    #[inline]
    fn spec(&self) -> &EnvironmentSpec {
        &self.spec
    }

    fn reset(&mut self, seed: Option<u64>, observation: &mut [f64]) -> Result<(), EnvironmentError> {
        if let Some(seed) = seed {
            self.generator = Generator::new(seed);
        }
        if let Some(start) = self.start {
            self.state = start;
            self.elbow = sin_cos(start[1]);
            self.observe(observation);
            return Ok(());
        }
        let start = [(); 4].map(|()| self.generator.uniform(-0.1, 0.1) as f32);
        self.state = start.map(f64::from);
        self.elbow = sin_cos(self.state[1]);
        let ((cos1, sin1), (cos2, sin2)) = (cos_sin_f32(start[0]), cos_sin_f32(start[1]));
        for (target, value) in observation.iter_mut().zip([cos1, sin1, cos2, sin2, start[2], start[3]]) {
            *target = f64::from(value);
        }
        Ok(())
    }

    #[inline]
    fn step(&mut self, action: usize, observation: &mut [f64]) -> Result<StepOutcome, EnvironmentError> {
        let mut torque = action as f64 - 1.0;
        let noise = self.constants.torque_noise_max;
        if noise > 0.0 {
            torque += self.generator.uniform(-noise, noise);
        }
        let [theta1, theta2, theta1_dot, theta2_dot] = self.constants.runge_kutta(self.state, self.elbow, torque);
        let (theta1, theta2) = (wrap(theta1), wrap(theta2));
        self.state = [
            theta1,
            theta2,
            theta1_dot.clamp(-MAX_VELOCITY_1, MAX_VELOCITY_1),
            theta2_dot.clamp(-MAX_VELOCITY_2, MAX_VELOCITY_2),
        ];
        self.elbow = sin_cos(theta2);
        let cos1 = self.observe(observation);
        let terminated = -cos1 - (theta2 + theta1).cos() > 1.0;
        let reward = if terminated { 0.0 } else { -1.0 };
        Ok(StepOutcome { reward, terminated, truncated: false })
    }

    fn state(&self) -> Vec<f64> {
        self.state.to_vec()
    }

    fn render(&mut self) -> Result<Frame, EnvironmentError> {
        Ok(pictures::acrobot(self.state[0], self.state[1]))
    }

    parameters! {
        dt: "s", link_length_1: "m", link_com_pos_1: "m", link_com_pos_2: "m", link_mass_1: "kg", link_mass_2: "kg",
        link_moi: "kg m^2", gravity: "m/s^2", torque_noise_max: "N m",
    }
}

impl Constants {
    /// One step of the classical fourth-order Runge-Kutta method; `elbow` is as in [`Acrobot`].
    fn runge_kutta(&self, state: [f64; 4], elbow: (f64, f64), torque: f64) -> [f64; 4] {
        let dt = self.dt;
        let half = dt / 2.0;
        let squares = [self.link_length_1, self.link_com_pos_1, self.link_com_pos_2].map(squared);
        let slope_ahead = |step: f64, slope: [f64; 4]| {
            let ahead: [f64; 4] = std::array::from_fn(|index| state[index] + step * slope[index]);
            self.derivatives(squares, ahead, sin_cos(ahead[1]), torque)
        };
        let k1 = self.derivatives(squares, state, elbow, torque);
        let k2 = slope_ahead(half, k1);
        let k3 = slope_ahead(half, k2);
        let k4 = slope_ahead(dt, k3);
        std::array::from_fn(|index| {
            state[index] + dt / 6.0 * (k1[index] + 2.0 * k2[index] + 2.0 * k3[index] + k4[index])
        })
    }

    /// The book's equations of motion, in Gymnasium's order of operations; `squares` are those of the three lengths.
    #[inline]
    fn derivatives(
        &self,
        squares: [f64; 3],
        [theta1, theta2, theta1_dot, theta2_dot]: [f64; 4],
        (sin2, cos2): (f64, f64),
        torque: f64,
    ) -> [f64; 4] {
        let (m1, m2, l1) = (self.link_mass_1, self.link_mass_2, self.link_length_1);
        let (lc1, lc2, moi, g) = (self.link_com_pos_1, self.link_com_pos_2, self.link_moi, self.gravity);
        let [l1_squared, lc1_squared, lc2_squared] = squares;
        let d1 = m1 * lc1_squared + m2 * (l1_squared + lc2_squared + 2.0 * l1 * lc2 * cos2) + moi + moi;
        let d2 = m2 * (lc2_squared + l1 * lc2 * cos2) + moi;
        let phi2 = m2 * lc2 * g * (theta1 + theta2 - FRAC_PI_2).cos();
        let phi1 = -m2 * l1 * lc2 * squared(theta2_dot) * sin2 - 2.0 * m2 * l1 * lc2 * theta2_dot * theta1_dot * sin2
            + (m1 * lc1 + m2 * l1) * g * (theta1 - FRAC_PI_2).cos()
            + phi2;
        let theta2_acceleration = (torque + d2 / d1 * phi1 - m2 * l1 * lc2 * squared(theta1_dot) * sin2 - phi2)
            / (m2 * lc2_squared + moi - squared(d2) / d1);
        let theta1_acceleration = -(d2 * theta2_acceleration + phi1) / d1;
        [theta1_dot, theta2_dot, theta1_acceleration, theta2_acceleration]
    }
}

/// Both from one reduction of the angle. Inlined, the two would drift apart, and the C library be called twice.
#[inline(never)]
fn sin_cos(angle: f64) -> (f64, f64) {
    angle.sin_cos()
}

/// An angle in ±π, by whole turns added or taken away one after the other.
#[inline]
fn wrap(mut angle: f64) -> f64 {
    if angle.abs() > 1e6 {
        // Beyond what the limits on velocity allow; the loops might not end.
        return angle % (2.0 * PI);
    }
    while angle > PI {
        angle -= 2.0 * PI;
    }
    while angle < -PI {
        angle += 2.0 * PI;
    }
    angle
}
