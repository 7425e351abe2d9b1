//! A multi-layer perceptron over a flat parameter vector, forward and back for a batch.

use super::activation::{activate, multiply_by_derivative};
use super::matrix::{LayerShape, MINIMUM_WIDTH, affine, affine_input_gradient, affine_parameter_gradient};
use crate::network::Activation;
use kanrl_core::random::Generator;
use std::ops::Range;

/// Where everything lies in the parameters of a network, and how it is evaluated.
///
/// Parameters are, layer by layer, the weight `[outputs, inputs]` and the bias `[outputs]`. Input and output are padded
/// with zeros to at least [`MINIMUM_WIDTH`]: padding weights start at 0 and their gradient is 0, so they stay there.
#[derive(Clone, Debug)]
pub(super) struct Mlp {
    /// Widths without padding, input and output included.
    sizes: Vec<usize>,
    layers: Vec<Layer>,
    activation: Activation,
}

#[derive(Clone, Debug)]
struct Layer {
    shape: LayerShape,
    weight: Range<usize>,
    bias: Range<usize>,
}

/// How a layer's weights start.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Initialization {
    /// Orthogonal, hidden layers with gain √2 and the last one with this gain; biases 0.
    Orthogonal {
        /// Gain of the last layer.
        output_gain: f32,
    },
    /// Weights and biases uniform in ±1/√inputs.
    Uniform,
}

impl Mlp {
    /// A network of these widths, input and output included.
    pub fn new(sizes: Vec<usize>, activation: Activation) -> Self {
        let mut end = 0;
        let layers = sizes
            .windows(2)
            .map(|pair| {
                let shape = LayerShape { inputs: padded(pair[0]), outputs: padded(pair[1]) };
                let weight = end..end + shape.inputs * shape.outputs;
                let bias = weight.end..weight.end + shape.outputs;
                end = bias.end;
                Layer { shape, weight, bias }
            })
            .collect();
        Self { sizes, layers, activation }
    }

    /// Numbers in its parameter vector, padding included.
    pub fn parameter_count(&self) -> usize {
        self.layers.last().map_or(0, |layer| layer.bias.end)
    }

    /// Width of an input row, padding included.
    pub fn input_width(&self) -> usize {
        padded(self.sizes[0])
    }

    /// Width of an output row, padding included.
    pub fn output_width(&self) -> usize {
        padded(self.sizes[self.sizes.len() - 1])
    }

    /// Draws initial parameters.
    pub fn initialize(&self, initialization: Initialization, random: &mut Generator, parameters: &mut [f32]) {
        parameters.fill(0.0);
        for (index, (layer, size)) in self.layers.iter().zip(self.sizes.windows(2)).enumerate() {
            let (inputs, outputs) = (size[0], size[1]);
            let weight = match initialization {
                Initialization::Orthogonal { output_gain } => {
                    let gain = if index + 1 == self.layers.len() { output_gain } else { std::f32::consts::SQRT_2 };
                    orthogonal(outputs, inputs, gain, random)
                }
                Initialization::Uniform => uniform(outputs * inputs, inputs, random),
            };
            let rows = parameters[layer.weight.clone()].chunks_exact_mut(layer.shape.inputs);
            for (row, values) in rows.zip(weight.chunks_exact(inputs)) {
                row[..inputs].copy_from_slice(values);
            }
            if initialization == Initialization::Uniform {
                parameters[layer.bias.clone()][..outputs].copy_from_slice(&uniform(outputs, inputs, random));
            }
        }
    }

    /// Weight `[outputs, inputs]` and bias `[outputs]` of every layer, without padding.
    pub fn layers_without_padding(&self, parameters: &[f32]) -> Vec<(Vec<f32>, Vec<f32>)> {
        self.layers
            .iter()
            .zip(self.sizes.windows(2))
            .map(|(layer, size)| {
                let rows = parameters[layer.weight.clone()].chunks_exact(layer.shape.inputs).take(size[1]);
                let weight = rows.flat_map(|row| &row[..size[0]]).copied().collect();
                (weight, parameters[layer.bias.clone()][..size[1]].to_vec())
            })
            .collect()
    }

    /// Evaluates the `rows` rows that stand in `workspace.input_mut`.
    pub fn forward(&self, parameters: &[f32], workspace: &mut Workspace, rows: usize) {
        for (index, layer) in self.layers.iter().enumerate() {
            let (before, after) = workspace.values.split_at_mut(index + 1);
            let input = &before[index][..rows * layer.shape.inputs];
            let output = &mut after[0][..rows * layer.shape.outputs];
            let (weight, bias) = (&parameters[layer.weight.clone()], &parameters[layer.bias.clone()]);
            affine(layer.shape, weight, bias, input, output);
            if index + 1 < self.layers.len() {
                activate(self.activation, output);
            }
        }
        workspace.rows = rows;
    }

    /// Writes the gradient of the parameters for the gradient of the outputs in `workspace.output_gradient_mut`, after
    /// [`Self::forward`] on the same workspace.
    pub fn backward(&self, parameters: &[f32], workspace: &mut Workspace, gradient: &mut [f32]) {
        let rows = workspace.rows;
        for (index, layer) in self.layers.iter().enumerate().rev() {
            let input = &workspace.values[index][..rows * layer.shape.inputs];
            let output_gradient = &workspace.gradient[..rows * layer.shape.outputs];
            let (weight_gradient, bias_gradient) =
                gradient[layer.weight.start..layer.bias.end].split_at_mut(layer.weight.len());
            affine_parameter_gradient(layer.shape, input, output_gradient, weight_gradient, bias_gradient);
            if index > 0 {
                let input_gradient = &mut workspace.next_gradient[..input.len()];
                affine_input_gradient(layer.shape, &parameters[layer.weight.clone()], output_gradient, input_gradient);
                multiply_by_derivative(self.activation, input, input_gradient);
                std::mem::swap(&mut workspace.gradient, &mut workspace.next_gradient);
            }
        }
    }
}

/// Buffers for batches of up to a fixed number of rows.
#[derive(Clone, Debug)]
pub(super) struct Workspace {
    /// Of every layer, the input first: `[rows, width]`.
    values: Vec<Vec<f32>>,
    gradient: Vec<f32>,
    next_gradient: Vec<f32>,
    latent_width: usize,
    output_width: usize,
    rows: usize,
}

impl Workspace {
    /// For `rows` rows.
    pub fn new(mlp: &Mlp, rows: usize) -> Self {
        let widths: Vec<usize> = mlp.sizes.iter().map(|size| padded(*size)).collect();
        let widest = widths.iter().copied().max().unwrap_or(0);
        Self {
            values: widths.iter().map(|width| vec![0.0; rows * width]).collect(),
            gradient: vec![0.0; rows * widest],
            next_gradient: vec![0.0; rows * widest],
            latent_width: widths[widths.len() - 2],
            output_width: mlp.output_width(),
            rows: 0,
        }
    }

    /// The input rows, each padded to [`Mlp::input_width`]; the padding must stay 0.
    pub fn input_mut(&mut self) -> &mut [f32] {
        &mut self.values[0]
    }

    /// The output rows of the last forward pass, each padded to [`Mlp::output_width`].
    pub fn output(&self) -> &[f32] {
        &self.values[self.values.len() - 1][..self.rows * self.output_width]
    }

    /// The last hidden layer of the last forward pass: rows of [`Self::latent_width`].
    pub fn latent(&self) -> &[f32] {
        &self.values[self.values.len() - 2]
    }

    /// Width of a row of the last hidden layer, padding included.
    pub fn latent_width(&self) -> usize {
        self.latent_width
    }

    /// Last hidden layer, output, and where the gradient of the output goes; the gradient's padding must be set to 0.
    pub fn latent_output_and_gradient(&mut self) -> (&[f32], &[f32], &mut [f32]) {
        let (latent, output) = (&self.values[self.values.len() - 2], &self.values[self.values.len() - 1]);
        let length = self.rows * self.output_width;
        (latent, &output[..length], &mut self.gradient[..length])
    }
}

fn padded(size: usize) -> usize {
    size.max(MINIMUM_WIDTH)
}

/// A `[rows, columns]` matrix with orthonormal rows or columns, whichever are fewer, times `gain`.
///
/// Saxe et al. (2013), arXiv 1312.6120: the orthogonal factor of a Gaussian matrix, with the signs that make it unique.
fn orthogonal(rows: usize, columns: usize, gain: f32, random: &mut Generator) -> Vec<f32> {
    let (tall, wide) = (rows.max(columns), rows.min(columns));
    let gaussian = nalgebra::DMatrix::<f64>::from_fn(tall, wide, |_, _| random.standard_normal());
    let decomposition = gaussian.qr();
    let (mut q, r) = (decomposition.q(), decomposition.r());
    for (index, mut column) in q.column_iter_mut().enumerate() {
        if r[(index, index)] < 0.0 {
            column.neg_mut();
        }
    }
    let value = |row, column| if rows >= columns { q[(row, column)] } else { q[(column, row)] };
    (0..rows * columns).map(|index| gain * value(index / columns, index % columns) as f32).collect()
}

fn uniform(count: usize, inputs: usize, random: &mut Generator) -> Vec<f32> {
    let bound = 1.0 / (inputs as f64).sqrt();
    (0..count).map(|_| random.uniform(-bound, bound) as f32).collect()
}
