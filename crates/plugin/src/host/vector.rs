use super::checks::{check_actions, count_step, is_finite};
use super::instances::Instances;
use super::watchdog::Function;
use crate::abi::KanrlOutcome;
use kanrl_core::action::ActionBatch;
use kanrl_core::environment::{EnvironmentError, EnvironmentSpec, LaneError, StepOutcome, VectorEnvironment};

/// Instances of a plugin's environment, stepped together: one foreign call for all of them where the plugin has
/// `step_lanes`.
#[derive(Debug)]
pub(crate) struct PluginVectorEnvironment {
    instances: Instances,
    elapsed_steps: Vec<u32>,
    outcomes: Vec<KanrlOutcome>,
}

impl PluginVectorEnvironment {
    pub fn new(instances: Instances) -> Self {
        let lanes = instances.len();
        Self { instances, elapsed_steps: vec![0; lanes], outcomes: vec![KanrlOutcome::default(); lanes] }
    }
}

impl VectorEnvironment for PluginVectorEnvironment {
    fn spec(&self) -> &EnvironmentSpec {
        self.instances.spec()
    }

    fn lanes(&self) -> usize {
        self.instances.len()
    }

    fn reset_lane(&mut self, lane: usize, seed: Option<u64>, observation: &mut [f64]) -> Result<(), EnvironmentError> {
        self.elapsed_steps[lane] = 0;
        self.instances.reset(lane, seed, observation)?;
        if is_finite(observation, 0.0) {
            Ok(())
        } else {
            Err(self.instances.not_finite(Function::Reset, observation, 0.0))
        }
    }

    fn step_lanes(
        &mut self,
        actions: &ActionBatch,
        observations: &mut [f64],
        outcomes: &mut [StepOutcome],
    ) -> Result<(), LaneError> {
        let (size, limit) = (self.spec().observation_space.len(), self.spec().max_episode_steps);
        check_actions(self.instances.spec(), actions).map_err(|(lane, source)| LaneError { lane, source })?;
        let (stepped, result) = self.instances.step_lanes(actions, observations, &mut self.outcomes);
        let rows = observations.chunks_exact(size).zip(&self.outcomes).zip(&mut outcomes[..stepped]);
        for (lane, (((observation, foreign), outcome), elapsed_steps)) in rows.zip(&mut self.elapsed_steps).enumerate()
        {
            *outcome = count_step(foreign, elapsed_steps, limit);
            if !is_finite(observation, outcome.reward) {
                let function = self.instances.lanes_function();
                let source = self.instances.not_finite(function, observation, outcome.reward);
                return Err(LaneError { lane, source });
            }
        }
        result.map_err(|source| LaneError { lane: stepped, source })
    }

    fn swap_lanes(&mut self, first: usize, second: usize) {
        self.instances.swap(first, second);
        self.elapsed_steps.swap(first, second);
    }

    fn set_parameter(&mut self, name: &str, value: f64) -> Result<(), EnvironmentError> {
        (0..self.instances.len()).try_for_each(|lane| self.instances.set_parameter(lane, name, value))
    }
}
