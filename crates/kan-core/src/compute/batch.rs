//! Samples laid out for the engine.

use super::chunk::{Column, ROWS};
use super::scalar::Scalar;
use crate::fit::Samples;
use crate::graph::Input;

/// Rows in chunks of columns, inputs already transformed; made once per fit.
#[derive(Clone, Debug)]
pub struct Batch<S> {
    pub(super) rows: usize,
    /// `[chunks, inputs]`
    pub(super) inputs: Vec<Column<S>>,
    /// `[chunks, outputs]`
    pub(super) targets: Vec<Column<S>>,
    /// `[chunks]`, 0 in the rows that fill the last chunk up
    pub(super) weights: Vec<Column<S>>,
    pub(super) total_weight: f64,
}

impl<S: Scalar> Batch<S> {
    /// Lays out `samples` for a graph with these inputs.
    ///
    /// # Panics
    /// If the lengths do not fit together or there is no row.
    pub fn new(inputs: &[Input], outputs: usize, samples: Samples<'_>) -> Self {
        let rows = samples.weights.len();
        assert!(rows > 0 && samples.inputs.len() == rows * inputs.len() && samples.targets.len() == rows * outputs);
        let chunks = rows.div_ceil(ROWS);
        let mut weights = vec![[S::ZERO; ROWS]; chunks];
        for (row, weight) in samples.weights.iter().enumerate() {
            weights[row / ROWS][row % ROWS] = S::from_f64(*weight);
        }
        let mut transformed = vec![[S::ZERO; ROWS]; chunks * inputs.len()];
        let mut targets = vec![[S::ZERO; ROWS]; chunks * outputs];
        for chunk in 0..chunks {
            let range = chunk * ROWS..rows.min((chunk + 1) * ROWS);
            fill_inputs(
                inputs,
                &samples.inputs[range.start * inputs.len()..range.end * inputs.len()],
                &mut transformed[chunk * inputs.len()..(chunk + 1) * inputs.len()],
            );
            for (output, column) in targets[chunk * outputs..(chunk + 1) * outputs].iter_mut().enumerate() {
                for (row, target) in range.clone().zip(column) {
                    *target = S::from_f64(samples.targets[row * outputs + output]);
                }
            }
        }
        Self { rows, inputs: transformed, targets, weights, total_weight: samples.weights.iter().sum() }
    }

    /// Parts of about `rows` rows each (whole chunks), in order.
    pub fn split(&self, rows: usize) -> Vec<Self> {
        let (width, height) = (self.inputs.len() / self.chunks(), self.targets.len() / self.chunks());
        let length = rows.div_ceil(ROWS).max(1);
        let part = |first: usize| {
            let chunks = first..(first + length).min(self.chunks());
            let weights = self.weights[chunks.clone()].to_vec();
            Self {
                rows: self.rows.min(chunks.end * ROWS) - chunks.start * ROWS,
                inputs: self.inputs[chunks.start * width..chunks.end * width].to_vec(),
                targets: self.targets[chunks.start * height..chunks.end * height].to_vec(),
                total_weight: weights.iter().flatten().map(|weight| weight.to_f64()).sum(),
                weights,
            }
        };
        (0..self.chunks()).step_by(length).map(part).filter(|part| part.total_weight > 0.0).collect()
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    pub(super) fn chunks(&self) -> usize {
        self.weights.len()
    }

    /// Rows of chunk `chunk` that hold samples.
    pub(super) fn rows_in(&self, chunk: usize) -> usize {
        (self.rows - chunk * ROWS).min(ROWS)
    }
}

/// Transforms up to [`ROWS`] rows of `values` `[rows, inputs]` into columns. The rows left over repeat the last one:
/// what is finite for it is finite there too.
pub(super) fn fill_inputs<S: Scalar>(inputs: &[Input], values: &[f64], columns: &mut [Column<S>]) {
    let rows = values.len() / inputs.len().max(1);
    for (index, (input, column)) in inputs.iter().zip(columns).enumerate() {
        for (row, value) in column.iter_mut().enumerate() {
            *value = S::from_f64(input.scale * (values[row.min(rows - 1) * inputs.len() + index] - input.shift));
        }
    }
}
