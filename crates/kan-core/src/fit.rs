//! A fit: the rows it learns from, the loss it minimizes, and what is heard of it. [`crate::approximator`] hands these on.

use std::ops::ControlFlow;

/// What the fit minimizes.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Loss {
    /// Weighted mean of squared errors over rows and outputs.
    MeanSquared,
    /// Weighted mean of the softmax cross-entropy between outputs and the target row's softmax.
    CrossEntropy,
    /// Mean squared error after both sides are clipped to the action's bounds. Where prediction and target are beyond
    /// the same bound there is nothing to learn; where only the prediction is, its own distance still pulls it back.
    ClippedMeanSquared {
        /// Lower bounds `[outputs]`.
        low: Vec<f64>,
        /// Upper bounds `[outputs]`.
        high: Vec<f64>,
    },
}

impl Loss {
    /// The loss of one row, mean over its outputs, of which `gradient` gets the derivatives by the outputs.
    ///
    /// # Panics
    /// If the lengths are not the same.
    pub fn row(&self, outputs: &[f64], targets: &[f64], gradient: &mut [f64]) -> f64 {
        assert!(outputs.len() == targets.len() && outputs.len() == gradient.len(), "one target for each output");
        let count = outputs.len() as f64;
        let difference = |index: usize| match self {
            Self::ClippedMeanSquared { low, high } => {
                let (output, target, low, high) = (outputs[index], targets[index], low[index], high[index]);
                if (output >= high && target >= high) || (output <= low && target <= low) {
                    0.0
                } else {
                    output - target.clamp(low, high)
                }
            }
            _ => outputs[index] - targets[index],
        };
        if *self == Self::CrossEntropy {
            let softmax = |values: &[f64]| {
                let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                let total: f64 = values.iter().map(|value| (value - most).exp()).sum();
                values.iter().map(|value| value - most - total.ln()).collect::<Vec<f64>>()
            };
            let (logs, wanted) = (softmax(outputs), softmax(targets));
            for ((gradient, log), wanted) in gradient.iter_mut().zip(&logs).zip(&wanted) {
                *gradient = log.exp() - wanted.exp();
            }
            return -logs.iter().zip(&wanted).map(|(log, wanted)| wanted.exp() * log).sum::<f64>();
        }
        let mut total = 0.0;
        for (index, gradient) in gradient.iter_mut().enumerate() {
            let difference = difference(index);
            *gradient = 2.0 * difference / count;
            total += difference * difference / count;
        }
        total
    }
}

/// Rows to fit or to validate on, borrowed from a [`Dataset`](crate::dataset::Dataset).
#[derive(Clone, Copy, Debug)]
pub struct Samples<'a> {
    /// `[rows, inputs]`, row-major.
    pub inputs: &'a [f64],
    /// `[rows, outputs]`, row-major.
    pub targets: &'a [f64],
    /// `[rows]`, not negative; only their proportions count.
    pub weights: &'a [f64],
}

/// Everything a fit needs.
#[derive(Clone, Copy, Debug)]
pub struct FitTask<'a> {
    /// What to learn from.
    pub train: Samples<'a>,
    /// What to stop early on, if anything.
    pub validation: Option<Samples<'a>>,
    /// What to minimize.
    pub loss: &'a Loss,
}

impl FitTask<'_> {
    /// Checks shapes, finiteness, weights and the loss's bounds.
    ///
    /// # Errors
    /// [`ApproximatorError::BadData`] that says what is wrong and where.
    pub fn check(&self, inputs: usize, outputs: usize) -> Result<(), ApproximatorError> {
        let bad = |reason: String| Err(ApproximatorError::BadData { reason });
        if let Loss::ClippedMeanSquared { low, high } = self.loss {
            if low.len() != outputs || high.len() != outputs {
                return bad(format!("{} lower and {} upper bounds for {outputs} outputs", low.len(), high.len()));
            }
            if let Some(index) =
                low.iter().zip(high).position(|(low, high)| low.is_nan() || high.is_nan() || low >= high)
            {
                return bad(format!("output {index} is clipped to [{}, {}]", low[index], high[index]));
            }
        }
        for (name, samples) in [("training", Some(self.train)), ("validation", self.validation)] {
            let Some(samples) = samples else { continue };
            let rows = samples.weights.len();
            if rows == 0 {
                return bad(format!("there are no {name} rows"));
            }
            for (what, values, width) in [("input", samples.inputs, inputs), ("target", samples.targets, outputs)] {
                if values.len() != rows * width {
                    return bad(format!(
                        "{rows} {name} rows of {width} {what}s need {} numbers, not {}",
                        rows * width,
                        values.len()
                    ));
                }
                if let Some(index) = values.iter().position(|value| !value.is_finite()) {
                    let (row, column) = (index / width, index % width);
                    return bad(format!("{what} {column} of {name} row {row} is {}", values[index]));
                }
            }
            if let Some(row) = samples.weights.iter().position(|weight| !(weight.is_finite() && *weight >= 0.0)) {
                return bad(format!("the weight of {name} row {row} is {}", samples.weights[row]));
            }
            if samples.weights.iter().all(|weight| *weight == 0.0) {
                return bad(format!("all weights of the {name} rows are 0"));
            }
        }
        Ok(())
    }
}

/// Progress of a fit, told after every step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FitProgress {
    /// Steps done.
    pub step: usize,
    /// Steps in all.
    pub steps: usize,
    /// Loss on the training rows, regularization left out.
    pub train_loss: f64,
    /// Loss on the validation rows.
    pub validation_loss: Option<f64>,
}

/// Hears progress; `Break` cancels the fit after the current step.
pub type FitObserver<'a> = dyn FnMut(FitProgress) -> ControlFlow<()> + Send + 'a;

/// What a fit came to.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct FitReport {
    /// Steps done.
    pub steps: usize,
    /// Loss on the training rows with the weights that were kept.
    pub train_loss: f64,
    /// Loss on the validation rows with the weights that were kept.
    pub validation_loss: Option<f64>,
    /// The observer cancelled it.
    pub cancelled: bool,
    /// What it was computed on and why, where another device than the CPU was asked for. Not part of the result.
    #[serde(skip)]
    pub device: Option<String>,
}

/// What can go wrong with an approximator.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ApproximatorError {
    /// The data cannot be fitted.
    #[error("the data cannot be fitted: {reason}")]
    BadData {
        /// What is wrong with it.
        reason: String,
    },
    /// The model file is damaged or of another kind.
    #[error("not a readable model: {reason}")]
    BadModel {
        /// What is wrong with it.
        reason: String,
    },
    /// Pruning would leave an output, or everything, without inputs.
    #[error("pruning would cut the network in two: {reason}")]
    Disconnected {
        /// Which part would be left alone.
        reason: String,
    },
    /// A graph that no network of layers computes.
    #[error("the graph is no network of layers: {reason}")]
    NotLayered {
        /// Which part is not.
        reason: String,
    },
    /// Nothing that the device computes; another one may.
    #[error("not on this device: {reason}")]
    Unsupported {
        /// What it is, and what would do it.
        reason: String,
    },
    /// The device that was to train the network is not there or failed.
    #[error("the device failed")]
    Device {
        /// What went wrong.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Nothing finite could be reached.
    #[error("the fit diverged: {reason}")]
    Diverged {
        /// Where and how.
        reason: String,
    },
}
