//! Fewer rows, and what can be said about all of them.

use kanrl_core::approximator::Samples;

/// Rows taken at even distances, with their targets and weights.
#[derive(Clone, Debug, PartialEq)]
pub struct Rows {
    inputs: Vec<f64>,
    targets: Vec<f64>,
    weights: Vec<f64>,
}

impl Rows {
    /// About `count` rows of samples with that many inputs and outputs.
    pub fn spread(all: Samples<'_>, count: usize, inputs: usize, outputs: usize) -> Self {
        let step = all.weights.len().div_ceil(count).max(1);
        let rows = |values: &[f64], width: usize| values.chunks_exact(width).step_by(step).flatten().copied().collect();
        Self { inputs: rows(all.inputs, inputs), targets: rows(all.targets, outputs), weights: rows(all.weights, 1) }
    }

    /// They, for a fit.
    pub fn samples(&self) -> Samples<'_> {
        Samples { inputs: &self.inputs, targets: &self.targets, weights: &self.weights }
    }
}

/// Weighted variance of the targets, mean over the outputs: the loss of the best constant.
pub fn variance(samples: Samples<'_>, outputs: usize) -> f64 {
    let total: f64 = samples.weights.iter().sum();
    let weighted = |value: &dyn Fn(&[f64]) -> f64| {
        let rows = samples.targets.chunks_exact(outputs).zip(samples.weights);
        rows.map(|(row, weight)| weight * value(row)).sum::<f64>() / total
    };
    let variance = |output: usize| {
        let mean = weighted(&|row| row[output]);
        weighted(&|row| (row[output] - mean).powi(2))
    };
    (0..outputs).map(variance).sum::<f64>() / outputs as f64
}
