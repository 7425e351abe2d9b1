use crate::space::{ActionSpace, BoxSpace, Coordinate, DiscreteSpace, ElementType};
use serde::{Deserialize, Serialize};
use std::ops::RangeInclusive;

/// What is fixed about an environment: Gymnasium's `EnvSpec` with its two spaces.
///
/// ```
/// use kanrl_core::environment::EnvironmentSpec;
/// let room = EnvironmentSpec::new("Room-v0")
///     .observe("inside", "°C")
///     .observe_within("hour", "h", 0.0..=24.0)
///     .act("heater", "kW", 0.0..=3.0)
///     .steps(288);
/// assert_eq!((room.observation_space.len(), room.action_space.outputs()), (2, 1));
/// assert_eq!(room.max_episode_steps, Some(288));
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnvironmentSpec {
    /// Gymnasium's id, such as `CartPole-v1`.
    pub id: String,
    /// Names, units and bounds of the observation.
    pub observation_space: BoxSpace,
    /// Names, units and bounds of the action.
    pub action_space: ActionSpace,
    /// Steps after which an episode is truncated; `None` for no limit.
    #[serde(default)]
    pub max_episode_steps: Option<u32>,
    /// Mean return at which the task counts as solved, where Gymnasium states one.
    #[serde(default)]
    pub reward_threshold: Option<f64>,
    /// Frames per second of a video in real time.
    pub frames_per_second: u32,
    /// Names of the numbers that [`Environment::info`](super::Environment::info) writes, in order.
    #[serde(default)]
    pub info_names: Vec<String>,
}

impl EnvironmentSpec {
    /// A spec with nothing to observe and nothing to do yet, without a time limit, at 30 frames per second.
    pub fn new(id: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            observation_space: BoxSpace::new(ElementType::F64, Vec::new()),
            action_space: ActionSpace::Box(BoxSpace::new(ElementType::F32, Vec::new())),
            max_episode_steps: None,
            reward_threshold: None,
            frames_per_second: 30,
            info_names: Vec::new(),
        }
    }

    /// With a further number in the observation, an f64 of any size. `name` stands in formulas; `unit` is an SI unit,
    /// `1` for none.
    #[must_use]
    pub fn observe(self, name: impl Into<String>, unit: impl Into<String>) -> Self {
        self.observe_within(name, unit, f64::NEG_INFINITY..=f64::INFINITY)
    }

    /// As [`Self::observe`], with bounds.
    #[must_use]
    pub fn observe_within(
        mut self,
        name: impl Into<String>,
        unit: impl Into<String>,
        bounds: RangeInclusive<f64>,
    ) -> Self {
        self.observation_space.coordinates.push(coordinate(name, unit, bounds));
        self
    }

    /// With a further number in a vector action, within bounds. Discrete actions set before are forgotten.
    #[must_use]
    pub fn act(mut self, name: impl Into<String>, unit: impl Into<String>, bounds: RangeInclusive<f64>) -> Self {
        let coordinate = coordinate(name, unit, bounds);
        match &mut self.action_space {
            ActionSpace::Box(space) => space.coordinates.push(coordinate),
            space => *space = ActionSpace::Box(BoxSpace::new(ElementType::F32, vec![coordinate])),
        }
        self
    }

    /// With discrete actions, each said in a few words (`push left`). A vector action set before is forgotten.
    #[must_use]
    pub fn actions<S: Into<String>>(mut self, actions: impl IntoIterator<Item = S>) -> Self {
        self.action_space = ActionSpace::Discrete(DiscreteSpace::new(actions));
        self
    }

    /// With a time limit: steps after which an episode is truncated.
    #[must_use]
    pub fn steps(mut self, limit: u32) -> Self {
        self.max_episode_steps = Some(limit);
        self
    }

    /// With frames per second of a video in real time.
    #[must_use]
    pub fn frames_per_second(mut self, frames: u32) -> Self {
        self.frames_per_second = frames;
        self
    }

    /// With the mean return at which the task counts as solved.
    #[must_use]
    pub fn solved_at(mut self, mean_return: f64) -> Self {
        self.reward_threshold = Some(mean_return);
        self
    }
}

fn coordinate(name: impl Into<String>, unit: impl Into<String>, bounds: RangeInclusive<f64>) -> Coordinate {
    let (low, high) = bounds.into_inner();
    Coordinate::new(name, unit, low, high)
}
