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
    /// Multinomial logistic loss of choices between `outputs + 1` actions, of which the first one's score is 0: weighted mean
    /// of the Kullback-Leibler divergence of softmax(0, outputs) from softmax(0, `sharpness` · targets), in nats. 0 where
    /// they are equal. The sharper, the more it asks for the choice alone; the less, the more for the targets themselves.
    Choice {
        /// Factor of the targets, above 0.
        sharpness: f64,
    },
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
        if let Self::Choice { sharpness } = self {
            return choice(
                *sharpness,
                outputs.len(),
                |index| outputs[index],
                |index| targets[index],
                |index, derivative| gradient[index] = derivative,
            );
        }
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

    /// Sets `root` to direction `direction` of a root of one row's second derivatives by the outputs: summed over as many
    /// directions as there are outputs, the outer products of the roots are `weight` times those second derivatives (for
    /// squared errors the loss's own, of which clipped outputs have none). What Gauss-Newton needs.
    ///
    /// # Panics
    /// If the lengths are not the same.
    pub fn curvature_root(&self, direction: usize, weight: f64, outputs: &[f64], targets: &[f64], root: &mut [f64]) {
        assert!(outputs.len() == targets.len() && outputs.len() == root.len(), "one target for each output");
        root.fill(0.0);
        let (output, target) = (|index: usize| outputs[index], targets[direction]);
        curvature_root(self, direction, weight, outputs.len(), output, target, |index, entry| root[index] = entry);
    }

    /// The loss of the constant that does best on these rows, which any model has to beat: for squares the variance of the
    /// (clipped) targets, for the others the divergence of, or the cross-entropy with, the mean of the rows' softmax.
    ///
    /// # Panics
    /// If there are no rows, or targets for a part of one.
    pub fn of_best_constant(&self, samples: Samples<'_>) -> f64 {
        let outputs = samples.targets.len() / samples.weights.len();
        let total: f64 = samples.weights.iter().sum();
        let rows = || samples.targets.chunks_exact(outputs).zip(samples.weights);
        let mean = |value: &dyn Fn(&[f64]) -> Vec<f64>| {
            let mut mean = vec![0.0; outputs + 1];
            for (row, weight) in rows() {
                mean.iter_mut().zip(value(row)).for_each(|(mean, value)| *mean += weight / total * value);
            }
            mean
        };
        let constant: Vec<f64> = match self {
            Self::MeanSquared => mean(&<[f64]>::to_vec),
            Self::ClippedMeanSquared { low, high } => mean(&|row| {
                let bounds = low.iter().zip(high);
                row.iter().zip(bounds).map(|(target, (low, high))| target.clamp(*low, *high)).collect()
            }),
            Self::CrossEntropy => {
                let shares = mean(&|row| softmax(row.iter().copied()));
                shares.iter().map(|share| share.max(f64::MIN_POSITIVE).ln()).collect()
            }
            Self::Choice { sharpness } => {
                let scores =
                    |row: &[f64]| softmax(std::iter::once(0.0).chain(row.iter().map(|target| sharpness * target)));
                let shares = mean(&scores);
                let logs = shares.iter().map(|share| share.max(f64::MIN_POSITIVE).ln());
                logs.clone().skip(1).map(|log| log - logs.clone().next().expect("action 0")).collect()
            }
        };
        let mut unused = vec![0.0; outputs];
        rows().map(|(row, weight)| weight / total * self.row(&constant[..outputs], row, &mut unused)).sum()
    }
}

fn softmax(values: impl Iterator<Item = f64> + Clone) -> Vec<f64> {
    let most = values.clone().fold(f64::NEG_INFINITY, f64::max);
    let total: f64 = values.clone().map(|value| (value - most).exp()).sum();
    values.map(|value| (value - most).exp() / total).collect()
}

/// [`Loss::Choice`] of one row; `push` gets the derivative by each of the outputs.
pub(crate) fn choice(
    sharpness: f64,
    outputs: usize,
    output: impl Fn(usize) -> f64,
    target: impl Fn(usize) -> f64,
    mut push: impl FnMut(usize, f64),
) -> f64 {
    let wanted = |index: usize| sharpness * target(index);
    let log_total = |score: &dyn Fn(usize) -> f64| {
        let highest = (0..outputs).map(score).fold(0.0, f64::max);
        let total: f64 = (0..outputs).map(|index| (score(index) - highest).exp()).sum();
        highest + ((-highest).exp() + total).ln()
    };
    let (own_total, wanted_total) = (log_total(&output), log_total(&wanted));
    // Action 0's score is 0 on both sides.
    let mut value = (-wanted_total).exp() * (own_total - wanted_total);
    for index in 0..outputs {
        let (own, wanted) = (output(index) - own_total, wanted(index) - wanted_total);
        let share = wanted.exp();
        if share > 0.0 {
            value += share * (wanted - own);
        }
        push(index, own.exp() - share);
    }
    value
}

/// [`Loss::curvature_root`] of one row; `target` is that of the direction, `push` gets the entries that are not 0.
pub(crate) fn curvature_root(
    loss: &Loss,
    direction: usize,
    weight: f64,
    outputs: usize,
    output: impl Fn(usize) -> f64,
    target: f64,
    mut push: impl FnMut(usize, f64),
) {
    let unit = |index: usize| if index == direction { 1.0 } else { 0.0 };
    match loss {
        Loss::MeanSquared => push(direction, (2.0 * weight / outputs as f64).sqrt()),
        Loss::ClippedMeanSquared { low, high } => {
            let (output, low, high) = (output(direction), low[direction], high[direction]);
            if !((output >= high && target >= high) || (output <= low && target <= low)) {
                push(direction, (2.0 * weight / outputs as f64).sqrt());
            }
        }
        Loss::CrossEntropy => {
            let highest = (0..outputs).map(&output).fold(f64::NEG_INFINITY, f64::max);
            let total: f64 = (0..outputs).map(|index| (output(index) - highest).exp()).sum();
            let probability = |index: usize| (output(index) - highest).exp() / total;
            // diag(p) − p pᵀ is Σ p_i (e_i − p)(e_i − p)ᵀ.
            let root = (weight * probability(direction)).sqrt();
            (0..outputs).for_each(|index| push(index, root * (unit(index) - probability(index))));
        }
        Loss::Choice { .. } => {
            let highest = (0..outputs).map(&output).fold(0.0, f64::max);
            let total: f64 = (0..outputs).map(|index| (output(index) - highest).exp()).sum();
            let total = total + (-highest).exp();
            let first = (-highest).exp() / total;
            let probability = |index: usize| (output(index) - highest).exp() / total;
            // With p without action 0's p₀ and v = √p, diag(p) − p pᵀ is R Rᵀ of R = diag(v) (I − v vᵀ / (1 + √p₀)).
            let own = probability(direction).sqrt();
            for index in 0..outputs {
                let root = probability(index).sqrt();
                push(index, weight.sqrt() * (root * (unit(index) - root * own / (1.0 + first.sqrt()))));
            }
        }
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
        if let Loss::Choice { sharpness } = self.loss
            && !(sharpness.is_finite() && *sharpness > 0.0)
        {
            return bad(format!("the sharpness of a choice is {sharpness}; it is a number above 0"));
        }
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
    #[error("the graph is not layered: {reason}")]
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
