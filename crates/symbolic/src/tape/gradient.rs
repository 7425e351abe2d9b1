//! Gradients by reverse accumulation over the tape.

use super::block::{Instruction, LANES};
use super::{Columns, Tape};
use crate::expression::{Curve, Operator, integer_power, power, sign};
use rayon::prelude::*;
use std::sync::Arc;

/// Rows that one task works on: a fixed split, so that sums have the same bits for any number of threads.
const CHUNK: usize = 16 * LANES;

impl Tape {
    /// A loss summed over all rows, and its gradient by the tape's constants in one pass; for refitting the constants
    /// of a formula, compiled by [`Self::compile_with_constants`]. Whole exponents are fixed and have gradient 0.
    ///
    /// `loss(row, outputs, output_gradient)` gives a row's loss and fills in its gradient by the outputs. At kinks the
    /// gradient is that of the branch that the value takes; jumps have gradient 0.
    ///
    /// # Shapes
    /// `constants` and `gradient` as [`Self::constants`]; `inputs` `[rows, inputs]`, row-major.
    ///
    /// # Panics
    /// If the lengths do not fit together.
    pub fn value_and_gradient(
        &self,
        constants: &[f64],
        inputs: &[f64],
        loss: impl Fn(usize, &[f64], &mut [f64]) -> f64 + Sync,
        gradient: &mut [f64],
    ) -> f64 {
        assert_eq!(gradient.len(), self.constants.len(), "one derivative for each constant");
        let width = self.inputs.max(1);
        let chunks: Vec<(f64, Vec<f64>)> = inputs
            .par_chunks(CHUNK * width)
            .enumerate()
            .map(|(chunk, inputs)| {
                let mut gradient = vec![0.0; self.constants.len()];
                let rows = inputs.len() / width;
                let value = self.with_columns(constants, |columns| {
                    self.chunk(columns, inputs, rows, |row, y, by_y| loss(chunk * CHUNK + row, y, by_y), &mut gradient)
                });
                (value, gradient)
            })
            .collect();
        gradient.fill(0.0);
        let mut total = 0.0;
        for (value, part) in chunks {
            total += value;
            gradient.iter_mut().zip(part).for_each(|(sum, part)| *sum += part);
        }
        total
    }

    fn chunk(
        &self,
        columns: &mut Columns,
        inputs: &[f64],
        rows: usize,
        mut loss: impl FnMut(usize, &[f64], &mut [f64]) -> f64,
        gradient: &mut [f64],
    ) -> f64 {
        let mut total = 0.0;
        for start in (0..rows).step_by(LANES) {
            let lanes = LANES.min(rows - start);
            self.forward(&mut columns.values, &inputs[start * self.inputs..], lanes);
            self.backward(columns, lanes, |lane, outputs, by_outputs| total += loss(start + lane, outputs, by_outputs));
            for (sum, column) in gradient.iter_mut().zip(columns.adjoints.chunks_exact(LANES)) {
                *sum += column[..lanes].iter().sum::<f64>();
            }
        }
        total
    }

    /// Fills in the adjoints of all columns, after [`Self::forward`]; `seed(lane, outputs, by_outputs)` gives those of a
    /// row's outputs.
    pub(super) fn backward(
        &self,
        columns: &mut Columns,
        lanes: usize,
        mut seed: impl FnMut(usize, &[f64], &mut [f64]),
    ) {
        let Columns { values, adjoints, outputs, by_outputs } = columns;
        adjoints.resize(values.len(), 0.0);
        adjoints.fill(0.0);
        outputs.resize(self.outputs.len(), 0.0);
        by_outputs.resize(self.outputs.len(), 0.0);
        for lane in 0..lanes {
            for (value, column) in outputs.iter_mut().zip(&self.outputs) {
                *value = values[*column as usize * LANES + lane];
            }
            by_outputs.fill(0.0);
            seed(lane, outputs, by_outputs);
            for (by_output, column) in by_outputs.iter().zip(&self.outputs) {
                adjoints[*column as usize * LANES + lane] += by_output;
            }
        }
        let first = self.constants.len() + self.inputs;
        for (index, instruction) in self.instructions.iter().enumerate().rev() {
            let target = (first + index) * LANES;
            let (operands, rest) = adjoints.split_at_mut(target);
            instruction.backward(values, &self.curves, target, &rest[..lanes], operands);
        }
    }
}

impl Instruction {
    /// Adds the target's adjoints, times the derivatives, to the operands' adjoints.
    fn backward(self, values: &[f64], curves: &[Arc<Curve>], target: usize, by_target: &[f64], adjoints: &mut [f64]) {
        let column = |index: u32| -> &Block { block(values, index as usize * LANES) };
        let result = block(values, target);
        match self {
            Self::Unary(operator, x) => add_unary(operator, column(x), result, by_target, adjoints, x),
            Self::IntegerPower(x, exponent) => {
                let (base, factor) = (column(x), f64::from(exponent));
                add(adjoints, x, by_target, |lane| factor * integer_power(base[lane], exponent - 1));
            }
            Self::Curve(number, x) => {
                let (curve, argument) = (&curves[number as usize], column(x));
                add(adjoints, x, by_target, |lane| curve.slope(argument[lane]));
            }
            Self::Gate(x, y, z) => {
                let condition = column(x);
                add(adjoints, y, by_target, |lane| if condition[lane] > 0.0 { 1.0 } else { 0.0 });
                add(adjoints, z, by_target, |lane| if condition[lane] > 0.0 { 0.0 } else { 1.0 });
            }
            Self::Binary(operator, x, y) => {
                let (a, b) = (column(x), column(y));
                match operator {
                    Operator::Add => {
                        add(adjoints, x, by_target, |_| 1.0);
                        add(adjoints, y, by_target, |_| 1.0);
                    }
                    Operator::Multiply => {
                        add(adjoints, x, by_target, |lane| b[lane]);
                        add(adjoints, y, by_target, |lane| a[lane]);
                    }
                    Operator::Divide => {
                        add(adjoints, x, by_target, |lane| 1.0 / b[lane]);
                        add(adjoints, y, by_target, |lane| -result[lane] / b[lane]);
                    }
                    Operator::Power => {
                        add(adjoints, x, by_target, |lane| b[lane] * power(a[lane], b[lane] - 1.0));
                        // By the exponent where the base allows any exponent.
                        add(
                            adjoints,
                            y,
                            by_target,
                            |lane| if a[lane] > 0.0 { result[lane] * a[lane].ln() } else { 0.0 },
                        );
                    }
                    Operator::Min => {
                        add(adjoints, x, by_target, |lane| if a[lane] < b[lane] { 1.0 } else { 0.0 });
                        add(adjoints, y, by_target, |lane| if a[lane] < b[lane] { 0.0 } else { 1.0 });
                    }
                    _ => {
                        add(adjoints, x, by_target, |lane| if a[lane] > b[lane] { 1.0 } else { 0.0 });
                        add(adjoints, y, by_target, |lane| if a[lane] > b[lane] { 0.0 } else { 1.0 });
                    }
                }
            }
        }
    }
}

/// A column's rows; of a known length, so that no index is checked.
type Block = [f64; LANES];

fn block(columns: &[f64], start: usize) -> &Block {
    columns[start..][..LANES].try_into().expect("a block")
}

/// The operators of formulas that are met most get a loop of their own, as in evaluation.
fn add_unary(operator: Operator, x: &Block, result: &Block, by_target: &[f64], adjoints: &mut [f64], operand: u32) {
    match operator {
        Operator::Negate => add(adjoints, operand, by_target, |_| -1.0),
        Operator::Exp => add(adjoints, operand, by_target, |lane| result[lane]),
        Operator::Tanh => add(adjoints, operand, by_target, |lane| 1.0 - result[lane] * result[lane]),
        Operator::Gaussian => add(adjoints, operand, by_target, |lane| -2.0 * x[lane] * result[lane]),
        other => add(adjoints, operand, by_target, |lane| derivative(other, x[lane], result[lane])),
    }
}

#[inline(always)]
fn add(adjoints: &mut [f64], operand: u32, by_target: &[f64], derivative: impl Fn(usize) -> f64) {
    let adjoints = &mut adjoints[operand as usize * LANES..][..LANES];
    for (lane, (adjoint, by_target)) in adjoints.iter_mut().zip(by_target).enumerate() {
        // A branch that was not taken may have an infinite derivative.
        let term = if *by_target == 0.0 { 0.0 } else { by_target * derivative(lane) };
        *adjoint += term;
    }
}

fn derivative(operator: Operator, x: f64, result: f64) -> f64 {
    match operator {
        Operator::Negate => -1.0,
        Operator::Exp => result,
        Operator::Log => 1.0 / x,
        Operator::Sqrt => 0.5 / result,
        Operator::Sin => x.cos(),
        Operator::Cos => -x.sin(),
        Operator::Tan => 1.0 + result * result,
        Operator::Tanh => 1.0 - result * result,
        Operator::Arcsin => 1.0 / (1.0 - x * x).sqrt(),
        Operator::Arccos => -1.0 / (1.0 - x * x).sqrt(),
        Operator::Arctan => 1.0 / (1.0 + x * x),
        Operator::Arctanh => 1.0 / (1.0 - x * x),
        Operator::Abs => sign(x),
        Operator::Gaussian => -2.0 * x * result,
        Operator::Native(native) => (native.function().derivative)(x),
        // Sign and step.
        _ => 0.0,
    }
}
