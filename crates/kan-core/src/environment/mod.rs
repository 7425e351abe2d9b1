//! Environments: Gymnasium's contract in a typed trait for authors and an object-safe twin for hosts.

mod divergence;
mod dynamic;
mod error;
mod hints;
mod registry;
mod spec;
mod time_limit;
mod vector;

pub use divergence::{DivergedLane, step_lanes_past_divergence};
pub use dynamic::{ActionKind, Continuous, Discrete, DynEnvironment};
pub use error::EnvironmentError;
pub use hints::EnvironmentHints;
pub use registry::{EnvironmentEntry, EnvironmentFactory, EnvironmentRegistry, KeywordArguments};
pub use spec::EnvironmentSpec;
pub use time_limit::TimeLimit;
pub use vector::{LaneError, SyncVectorEnvironment, VectorEnvironment};

use serde::{Deserialize, Serialize};

/// The outcome of a step, apart from the observation.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct StepOutcome {
    /// The reward, widened to f64.
    pub reward: f64,
    /// The episode ended by the task's own rules.
    pub terminated: bool,
    /// The episode was cut off from outside, such as by a time limit. Both flags can be set at once.
    pub truncated: bool,
}

impl StepOutcome {
    /// Whether the episode is over, for either reason.
    #[inline]
    pub fn is_over(&self) -> bool {
        self.terminated || self.truncated
    }
}

/// A named physical constant that can be changed, such as a mass or the time step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Parameter {
    /// ASCII identifier, unique in its environment.
    pub name: String,
    /// SI unit.
    pub unit: String,
    /// The current value.
    pub value: f64,
}

/// An RGB picture, 8 bits a channel, row-major from the top left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Pixels in a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// `height × width × 3` bytes.
    pub rgb: Vec<u8>,
}

/// A reinforcement-learning environment, as its author writes it.
///
/// The contract is Gymnasium's. Observations are written as f64; where the space says
/// [`ElementType::F32`](crate::space::ElementType::F32) they are values that f32 holds exactly. An environment does
/// not check its action (the callers [`DynEnvironment`] and [`VectorEnvironment`] do) and does not count steps
/// ([`TimeLimit`] does). `reset(Some(seed))` starts a new random sequence, `reset(None)` continues the old one.
///
/// # Example
/// ```
/// use kanrl_core::environment::{Discrete, Environment, EnvironmentError, EnvironmentSpec, StepOutcome};
///
/// /// Walk to the right until x = 3.
/// struct Corridor { spec: EnvironmentSpec, x: f64 }
///
/// impl Environment for Corridor {
///     type Action = Discrete;
///     fn spec(&self) -> &EnvironmentSpec { &self.spec }
///     fn reset(&mut self, _seed: Option<u64>, observation: &mut [f64]) -> Result<(), EnvironmentError> {
///         self.x = 0.0;
///         observation[0] = self.x;
///         Ok(())
///     }
///     fn step(&mut self, action: usize, observation: &mut [f64]) -> Result<StepOutcome, EnvironmentError> {
///         self.x += if action == 1 { 1.0 } else { -1.0 };
///         observation[0] = self.x;
///         Ok(StepOutcome { reward: -1.0, terminated: self.x >= 3.0, truncated: false })
///     }
/// }
///
/// let spec = EnvironmentSpec::new("Corridor-v0").observe("x", "m").actions(["left", "right"]).steps(20);
/// let mut corridor = Corridor { spec, x: 0.0 };
/// let mut observation = [0.0];
/// corridor.reset(Some(0), &mut observation)?;
/// assert!(!corridor.step(1, &mut observation)?.terminated);
/// assert_eq!(observation, [1.0]);
/// # Ok::<(), EnvironmentError>(())
/// ```
pub trait Environment: Send + 'static {
    /// [`Discrete`] (a step gets a `usize`) or [`Continuous`] (a step gets a
    /// [`ContinuousAction`](crate::action::ContinuousAction)).
    type Action: ActionKind;

    /// What is fixed about this environment.
    fn spec(&self) -> &EnvironmentSpec;

    /// Starts an episode and writes the first observation `[observation_space.len()]`.
    ///
    /// # Errors
    /// Where the engine behind it fails.
    fn reset(&mut self, seed: Option<u64>, observation: &mut [f64]) -> Result<(), EnvironmentError>;

    /// Goes one step on and writes the observation. The action fits the action space: an index below its length, or
    /// as many finite numbers as it has coordinates (possibly beyond the bounds: Gymnasium's environments clip).
    ///
    /// # Errors
    /// Where the engine behind it fails, such as a simulation that diverges.
    fn step(
        &mut self,
        action: <Self::Action as ActionKind>::Value<'_>,
        observation: &mut [f64],
    ) -> Result<StepOutcome, EnvironmentError>;

    /// Writes Gymnasium's `info` numbers of the last step, in the order of [`EnvironmentSpec::info_names`].
    fn info(&self, _info: &mut [f64]) {}

    /// The full physical state (Gymnasium's `env.state`; MuJoCo's `qpos` then `qvel`). Empty by default: it can then be
    /// seen in the observation only.
    fn state(&self) -> Vec<f64> {
        Vec::new()
    }

    /// The constants that [`Self::set_parameter`] changes.
    fn parameters(&self) -> Vec<Parameter> {
        Vec::new()
    }

    /// Changes a named constant; it holds until it is set again, across resets.
    ///
    /// # Errors
    /// [`EnvironmentError::UnknownParameter`] for a name that [`Self::parameters`] does not list.
    fn set_parameter(&mut self, name: &str, _value: f64) -> Result<(), EnvironmentError> {
        Err(EnvironmentError::unknown_parameter(&self.spec().id, name, &self.parameters()))
    }

    /// Draws the current state.
    ///
    /// # Errors
    /// [`EnvironmentError::NoRendering`] where it cannot.
    fn render(&mut self) -> Result<Frame, EnvironmentError> {
        Err(EnvironmentError::NoRendering { id: self.spec().id.clone() })
    }
}
