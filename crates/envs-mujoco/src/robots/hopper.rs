use super::walk::Walk;
use super::{Interval, Version};
use crate::environment::{MujocoEnvironment, Task};
use crate::model::ModelSource;
use crate::simulation::{Diverged, Simulation};
use kanrl_core::action::ContinuousAction;
use kanrl_core::environment::{EnvironmentError, StepOutcome};
use kanrl_core::random::Generator;
use serde::Deserialize;

static MODEL: ModelSource = ModelSource::new("hopper.xml", include_str!("../models/hopper.xml"));
const JOINTS: [(&str, &str); 3] = [("thigh", "thigh joint"), ("leg", "knee"), ("foot", "ankle")];

/// `Hopper-v4`, `Hopper-v5`: make a one-legged robot hop forward.
///
/// Four links (torso, thigh, leg, foot) on three motors, in the vertical plane. From T. Erez, Y. Tassa and E. Todorov,
/// "Infinite-Horizon Model Predictive Control for Periodic Tasks with Contacts", 2011
/// (<https://doi.org/10.15607/RSS.2011.VII.010>).
///
/// # Actions
/// In ±1; MuJoCo clamps what lies beyond, the control cost does not.
///
/// | index | name | meaning | unit |
/// |---|---|---|---|
/// | 0 | `torque_thigh` | torque between torso and thigh | 200 N m |
/// | 1 | `torque_leg` | torque at the knee | 200 N m |
/// | 2 | `torque_foot` | torque at the ankle | 200 N m |
///
/// # Observations
/// | index | name | meaning | range | unit |
/// |---|---|---|---|---|
/// | 0 | `z` | height of the torso | any | m |
/// | 1 | `theta_torso` | angle of the torso | any | rad |
/// | 2 | `theta_thigh` | angle of the thigh joint | any | rad |
/// | 3 | `theta_leg` | angle of the knee | any | rad |
/// | 4 | `theta_foot` | angle of the ankle | any | rad |
/// | 5 | `x_dot` | velocity of the torso along x | ±10 | m/s |
/// | 6 | `z_dot` | velocity of the torso upwards | ±10 | m/s |
/// | 7 | `theta_torso_dot` | angular velocity of the torso | ±10 | rad/s |
/// | 8 | `theta_thigh_dot` | angular velocity of the thigh joint | ±10 | rad/s |
/// | 9 | `theta_leg_dot` | angular velocity of the knee | ±10 | rad/s |
/// | 10 | `theta_foot_dot` | angular velocity of the ankle | ±10 | rad/s |
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
/// Terminated when the robot is not healthy: `z` or `theta_torso` leaves its range, or any other number of the state
/// (without x and z, velocities unclipped) leaves `healthy_state_range`. Truncated after 1000 steps of dt = 0.008 s
/// (four time steps of 0.002 s).
///
/// # Arguments
/// | name | default | meaning |
/// |---|---|---|
/// | `frame_skip` | 4 | time steps in a step |
/// | `forward_reward_weight` | 1 | |
/// | `ctrl_cost_weight` | 1e-3 | |
/// | `healthy_reward` | 1 | |
/// | `terminate_when_unhealthy` | `true` | |
/// | `healthy_state_range` | `[-100, 100]` | |
/// | `healthy_z_range` | `[0.7, "inf"]` | m |
/// | `healthy_angle_range` | `[-0.2, 0.2]` | rad |
/// | `reset_noise_scale` | 5e-3 | |
/// | `exclude_current_positions_from_observation` | `true` | |
///
/// # Info
/// v5: `x_position`, `z_distance_from_origin`, `x_velocity`, `reward_forward`, `reward_ctrl`, `reward_survive`.
/// v4: `x_position`, `x_velocity`.
///
/// # Versions
/// v5: the healthy reward is paid only while healthy (v4 pays it in the last step too); more info. v4: the mujoco
/// bindings. v3: arguments; accepted here as another name of v4, which rewards the same way on a newer MuJoCo.
#[derive(Clone, Debug)]
pub struct Hopper {
    walk: Walk,
    config: HopperConfig,
}

/// Keyword arguments of [`Hopper`].
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(missing_docs, reason = "the table at the robot says what each argument means")]
pub struct HopperConfig {
    pub frame_skip: u32,
    pub forward_reward_weight: f64,
    pub ctrl_cost_weight: f64,
    pub healthy_reward: f64,
    pub terminate_when_unhealthy: bool,
    pub healthy_state_range: Interval,
    pub healthy_z_range: Interval,
    pub healthy_angle_range: Interval,
    pub reset_noise_scale: f64,
    pub exclude_current_positions_from_observation: bool,
}

impl Default for HopperConfig {
    fn default() -> Self {
        Self {
            frame_skip: 4,
            forward_reward_weight: 1.0,
            ctrl_cost_weight: 1e-3,
            healthy_reward: 1.0,
            terminate_when_unhealthy: true,
            healthy_state_range: Interval::new(-100.0, 100.0),
            healthy_z_range: Interval::new(0.7, f64::INFINITY),
            healthy_angle_range: Interval::new(-0.2, 0.2),
            reset_noise_scale: 5e-3,
            exclude_current_positions_from_observation: true,
        }
    }
}

impl Hopper {
    /// The environment.
    ///
    /// # Errors
    /// [`EnvironmentError::Engine`] where MuJoCo is not there.
    pub fn make(version: Version, config: HopperConfig) -> Result<MujocoEnvironment<Self>, EnvironmentError> {
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
        let (spec, simulation) = walk.prepare("Hopper", Some(3800.0), &MODEL, &JOINTS, 200.0)?;
        Ok(MujocoEnvironment::new(spec, simulation, Self { walk, config }))
    }

    fn is_healthy(&self, simulation: &Simulation) -> bool {
        let (qpos, qvel) = (simulation.qpos(), simulation.qvel());
        self.config.healthy_z_range.contains(qpos[1])
            && self.config.healthy_angle_range.contains(qpos[2])
            && qpos[2..].iter().chain(qvel).all(|value| self.config.healthy_state_range.contains(*value))
    }
}

impl Task for Hopper {
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
