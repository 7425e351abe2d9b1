use super::{Registration, Version, add_normal, add_uniform, spec, unbounded, write};
use crate::environment::{MujocoEnvironment, Task, engine_error};
use crate::model::ModelSource;
use crate::numpy::square;
use crate::simulation::{Diverged, Simulation};
use kanrl_core::action::ContinuousAction;
use kanrl_core::environment::{EnvironmentError, StepOutcome};
use kanrl_core::random::Generator;
use serde::Deserialize;

static MODEL: ModelSource =
    ModelSource::new("inverted_double_pendulum.xml", include_str!("../models/inverted_double_pendulum.xml"));

/// `InvertedDoublePendulum-v4`, `InvertedDoublePendulum-v5`: balance a pole on a pole on a cart.
///
/// # Actions
/// | index | name | meaning | range | unit |
/// |---|---|---|---|---|
/// | 0 | `force` | force on the cart | ±1, clamped | 500 N |
///
/// # Observations
/// | index | name | meaning | range | unit |
/// |---|---|---|---|---|
/// | 0 | `x` | position of the cart | any | m |
/// | 1 | `sin_theta_1` | sine of the lower pole's angle, which is 0 upright | ±1 | 1 |
/// | 2 | `sin_theta_2` | sine of the angle between the poles | ±1 | 1 |
/// | 3 | `cos_theta_1` | cosine of the lower pole's angle | ±1 | 1 |
/// | 4 | `cos_theta_2` | cosine of the angle between the poles | ±1 | 1 |
/// | 5 | `x_dot` | velocity of the cart | ±10 | m/s |
/// | 6 | `theta_1_dot` | angular velocity of the lower pole | ±10 | rad/s |
/// | 7 | `theta_2_dot` | angular velocity between the poles | ±10 | rad/s |
/// | 8 | `constraint_force` | force of the rail's ends on the cart | ±10 | N |
/// | 9, 10 | `constraint_torque_1`, `constraint_torque_2` | v4 only: constraint torques on the poles | ±10 | N m |
///
/// Velocities, forces and torques are clipped to their range.
///
/// # Rewards
/// `healthy_reward` (v5: not in the step that terminates) − 0.01 `x`² − (`y` − 2)² − 0.001 `theta_1_dot`² −
/// 0.005 `theta_2_dot`², with the upper pole's tip at (`x`, `y`).
///
/// # Start
/// Positions uniform within ±`reset_noise_scale`, velocities `reset_noise_scale` times a standard normal number.
///
/// # End
/// Terminated when the tip is at most 1 m high; truncated after 1000 steps of dt = 0.05 s (five time steps of 0.01 s).
///
/// # Arguments
/// | name | default | meaning |
/// |---|---|---|
/// | `frame_skip` | 5 | time steps in a step |
/// | `healthy_reward` | 10 | |
/// | `reset_noise_scale` | 0.1 | |
///
/// # Info
/// v5: `reward_survive`, `distance_penalty`, `velocity_penalty`.
///
/// # Versions
/// v5: no healthy reward for the last step; observations that are always 0 left out; arguments; info. v4: the mujoco
/// bindings.
#[derive(Clone, Debug)]
pub struct InvertedDoublePendulum {
    version: Version,
    config: InvertedDoublePendulumConfig,
}

/// Keyword arguments of [`InvertedDoublePendulum`].
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(missing_docs, reason = "the table at the robot says what each argument means")]
pub struct InvertedDoublePendulumConfig {
    pub frame_skip: u32,
    pub healthy_reward: f64,
    pub reset_noise_scale: f64,
}

impl Default for InvertedDoublePendulumConfig {
    fn default() -> Self {
        Self { frame_skip: 5, healthy_reward: 10.0, reset_noise_scale: 0.1 }
    }
}

impl InvertedDoublePendulum {
    /// The environment.
    ///
    /// # Errors
    /// [`EnvironmentError::Engine`] where MuJoCo is not there.
    pub fn make(
        version: Version,
        config: InvertedDoublePendulumConfig,
    ) -> Result<MujocoEnvironment<Self>, EnvironmentError> {
        let id = version.id("InvertedDoublePendulum");
        let simulation = Simulation::new(&MODEL, config.frame_skip).map_err(|reason| engine_error(&id, reason))?;
        let mut observation = vec![
            unbounded("x", "m", "position of the cart"),
            unbounded("sin_theta_1", "1", "sine of the lower pole's angle"),
            unbounded("sin_theta_2", "1", "sine of the angle between the poles"),
            unbounded("cos_theta_1", "1", "cosine of the lower pole's angle"),
            unbounded("cos_theta_2", "1", "cosine of the angle between the poles"),
            unbounded("x_dot", "m/s", "velocity of the cart"),
            unbounded("theta_1_dot", "rad/s", "angular velocity of the lower pole"),
            unbounded("theta_2_dot", "rad/s", "angular velocity between the poles"),
            unbounded("constraint_force", "N", "force of the rail's ends on the cart"),
        ];
        let info: &[&str] = match version {
            Version::V4 => {
                observation.push(unbounded("constraint_torque_1", "N m", "constraint torque on the lower pole"));
                observation.push(unbounded("constraint_torque_2", "N m", "constraint torque on the upper pole"));
                &[]
            }
            Version::V5 => &["reward_survive", "distance_penalty", "velocity_penalty"],
        };
        let spec = spec(
            id,
            Registration { max_episode_steps: 1000, reward_threshold: Some(9100.0) },
            simulation.dt(),
            observation,
            (1.0, vec![("force".to_owned(), "force on the cart in units of 500 N".to_owned())]),
            info,
        );
        Ok(MujocoEnvironment::new(spec, simulation, Self { version, config }))
    }
}

impl Task for InvertedDoublePendulum {
    fn disturb(&self, generator: &mut Generator, qpos: &mut [f64], qvel: &mut [f64]) {
        add_uniform(qpos, self.config.reset_noise_scale, generator);
        add_normal(qvel, self.config.reset_noise_scale, generator);
    }

    #[inline]
    fn observe(&self, simulation: &Simulation, observation: &mut [f64]) {
        let (x, angles) = (simulation.qpos()[0], &simulation.qpos()[1..]);
        let sines = angles.iter().map(|angle| angle.sin());
        let cosines = angles.iter().map(|angle| angle.cos());
        // As many constraint forces as the version observes.
        let clipped = simulation.qvel().iter().chain(simulation.data().qfrc_constraint());
        let clipped = clipped.map(|value| value.clamp(-10.0, 10.0));
        write(observation, std::iter::once(x).chain(sines).chain(cosines).chain(clipped));
    }

    #[inline]
    fn step(
        &self,
        simulation: &mut Simulation,
        action: ContinuousAction<'_>,
        info: &mut [f64],
    ) -> Result<StepOutcome, Diverged> {
        simulation.step(action)?;
        let [x, _, y] = simulation.data().site_xpos()[0];
        let terminated = y <= 1.0;
        let distance_penalty = 0.01 * square(x) + square(y - 2.0);
        let velocity_penalty = 0.001 * square(simulation.qvel()[1]) + 0.005 * square(simulation.qvel()[2]);
        let survive = match self.version {
            Version::V4 => self.config.healthy_reward,
            Version::V5 => self.config.healthy_reward * f64::from(!terminated),
        };
        write(info, [survive, -distance_penalty, -velocity_penalty]);
        Ok(StepOutcome { reward: survive - distance_penalty - velocity_penalty, terminated, truncated: false })
    }
}
