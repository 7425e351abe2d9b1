use super::{ExpertPolicy, Policy, PolicyError, ScoreKind};
use crate::action::{ActionBatch, ActionRule};
use crate::environment::EnvironmentSpec;
use crate::space::ActionSpace;
use std::cell::Cell;

/// An expert from a function of one observation: the scores of discrete actions, or a vector action before clipping.
///
/// ```
/// use kanrl_core::action::ActionBatch;
/// use kanrl_core::environment::EnvironmentSpec;
/// use kanrl_core::policy::{FunctionExpert, Policy};
///
/// let room = EnvironmentSpec::new("Room-v0").observe("inside", "°C").act("heater", "kW", 0.0..=3.0);
/// let thermostat = FunctionExpert::new(&room, "a thermostat", |inside, heat| heat[0] = 2.0 * (21.0 - inside[0]));
/// let mut actions = ActionBatch::zeros(&room.action_space, 0);
/// thermostat.act(&[20.5, 25.0], &[0, 0], &mut actions)?;
/// assert_eq!(actions, ActionBatch::Continuous { values: vec![1.0, 0.0], size: 1 });
/// # Ok::<(), kanrl_core::policy::PolicyError>(())
/// ```
pub struct FunctionExpert<F> {
    observation_size: usize,
    action_space: ActionSpace,
    rule: ActionRule,
    source: String,
    function: F,
}

impl<F: Fn(&[f64], &mut [f64]) + Send + Sync> FunctionExpert<F> {
    /// `function` reads an observation `[observation_size]`, in the environment's own units, and writes
    /// `[action_space.outputs()]` numbers, which are 0 before; the largest one, or the vector clipped to its bounds, is
    /// the action. `source` names the expert in reports.
    pub fn new(environment: &EnvironmentSpec, source: impl Into<String>, function: F) -> Self {
        Self {
            observation_size: environment.observation_space.len(),
            action_space: environment.action_space.clone(),
            rule: ActionRule::of(&environment.action_space),
            source: source.into(),
            function,
        }
    }
}

impl<F: Fn(&[f64], &mut [f64]) + Send + Sync> Policy for FunctionExpert<F> {
    fn observation_size(&self) -> usize {
        self.observation_size
    }

    fn action_space(&self) -> &ActionSpace {
        &self.action_space
    }

    fn act(&self, observations: &[f64], elapsed_steps: &[u32], actions: &mut ActionBatch) -> Result<(), PolicyError> {
        thread_local! {
            /// Kept, so that nothing is allocated in a rollout.
            static OUTPUTS: Cell<Vec<f64>> = const { Cell::new(Vec::new()) };
        }
        let mut outputs = OUTPUTS.take();
        outputs.resize(elapsed_steps.len() * self.action_space.outputs(), 0.0);
        let result = self.scores(observations, elapsed_steps, &mut outputs);
        if result.is_ok() {
            self.rule.act(&outputs, elapsed_steps.len(), actions);
        }
        OUTPUTS.set(outputs);
        result
    }
}

impl<F: Fn(&[f64], &mut [f64]) + Send + Sync> ExpertPolicy for FunctionExpert<F> {
    fn score_kind(&self) -> Option<ScoreKind> {
        Some(match self.action_space {
            ActionSpace::Discrete(_) => ScoreKind::Logits,
            ActionSpace::Box(_) => ScoreKind::Means,
        })
    }

    fn scores(&self, observations: &[f64], _elapsed_steps: &[u32], scores: &mut [f64]) -> Result<(), PolicyError> {
        scores.fill(0.0);
        let rows = observations.chunks_exact(self.observation_size);
        for (observation, scores) in rows.zip(scores.chunks_exact_mut(self.action_space.outputs())) {
            (self.function)(observation, scores);
            if let Some(output) = scores.iter().position(|score| !score.is_finite()) {
                let (value, observation) = (scores[output], observation.to_vec());
                return Err(PolicyError::NotFinite { output, value, observation });
            }
        }
        Ok(())
    }

    fn source(&self) -> &str {
        &self.source
    }
}
