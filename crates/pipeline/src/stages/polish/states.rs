//! States in which a policy is compared with the expert.

use crate::head::StudentHead;
use crate::run::Agreement;
use kanrl_core::action::ActionBatch;
use kanrl_core::dataset::Dataset;
use kanrl_core::policy::{Policy, PolicyError};
use kanrl_core::rollout::Episode;

/// Some states, and what the expert does in each.
#[derive(Clone, Debug)]
pub struct States {
    /// `[rows, inputs]`, row-major.
    observations: Vec<f64>,
    actions: ActionBatch,
}

impl States {
    /// About `count` of the states that were visited in recorded episodes, at even distances, with what the expert would do.
    ///
    /// # Errors
    /// [`PolicyError`] where the expert fails.
    pub fn visited(expert: &dyn Policy, episodes: &[Episode], count: usize) -> Result<Self, PolicyError> {
        let inputs = expert.observation_size();
        let trajectories = || episodes.iter().filter_map(|episode| episode.trajectory.as_ref());
        let total: usize = trajectories().map(|trajectory| trajectory.rewards.len()).sum();
        let rows = trajectories().flat_map(|trajectory| trajectory.observations.chunks_exact(inputs).zip(0_u32..));
        let (mut observations, mut elapsed) = (Vec::new(), Vec::new());
        for (row, steps) in rows.step_by(total.div_ceil(count).max(1)) {
            observations.extend_from_slice(row);
            elapsed.push(steps);
        }
        let mut actions = ActionBatch::zeros(expert.action_space(), 0);
        expert.act(&observations, &elapsed, &mut actions)?;
        Ok(Self { observations, actions })
    }

    /// About `count` rows of a dataset, at even distances, with the actions that its targets stand for.
    pub fn of_data(data: &Dataset, head: &StudentHead, count: usize) -> Self {
        let step = data.rows().div_ceil(count).max(1);
        let spread = |values: &[f64], width: usize| -> Vec<f64> {
            values.chunks_exact(width).step_by(step).flatten().copied().collect()
        };
        let observations = spread(&data.observations, data.input_names.len());
        let mut actions = ActionBatch::zeros(head.action_space(), 0);
        head.act(&spread(&data.targets, data.output_names.len()), &mut actions);
        Self { observations, actions }
    }

    /// The observations, `[rows, inputs]`.
    pub fn observations(&self) -> &[f64] {
        &self.observations
    }

    /// How far the policy's actions are the expert's, as fidelity is reported: the share of equal actions, or the coefficient
    /// of determination of vector actions after clipping. At most 1.
    ///
    /// # Errors
    /// [`PolicyError`] where the policy gives no finite action.
    pub fn fidelity(&self, policy: &dyn Policy) -> Result<f64, PolicyError> {
        let mut own = ActionBatch::zeros(policy.action_space(), 0);
        let elapsed = vec![0; self.actions.rows()];
        policy.act(&self.observations, &elapsed, &mut own)?;
        Ok(Agreement::of(&[(own, self.actions.clone())]).value())
    }
}
