use super::{Environment, EnvironmentError, EnvironmentSpec, Frame, Parameter, StepOutcome};
use crate::action::{Action, ActionBatch, ContinuousAction};
use crate::space::ActionSpace;

/// Ties an environment's action type to its action space: [`Discrete`] or [`Continuous`].
pub trait ActionKind: Send + Sync + 'static {
    /// What [`Environment::step`] gets.
    type Value<'a>: Copy;

    /// The checked action.
    ///
    /// # Errors
    /// [`EnvironmentError::BadAction`] where it does not fit the space.
    fn check<'a>(spec: &EnvironmentSpec, action: Action<'a>) -> Result<Self::Value<'a>, EnvironmentError>;
}

/// Actions are indices.
#[derive(Debug)]
pub enum Discrete {}

/// Actions are vectors.
#[derive(Debug)]
pub enum Continuous {}

impl ActionKind for Discrete {
    type Value<'a> = usize;

    #[inline]
    fn check(spec: &EnvironmentSpec, action: Action<'_>) -> Result<usize, EnvironmentError> {
        match (action, &spec.action_space) {
            (Action::Discrete(index), ActionSpace::Discrete(space)) if index < space.len() => Ok(index),
            _ => Err(bad_action(spec, action)),
        }
    }
}

impl ActionKind for Continuous {
    type Value<'a> = ContinuousAction<'a>;

    #[inline]
    fn check<'a>(spec: &EnvironmentSpec, action: Action<'a>) -> Result<ContinuousAction<'a>, EnvironmentError> {
        let length = spec.action_space.outputs();
        match action {
            Action::F32(values) if values.len() == length && values.iter().all(|value| value.is_finite()) => {
                Ok(ContinuousAction::F32(values))
            }
            Action::F64(values) if values.len() == length && values.iter().all(|value| value.is_finite()) => {
                Ok(ContinuousAction::F64(values))
            }
            _ => Err(bad_action(spec, action)),
        }
    }
}

#[cold]
fn bad_action(spec: &EnvironmentSpec, action: Action<'_>) -> EnvironmentError {
    let wanted = match &spec.action_space {
        ActionSpace::Discrete(space) => format!("an index below {}", space.len()),
        ActionSpace::Box(space) => format!("{} finite numbers", space.len()),
    };
    EnvironmentError::BadAction { id: spec.id.clone(), reason: format!("got {action:?}, expected {wanted}") }
}

/// The object-safe twin of [`Environment`], implemented for every one of them: what configs, plugins and hosts hold.
///
/// Its calls check lengths, actions and the finiteness of what comes back.
pub trait DynEnvironment: Send {
    /// See [`Environment::spec`].
    fn spec(&self) -> &EnvironmentSpec;

    /// See [`Environment::reset`].
    ///
    /// # Errors
    /// The environment's own, or [`EnvironmentError::NotFinite`].
    ///
    /// # Panics
    /// If `observation` is not as long as the observation space.
    fn reset(&mut self, seed: Option<u64>, observation: &mut [f64]) -> Result<(), EnvironmentError>;

    /// See [`Environment::step`].
    ///
    /// # Errors
    /// The environment's own, [`EnvironmentError::BadAction`] or [`EnvironmentError::NotFinite`].
    ///
    /// # Panics
    /// If `observation` is not as long as the observation space.
    fn step(&mut self, action: Action<'_>, observation: &mut [f64]) -> Result<StepOutcome, EnvironmentError>;

    /// Takes the rows of `actions` one after the other until the episode ends; returns the number of steps taken.
    /// Writes a row of `observations` `[rows, observation_space.len()]` and an outcome for each step taken. The loop is
    /// compiled for the concrete environment: one dynamic call for the whole chunk.
    ///
    /// # Errors
    /// As [`Self::step`].
    ///
    /// # Panics
    /// If the buffers are shorter than `actions` asks for.
    fn step_chunk(
        &mut self,
        actions: &ActionBatch,
        observations: &mut [f64],
        outcomes: &mut [StepOutcome],
    ) -> Result<usize, EnvironmentError>;

    /// See [`Environment::info`].
    fn info(&self, info: &mut [f64]);

    /// See [`Environment::state`].
    fn state(&self) -> Vec<f64>;

    /// See [`Environment::parameters`].
    fn parameters(&self) -> Vec<Parameter>;

    /// See [`Environment::set_parameter`].
    ///
    /// # Errors
    /// [`EnvironmentError::UnknownParameter`].
    fn set_parameter(&mut self, name: &str, value: f64) -> Result<(), EnvironmentError>;

    /// See [`Environment::render`].
    ///
    /// # Errors
    /// [`EnvironmentError::NoRendering`], or the engine's.
    fn render(&mut self) -> Result<Frame, EnvironmentError>;
}

impl<E: Environment> DynEnvironment for E {
    fn spec(&self) -> &EnvironmentSpec {
        Environment::spec(self)
    }

    fn reset(&mut self, seed: Option<u64>, observation: &mut [f64]) -> Result<(), EnvironmentError> {
        checked_reset(self, seed, observation)
    }

    fn step(&mut self, action: Action<'_>, observation: &mut [f64]) -> Result<StepOutcome, EnvironmentError> {
        checked_step(self, action, observation)
    }

    fn step_chunk(
        &mut self,
        actions: &ActionBatch,
        observations: &mut [f64],
        outcomes: &mut [StepOutcome],
    ) -> Result<usize, EnvironmentError> {
        let size = Environment::spec(self).observation_space.len();
        let rows = actions.rows();
        for (row, (observation, outcome)) in
            observations[..rows * size].chunks_exact_mut(size).zip(&mut outcomes[..rows]).enumerate()
        {
            *outcome = checked_step(self, actions.row(row), observation)?;
            if outcome.is_over() {
                return Ok(row + 1);
            }
        }
        Ok(rows)
    }

    fn info(&self, info: &mut [f64]) {
        Environment::info(self, info);
    }

    fn state(&self) -> Vec<f64> {
        Environment::state(self)
    }

    fn parameters(&self) -> Vec<Parameter> {
        Environment::parameters(self)
    }

    fn set_parameter(&mut self, name: &str, value: f64) -> Result<(), EnvironmentError> {
        Environment::set_parameter(self, name, value)
    }

    fn render(&mut self) -> Result<Frame, EnvironmentError> {
        Environment::render(self)
    }
}

#[inline]
pub(super) fn checked_reset<E: Environment>(
    environment: &mut E,
    seed: Option<u64>,
    observation: &mut [f64],
) -> Result<(), EnvironmentError> {
    assert_eq!(observation.len(), Environment::spec(environment).observation_space.len(), "observation buffer");
    Environment::reset(environment, seed, observation)?;
    check_finite(Environment::spec(environment), observation, 0.0)
}

#[inline]
pub(super) fn checked_step<E: Environment>(
    environment: &mut E,
    action: Action<'_>,
    observation: &mut [f64],
) -> Result<StepOutcome, EnvironmentError> {
    assert_eq!(observation.len(), Environment::spec(environment).observation_space.len(), "observation buffer");
    let action = E::Action::check(Environment::spec(environment), action)?;
    let outcome = Environment::step(environment, action, observation)?;
    check_finite(Environment::spec(environment), observation, outcome.reward)?;
    Ok(outcome)
}

#[inline]
fn check_finite(spec: &EnvironmentSpec, observation: &[f64], reward: f64) -> Result<(), EnvironmentError> {
    // One pass without branches: the sum of `value * 0` is NaN exactly when some value is not finite.
    let probe = observation.iter().fold(reward * 0.0, |sum, value| sum + value * 0.0);
    if probe == 0.0 { Ok(()) } else { Err(not_finite(spec, observation, reward)) }
}

#[cold]
fn not_finite(spec: &EnvironmentSpec, observation: &[f64], reward: f64) -> EnvironmentError {
    let bad = observation.iter().position(|value| !value.is_finite());
    let (what, value) = match bad {
        Some(index) => (spec.observation_space.coordinates[index].name.clone(), observation[index]),
        None => ("reward".to_owned(), reward),
    };
    EnvironmentError::NotFinite { id: spec.id.clone(), what, value }
}
