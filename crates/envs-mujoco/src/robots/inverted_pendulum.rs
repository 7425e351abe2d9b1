use super::{Registration, Version, add_uniform, spec, unbounded, write};
use crate::environment::{MujocoEnvironment, Task, engine_error};
use crate::model::ModelSource;
use crate::simulation::{Diverged, Simulation};
use kanrl_core::action::ContinuousAction;
use kanrl_core::environment::{EnvironmentError, StepOutcome};
use kanrl_core::random::Generator;
use serde::Deserialize;

static MODEL: ModelSource = ModelSource::new("inverted_pendulum.xml", include_str!("../models/inverted_pendulum.xml"));

/// `InvertedPendulum-v4`, `InvertedPendulum-v5`: balance a pole on a cart, with a continuous force.
///
/// The cart-pole of A. G. Barto, R. S. Sutton and C. W. Anderson, "Neuronlike adaptive elements that can solve difficult
/// learning control problems", 1983 (<https://doi.org/10.1109/TSMC.1983.6313077>), in MuJoCo.
///
/// # Actions
/// | index | name | meaning | range | unit |
/// |---|---|---|---|---|
/// | 0 | `force` | force on the cart | ±3, clamped | 100 N |
///
/// # Observations
/// | index | name | meaning | range | unit |
/// |---|---|---|---|---|
/// | 0 | `x` | position of the cart | any | m |
/// | 1 | `theta` | angle of the pole, 0 upright | any | rad |
/// | 2 | `x_dot` | velocity of the cart | any | m/s |
/// | 3 | `theta_dot` | angular velocity of the pole | any | rad/s |
///
/// # Rewards
/// 1 for every step; in v5 0 for the one that terminates.
///
/// # Start
/// Every position and velocity uniform within ±`reset_noise_scale`.
///
/// # End
/// Terminated when |`theta`| > 0.2 rad; truncated after 1000 steps of dt = 0.04 s (two time steps of 0.02 s).
///
/// # Arguments
/// | name | default | meaning |
/// |---|---|---|
/// | `frame_skip` | 2 | time steps in a step |
/// | `reset_noise_scale` | 0.01 | |
///
/// # Info
/// v5: `reward_survive`.
///
/// # Versions
/// v5: no reward for the last step; arguments; info. v4: the mujoco bindings.
#[derive(Clone, Debug)]
pub struct InvertedPendulum {
    version: Version,
    reset_noise_scale: f64,
}

/// Keyword arguments of [`InvertedPendulum`].
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(missing_docs, reason = "the table at the robot says what each argument means")]
pub struct InvertedPendulumConfig {
    pub frame_skip: u32,
    pub reset_noise_scale: f64,
}

impl Default for InvertedPendulumConfig {
    fn default() -> Self {
        Self { frame_skip: 2, reset_noise_scale: 0.01 }
    }
}

impl InvertedPendulum {
    /// The environment.
    ///
    /// # Errors
    /// [`EnvironmentError::Engine`] where MuJoCo is not there.
    pub fn make(version: Version, config: InvertedPendulumConfig) -> Result<MujocoEnvironment<Self>, EnvironmentError> {
        let id = version.id("InvertedPendulum");
        let simulation = Simulation::new(&MODEL, config.frame_skip).map_err(|reason| engine_error(&id, reason))?;
        let info: &[&str] = match version {
            Version::V4 => &[],
            Version::V5 => &["reward_survive"],
        };
        let spec = spec(
            id,
            Registration { max_episode_steps: 1000, reward_threshold: Some(950.0) },
            simulation.dt(),
            vec![
                unbounded("x", "m", "position of the cart"),
                unbounded("theta", "rad", "angle of the pole, 0 upright"),
                unbounded("x_dot", "m/s", "velocity of the cart"),
                unbounded("theta_dot", "rad/s", "angular velocity of the pole"),
            ],
            (3.0, vec![("force".to_owned(), "force on the cart in units of 100 N".to_owned())]),
            info,
        );
        Ok(MujocoEnvironment::new(spec, simulation, Self { version, reset_noise_scale: config.reset_noise_scale }))
    }
}

impl Task for InvertedPendulum {
    fn disturb(&self, generator: &mut Generator, qpos: &mut [f64], qvel: &mut [f64]) {
        add_uniform(qpos, self.reset_noise_scale, generator);
        add_uniform(qvel, self.reset_noise_scale, generator);
    }

    #[inline]
    fn observe(&self, simulation: &Simulation, observation: &mut [f64]) {
        write(observation, simulation.qpos().iter().chain(simulation.qvel()).copied());
    }

    #[inline]
    fn step(
        &self,
        simulation: &mut Simulation,
        action: ContinuousAction<'_>,
        info: &mut [f64],
    ) -> Result<StepOutcome, Diverged> {
        simulation.step(action)?;
        let terminated = simulation.qpos()[1].abs() > 0.2;
        let reward = match self.version {
            Version::V4 => 1.0,
            Version::V5 => f64::from(!terminated),
        };
        write(info, [reward]);
        Ok(StepOutcome { reward, terminated, truncated: false })
    }
}
