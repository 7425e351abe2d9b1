use super::{Registration, Version, add_uniform, spec, torques, unbounded, write};
use crate::environment::{MujocoEnvironment, Task, engine_error};
use crate::model::ModelSource;
use crate::numpy::{control_cost, norm};
use crate::simulation::{Diverged, Simulation};
use kanrl_core::action::ContinuousAction;
use kanrl_core::environment::{EnvironmentError, StepOutcome};
use kanrl_core::random::Generator;
use serde::Deserialize;

static MODEL: ModelSource = ModelSource::new("swimmer.xml", include_str!("../models/swimmer.xml"));

/// `Swimmer-v4`, `Swimmer-v5`: make three joined rods swim forward in a viscous fluid.
///
/// Rods of 1 m and two motors between them, in the horizontal plane. From R. Coulom, "Reinforcement Learning Using
/// Neural Networks, with Applications to Motor Control", 2002 (<https://theses.hal.science/tel-00003985>).
///
/// # Actions
/// In ±1; MuJoCo clamps what lies beyond, the control cost does not.
///
/// | index | name | meaning | unit |
/// |---|---|---|---|
/// | 0 | `torque_1` | torque at the first joint | 150 N m |
/// | 1 | `torque_2` | torque at the second joint | 150 N m |
///
/// # Observations
/// | index | name | meaning | range | unit |
/// |---|---|---|---|---|
/// | 0 | `theta` | angle of the front rod | any | rad |
/// | 1 | `theta_1` | angle of the first joint | any | rad |
/// | 2 | `theta_2` | angle of the second joint | any | rad |
/// | 3 | `x_dot` | velocity of the tip along x | any | m/s |
/// | 4 | `y_dot` | velocity of the tip along y | any | m/s |
/// | 5 | `theta_dot` | angular velocity of the front rod | any | rad/s |
/// | 6 | `theta_1_dot` | angular velocity of the first joint | any | rad/s |
/// | 7 | `theta_2_dot` | angular velocity of the second joint | any | rad/s |
///
/// With `exclude_current_positions_from_observation = false`, `x` and `y` come first.
///
/// # Rewards
/// `forward_reward_weight` × (change of x) / dt, minus `ctrl_cost_weight` × Σ action².
///
/// # Start
/// Stretched out along x, every position and velocity disturbed uniformly within ±`reset_noise_scale`.
///
/// # End
/// Never terminated; truncated after 1000 steps of dt = 0.04 s (four time steps of 0.01 s).
///
/// # Arguments
/// | name | default | meaning |
/// |---|---|---|
/// | `frame_skip` | 4 | time steps in a step |
/// | `forward_reward_weight` | 1 | |
/// | `ctrl_cost_weight` | 1e-4 | |
/// | `reset_noise_scale` | 0.1 | |
/// | `exclude_current_positions_from_observation` | `true` | |
///
/// # Info
/// v5: `x_position`, `y_position`, `distance_from_origin`, `x_velocity`, `y_velocity`, `reward_forward`,
/// `reward_ctrl`. v4: `reward_fwd`, `reward_ctrl`, the positions and velocities, and `forward_reward`.
///
/// # Versions
/// v5: info numbers renamed. v4: the mujoco bindings. v3: arguments; accepted here as another name of v4, which rewards
/// the same way on a newer MuJoCo.
#[derive(Clone, Debug)]
pub struct Swimmer {
    version: Version,
    config: SwimmerConfig,
}

/// Keyword arguments of [`Swimmer`].
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(missing_docs, reason = "the table at the robot says what each argument means")]
pub struct SwimmerConfig {
    pub frame_skip: u32,
    pub forward_reward_weight: f64,
    pub ctrl_cost_weight: f64,
    pub reset_noise_scale: f64,
    pub exclude_current_positions_from_observation: bool,
}

impl Default for SwimmerConfig {
    fn default() -> Self {
        Self {
            frame_skip: 4,
            forward_reward_weight: 1.0,
            ctrl_cost_weight: 1e-4,
            reset_noise_scale: 0.1,
            exclude_current_positions_from_observation: true,
        }
    }
}

impl Swimmer {
    /// The environment.
    ///
    /// # Errors
    /// [`EnvironmentError::Engine`] where MuJoCo is not there.
    pub fn make(version: Version, config: SwimmerConfig) -> Result<MujocoEnvironment<Self>, EnvironmentError> {
        let id = version.id("Swimmer");
        let simulation = Simulation::new(&MODEL, config.frame_skip).map_err(|reason| engine_error(&id, reason))?;
        let mut observation = vec![
            unbounded("x", "m", "position of the tip"),
            unbounded("y", "m", "position of the tip"),
            unbounded("theta", "rad", "angle of the front rod"),
            unbounded("theta_1", "rad", "angle of the first joint"),
            unbounded("theta_2", "rad", "angle of the second joint"),
            unbounded("x_dot", "m/s", "velocity of the tip along x"),
            unbounded("y_dot", "m/s", "velocity of the tip along y"),
            unbounded("theta_dot", "rad/s", "angular velocity of the front rod"),
            unbounded("theta_1_dot", "rad/s", "angular velocity of the first joint"),
            unbounded("theta_2_dot", "rad/s", "angular velocity of the second joint"),
        ];
        if config.exclude_current_positions_from_observation {
            observation.drain(..2);
        }
        let places = ["x_position", "y_position", "distance_from_origin", "x_velocity", "y_velocity"];
        let info = match version {
            Version::V4 => [&["reward_fwd", "reward_ctrl"][..], &places, &["forward_reward"]].concat(),
            Version::V5 => [&places[..], &["reward_forward", "reward_ctrl"]].concat(),
        };
        let spec = spec(
            id,
            Registration { max_episode_steps: 1000, reward_threshold: Some(360.0) },
            simulation.dt(),
            observation,
            (1.0, torques([("1", 150.0), ("2", 150.0)])),
            &info,
        );
        Ok(MujocoEnvironment::new(spec, simulation, Self { version, config }))
    }
}

impl Task for Swimmer {
    fn disturb(&self, generator: &mut Generator, qpos: &mut [f64], qvel: &mut [f64]) {
        add_uniform(qpos, self.config.reset_noise_scale, generator);
        add_uniform(qvel, self.config.reset_noise_scale, generator);
    }

    #[inline]
    fn observe(&self, simulation: &Simulation, observation: &mut [f64]) {
        let skipped = 2 * usize::from(self.config.exclude_current_positions_from_observation);
        write(observation, simulation.qpos()[skipped..].iter().chain(simulation.qvel()).copied());
    }

    #[inline]
    fn step(
        &self,
        simulation: &mut Simulation,
        action: ContinuousAction<'_>,
        info: &mut [f64],
    ) -> Result<StepOutcome, Diverged> {
        let before = [simulation.qpos()[0], simulation.qpos()[1]];
        simulation.step(action)?;
        let [x, y] = [simulation.qpos()[0], simulation.qpos()[1]];
        let (x_velocity, y_velocity) = ((x - before[0]) / simulation.dt(), (y - before[1]) / simulation.dt());
        let forward = self.config.forward_reward_weight * x_velocity;
        let cost = control_cost(self.config.ctrl_cost_weight, action);
        let distance = norm(&[x, y]);
        match self.version {
            Version::V4 => write(info, [forward, -cost, x, y, distance, x_velocity, y_velocity, forward]),
            Version::V5 => write(info, [x, y, distance, x_velocity, y_velocity, forward, -cost]),
        }
        Ok(StepOutcome { reward: forward - cost, terminated: false, truncated: false })
    }

    fn reset_info(&self, simulation: &Simulation, info: &mut [f64]) {
        if self.version == Version::V5 {
            let [x, y] = [simulation.qpos()[0], simulation.qpos()[1]];
            write(info, [x, y, norm(&[x, y])]);
        }
    }
}
