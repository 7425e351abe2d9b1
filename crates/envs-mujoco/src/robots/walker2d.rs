use super::walk::Walk;
use super::{Interval, Version};
use crate::environment::{MujocoEnvironment, Task};
use crate::model::ModelSource;
use crate::parameters;
use crate::simulation::{Diverged, Simulation};
use kanrl_core::action::ContinuousAction;
use kanrl_core::environment::{EnvironmentError, StepOutcome};
use kanrl_core::random::Generator;
use serde::Deserialize;

static MODEL: ModelSource = ModelSource::new("walker2d.xml", include_str!("../models/walker2d.xml"));
const JOINTS: [(&str, &str); 6] = [
    ("thigh", "thigh joint"),
    ("leg", "knee"),
    ("foot", "ankle"),
    ("left_thigh", "left thigh joint"),
    ("left_leg", "left knee"),
    ("left_foot", "left ankle"),
];

/// `Walker2d-v4`, `Walker2d-v5`: make a two-legged robot walk forward.
///
/// The hopper's torso on two legs of three motors each, in the vertical plane. From the same authors as
/// [`Hopper`](super::Hopper).
///
/// # Actions
/// In ±1; MuJoCo clamps what lies beyond, the control cost does not.
///
/// | index | name | meaning | unit |
/// |---|---|---|---|
/// | 0 | `torque_thigh` | torque between torso and thigh | 100 N m |
/// | 1 | `torque_leg` | torque at the knee | 100 N m |
/// | 2 | `torque_foot` | torque at the ankle | 100 N m |
/// | 3 | `torque_left_thigh` | torque between torso and left thigh | 100 N m |
/// | 4 | `torque_left_leg` | torque at the left knee | 100 N m |
/// | 5 | `torque_left_foot` | torque at the left ankle | 100 N m |
///
/// # Observations
/// | index | name | meaning | range | unit |
/// |---|---|---|---|---|
/// | 0 | `z` | height of the torso | any | m |
/// | 1 | `theta_torso` | angle of the torso | any | rad |
/// | 2 | `theta_thigh` | angle of the thigh joint | any | rad |
/// | 3 | `theta_leg` | angle of the knee | any | rad |
/// | 4 | `theta_foot` | angle of the ankle | any | rad |
/// | 5 | `theta_left_thigh` | angle of the left thigh joint | any | rad |
/// | 6 | `theta_left_leg` | angle of the left knee | any | rad |
/// | 7 | `theta_left_foot` | angle of the left ankle | any | rad |
/// | 8 | `x_dot` | velocity of the torso along x | ±10 | m/s |
/// | 9 | `z_dot` | velocity of the torso upwards | ±10 | m/s |
/// | 10 | `theta_torso_dot` | angular velocity of the torso | ±10 | rad/s |
/// | 11 to 16 | `theta_thigh_dot` to `theta_left_foot_dot` | angular velocities of the joints, in the order of the angles | ±10 | rad/s |
///
/// Velocities are clipped to their range. With `exclude_current_positions_from_observation = false`, `x` comes first.
///
/// # Rewards
/// `forward_reward_weight` × (change of x) / dt, plus `healthy_reward`, minus `ctrl_cost_weight` × Σ action².
///
/// # Start
/// Upright at 1.25 m, every position and velocity disturbed uniformly within ±`reset_noise_scale`.
///
/// # End
/// Terminated when the robot is not healthy: `z` or `theta_torso` leaves its range. Truncated after 1000 steps of
/// dt = 0.008 s (four time steps of 0.002 s).
///
/// # Arguments
/// | name | default | meaning |
/// |---|---|---|
/// | `frame_skip` | 4 | time steps in a step |
/// | `forward_reward_weight` | 1 | |
/// | `ctrl_cost_weight` | 1e-3 | |
/// | `healthy_reward` | 1 | |
/// | `terminate_when_unhealthy` | `true` | |
/// | `healthy_z_range` | `[0.8, 2]` | m |
/// | `healthy_angle_range` | `[-1, 1]` | rad |
/// | `reset_noise_scale` | 5e-3 | |
/// | `exclude_current_positions_from_observation` | `true` | |
///
/// # Info
/// v5: `x_position`, `z_distance_from_origin`, `x_velocity`, `reward_forward`, `reward_ctrl`, `reward_survive`.
/// v4: `x_position`, `x_velocity`.
///
/// # Versions
/// v5: both feet have friction 1.9 (v4: the right one 0.9); the healthy reward is paid only while healthy (v4 pays it
/// in the last step too); more info. v4: the mujoco bindings. v3: arguments; accepted here as another name of v4,
/// which rewards the same way on a newer MuJoCo.
#[derive(Clone, Debug)]
pub struct Walker2d {
    walk: Walk,
    config: Walker2dConfig,
}

/// Keyword arguments of [`Walker2d`].
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(missing_docs, reason = "the table at the robot says what each argument means")]
pub struct Walker2dConfig {
    pub frame_skip: u32,
    pub forward_reward_weight: f64,
    pub ctrl_cost_weight: f64,
    pub healthy_reward: f64,
    pub terminate_when_unhealthy: bool,
    pub healthy_z_range: Interval,
    pub healthy_angle_range: Interval,
    pub reset_noise_scale: f64,
    pub exclude_current_positions_from_observation: bool,
}

impl Default for Walker2dConfig {
    fn default() -> Self {
        Self {
            frame_skip: 4,
            forward_reward_weight: 1.0,
            ctrl_cost_weight: 1e-3,
            healthy_reward: 1.0,
            terminate_when_unhealthy: true,
            healthy_z_range: Interval::new(0.8, 2.0),
            healthy_angle_range: Interval::new(-1.0, 1.0),
            reset_noise_scale: 5e-3,
            exclude_current_positions_from_observation: true,
        }
    }
}

impl Walker2d {
    /// The environment.
    ///
    /// # Errors
    /// [`EnvironmentError::Engine`] where MuJoCo is not there.
    pub fn make(version: Version, config: Walker2dConfig) -> Result<MujocoEnvironment<Self>, EnvironmentError> {
        let walk = Walk {
            version,
            frame_skip: config.frame_skip,
            forward_reward_weight: config.forward_reward_weight,
            ctrl_cost_weight: config.ctrl_cost_weight,
            healthy_reward: config.healthy_reward,
            terminate_when_unhealthy: config.terminate_when_unhealthy,
            reset_noise_scale: config.reset_noise_scale,
            without_x: config.exclude_current_positions_from_observation,
        };
        let (spec, mut simulation) = walk.prepare("Walker2d", None, &MODEL, &JOINTS, 100.0)?;
        if version == Version::V4 {
            // The right foot is slippery there.
            parameters::set(&mut simulation, &spec.id, "friction_foot_geom", 0.9)?;
        }
        Ok(MujocoEnvironment::new(spec, simulation, Self { walk, config }))
    }

    fn is_healthy(&self, simulation: &Simulation) -> bool {
        let qpos = simulation.qpos();
        self.config.healthy_z_range.contains(qpos[1]) && self.config.healthy_angle_range.contains(qpos[2])
    }
}

impl Task for Walker2d {
    fn disturb(&self, generator: &mut Generator, qpos: &mut [f64], qvel: &mut [f64]) {
        self.walk.disturb(generator, qpos, qvel);
    }

    #[inline]
    fn observe(&self, simulation: &Simulation, observation: &mut [f64]) {
        self.walk.observe(simulation, observation);
    }

    #[inline]
    fn step(
        &self,
        simulation: &mut Simulation,
        action: ContinuousAction<'_>,
        info: &mut [f64],
    ) -> Result<StepOutcome, Diverged> {
        self.walk.step(simulation, action, info, |simulation| self.is_healthy(simulation))
    }

    fn reset_info(&self, simulation: &Simulation, info: &mut [f64]) {
        self.walk.reset_info(simulation, info);
    }
}
