//! The robots: each with its model, observation, reward, start and end.

mod ant;
mod half_cheetah;
mod hopper;
mod inverted_double_pendulum;
mod inverted_pendulum;
mod reacher;
mod swimmer;
mod walk;
mod walker2d;

pub use ant::{Ant, AntV4Config, AntV5Config};
pub use half_cheetah::{HalfCheetah, HalfCheetahConfig};
pub use hopper::{Hopper, HopperConfig};
pub use inverted_double_pendulum::{InvertedDoublePendulum, InvertedDoublePendulumConfig};
pub use inverted_pendulum::{InvertedPendulum, InvertedPendulumConfig};
pub use reacher::{Reacher, ReacherConfig};
pub use swimmer::{Swimmer, SwimmerConfig};
pub use walker2d::{Walker2d, Walker2dConfig};

use kanrl_core::environment::EnvironmentSpec;
use kanrl_core::random::Generator;
use kanrl_core::space::{ActionSpace, BoxSpace, Coordinate, ElementType};
use serde::{Deserialize, Deserializer, de};

/// Gymnasium's version of an environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// `-v4`: the same simulation, and rewards, as in OpenAI Gym's `-v3`.
    V4,
    /// `-v5`: v4 with its mistakes mended.
    V5,
}

impl Version {
    pub(crate) fn id(self, name: &str) -> String {
        match self {
            Self::V4 => format!("{name}-v4"),
            Self::V5 => format!("{name}-v5"),
        }
    }
}

/// An interval in keyword arguments: a list of two numbers, where `"inf"` and `"-inf"` stand for no bound.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

impl Interval {
    const fn new(low: f64, high: f64) -> Self {
        Self { low, high }
    }

    /// Whether `value` lies strictly between the ends; NaN does not.
    #[inline]
    pub fn contains(self, value: f64) -> bool {
        self.low < value && value < self.high
    }
}

impl<'de> Deserialize<'de> for Interval {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum End {
            Number(f64),
            Text(String),
        }
        let ends = <[End; 2]>::deserialize(deserializer)?.map(|end| match end {
            End::Number(value) => Some(value),
            End::Text(text) if text == "inf" => Some(f64::INFINITY),
            End::Text(text) if text == "-inf" => Some(f64::NEG_INFINITY),
            End::Text(_) => None,
        });
        match ends {
            [Some(low), Some(high)] if low <= high => Ok(Self { low, high }),
            _ => Err(de::Error::custom("expected two numbers (or \"-inf\", \"inf\"), the lower one first")),
        }
    }
}

/// Gymnasium's numbers about an environment.
struct Registration {
    max_episode_steps: u32,
    reward_threshold: Option<f64>,
}

/// A spec with unbounded observations and actions in ±`limit`.
fn spec(
    id: String,
    registration: Registration,
    dt: f64,
    observation: Vec<Coordinate>,
    (limit, action): (f64, Vec<(String, String)>),
    info_names: &[&str],
) -> EnvironmentSpec {
    let action = action
        .into_iter()
        .map(|(name, description)| Coordinate::new(name, "1", -limit, limit).described(description))
        .collect();
    EnvironmentSpec {
        id,
        observation_space: BoxSpace::new(ElementType::F64, observation),
        action_space: ActionSpace::Box(BoxSpace::new(ElementType::F32, action)),
        max_episode_steps: Some(registration.max_episode_steps),
        reward_threshold: registration.reward_threshold,
        frames_per_second: (1.0 / dt).round_ties_even() as u32,
        info_names: info_names.iter().map(|name| (*name).to_owned()).collect(),
    }
}

/// An action coordinate for each joint: `torque_JOINT`.
fn torques<'a>(joints: impl IntoIterator<Item = (&'a str, f64)>) -> Vec<(String, String)> {
    let torque = |(joint, gear): (&str, f64)| (format!("torque_{joint}"), format!("torque in units of {gear} N m"));
    joints.into_iter().map(torque).collect()
}

fn unbounded(name: impl Into<String>, unit: &str, description: impl Into<String>) -> Coordinate {
    Coordinate::new(name, unit, f64::NEG_INFINITY, f64::INFINITY).described(description)
}

/// Coordinates of a robot in the x-z plane: position and pitch of its torso and angles of its joints, then the
/// velocities in the same order. `joints` are pairs of name and description.
fn planar_coordinates(joints: &[(&str, &str)], without_x: bool) -> Vec<Coordinate> {
    let angles = || [("torso", "torso")].into_iter().chain(joints.iter().copied());
    let mut coordinates =
        vec![unbounded("x", "m", "position of the torso"), unbounded("z", "m", "height of the torso")];
    if without_x {
        coordinates.remove(0);
    }
    coordinates
        .extend(angles().map(|(name, text)| unbounded(format!("theta_{name}"), "rad", format!("angle of the {text}"))));
    coordinates.push(unbounded("x_dot", "m/s", "velocity of the torso along x"));
    coordinates.push(unbounded("z_dot", "m/s", "velocity of the torso upwards"));
    coordinates.extend(angles().map(|(name, text)| {
        unbounded(format!("theta_{name}_dot"), "rad/s", format!("angular velocity of the {text}"))
    }));
    coordinates
}

/// Adds to each value a number that is uniform in ±`scale`.
fn add_uniform(values: &mut [f64], scale: f64, generator: &mut Generator) {
    values.iter_mut().for_each(|value| *value += generator.uniform(-scale, scale));
}

/// Adds to each value `scale` times a standard normal number.
fn add_normal(values: &mut [f64], scale: f64, generator: &mut Generator) {
    values.iter_mut().for_each(|value| *value += scale * generator.standard_normal());
}

/// Writes the values one after the other.
#[inline]
fn write(observation: &mut [f64], values: impl IntoIterator<Item = f64>) {
    observation.iter_mut().zip(values).for_each(|(place, value)| *place = value);
}
