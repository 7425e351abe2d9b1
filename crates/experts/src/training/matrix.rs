//! The three products of a dense layer, forward and back, on row-major f32 buffers.
//!
//! Large ones go through nalgebra's GEMM, which must not be reached with a dimension of 5 or less: there nalgebra
//! leaves its blocked kernel for column operations that are slow. Layers are padded to [`MINIMUM_WIDTH`] for that
//! reason, and batches of fewer rows take plain loops.

use nalgebra::{DMatrixView, DMatrixViewMut, Dyn, MatrixView};

/// The least width of a layer's buffers.
pub(super) const MINIMUM_WIDTH: usize = 8;

/// Fewer rows than this take the plain loops.
const MINIMUM_ROWS: usize = 8;

/// Sizes of one layer; both widths are at least [`MINIMUM_WIDTH`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct LayerShape {
    /// Width of the input.
    pub inputs: usize,
    /// Width of the output.
    pub outputs: usize,
}

/// A row-major `[rows, columns]` buffer as a column-major matrix of its transpose.
fn transposed(data: &[f32], rows: usize, columns: usize) -> DMatrixView<'_, f32> {
    DMatrixView::from_slice(data, columns, rows)
}

/// A row-major `[rows, columns]` buffer as the matrix it is.
fn strided(data: &[f32], rows: usize, columns: usize) -> MatrixView<'_, f32, Dyn, Dyn, Dyn, Dyn> {
    MatrixView::from_slice_with_strides_generic(data, Dyn(rows), Dyn(columns), Dyn(columns), Dyn(1))
}

/// `output[r, o] = bias[o] + Σᵢ weight[o, i] input[r, i]`, with `weight` `[outputs, inputs]`.
pub(super) fn affine(shape: LayerShape, weight: &[f32], bias: &[f32], input: &[f32], output: &mut [f32]) {
    let LayerShape { inputs, outputs } = shape;
    let rows = input.len() / inputs;
    if rows < MINIMUM_ROWS {
        for (input, output) in input.chunks_exact(inputs).zip(output.chunks_exact_mut(outputs)) {
            for ((output, weight), bias) in output.iter_mut().zip(weight.chunks_exact(inputs)).zip(bias) {
                *output = bias + dot(weight, input);
            }
        }
        return;
    }
    output.chunks_exact_mut(outputs).for_each(|row| row.copy_from_slice(bias));
    let weight = strided(weight, outputs, inputs);
    DMatrixViewMut::from_slice(output, outputs, rows).gemm(1.0, &weight, &transposed(input, rows, inputs), 1.0);
}

/// `weight_gradient[o, i] = Σᵣ output_gradient[r, o] input[r, i]` and `bias_gradient[o] = Σᵣ output_gradient[r, o]`.
pub(super) fn affine_parameter_gradient(
    shape: LayerShape,
    input: &[f32],
    output_gradient: &[f32],
    weight_gradient: &mut [f32],
    bias_gradient: &mut [f32],
) {
    let LayerShape { inputs, outputs } = shape;
    let rows = input.len() / inputs;
    bias_gradient.fill(0.0);
    for row in output_gradient.chunks_exact(outputs) {
        bias_gradient.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
    }
    if rows < MINIMUM_ROWS {
        weight_gradient.fill(0.0);
        for (input, gradient) in input.chunks_exact(inputs).zip(output_gradient.chunks_exact(outputs)) {
            for (weight, gradient) in weight_gradient.chunks_exact_mut(inputs).zip(gradient) {
                add_scaled(weight, *gradient, input);
            }
        }
        return;
    }
    let output_gradient = strided(output_gradient, rows, outputs);
    let mut weight_gradient = DMatrixViewMut::from_slice(weight_gradient, inputs, outputs);
    weight_gradient.gemm(1.0, &transposed(input, rows, inputs), &output_gradient, 0.0);
}

/// `input_gradient[r, i] = Σₒ output_gradient[r, o] weight[o, i]`.
pub(super) fn affine_input_gradient(
    shape: LayerShape,
    weight: &[f32],
    output_gradient: &[f32],
    input_gradient: &mut [f32],
) {
    let LayerShape { inputs, outputs } = shape;
    let rows = output_gradient.len() / outputs;
    if rows < MINIMUM_ROWS {
        input_gradient.fill(0.0);
        for (input, gradient) in input_gradient.chunks_exact_mut(inputs).zip(output_gradient.chunks_exact(outputs)) {
            for (weight, gradient) in weight.chunks_exact(inputs).zip(gradient) {
                add_scaled(input, *gradient, weight);
            }
        }
        return;
    }
    let weight = transposed(weight, outputs, inputs);
    let output_gradient = transposed(output_gradient, rows, outputs);
    DMatrixViewMut::from_slice(input_gradient, inputs, rows).gemm(1.0, &weight, &output_gradient, 0.0);
}

/// Sixteen partial sums, so that the compiler can use vector registers.
fn dot(left: &[f32], right: &[f32]) -> f32 {
    let (left_chunks, left_rest) = left.as_chunks::<16>();
    let (right_chunks, right_rest) = right.as_chunks::<16>();
    let mut sums = [0.0f32; 16];
    for (left, right) in left_chunks.iter().zip(right_chunks) {
        for lane in 0..16 {
            sums[lane] += left[lane] * right[lane];
        }
    }
    let rest: f32 = left_rest.iter().zip(right_rest).map(|(left, right)| left * right).sum();
    sums.iter().sum::<f32>() + rest
}

fn add_scaled(sum: &mut [f32], factor: f32, values: &[f32]) {
    sum.iter_mut().zip(values).for_each(|(sum, value)| *sum += factor * value);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn numbers(count: usize, salt: usize) -> Vec<f32> {
        (0..count).map(|index| ((index * 7919 + salt * 104_729) % 2003) as f32 / 1001.0 - 1.0).collect()
    }

    proptest! {
        /// The blocked products of a large batch are those of its rows taken one at a time.
        #[test]
        fn batches_are_their_rows(rows in 8usize..40, inputs in 8usize..40, outputs in 8usize..40, salt in 0usize..99) {
            let shape = LayerShape { inputs, outputs };
            let (weight, bias) = (numbers(inputs * outputs, salt), numbers(outputs, salt + 1));
            let (input, gradient) = (numbers(rows * inputs, salt + 2), numbers(rows * outputs, salt + 3));
            let close = |left: &[f32], right: &[f32]| left.iter().zip(right).all(|(l, r)| (l - r).abs() < 1e-4);

            let (mut batch, mut single) = (vec![0.0; rows * outputs], vec![0.0; rows * outputs]);
            affine(shape, &weight, &bias, &input, &mut batch);
            for (input, output) in input.chunks_exact(inputs).zip(single.chunks_exact_mut(outputs)) {
                affine(shape, &weight, &bias, input, output);
            }
            prop_assert!(close(&batch, &single));

            let (mut batch, mut single) = (vec![0.0; rows * inputs], vec![0.0; rows * inputs]);
            affine_input_gradient(shape, &weight, &gradient, &mut batch);
            for (gradient, input) in gradient.chunks_exact(outputs).zip(single.chunks_exact_mut(inputs)) {
                affine_input_gradient(shape, &weight, gradient, input);
            }
            prop_assert!(close(&batch, &single));

            let (mut batch, mut batch_bias) = (vec![0.0; weight.len()], vec![0.0; outputs]);
            affine_parameter_gradient(shape, &input, &gradient, &mut batch, &mut batch_bias);
            let (mut sum, mut sum_bias) = (vec![0.0; weight.len()], vec![0.0; outputs]);
            let (mut row, mut row_bias) = (vec![0.0; weight.len()], vec![0.0; outputs]);
            for (input, gradient) in input.chunks_exact(inputs).zip(gradient.chunks_exact(outputs)) {
                affine_parameter_gradient(shape, input, gradient, &mut row, &mut row_bias);
                add_scaled(&mut sum, 1.0, &row);
                add_scaled(&mut sum_bias, 1.0, &row_bias);
            }
            prop_assert!(close(&batch, &sum) && close(&batch_bias, &sum_bias));
        }
    }
}
