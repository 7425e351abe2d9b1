//! Gauss-Newton matrices by reverse accumulation over the tape.

use super::block::LANES;
use super::{Columns, Tape};
use nalgebra::DMatrix;
use rayon::prelude::*;

/// Parts that the rows are split into, whatever the number of threads: each holds a whole matrix.
const SEGMENTS: usize = 4;
/// Blocks of rows whose derivatives are multiplied at once.
const BLOCKS: usize = 8;

impl Tape {
    /// The Gauss-Newton matrix `Σ Jᵀ H J` of a loss by the constants at `places`, with J the outputs' derivatives by them
    /// and H the loss's second derivatives by the outputs: `[places, places]`, symmetric, never with a negative direction.
    ///
    /// `root(row, direction, outputs, by_outputs)` fills in one of as many directions as there are outputs, whose outer
    /// products add up to H of that row.
    ///
    /// # Shapes
    /// `constants` as [`Self::constants`]; `inputs` `[rows, inputs]`, row-major.
    ///
    /// # Panics
    /// If the lengths do not fit together or a place is not a constant's.
    pub fn gauss_newton(
        &self,
        constants: &[f64],
        places: &[usize],
        inputs: &[f64],
        root: impl Fn(usize, usize, &[f64], &mut [f64]) + Sync,
    ) -> DMatrix<f64> {
        assert!(places.iter().all(|place| *place < self.constants.len()), "places of constants");
        let width = self.inputs.max(1);
        let rows = inputs.len() / width;
        let length = rows.div_ceil(SEGMENTS).next_multiple_of(LANES).max(LANES);
        let parts: Vec<DMatrix<f64>> = inputs
            .par_chunks(length * width)
            .enumerate()
            .map(|(segment, inputs)| {
                let mut matrix = DMatrix::zeros(places.len(), places.len());
                self.with_columns(constants, |columns| {
                    let root = |row: usize, direction: usize, outputs: &[f64], by_outputs: &mut [f64]| {
                        root(segment * length + row, direction, outputs, by_outputs);
                    };
                    self.segment(columns, places, inputs, root, &mut matrix);
                });
                matrix
            })
            .collect();
        parts.into_iter().reduce(|sum, part| sum + part).unwrap_or_else(|| DMatrix::zeros(places.len(), places.len()))
    }

    fn segment(
        &self,
        columns: &mut Columns,
        places: &[usize],
        inputs: &[f64],
        root: impl Fn(usize, usize, &[f64], &mut [f64]),
        matrix: &mut DMatrix<f64>,
    ) {
        let rows = inputs.len() / self.inputs.max(1);
        // Derivatives of one direction, `[constants, rows]` of a few blocks.
        let mut derivatives = vec![vec![0.0; places.len() * BLOCKS * LANES]; self.outputs.len()];
        for start in (0..rows).step_by(BLOCKS * LANES) {
            let count = (BLOCKS * LANES).min(rows - start);
            for first in (0..count).step_by(LANES) {
                let lanes = LANES.min(count - first);
                self.forward(&mut columns.values, &inputs[(start + first) * self.inputs..], lanes);
                for (direction, derivatives) in derivatives.iter_mut().enumerate() {
                    self.backward(columns, lanes, |lane, outputs, by_outputs| {
                        root(start + first + lane, direction, outputs, by_outputs);
                    });
                    for (own, place) in derivatives.chunks_exact_mut(BLOCKS * LANES).zip(places) {
                        own[first..first + lanes].copy_from_slice(&columns.adjoints[place * LANES..][..lanes]);
                    }
                }
            }
            for derivatives in &derivatives {
                add_products(derivatives, count, matrix);
            }
        }
    }
}

/// Adds the products of all pairs of constants' derivatives. A direction has often to do with one output's constants only.
fn add_products(derivatives: &[f64], rows: usize, matrix: &mut DMatrix<f64>) {
    let own = |index: usize| &derivatives[index * BLOCKS * LANES..][..rows];
    let active: Vec<usize> =
        (0..matrix.nrows()).filter(|index| own(*index).iter().any(|value| *value != 0.0)).collect();
    let by_column = DMatrix::from_fn(rows, active.len(), |row, column| own(active[column])[row]);
    let products = by_column.transpose() * &by_column;
    for (column, place) in active.iter().enumerate() {
        for (row, other) in active.iter().enumerate() {
            matrix[(*other, *place)] += products[(row, column)];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Tape;
    use crate::Expression;

    /// Derivatives by differences, for rows in more than one segment and block.
    #[test]
    fn the_matrix_is_the_sum_of_the_derivatives_products() {
        let texts = ["1.5*x + 0.8*sin(2.7*y) + 0.3*x*y", "0.7*tanh(1.1*x + 0.2) - exp(0.4*y)/(2 + x^2)"];
        let expressions: Vec<Expression> = texts.iter().map(|text| text.parse().unwrap()).collect();
        let tape = Tape::compile_with_constants(&expressions, &["x", "y"]).unwrap();
        let inputs: Vec<f64> = (0..2 * 1500).map(|index| f64::from(index * 37 % 101) / 50.0 - 1.0).collect();
        let places: Vec<usize> = (0..tape.constants().len()).filter(|place| *place != 4).collect();
        // H is [[5, 2], [2, 4]] times the row's weight.
        let weight = |row: usize| 1.0 + row as f64 / 1500.0;
        let matrix = tape.gauss_newton(tape.constants(), &places, &inputs, |row, direction, outputs, root| {
            assert!(outputs.iter().all(|value| value.is_finite()));
            let entries = if direction == 0 { [1.0, 2.0] } else { [2.0, 0.0] };
            root.iter_mut().zip(entries).for_each(|(root, entry)| *root = weight(row).sqrt() * entry);
        });
        let outputs = |constants: &[f64]| {
            let mut outputs = vec![0.0; inputs.len()];
            tape.evaluate_with(constants, &inputs, &mut outputs);
            outputs
        };
        let derivatives: Vec<Vec<f64>> = places
            .iter()
            .map(|place| {
                let moved = |by: f64| {
                    let mut constants = tape.constants().to_vec();
                    constants[*place] += by;
                    outputs(&constants)
                };
                moved(1e-6).iter().zip(moved(-1e-6)).map(|(high, low)| (high - low) / 2e-6).collect()
            })
            .collect();
        for (i, first) in derivatives.iter().enumerate() {
            for (j, second) in derivatives.iter().enumerate() {
                let rows = first.chunks_exact(2).zip(second.chunks_exact(2)).enumerate();
                let product = |(row, (a, b)): (usize, (&[f64], &[f64]))| {
                    weight(row) * (5.0 * a[0] * b[0] + 2.0 * (a[0] * b[1] + a[1] * b[0]) + 4.0 * a[1] * b[1])
                };
                let wanted: f64 = rows.map(product).sum();
                let scale = matrix[(i, i)].sqrt() * matrix[(j, j)].sqrt();
                assert!(
                    (matrix[(i, j)] - wanted).abs() <= 1e-6 * scale.max(1.0),
                    "{i} {j}: {} {wanted}",
                    matrix[(i, j)]
                );
            }
        }
    }
}
