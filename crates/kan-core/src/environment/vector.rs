use super::dynamic::{checked_reset, checked_step};
use super::{DynEnvironment, Environment, EnvironmentError, EnvironmentSpec, StepOutcome};
use crate::action::{Action, ActionBatch};

/// Several independent lanes of one environment, stepped together: Gymnasium's vector environment without autoreset.
///
/// One dynamic call steps every active lane; the loop inside is compiled for the concrete environment.
pub trait VectorEnvironment: Send {
    /// What is fixed about the environment.
    fn spec(&self) -> &EnvironmentSpec;

    /// Number of lanes.
    fn lanes(&self) -> usize;

    /// Starts an episode in one lane and writes its observation `[observation_space.len()]`.
    ///
    /// # Errors
    /// As [`DynEnvironment::reset`].
    fn reset_lane(&mut self, lane: usize, seed: Option<u64>, observation: &mut [f64]) -> Result<(), EnvironmentError>;

    /// One step in each of the first `actions.rows()` lanes: reads row `lane` of `actions`, writes row `lane` of
    /// `observations` `[≥ rows, observation_space.len()]` and of `outcomes` `[≥ rows]`. The other lanes rest.
    ///
    /// # Errors
    /// The first lane's that fails; the lanes before it have been stepped.
    ///
    /// # Panics
    /// If there are more rows than lanes, or fewer places to write to than rows.
    fn step_lanes(
        &mut self,
        actions: &ActionBatch,
        observations: &mut [f64],
        outcomes: &mut [StepOutcome],
    ) -> Result<(), LaneError>;

    /// Exchanges two lanes with all they hold, so that the running ones stay in front when one of them ends.
    ///
    /// # Panics
    /// If there is no such lane.
    fn swap_lanes(&mut self, first: usize, second: usize);

    /// Changes a named constant in every lane.
    ///
    /// # Errors
    /// [`EnvironmentError::UnknownParameter`].
    fn set_parameter(&mut self, name: &str, value: f64) -> Result<(), EnvironmentError>;
}

/// An environment's error, and the lane it came from.
#[derive(Debug, thiserror::Error)]
#[error("lane {lane}")]
pub struct LaneError {
    /// Index of the lane.
    pub lane: usize,
    /// What went wrong there.
    #[source]
    pub source: EnvironmentError,
}

/// Lanes of one concrete type, stepped one after the other on the calling thread.
#[derive(Debug)]
pub struct SyncVectorEnvironment<E> {
    lanes: Vec<E>,
}

impl<E> SyncVectorEnvironment<E> {
    /// Takes the lanes.
    ///
    /// # Panics
    /// If there is none.
    pub fn new(lanes: Vec<E>) -> Self {
        assert!(!lanes.is_empty(), "a vector environment has at least one lane");
        Self { lanes }
    }
}

impl<E: Environment> VectorEnvironment for SyncVectorEnvironment<E> {
    fn spec(&self) -> &EnvironmentSpec {
        Environment::spec(&self.lanes[0])
    }

    fn lanes(&self) -> usize {
        self.lanes.len()
    }

    fn reset_lane(&mut self, lane: usize, seed: Option<u64>, observation: &mut [f64]) -> Result<(), EnvironmentError> {
        checked_reset(&mut self.lanes[lane], seed, observation)
    }

    fn step_lanes(
        &mut self,
        actions: &ActionBatch,
        observations: &mut [f64],
        outcomes: &mut [StepOutcome],
    ) -> Result<(), LaneError> {
        let size = self.spec().observation_space.len();
        each_lane(&mut self.lanes, size, actions, observations, outcomes, checked_step)
    }

    fn swap_lanes(&mut self, first: usize, second: usize) {
        self.lanes.swap(first, second);
    }

    fn set_parameter(&mut self, name: &str, value: f64) -> Result<(), EnvironmentError> {
        self.lanes.iter_mut().try_for_each(|lane| Environment::set_parameter(lane, name, value))
    }
}

/// Lanes behind a dynamic call each, for environments whose type the host does not know.
impl VectorEnvironment for SyncVectorEnvironment<Box<dyn DynEnvironment>> {
    fn spec(&self) -> &EnvironmentSpec {
        self.lanes[0].spec()
    }

    fn lanes(&self) -> usize {
        self.lanes.len()
    }

    fn reset_lane(&mut self, lane: usize, seed: Option<u64>, observation: &mut [f64]) -> Result<(), EnvironmentError> {
        self.lanes[lane].reset(seed, observation)
    }

    fn step_lanes(
        &mut self,
        actions: &ActionBatch,
        observations: &mut [f64],
        outcomes: &mut [StepOutcome],
    ) -> Result<(), LaneError> {
        let size = self.spec().observation_space.len();
        each_lane(&mut self.lanes, size, actions, observations, outcomes, |lane, action, observation| {
            lane.step(action, observation)
        })
    }

    fn swap_lanes(&mut self, first: usize, second: usize) {
        self.lanes.swap(first, second);
    }

    fn set_parameter(&mut self, name: &str, value: f64) -> Result<(), EnvironmentError> {
        self.lanes.iter_mut().try_for_each(|lane| lane.set_parameter(name, value))
    }
}

#[inline]
fn each_lane<E>(
    lanes: &mut [E],
    size: usize,
    actions: &ActionBatch,
    observations: &mut [f64],
    outcomes: &mut [StepOutcome],
    step: impl Fn(&mut E, Action<'_>, &mut [f64]) -> Result<StepOutcome, EnvironmentError>,
) -> Result<(), LaneError> {
    let rows = actions.rows();
    let (lanes, observations) = (&mut lanes[..rows], observations[..rows * size].chunks_exact_mut(size));
    for (lane, ((environment, observation), outcome)) in
        lanes.iter_mut().zip(observations).zip(&mut outcomes[..rows]).enumerate()
    {
        *outcome = step(environment, actions.row(lane), observation).map_err(|source| LaneError { lane, source })?;
    }
    Ok(())
}
