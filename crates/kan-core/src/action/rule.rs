//! The one rule from the outputs of a policy to its actions.

use super::ActionBatch;
use crate::space::{ActionSpace, BoxSpace};
use serde::{Deserialize, Serialize};

/// How outputs become an action. Every policy acts by it: networks, formulas and their exports, experts, baselines.
///
/// ```
/// use kanrl_core::action::{ActionBatch, ActionRule};
/// let mut actions = ActionBatch::Discrete(Vec::new());
/// ActionRule::Argmax.act(&[1.0, 3.0, 3.0, /* second row */ 0.5, 0.0, -1.0], 2, &mut actions);
/// assert_eq!(actions, ActionBatch::Discrete(vec![1, 0]));
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum ActionRule {
    /// The number of the largest output; the first of equal ones.
    Argmax,
    /// Action 0 unless an output is above 0, else one more than the number of the largest output: the first largest of
    /// `(0, outputs…)`. The outputs say how much better each other action is than action 0.
    Threshold,
    /// A vector: every output rounded to f32 and clipped to its bounds.
    Clip {
        /// Lower bounds `[outputs]`; −∞ (`null` in JSON) for none.
        #[serde(serialize_with = "bounds::write", deserialize_with = "bounds::read_low")]
        low: Vec<f64>,
        /// Upper bounds `[outputs]`; ∞ (`null` in JSON) for none.
        #[serde(serialize_with = "bounds::write", deserialize_with = "bounds::read_high")]
        high: Vec<f64>,
    },
}

impl ActionRule {
    /// The rule for as many outputs as the space has: [`Self::Argmax`] or [`Self::Clip`].
    pub fn of(space: &ActionSpace) -> Self {
        match space {
            ActionSpace::Discrete(_) => Self::Argmax,
            ActionSpace::Box(space) => Self::clip(space),
        }
    }

    /// The rule for the fewest outputs: [`Self::Threshold`], with one output less than there are actions, or
    /// [`Self::Clip`].
    pub fn of_differences(space: &ActionSpace) -> Self {
        match space {
            ActionSpace::Discrete(_) => Self::Threshold,
            ActionSpace::Box(space) => Self::clip(space),
        }
    }

    fn clip(space: &BoxSpace) -> Self {
        let bounds = space.coordinates.iter().map(|coordinate| (coordinate.low, coordinate.high));
        let (low, high) = bounds.unzip();
        Self::Clip { low, high }
    }

    /// Writes the actions of a batch of outputs.
    ///
    /// NaN is never the largest output unless all are, and then action 0 is chosen; in a vector NaN stays NaN. A policy
    /// that must not act on NaN says so before, with
    /// [`PolicyError::NotFinite`](crate::policy::PolicyError::NotFinite).
    ///
    /// # Shapes
    /// `outputs` `[rows, outputs]`, row-major, f32 or f64; `actions` is resized to `rows`.
    ///
    /// # Panics
    /// If the lengths do not fit together, or `actions` is of another kind than the rule.
    pub fn act<T: Copy + Into<f64>>(&self, outputs: &[T], rows: usize, actions: &mut ActionBatch) {
        actions.resize(rows);
        if rows == 0 {
            return;
        }
        let width = outputs.len() / rows;
        assert_eq!(outputs.len(), rows * width, "rows of outputs");
        match (self, actions) {
            (Self::Argmax, ActionBatch::Discrete(actions)) => {
                for (action, row) in actions.iter_mut().zip(outputs.chunks_exact(width)) {
                    *action = first_largest(row.iter().map(|output| (*output).into()));
                }
            }
            (Self::Threshold, ActionBatch::Discrete(actions)) if width == 1 => {
                // The same as below, for many rows at once.
                for (action, output) in actions.iter_mut().zip(outputs) {
                    *action = usize::from((*output).into() > 0.0);
                }
            }
            (Self::Threshold, ActionBatch::Discrete(actions)) => {
                for (action, row) in actions.iter_mut().zip(outputs.chunks_exact(width)) {
                    let others = row.iter().map(|output| (*output).into());
                    *action = first_largest(std::iter::once(0.0).chain(others));
                }
            }
            (Self::Clip { low, high }, ActionBatch::Continuous { values, size }) => {
                assert_eq!((*size, low.len(), high.len()), (width, width, width), "a bound for each output");
                for (row, outputs) in values.chunks_exact_mut(width).zip(outputs.chunks_exact(width)) {
                    for (((value, output), low), high) in row.iter_mut().zip(outputs).zip(low).zip(high) {
                        *value = clip((*output).into() as f32, *low as f32, *high as f32);
                    }
                }
            }
            _ => panic!("the batch and the rule are of different kinds"),
        }
    }
}

/// Number of the first largest value, as `numpy.argmax`, but never of a NaN beside a number.
#[inline]
fn first_largest(values: impl Iterator<Item = f64>) -> usize {
    let mut best = (0, f64::NAN);
    for (index, value) in values.enumerate() {
        if value > best.1 || (best.1.is_nan() && !value.is_nan()) {
            best = (index, value);
        }
    }
    best.0
}

/// `numpy.clip`: NaN stays NaN.
#[inline]
pub(crate) fn clip(value: f32, low: f32, high: f32) -> f32 {
    if value < low {
        low
    } else if value > high {
        high
    } else {
        value
    }
}

/// Bounds in JSON: `null` stands for an infinite one.
mod bounds {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn write<S: Serializer>(bounds: &[f64], serializer: S) -> Result<S::Ok, S::Error> {
        let bounds: Vec<Option<f64>> = bounds.iter().map(|bound| bound.is_finite().then_some(*bound)).collect();
        bounds.serialize(serializer)
    }

    pub(super) fn read_low<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<f64>, D::Error> {
        read(deserializer, f64::NEG_INFINITY)
    }

    pub(super) fn read_high<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<f64>, D::Error> {
        read(deserializer, f64::INFINITY)
    }

    fn read<'de, D: Deserializer<'de>>(deserializer: D, infinite: f64) -> Result<Vec<f64>, D::Error> {
        let bounds: Vec<Option<f64>> = Deserialize::deserialize(deserializer)?;
        Ok(bounds.into_iter().map(|bound| bound.unwrap_or(infinite)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::ActionRule;
    use crate::action::ActionBatch;

    fn choose(rule: &ActionRule, outputs: &[f64]) -> usize {
        let mut actions = ActionBatch::Discrete(Vec::new());
        rule.act(outputs, 1, &mut actions);
        let ActionBatch::Discrete(actions) = actions else { unreachable!() };
        actions[0]
    }

    #[test]
    fn ties_go_to_the_first_and_nan_is_never_chosen() {
        let nan = f64::NAN;
        for (outputs, argmax, threshold) in [
            (&[1.0, 2.0, 2.0][..], 1, 2),
            (&[-1.0, -2.0, -1.0], 0, 0),
            (&[0.0, -0.0, 0.0], 0, 0),
            (&[nan, -1.0, nan], 1, 0),
            (&[nan, nan, 1.0], 2, 3),
            (&[nan, nan, nan], 0, 0),
            (&[f64::NEG_INFINITY, f64::INFINITY, nan], 1, 2),
        ] {
            assert_eq!(choose(&ActionRule::Argmax, outputs), argmax, "{outputs:?}");
            assert_eq!(choose(&ActionRule::Threshold, outputs), threshold, "{outputs:?}");
        }
    }

    #[test]
    fn the_sign_of_the_only_output_chooses() {
        let outputs = [1e-300, 0.0, -0.0, -1.0, f64::NAN, f64::INFINITY];
        let mut actions = ActionBatch::Discrete(Vec::new());
        ActionRule::Threshold.act(&outputs, outputs.len(), &mut actions);
        assert_eq!(actions, ActionBatch::Discrete(vec![1, 0, 0, 0, 0, 1]));
    }

    #[test]
    fn vectors_are_clipped_and_keep_nan() {
        let rule = ActionRule::Clip { low: vec![-1.0, f64::NEG_INFINITY], high: vec![0.5, f64::INFINITY] };
        let mut actions = ActionBatch::Continuous { values: Vec::new(), size: 2 };
        rule.act(&[2.0, 2.0, -3.0, f64::NAN, f64::NAN, 0.1], 3, &mut actions);
        let ActionBatch::Continuous { values, .. } = actions else { unreachable!() };
        assert_eq!([values[0], values[1], values[2], values[5]], [0.5, 2.0, -1.0, 0.1]);
        assert!(values[3].is_nan() && values[4].is_nan());
    }
}
