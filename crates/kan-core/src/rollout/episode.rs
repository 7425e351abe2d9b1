use crate::action::{Action, ActionBatch};

/// One finished episode.
#[derive(Clone, Debug, PartialEq)]
pub struct Episode {
    /// What it was reset with.
    pub seed: u64,
    /// Sum of the rewards.
    pub episode_return: f64,
    /// Steps taken.
    pub length: u32,
    /// It ended by the task's own rules.
    pub terminated: bool,
    /// It was cut off: by the environment's time limit or by the run's `max_steps`.
    pub truncated: bool,
    /// Why the simulation could not go on, where it diverged: then the episode is truncated, and its last step brought 0.
    pub diverged: Option<String>,
    /// What happened in it, if the run records.
    pub trajectory: Option<Trajectory>,
}

/// What happened in an episode, row by row; row `t` has seen `t` steps since the reset.
#[derive(Clone, Debug, PartialEq)]
pub struct Trajectory {
    /// What the policy saw before each step, `[length, observation_size]`, row-major.
    pub observations: Vec<f64>,
    /// What was done, `[length]`.
    pub actions: ActionBatch,
    /// What it brought, `[length]`.
    pub rewards: Vec<f64>,
    /// The observation after the last step.
    pub final_observation: Vec<f64>,
}

impl Trajectory {
    /// Steps since the reset for every row, `[length]`: what a policy is given in addition to the observations.
    pub fn elapsed_steps(&self) -> Vec<u32> {
        (0..self.rewards.len() as u32).collect()
    }
}

impl Trajectory {
    pub(super) fn new(mut actions: ActionBatch) -> Self {
        actions.resize(0);
        Self { observations: Vec::new(), actions, rewards: Vec::new(), final_observation: Vec::new() }
    }

    pub(super) fn push(&mut self, observation: &[f64], action: Action<'_>) {
        self.observations.extend_from_slice(observation);
        self.actions.push(action);
    }
}
