//! Students as policies.

use crate::head::StudentHead;
use kanrl_core::action::ActionBatch;
use kanrl_core::policy::{Policy, PolicyError};
use kanrl_core::space::ActionSpace;

/// Anything with outputs for a batch of observations, with the head that turns them into actions.
pub struct Student<F> {
    inputs: usize,
    head: StudentHead,
    predict: F,
}

impl<F: Fn(&[f64], &mut [f64]) + Send + Sync> Student<F> {
    /// A student from its function `[rows, inputs] -> [rows, outputs]`, both row-major.
    pub fn new(inputs: usize, head: StudentHead, predict: F) -> Self {
        Self { inputs, head, predict }
    }
}

impl<F: Fn(&[f64], &mut [f64]) + Send + Sync> Policy for Student<F> {
    fn observation_size(&self) -> usize {
        self.inputs
    }

    fn action_space(&self) -> &ActionSpace {
        self.head.action_space()
    }

    fn act(&self, observations: &[f64], _elapsed_steps: &[u32], actions: &mut ActionBatch) -> Result<(), PolicyError> {
        let (inputs, outputs) = (self.inputs, self.head.outputs());
        let mut values = vec![0.0; observations.len() / inputs * outputs];
        (self.predict)(observations, &mut values);
        check_finite(&values, outputs, observations, inputs)?;
        self.head.act(&values, actions);
        Ok(())
    }
}

fn check_finite(values: &[f64], outputs: usize, observations: &[f64], inputs: usize) -> Result<(), PolicyError> {
    let Some(index) = values.iter().position(|value| !value.is_finite()) else { return Ok(()) };
    let row = index / outputs;
    let observation = observations[row * inputs..(row + 1) * inputs].to_vec();
    Err(PolicyError::NotFinite { output: index % outputs, value: values[index], observation })
}
