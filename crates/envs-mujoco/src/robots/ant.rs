use super::{Interval, Registration, Version, add_normal, add_uniform, spec, torques, unbounded, write};
use crate::environment::{MujocoEnvironment, Task, engine_error};
use crate::model::ModelSource;
use crate::numpy::{control_cost, norm, sum};
use crate::simulation::{Diverged, Simulation};
use kanrl_core::action::ContinuousAction;
use kanrl_core::environment::{EnvironmentError, StepOutcome};
use kanrl_core::random::Generator;
use kanrl_core::space::Coordinate;
use serde::Deserialize;

static MODEL: ModelSource = ModelSource::new("ant.xml", include_str!("../models/ant.xml"));
const TORSO: usize = 1;
/// The model's bodies but for the world.
const BODIES: [&str; 13] = [
    "torso", "leg_1", "hip_1", "foot_1", "leg_2", "hip_2", "foot_2", "leg_3", "hip_3", "foot_3", "leg_4", "hip_4",
    "foot_4",
];

/// `Ant-v4`, `Ant-v5`: make a four-legged robot walk in the direction of x.
///
/// A torso and four legs (1 front left, 2 front right, 3 back left, 4 back right) of two motors each. From
/// J. Schulman, P. Moritz, S. Levine, M. Jordan and P. Abbeel, "High-Dimensional Continuous Control Using Generalized
/// Advantage Estimation", 2015 (<https://arxiv.org/abs/1506.02438>).
///
/// # Actions
/// In ±1; MuJoCo clamps what lies beyond, the control cost does not.
///
/// | index | name | meaning | unit |
/// |---|---|---|---|
/// | 0, 1 | `torque_hip_4`, `torque_ankle_4` | torques at the joints of leg 4 | 150 N m |
/// | 2, 3 | `torque_hip_1`, `torque_ankle_1` | torques at the joints of leg 1 | 150 N m |
/// | 4, 5 | `torque_hip_2`, `torque_ankle_2` | torques at the joints of leg 2 | 150 N m |
/// | 6, 7 | `torque_hip_3`, `torque_ankle_3` | torques at the joints of leg 3 | 150 N m |
///
/// # Observations
/// | index | name | meaning | range | unit |
/// |---|---|---|---|---|
/// | 0 | `z` | height of the torso | any | m |
/// | 1 to 4 | `q_w`, `q_x`, `q_y`, `q_z` | orientation of the torso, a quaternion | any | 1 |
/// | 5 to 12 | `theta_hip_1`, `theta_ankle_1` to `theta_ankle_4` | angles of the joints | any | rad |
/// | 13 to 15 | `x_dot`, `y_dot`, `z_dot` | velocity of the torso | any | m/s |
/// | 16 to 18 | `omega_x`, `omega_y`, `omega_z` | angular velocity of the torso | any | rad/s |
/// | 19 to 26 | `theta_hip_1_dot`, `theta_ankle_1_dot` to `theta_ankle_4_dot` | angular velocities of the joints | any | rad/s |
/// | 27 to 104 | `torque_x_BODY`, `torque_y_…`, `torque_z_…`, `force_x_…`, `force_y_…`, `force_z_BODY` | contact torque and force on each body: `torso`, then `leg_N`, `hip_N`, `foot_N` of each leg | ±1 | N m, N |
///
/// With `exclude_current_positions_from_observation = false`, `x` and `y` come first. Contact forces are clipped to
/// `contact_force_range`. v4 observes them with `use_contact_forces = true` only, those on the world (`world`) first.
///
/// # Rewards
/// `forward_reward_weight` × (change of the torso's x) / dt, plus `healthy_reward`, minus `ctrl_cost_weight` ×
/// Σ action², minus `contact_cost_weight` × Σ (clipped contact forces)² (v4: with `use_contact_forces = true` only).
///
/// # Start
/// Standing at 0.75 m; positions disturbed uniformly within ±`reset_noise_scale`, velocities by `reset_noise_scale`
/// times a standard normal number.
///
/// # End
/// Terminated when `z` lies outside of `healthy_z_range` (whose ends are healthy). Truncated after 1000 steps of
/// dt = 0.05 s (five time steps of 0.01 s).
///
/// # Arguments
/// | name | default | meaning |
/// |---|---|---|
/// | `frame_skip` | 5 | v5: time steps in a step |
/// | `forward_reward_weight` | 1 | v5 |
/// | `ctrl_cost_weight` | 0.5 | |
/// | `contact_cost_weight` | 5e-4 | |
/// | `healthy_reward` | 1 | |
/// | `terminate_when_unhealthy` | `true` | |
/// | `healthy_z_range` | `[0.2, 1]` | m |
/// | `contact_force_range` | `[-1, 1]` | |
/// | `reset_noise_scale` | 0.1 | |
/// | `exclude_current_positions_from_observation` | `true` | |
/// | `include_cfrc_ext_in_observation` | `true` | v5 |
/// | `use_contact_forces` | `false` | v4 |
///
/// # Info
/// v5: `x_position`, `y_position`, `distance_from_origin`, `x_velocity`, `y_velocity`, `reward_forward`,
/// `reward_ctrl`, `reward_contact`, `reward_survive`. v4: `reward_forward`, `reward_ctrl` (with `use_contact_forces`
/// the contact reward instead), `reward_survive`, the positions and velocities, and `forward_reward`.
///
/// # Versions
/// v5: contact forces observed, without those on the world, and paid for by default; the healthy reward is paid only
/// while healthy (v4 pays it in the last step too); more arguments. v4: the mujoco bindings. v3: arguments; accepted
/// here as another name of v4, although v3 observed contact forces (of an older MuJoCo, where they were 0) by default.
#[derive(Clone, Debug)]
pub struct Ant {
    version: Version,
    config: AntV5Config,
}

/// Keyword arguments of [`Ant`] in version 5.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(missing_docs, reason = "the table at the robot says what each argument means")]
pub struct AntV5Config {
    pub frame_skip: u32,
    pub forward_reward_weight: f64,
    pub ctrl_cost_weight: f64,
    pub contact_cost_weight: f64,
    pub healthy_reward: f64,
    pub terminate_when_unhealthy: bool,
    pub healthy_z_range: Interval,
    pub contact_force_range: Interval,
    pub reset_noise_scale: f64,
    pub exclude_current_positions_from_observation: bool,
    pub include_cfrc_ext_in_observation: bool,
}

impl Default for AntV5Config {
    fn default() -> Self {
        Self {
            frame_skip: 5,
            forward_reward_weight: 1.0,
            ctrl_cost_weight: 0.5,
            contact_cost_weight: 5e-4,
            healthy_reward: 1.0,
            terminate_when_unhealthy: true,
            healthy_z_range: Interval::new(0.2, 1.0),
            contact_force_range: Interval::new(-1.0, 1.0),
            reset_noise_scale: 0.1,
            exclude_current_positions_from_observation: true,
            include_cfrc_ext_in_observation: true,
        }
    }
}

/// Keyword arguments of [`Ant`] in version 4.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(missing_docs, reason = "the table at the robot says what each argument means")]
pub struct AntV4Config {
    pub ctrl_cost_weight: f64,
    pub use_contact_forces: bool,
    pub contact_cost_weight: f64,
    pub healthy_reward: f64,
    pub terminate_when_unhealthy: bool,
    pub healthy_z_range: Interval,
    pub contact_force_range: Interval,
    pub reset_noise_scale: f64,
    pub exclude_current_positions_from_observation: bool,
}

impl Default for AntV4Config {
    fn default() -> Self {
        let AntV5Config {
            ctrl_cost_weight,
            contact_cost_weight,
            healthy_reward,
            terminate_when_unhealthy,
            healthy_z_range,
            contact_force_range,
            reset_noise_scale,
            exclude_current_positions_from_observation,
            ..
        } = AntV5Config::default();
        Self {
            ctrl_cost_weight,
            use_contact_forces: false,
            contact_cost_weight,
            healthy_reward,
            terminate_when_unhealthy,
            healthy_z_range,
            contact_force_range,
            reset_noise_scale,
            exclude_current_positions_from_observation,
        }
    }
}

impl Ant {
    /// `Ant-v4`.
    ///
    /// # Errors
    /// [`EnvironmentError::Engine`] where MuJoCo is not there.
    pub fn make_v4(config: AntV4Config) -> Result<MujocoEnvironment<Self>, EnvironmentError> {
        let config = AntV5Config {
            ctrl_cost_weight: config.ctrl_cost_weight,
            contact_cost_weight: config.contact_cost_weight,
            healthy_reward: config.healthy_reward,
            terminate_when_unhealthy: config.terminate_when_unhealthy,
            healthy_z_range: config.healthy_z_range,
            contact_force_range: config.contact_force_range,
            reset_noise_scale: config.reset_noise_scale,
            exclude_current_positions_from_observation: config.exclude_current_positions_from_observation,
            include_cfrc_ext_in_observation: config.use_contact_forces,
            ..AntV5Config::default()
        };
        Self::make(Version::V4, config)
    }

    /// `Ant-v5`.
    ///
    /// # Errors
    /// [`EnvironmentError::Engine`] where MuJoCo is not there.
    pub fn make_v5(config: AntV5Config) -> Result<MujocoEnvironment<Self>, EnvironmentError> {
        Self::make(Version::V5, config)
    }

    fn make(version: Version, config: AntV5Config) -> Result<MujocoEnvironment<Self>, EnvironmentError> {
        let id = version.id("Ant");
        let simulation = Simulation::new(&MODEL, config.frame_skip).map_err(|reason| engine_error(&id, reason))?;
        let joints = || (1..=4).flat_map(|leg| [format!("hip_{leg}"), format!("ankle_{leg}")]);
        let places = ["x_position", "y_position", "distance_from_origin", "x_velocity", "y_velocity"];
        let info = match version {
            Version::V4 => {
                [&["reward_forward", "reward_ctrl", "reward_survive"][..], &places, &["forward_reward"]].concat()
            }
            Version::V5 => {
                [&places[..], &["reward_forward", "reward_ctrl", "reward_contact", "reward_survive"]].concat()
            }
        };
        let ordered: Vec<String> = joints().skip(6).chain(joints().take(6)).collect();
        let spec = spec(
            id,
            Registration { max_episode_steps: 1000, reward_threshold: Some(6000.0) },
            simulation.dt(),
            coordinates(version, &config, joints),
            (1.0, torques(ordered.iter().map(|joint| (joint.as_str(), 150.0)))),
            &info,
        );
        Ok(MujocoEnvironment::new(spec, simulation, Self { version, config }))
    }

    fn is_healthy(&self, simulation: &Simulation) -> bool {
        let (z, range) = (simulation.qpos()[2], self.config.healthy_z_range);
        (range.low..=range.high).contains(&z)
    }

    #[inline]
    fn contact_forces<'a>(&self, simulation: &'a Simulation) -> impl Fn(usize) -> f64 + use<'a> {
        let (forces, range) = (simulation.data().cfrc_ext().as_flattened(), self.config.contact_force_range);
        move |index| forces[index].clamp(range.low, range.high)
    }

    /// The first number observed of the contact forces: v5 leaves those on the world out.
    fn first_contact_force(&self) -> usize {
        match self.version {
            Version::V4 => 0,
            Version::V5 => 6,
        }
    }
}

fn coordinates<I: Iterator<Item = String>>(
    version: Version,
    config: &AntV5Config,
    joints: impl Fn() -> I,
) -> Vec<Coordinate> {
    let mut coordinates = vec![
        unbounded("x", "m", "position of the torso"),
        unbounded("y", "m", "position of the torso"),
        unbounded("z", "m", "height of the torso"),
    ];
    if config.exclude_current_positions_from_observation {
        coordinates.drain(..2);
    }
    let quaternion = ["w", "x", "y", "z"];
    coordinates.extend(quaternion.map(|part| unbounded(format!("q_{part}"), "1", "orientation of the torso")));
    coordinates.extend(
        joints().map(|joint| unbounded(format!("theta_{joint}"), "rad", format!("angle of the joint {joint}"))),
    );
    let axes = ["x", "y", "z"];
    coordinates.extend(axes.map(|axis| unbounded(format!("{axis}_dot"), "m/s", "velocity of the torso")));
    coordinates.extend(axes.map(|axis| unbounded(format!("omega_{axis}"), "rad/s", "angular velocity of the torso")));
    coordinates.extend(joints().map(|joint| {
        unbounded(format!("theta_{joint}_dot"), "rad/s", format!("angular velocity of the joint {joint}"))
    }));
    if config.include_cfrc_ext_in_observation {
        let world = if version == Version::V4 { Some("world") } else { None };
        for body in world.into_iter().chain(BODIES) {
            let part = |kind: &str, unit: &str, axis: &str| {
                unbounded(format!("{kind}_{axis}_{body}"), unit, format!("contact {kind} on {body}"))
            };
            coordinates.extend(axes.map(|axis| part("torque", "N m", axis)));
            coordinates.extend(axes.map(|axis| part("force", "N", axis)));
        }
    }
    coordinates
}

impl Task for Ant {
    fn disturb(&self, generator: &mut Generator, qpos: &mut [f64], qvel: &mut [f64]) {
        add_uniform(qpos, self.config.reset_noise_scale, generator);
        add_normal(qvel, self.config.reset_noise_scale, generator);
    }

    #[inline]
    fn observe(&self, simulation: &Simulation, observation: &mut [f64]) {
        let skipped = 2 * usize::from(self.config.exclude_current_positions_from_observation);
        let state = simulation.qpos()[skipped..].iter().chain(simulation.qvel()).copied();
        // As many contact forces as there is room for: none unless they are observed.
        let forces = self.contact_forces(simulation);
        write(observation, state.chain((self.first_contact_force()..6 * (BODIES.len() + 1)).map(forces)));
    }

    #[inline]
    fn step(
        &self,
        simulation: &mut Simulation,
        action: ContinuousAction<'_>,
        info: &mut [f64],
    ) -> Result<StepOutcome, Diverged> {
        let before = simulation.data().xpos()[TORSO];
        simulation.step(action)?;
        let contacts = self.version == Version::V5 || self.config.include_cfrc_ext_in_observation;
        if contacts {
            simulation.update_contact_forces();
        }
        let after = simulation.data().xpos()[TORSO];
        let [x_velocity, y_velocity] = [0, 1].map(|axis| (after[axis] - before[axis]) / simulation.dt());
        let healthy = self.is_healthy(simulation);
        let survives = match self.version {
            Version::V4 => healthy || self.config.terminate_when_unhealthy,
            Version::V5 => healthy,
        };
        let forward = x_velocity * self.config.forward_reward_weight;
        let survive = f64::from(survives) * self.config.healthy_reward;
        let control_cost = control_cost(self.config.ctrl_cost_weight, action);
        let mut cost = control_cost;
        let mut contact_cost = 0.0;
        if contacts {
            let forces = self.contact_forces(simulation);
            let squares = sum(6 * (BODIES.len() + 1), 0.0, |index| forces(index) * forces(index));
            contact_cost = self.config.contact_cost_weight * squares;
            cost += contact_cost;
        }
        match self.version {
            Version::V4 => {
                let shown_cost = if contacts { contact_cost } else { control_cost };
                let [x, y, _] = after;
                let places = [x, y, norm(&[x, y]), x_velocity, y_velocity, forward];
                write(info, [forward, -shown_cost, survive].into_iter().chain(places));
            }
            Version::V5 => {
                let [x, y] = [simulation.qpos()[0], simulation.qpos()[1]];
                let rewards = [forward, -control_cost, -contact_cost, survive];
                write(info, [x, y, norm(&[x, y]), x_velocity, y_velocity].into_iter().chain(rewards));
            }
        }
        let terminated = self.config.terminate_when_unhealthy && !healthy;
        Ok(StepOutcome { reward: forward + survive - cost, terminated, truncated: false })
    }

    fn reset_info(&self, simulation: &Simulation, info: &mut [f64]) {
        if self.version == Version::V5 {
            let [x, y] = [simulation.qpos()[0], simulation.qpos()[1]];
            write(info, [x, y, norm(&[x, y])]);
        }
    }
}
