//! What the host checks on either side of a step: actions, finiteness, the time limit.

use crate::abi::KanrlOutcome;
use kanrl_core::action::{Action, ActionBatch};
use kanrl_core::environment::{EnvironmentError, EnvironmentSpec, StepOutcome};
use kanrl_core::space::ActionSpace;

/// Whether one action fits the space.
pub(crate) fn check_action(spec: &EnvironmentSpec, action: Action<'_>) -> Result<(), EnvironmentError> {
    let fits = match (action, &spec.action_space) {
        (Action::Discrete(index), ActionSpace::Discrete(space)) => index < space.len(),
        (Action::F32(values), ActionSpace::Box(space)) => {
            values.len() == space.len() && values.iter().all(|value| value.is_finite())
        }
        (Action::F64(values), ActionSpace::Box(space)) => {
            values.len() == space.len() && values.iter().all(|value| value.is_finite())
        }
        _ => false,
    };
    if fits { Ok(()) } else { Err(bad_action(spec, action)) }
}

/// The first row that does not fit the space, with its error.
pub(crate) fn check_actions(spec: &EnvironmentSpec, actions: &ActionBatch) -> Result<(), (usize, EnvironmentError)> {
    let fits = match (actions, &spec.action_space) {
        (ActionBatch::Discrete(actions), ActionSpace::Discrete(space)) => {
            actions.iter().all(|action| *action < space.len())
        }
        (ActionBatch::Continuous { values, size }, ActionSpace::Box(space)) => {
            // The sum of `value * 0` is NaN exactly when some value is not finite: one pass without branches.
            *size == space.len() && values.iter().fold(0.0, |sum, value| sum + value * 0.0) == 0.0
        }
        _ => false,
    };
    if fits { Ok(()) } else { first_bad_action(spec, actions) }
}

#[cold]
fn first_bad_action(spec: &EnvironmentSpec, actions: &ActionBatch) -> Result<(), (usize, EnvironmentError)> {
    (0..actions.rows()).try_for_each(|row| check_action(spec, actions.row(row)).map_err(|error| (row, error)))
}

#[cold]
fn bad_action(spec: &EnvironmentSpec, action: Action<'_>) -> EnvironmentError {
    let wanted = match &spec.action_space {
        ActionSpace::Discrete(space) => format!("an index below {}", space.len()),
        ActionSpace::Box(space) => format!("{} finite numbers", space.len()),
    };
    EnvironmentError::BadAction { id: spec.id.clone(), reason: format!("got {action:?}, expected {wanted}") }
}

/// Whether every number of a row is finite.
#[inline]
pub(crate) fn is_finite(observation: &[f64], reward: f64) -> bool {
    observation.iter().fold(reward * 0.0, |sum, value| sum + value * 0.0) == 0.0
}

/// Counts a step of an episode and applies the time limit.
#[inline]
pub(crate) fn count_step(outcome: &KanrlOutcome, elapsed_steps: &mut u32, limit: Option<u32>) -> StepOutcome {
    *elapsed_steps += 1;
    StepOutcome {
        reward: outcome.reward,
        terminated: outcome.terminated != 0,
        truncated: outcome.truncated != 0 || limit.is_some_and(|limit| *elapsed_steps >= limit),
    }
}
