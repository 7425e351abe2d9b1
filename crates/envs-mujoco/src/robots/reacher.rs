use super::{Registration, Version, add_uniform, spec, torques, unbounded, write};
use crate::environment::{MujocoEnvironment, Task, engine_error};
use crate::model::ModelSource;
use crate::numpy::{control_cost, norm};
use crate::simulation::{Diverged, Simulation};
use kanrl_core::action::ContinuousAction;
use kanrl_core::environment::{EnvironmentError, StepOutcome};
use kanrl_core::random::Generator;
use serde::Deserialize;

static MODEL: ModelSource = ModelSource::new("reacher.xml", include_str!("../models/reacher.xml"));
/// Indices of the model's bodies.
const FINGERTIP: usize = 3;
const TARGET: usize = 4;

/// `Reacher-v4`, `Reacher-v5`: bring the tip of a two-link arm to a target.
///
/// Links of 0.1 m with a motor each, in a horizontal plane; the target is somewhere else in every episode.
///
/// # Actions
/// In ±1; MuJoCo clamps what lies beyond, the control cost does not.
///
/// | index | name | meaning | unit |
/// |---|---|---|---|
/// | 0 | `torque_1` | torque at the fixed joint | 200 N m |
/// | 1 | `torque_2` | torque between the links | 200 N m |
///
/// # Observations
/// | index | name | meaning | range | unit |
/// |---|---|---|---|---|
/// | 0 | `cos_theta_1` | cosine of the first link's angle | ±1 | 1 |
/// | 1 | `cos_theta_2` | cosine of the angle between the links | ±1 | 1 |
/// | 2 | `sin_theta_1` | sine of the first link's angle | ±1 | 1 |
/// | 3 | `sin_theta_2` | sine of the angle between the links | ±1 | 1 |
/// | 4 | `x_target` | position of the target | any | m |
/// | 5 | `y_target` | position of the target | any | m |
/// | 6 | `theta_1_dot` | angular velocity of the first link | any | rad/s |
/// | 7 | `theta_2_dot` | angular velocity between the links | any | rad/s |
/// | 8 | `x_error` | position of the fingertip minus that of the target | any | m |
/// | 9 | `y_error` | position of the fingertip minus that of the target | any | m |
/// | 10 | `z_error` | v4 only: 0 | 0 | m |
///
/// # Rewards
/// −`reward_dist_weight` × distance between fingertip and target (v4: before the step), −`reward_control_weight` ×
/// Σ action².
///
/// # Start
/// Joint angles uniform within ±0.1 rad, their velocities within ±0.005 rad/s; the target at rest, uniform in a disc
/// of 0.2 m.
///
/// # End
/// Never terminated; truncated after 50 steps of dt = 0.02 s (two time steps of 0.01 s).
///
/// # Arguments
/// | name | default | meaning |
/// |---|---|---|
/// | `frame_skip` | 2 | time steps in a step |
/// | `reward_dist_weight` | 1 | |
/// | `reward_control_weight` | 1 | |
///
/// # Info
/// `reward_dist`, `reward_ctrl`.
///
/// # Versions
/// v5: the distance after the step; `z_error` left out; arguments. v4: the mujoco bindings.
#[derive(Clone, Debug)]
pub struct Reacher {
    version: Version,
    config: ReacherConfig,
}

/// Keyword arguments of [`Reacher`].
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(missing_docs, reason = "the table at the robot says what each argument means")]
pub struct ReacherConfig {
    pub frame_skip: u32,
    pub reward_dist_weight: f64,
    pub reward_control_weight: f64,
}

impl Default for ReacherConfig {
    fn default() -> Self {
        Self { frame_skip: 2, reward_dist_weight: 1.0, reward_control_weight: 1.0 }
    }
}

impl Reacher {
    /// The environment.
    ///
    /// # Errors
    /// [`EnvironmentError::Engine`] where MuJoCo is not there.
    pub fn make(version: Version, config: ReacherConfig) -> Result<MujocoEnvironment<Self>, EnvironmentError> {
        let id = version.id("Reacher");
        let simulation = Simulation::new(&MODEL, config.frame_skip).map_err(|reason| engine_error(&id, reason))?;
        let mut observation = vec![
            unbounded("cos_theta_1", "1", "cosine of the first link's angle"),
            unbounded("cos_theta_2", "1", "cosine of the angle between the links"),
            unbounded("sin_theta_1", "1", "sine of the first link's angle"),
            unbounded("sin_theta_2", "1", "sine of the angle between the links"),
            unbounded("x_target", "m", "position of the target"),
            unbounded("y_target", "m", "position of the target"),
            unbounded("theta_1_dot", "rad/s", "angular velocity of the first link"),
            unbounded("theta_2_dot", "rad/s", "angular velocity between the links"),
            unbounded("x_error", "m", "position of the fingertip minus that of the target"),
            unbounded("y_error", "m", "position of the fingertip minus that of the target"),
        ];
        if version == Version::V4 {
            observation.push(unbounded("z_error", "m", "0"));
        }
        let spec = spec(
            id,
            Registration { max_episode_steps: 50, reward_threshold: Some(-3.75) },
            simulation.dt(),
            observation,
            (1.0, torques([("1", 200.0), ("2", 200.0)])),
            &["reward_dist", "reward_ctrl"],
        );
        Ok(MujocoEnvironment::new(spec, simulation, Self { version, config }))
    }
}

/// From the target to the fingertip.
#[inline]
fn error(simulation: &Simulation) -> [f64; 3] {
    let places = simulation.data().xpos();
    std::array::from_fn(|axis| places[FINGERTIP][axis] - places[TARGET][axis])
}

impl Task for Reacher {
    fn disturb(&self, generator: &mut Generator, qpos: &mut [f64], qvel: &mut [f64]) {
        add_uniform(qpos, 0.1, generator);
        let target = loop {
            let target = [generator.uniform(-0.2, 0.2), generator.uniform(-0.2, 0.2)];
            if norm(&target) < 0.2 {
                break target;
            }
        };
        qpos[2..].copy_from_slice(&target);
        add_uniform(qvel, 0.005, generator);
        qvel[2..].fill(0.0);
    }

    #[inline]
    fn observe(&self, simulation: &Simulation, observation: &mut [f64]) {
        let (angles, target) = simulation.qpos().split_at(2);
        let cosines = angles.iter().map(|angle| angle.cos());
        let sines = angles.iter().map(|angle| angle.sin());
        let rest = target.iter().chain(&simulation.qvel()[..2]).copied().chain(error(simulation));
        write(observation, cosines.chain(sines).chain(rest));
    }

    #[inline]
    fn step(
        &self,
        simulation: &mut Simulation,
        action: ContinuousAction<'_>,
        info: &mut [f64],
    ) -> Result<StepOutcome, Diverged> {
        let before = error(simulation);
        simulation.step(action)?;
        let judged = match self.version {
            Version::V4 => before,
            Version::V5 => error(simulation),
        };
        let distance_reward = -norm(&judged) * self.config.reward_dist_weight;
        let control_reward = -control_cost(self.config.reward_control_weight, action);
        write(info, [distance_reward, control_reward]);
        Ok(StepOutcome { reward: distance_reward + control_reward, terminated: false, truncated: false })
    }
}
