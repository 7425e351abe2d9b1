use super::{Registration, Version, add_normal, add_uniform, planar_coordinates, spec, torques, write};
use crate::environment::{MujocoEnvironment, Task, engine_error};
use crate::model::ModelSource;
use crate::numpy::control_cost;
use crate::simulation::{Diverged, Simulation};
use kanrl_core::action::ContinuousAction;
use kanrl_core::environment::{EnvironmentError, StepOutcome};
use kanrl_core::random::Generator;
use serde::Deserialize;

static MODEL: ModelSource = ModelSource::new("half_cheetah.xml", include_str!("../models/half_cheetah.xml"));
const JOINTS: [(&str, &str); 6] = [
    ("back_thigh", "back thigh joint"),
    ("back_shin", "back shin joint"),
    ("back_foot", "back foot joint"),
    ("front_thigh", "front thigh joint"),
    ("front_shin", "front shin joint"),
    ("front_foot", "front foot joint"),
];
const GEARS: [f64; 6] = [120.0, 90.0, 60.0, 120.0, 60.0, 30.0];

/// `HalfCheetah-v4`, `HalfCheetah-v5`: make a two-legged cheetah run forward.
///
/// A torso with a back and a front leg of three springy joints each, in the vertical plane. From P. Wawrzyński,
/// "A Cat-Like Robot Real-Time Learning to Run", 2009 (<https://doi.org/10.1007/978-3-642-04921-7_39>).
///
/// # Actions
/// In ±1; MuJoCo clamps what lies beyond, the control cost does not.
///
/// | index | name | meaning | unit |
/// |---|---|---|---|
/// | 0 | `torque_back_thigh` | torque at the back thigh joint | 120 N m |
/// | 1 | `torque_back_shin` | torque at the back shin joint | 90 N m |
/// | 2 | `torque_back_foot` | torque at the back foot joint | 60 N m |
/// | 3 | `torque_front_thigh` | torque at the front thigh joint | 120 N m |
/// | 4 | `torque_front_shin` | torque at the front shin joint | 60 N m |
/// | 5 | `torque_front_foot` | torque at the front foot joint | 30 N m |
///
/// # Observations
/// | index | name | meaning | range | unit |
/// |---|---|---|---|---|
/// | 0 | `z` | height of the torso over where it rests | any | m |
/// | 1 | `theta_torso` | angle of the torso | any | rad |
/// | 2 | `theta_back_thigh` | angle of the back thigh joint | any | rad |
/// | 3 | `theta_back_shin` | angle of the back shin joint | any | rad |
/// | 4 | `theta_back_foot` | angle of the back foot joint | any | rad |
/// | 5 | `theta_front_thigh` | angle of the front thigh joint | any | rad |
/// | 6 | `theta_front_shin` | angle of the front shin joint | any | rad |
/// | 7 | `theta_front_foot` | angle of the front foot joint | any | rad |
/// | 8 | `x_dot` | velocity of the torso along x | any | m/s |
/// | 9 | `z_dot` | velocity of the torso upwards | any | m/s |
/// | 10 | `theta_torso_dot` | angular velocity of the torso | any | rad/s |
/// | 11 to 16 | `theta_back_thigh_dot` to `theta_front_foot_dot` | angular velocities of the joints, in the order of the angles | any | rad/s |
///
/// With `exclude_current_positions_from_observation = false`, `x` comes first.
///
/// # Rewards
/// `forward_reward_weight` × (change of x) / dt, minus `ctrl_cost_weight` × Σ action².
///
/// # Start
/// At rest; positions disturbed uniformly within ±`reset_noise_scale`, velocities by `reset_noise_scale` times a
/// standard normal number.
///
/// # End
/// Never terminated; truncated after 1000 steps of dt = 0.05 s (five time steps of 0.01 s).
///
/// # Arguments
/// | name | default | meaning |
/// |---|---|---|
/// | `frame_skip` | 5 | time steps in a step |
/// | `forward_reward_weight` | 1 | |
/// | `ctrl_cost_weight` | 0.1 | |
/// | `reset_noise_scale` | 0.1 | |
/// | `exclude_current_positions_from_observation` | `true` | |
///
/// # Info
/// `x_position`, `x_velocity`, `reward_forward` (v4: `reward_run`), `reward_ctrl`.
///
/// # Versions
/// v5: an info number renamed. v4: the mujoco bindings. v3: arguments; accepted here as another name of v4, which
/// rewards the same way on a newer MuJoCo.
#[derive(Clone, Debug)]
pub struct HalfCheetah {
    version: Version,
    config: HalfCheetahConfig,
}

/// Keyword arguments of [`HalfCheetah`].
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(missing_docs, reason = "the table at the robot says what each argument means")]
pub struct HalfCheetahConfig {
    pub frame_skip: u32,
    pub forward_reward_weight: f64,
    pub ctrl_cost_weight: f64,
    pub reset_noise_scale: f64,
    pub exclude_current_positions_from_observation: bool,
}

impl Default for HalfCheetahConfig {
    fn default() -> Self {
        Self {
            frame_skip: 5,
            forward_reward_weight: 1.0,
            ctrl_cost_weight: 0.1,
            reset_noise_scale: 0.1,
            exclude_current_positions_from_observation: true,
        }
    }
}

impl HalfCheetah {
    /// The environment.
    ///
    /// # Errors
    /// [`EnvironmentError::Engine`] where MuJoCo is not there.
    pub fn make(version: Version, config: HalfCheetahConfig) -> Result<MujocoEnvironment<Self>, EnvironmentError> {
        let id = version.id("HalfCheetah");
        let simulation = Simulation::new(&MODEL, config.frame_skip).map_err(|reason| engine_error(&id, reason))?;
        let forward = match version {
            Version::V4 => "reward_run",
            Version::V5 => "reward_forward",
        };
        let spec = spec(
            id,
            Registration { max_episode_steps: 1000, reward_threshold: Some(4800.0) },
            simulation.dt(),
            planar_coordinates(&JOINTS, config.exclude_current_positions_from_observation),
            (1.0, torques(JOINTS.iter().zip(GEARS).map(|((joint, _), gear)| (*joint, gear)))),
            &["x_position", "x_velocity", forward, "reward_ctrl"],
        );
        Ok(MujocoEnvironment::new(spec, simulation, Self { version, config }))
    }
}

impl Task for HalfCheetah {
    fn disturb(&self, generator: &mut Generator, qpos: &mut [f64], qvel: &mut [f64]) {
        add_uniform(qpos, self.config.reset_noise_scale, generator);
        add_normal(qvel, self.config.reset_noise_scale, generator);
    }

    #[inline]
    fn observe(&self, simulation: &Simulation, observation: &mut [f64]) {
        let skipped = usize::from(self.config.exclude_current_positions_from_observation);
        write(observation, simulation.qpos()[skipped..].iter().chain(simulation.qvel()).copied());
    }

    #[inline]
    fn step(
        &self,
        simulation: &mut Simulation,
        action: ContinuousAction<'_>,
        info: &mut [f64],
    ) -> Result<StepOutcome, Diverged> {
        let before = simulation.qpos()[0];
        simulation.step(action)?;
        let x = simulation.qpos()[0];
        let x_velocity = (x - before) / simulation.dt();
        let forward = self.config.forward_reward_weight * x_velocity;
        let cost = control_cost(self.config.ctrl_cost_weight, action);
        write(info, [x, x_velocity, forward, -cost]);
        Ok(StepOutcome { reward: forward - cost, terminated: false, truncated: false })
    }

    fn reset_info(&self, simulation: &Simulation, info: &mut [f64]) {
        if self.version == Version::V5 {
            write(info, [simulation.qpos()[0]]);
        }
    }
}
