//! Fewer rows.

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
