//! What Hopper and Walker2d share: walking upright in the vertical plane.

use super::{Registration, Version, add_uniform, planar_coordinates, spec, torques, write};
use crate::environment::engine_error;
use crate::model::ModelSource;
use crate::numpy::control_cost;
use crate::simulation::{Diverged, Simulation};
use kanrl_core::action::ContinuousAction;
use kanrl_core::environment::{EnvironmentError, EnvironmentSpec, StepOutcome};
use kanrl_core::random::Generator;

/// The task but for what counts as healthy.
#[derive(Clone, Debug)]
pub(super) struct Walk {
    pub version: Version,
    pub frame_skip: u32,
    pub forward_reward_weight: f64,
    pub ctrl_cost_weight: f64,
    pub healthy_reward: f64,
    pub terminate_when_unhealthy: bool,
    pub reset_noise_scale: f64,
    pub without_x: bool,
}

impl Walk {
    /// The robot and its spec. `joints` are pairs of name and description, `gear` their torque at control 1 in N m.
    pub fn prepare(
        &self,
        name: &str,
        reward_threshold: Option<f64>,
        model: &ModelSource,
        joints: &[(&str, &str)],
        gear: f64,
    ) -> Result<(EnvironmentSpec, Simulation), EnvironmentError> {
        let id = self.version.id(name);
        let simulation = Simulation::new(model, self.frame_skip).map_err(|reason| engine_error(&id, reason))?;
        let info: &[&str] = match self.version {
            Version::V4 => &["x_position", "x_velocity"],
            Version::V5 => &[
                "x_position",
                "z_distance_from_origin",
                "x_velocity",
                "reward_forward",
                "reward_ctrl",
                "reward_survive",
            ],
        };
        let spec = spec(
            id,
            Registration { max_episode_steps: 1000, reward_threshold },
            simulation.dt(),
            planar_coordinates(joints, self.without_x),
            (1.0, torques(joints.iter().map(|(joint, _)| (*joint, gear)))),
            info,
        );
        Ok((spec, simulation))
    }

    pub fn disturb(&self, generator: &mut Generator, qpos: &mut [f64], qvel: &mut [f64]) {
        add_uniform(qpos, self.reset_noise_scale, generator);
        add_uniform(qvel, self.reset_noise_scale, generator);
    }

    #[inline]
    pub fn observe(&self, simulation: &Simulation, observation: &mut [f64]) {
        let velocities = simulation.qvel().iter().map(|velocity| velocity.clamp(-10.0, 10.0));
        write(observation, simulation.qpos()[usize::from(self.without_x)..].iter().copied().chain(velocities));
    }

    #[inline]
    pub fn step(
        &self,
        simulation: &mut Simulation,
        action: ContinuousAction<'_>,
        info: &mut [f64],
        is_healthy: impl FnOnce(&Simulation) -> bool,
    ) -> Result<StepOutcome, Diverged> {
        let before = simulation.qpos()[0];
        simulation.step(action)?;
        let x = simulation.qpos()[0];
        let x_velocity = (x - before) / simulation.dt();
        let healthy = is_healthy(simulation);
        let survives = match self.version {
            Version::V4 => healthy || self.terminate_when_unhealthy,
            Version::V5 => healthy,
        };
        let forward = self.forward_reward_weight * x_velocity;
        let survive = f64::from(survives) * self.healthy_reward;
        let cost = control_cost(self.ctrl_cost_weight, action);
        match self.version {
            Version::V4 => write(info, [x, x_velocity]),
            Version::V5 => write(info, [x, height(simulation), x_velocity, forward, -cost, survive]),
        }
        let terminated = self.terminate_when_unhealthy && !healthy;
        Ok(StepOutcome { reward: forward + survive - cost, terminated, truncated: false })
    }

    pub fn reset_info(&self, simulation: &Simulation, info: &mut [f64]) {
        if self.version == Version::V5 {
            write(info, [simulation.qpos()[0], height(simulation)]);
        }
    }
}

/// Of the torso over where it starts.
fn height(simulation: &Simulation) -> f64 {
    simulation.qpos()[1] - simulation.initial_qpos()[1]
}
