use super::checks::{check_action, check_actions, count_step, is_finite};
use super::instances::Instances;
use super::watchdog::Function;
use crate::abi::KanrlOutcome;
use kanrl_core::action::{Action, ActionBatch};
use kanrl_core::environment::{DynEnvironment, EnvironmentError, EnvironmentSpec, Frame, Parameter, StepOutcome};
use std::cell::RefCell;

/// One instance of a plugin's environment.
#[derive(Debug)]
pub(crate) struct PluginEnvironment {
    instances: Instances,
    elapsed_steps: u32,
    outcomes: Vec<KanrlOutcome>,
    /// What went wrong in a call that cannot return an error; the next call that can, does.
    failure: RefCell<Option<EnvironmentError>>,
}

impl PluginEnvironment {
    pub fn new(instances: Instances) -> Self {
        Self { instances, elapsed_steps: 0, outcomes: Vec::new(), failure: RefCell::new(None) }
    }

    fn or_later<T: Default>(&self, result: Result<T, EnvironmentError>) -> T {
        result.unwrap_or_else(|error| {
            tracing::error!("{error}");
            self.failure.borrow_mut().get_or_insert(error);
            T::default()
        })
    }

    fn check_failure(&mut self) -> Result<(), EnvironmentError> {
        self.failure.get_mut().take().map_or(Ok(()), Err)
    }

    fn finished(
        &mut self,
        function: Function,
        observation: &[f64],
        outcome: &KanrlOutcome,
    ) -> Result<StepOutcome, EnvironmentError> {
        let limit = self.instances.spec().max_episode_steps;
        if !is_finite(observation, outcome.reward) {
            return Err(self.instances.not_finite(function, observation, outcome.reward));
        }
        Ok(count_step(outcome, &mut self.elapsed_steps, limit))
    }
}

impl DynEnvironment for PluginEnvironment {
    fn spec(&self) -> &EnvironmentSpec {
        self.instances.spec()
    }

    fn reset(&mut self, seed: Option<u64>, observation: &mut [f64]) -> Result<(), EnvironmentError> {
        self.check_failure()?;
        self.elapsed_steps = 0;
        self.instances.reset(0, seed, observation)?;
        if is_finite(observation, 0.0) {
            Ok(())
        } else {
            Err(self.instances.not_finite(Function::Reset, observation, 0.0))
        }
    }

    fn step(&mut self, action: Action<'_>, observation: &mut [f64]) -> Result<StepOutcome, EnvironmentError> {
        self.check_failure()?;
        check_action(self.instances.spec(), action)?;
        let mut outcome = KanrlOutcome::default();
        self.instances.step(0, action, observation, &mut outcome)?;
        self.finished(Function::Step, observation, &outcome)
    }

    fn step_chunk(
        &mut self,
        actions: &ActionBatch,
        observations: &mut [f64],
        outcomes: &mut [StepOutcome],
    ) -> Result<usize, EnvironmentError> {
        self.check_failure()?;
        check_actions(self.instances.spec(), actions).map_err(|(_, error)| error)?;
        let size = self.instances.spec().observation_space.len();
        // The plugin does not know the host's time limit: it gets no more actions than there are steps left.
        let limit = self.instances.spec().max_episode_steps;
        let left = limit.map_or(usize::MAX, |limit| limit.saturating_sub(self.elapsed_steps).max(1) as usize);
        let rows = actions.rows().min(left);
        let mut foreign = std::mem::take(&mut self.outcomes);
        foreign.resize(rows, KanrlOutcome::default());
        let steps = self.instances.step_chunk(actions, rows, observations, &mut foreign)?;
        let function = self.instances.chunk_function();
        let each = observations.chunks_exact(size).zip(&foreign).zip(&mut outcomes[..steps]);
        for ((observation, foreign), outcome) in each {
            *outcome = self.finished(function, observation, foreign)?;
        }
        self.outcomes = foreign;
        Ok(steps)
    }

    fn info(&self, info: &mut [f64]) {
        self.or_later(self.instances.info(0, info));
    }

    fn state(&self) -> Vec<f64> {
        self.or_later(self.instances.state(0))
    }

    fn parameters(&self) -> Vec<Parameter> {
        self.or_later(self.instances.parameters(0))
    }

    fn set_parameter(&mut self, name: &str, value: f64) -> Result<(), EnvironmentError> {
        self.check_failure()?;
        self.instances.set_parameter(0, name, value)
    }

    fn render(&mut self) -> Result<Frame, EnvironmentError> {
        self.check_failure()?;
        self.instances.render(0)
    }
}
