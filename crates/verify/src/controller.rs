//! A formula as a policy over boxes.

use crate::Program;
use kanrl_interval::{Choice, Interval, Number};
use kanrl_symbolic::{ActionRule, Formula, SymbolicError};

/// A formula that acts on whatever is known of an observation.
#[derive(Clone, Debug)]
pub struct Controller {
    program: Program,
    action: ActionRule,
}

impl Controller {
    /// The formula as a controller.
    ///
    /// # Errors
    /// [`SymbolicError`] as of [`Program::new`].
    pub fn new(formula: &Formula) -> Result<Self, SymbolicError> {
        Ok(Self { program: Program::new(&formula.expressions(), formula.inputs())?, action: formula.action().clone() })
    }

    /// The outputs, before the action rule.
    pub fn outputs<T: Number>(&self, observation: &[T]) -> Vec<T> {
        self.program.evaluate(observation)
    }

    /// Everything that it may do; nothing where an output may be undefined.
    pub fn choices<T: Number>(&self, observation: &[T]) -> Vec<Choice<T>> {
        let outputs = self.outputs(observation);
        if outputs.iter().any(|output| output.range().is_undefined()) {
            return Vec::new();
        }
        match &self.action {
            ActionRule::Argmax => largest(&outputs),
            ActionRule::Threshold => {
                let mut scores = vec![T::constant(0.0)];
                scores.extend(outputs);
                largest(&scores)
            }
            ActionRule::Clip { low, high } => {
                let bound = |bound: f64| f64::from(bound as f32);
                let numbers = outputs.iter().zip(low.iter().zip(high)).map(|(output, (low, high))| {
                    let (low, high) = (bound(*low), bound(*high));
                    output.to_f32().clipped(low, high).known_within(Interval { low, high })
                });
                vec![Choice::Vector(numbers.collect())]
            }
        }
    }
}

/// The numbers of the scores that may be the first largest.
fn largest<T: Number>(scores: &[T]) -> Vec<Choice<T>> {
    let beats = |mine: usize, other: usize| {
        let lead = scores[mine].minus(&scores[other]).range().both(scores[mine].range() - scores[other].range());
        // The first of equal ones is chosen.
        if mine < other { lead.high >= 0.0 } else { lead.high > 0.0 }
    };
    (0..scores.len())
        .filter(|mine| (0..scores.len()).all(|other| *mine == other || beats(*mine, other)))
        .map(Choice::Discrete)
        .collect()
}
