use super::{EnvironmentError, LaneError, StepOutcome, VectorEnvironment};
use crate::action::ActionBatch;

/// A lane whose episode ended because its simulation diverged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DivergedLane {
    /// Index of the lane.
    pub lane: usize,
    /// What the engine said.
    pub reason: String,
}

/// As [`VectorEnvironment::step_lanes`], but a lane that fails with [`EnvironmentError::Diverged`] ends its own episode
/// only: it is truncated with a reward of 0, its observation stays what it was, and all the others take their step. The
/// lanes that diverged are returned; almost always there are none.
///
/// # Errors
/// The first lane's that fails in any other way.
///
/// # Panics
/// As [`VectorEnvironment::step_lanes`].
pub fn step_lanes_past_divergence(
    environment: &mut dyn VectorEnvironment,
    actions: &ActionBatch,
    observations: &mut [f64],
    outcomes: &mut [StepOutcome],
) -> Result<Vec<DivergedLane>, LaneError> {
    let mut diverged = Vec::new();
    match environment.step_lanes(actions, observations, outcomes) {
        Ok(()) => {}
        Err(LaneError { lane, source: EnvironmentError::Diverged { reason, .. } }) => {
            end(DivergedLane { lane, reason }, outcomes, &mut diverged);
            step_rest(environment, actions, observations, outcomes, &mut diverged)?;
        }
        Err(error) => return Err(error),
    }
    Ok(diverged)
}

fn end(lane: DivergedLane, outcomes: &mut [StepOutcome], diverged: &mut Vec<DivergedLane>) {
    outcomes[lane.lane] = StepOutcome { reward: 0.0, terminated: false, truncated: true };
    diverged.push(lane);
}

/// Steps the lanes after the first one that diverged, each instead of lane 0.
#[cold]
fn step_rest(
    environment: &mut dyn VectorEnvironment,
    actions: &ActionBatch,
    observations: &mut [f64],
    outcomes: &mut [StepOutcome],
    diverged: &mut Vec<DivergedLane>,
) -> Result<(), LaneError> {
    let size = environment.spec().observation_space.len();
    let mut action = actions.clone();
    for lane in diverged[0].lane + 1..actions.rows() {
        action.resize(0);
        action.push(actions.row(lane));
        environment.swap_lanes(0, lane);
        let observation = &mut observations[lane * size..(lane + 1) * size];
        let result = environment.step_lanes(&action, observation, &mut outcomes[lane..=lane]);
        environment.swap_lanes(0, lane);
        match result.map_err(|error| error.source) {
            Ok(()) => {}
            Err(EnvironmentError::Diverged { reason, .. }) => end(DivergedLane { lane, reason }, outcomes, diverged),
            Err(source) => return Err(LaneError { lane, source }),
        }
    }
    Ok(())
}
