//! Gradients by reverse accumulation over the tape.

use super::block::{Instruction, LANES};
use super::{Columns, Tape};
use crate::expression::{Curve, Operator, integer_power, sign};
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
        let mut outputs = vec![0.0; self.outputs.len()];
        let mut by_outputs = vec![0.0; self.outputs.len()];
        columns.adjoints.resize(columns.values.len(), 0.0);
        for start in (0..rows).step_by(LANES) {
            let lanes = LANES.min(rows - start);
            self.forward(&mut columns.values, &inputs[start * self.inputs..], lanes);
            columns.adjoints.fill(0.0);
            for lane in 0..lanes {
                for (value, column) in outputs.iter_mut().zip(&self.outputs) {
                    *value = columns.values[*column as usize * LANES + lane];
                }
                by_outputs.fill(0.0);
                total += loss(start + lane, &outputs, &mut by_outputs);
                for (by_output, column) in by_outputs.iter().zip(&self.outputs) {
                    columns.adjoints[*column as usize * LANES + lane] += by_output;
                }
            }
            let first = self.constants.len() + self.inputs;
            for (index, instruction) in self.instructions.iter().enumerate().rev() {
                let target = (first + index) * LANES;
                let (operands, rest) = columns.adjoints.split_at_mut(target);
                instruction.backward(&columns.values, &self.curves, target, &rest[..lanes], operands);
            }
            for (sum, column) in gradient.iter_mut().zip(columns.adjoints.chunks_exact(LANES)) {
                *sum += column[..lanes].iter().sum::<f64>();
            }
        }
        total
    }
}

impl Instruction {
    /// Adds the target's adjoints, times the derivatives, to the operands' adjoints.
    fn backward(self, values: &[f64], curves: &[Arc<Curve>], target: usize, by_target: &[f64], adjoints: &mut [f64]) {
        let value = |column: u32, lane: usize| values[column as usize * LANES + lane];
        for (lane, by_target) in by_target.iter().enumerate() {
            // A branch that was not taken may have an infinite derivative.
            if *by_target == 0.0 {
                continue;
            }
            let result = values[target + lane];
            let mut add = |column: u32, derivative: f64| {
                adjoints[column as usize * LANES + lane] += by_target * derivative;
            };
            match self {
                Self::Unary(operator, x) => add(x, derivative(operator, value(x, lane), result)),
                Self::IntegerPower(x, exponent) => {
                    add(x, f64::from(exponent) * integer_power(value(x, lane), exponent - 1));
                }
                Self::Curve(number, x) => add(x, curves[number as usize].slope(value(x, lane))),
                Self::Gate(x, y, z) => add(if value(x, lane) > 0.0 { y } else { z }, 1.0),
                Self::Binary(operator, x, y) => {
                    let (a, b) = (value(x, lane), value(y, lane));
                    match operator {
                        Operator::Add => {
                            add(x, 1.0);
                            add(y, 1.0);
                        }
                        Operator::Multiply => {
                            add(x, b);
                            add(y, a);
                        }
                        Operator::Divide => {
                            add(x, 1.0 / b);
                            add(y, -result / b);
                        }
                        Operator::Power => {
                            add(x, b * crate::expression::power(a, b - 1.0));
                            // By the exponent where the base allows any exponent.
                            if a > 0.0 {
                                add(y, result * a.ln());
                            }
                        }
                        Operator::Min => add(if a < b { x } else { y }, 1.0),
                        _ => add(if a > b { x } else { y }, 1.0),
                    }
                }
            }
        }
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
