//! Dense networks in f32: what every expert here comes down to.

pub use crate::activation::Activation;
use rayon::prelude::*;

/// A dense layer with its activation: `activation(W·x + b)`.
#[derive(Clone, Debug, PartialEq)]
pub struct Layer {
    inputs: usize,
    outputs: usize,
    /// `[inputs, outputs]`: torch's `[outputs, inputs]` transposed, so that the inner loop runs over outputs.
    weight: Vec<f32>,
    bias: Vec<f32>,
    activation: Activation,
}

impl Layer {
    /// A layer from torch's `weight` `[outputs, inputs]`, row-major, and `bias` `[outputs]` (zeros where absent).
    ///
    /// # Errors
    /// A sentence where the lengths do not fit together or a number is not finite.
    pub fn new(
        inputs: usize,
        outputs: usize,
        weight: &[f32],
        bias: Option<&[f32]>,
        activation: Activation,
    ) -> Result<Self, String> {
        let zeros = vec![0.0; outputs];
        let bias = bias.unwrap_or(&zeros);
        if inputs == 0 || outputs == 0 || weight.len() != inputs * outputs || bias.len() != outputs {
            return Err(format!(
                "a layer of {inputs} inputs and {outputs} outputs needs {} weights and {outputs} biases, got {} and {}",
                inputs * outputs,
                weight.len(),
                bias.len()
            ));
        }
        if !weight.iter().chain(bias).all(|value| value.is_finite()) {
            return Err("a weight or bias is not a finite number".to_owned());
        }
        let transposed =
            (0..inputs * outputs).map(|index| weight[index % outputs * inputs + index / outputs]).collect();
        Ok(Self { inputs, outputs, weight: transposed, bias: bias.to_vec(), activation })
    }

    /// Number of inputs.
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// Number of outputs.
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// The weights in torch's layout: `[outputs, inputs]`, row-major.
    pub fn weight(&self) -> Vec<f32> {
        (0..self.outputs * self.inputs)
            .map(|index| self.weight[index % self.inputs * self.outputs + index / self.inputs])
            .collect()
    }

    /// The biases `[outputs]`.
    pub fn bias(&self) -> &[f32] {
        &self.bias
    }

    /// What follows the layer.
    pub fn activation(&self) -> Activation {
        self.activation
    }

    /// `input` `[rows, inputs]` to `output` `[rows, outputs]`. Each sum runs over the inputs in order, starting from
    /// the bias, whatever the number of rows.
    fn forward(&self, input: &[f32], output: &mut [f32]) {
        for (input, output) in input.chunks_exact(self.inputs).zip(output.chunks_exact_mut(self.outputs)) {
            output.copy_from_slice(&self.bias);
            for (value, weights) in input.iter().zip(self.weight.chunks_exact(self.outputs)) {
                for (sum, weight) in output.iter_mut().zip(weights) {
                    *sum += value * weight;
                }
            }
        }
        self.activation.apply(output);
    }
}

/// Rows that one task works on: small enough to stay in the cache, and fixed, so that threads do not matter.
const CHUNK: usize = 64;

/// A multi-layer perceptron.
///
/// ```
/// use kanrl_experts::network::{Activation, Layer, Mlp};
/// let hidden = Layer::new(1, 2, &[1.0, -1.0], None, Activation::Relu)?;
/// let output = Layer::new(2, 1, &[1.0, 1.0], Some(&[0.5]), Activation::Identity)?;
/// let absolute = Mlp::new(vec![hidden, output])?;
/// let mut outputs = [0.0; 2];
/// absolute.forward(&[-3.0, 2.0], &mut outputs);
/// assert_eq!(outputs, [3.5, 2.5]);
/// # Ok::<(), String>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Mlp {
    layers: Vec<Layer>,
    widest: usize,
}

impl Mlp {
    /// A network of at least one layer.
    ///
    /// # Errors
    /// A sentence where two neighboring layers do not fit together.
    pub fn new(layers: Vec<Layer>) -> Result<Self, String> {
        if let Some(pair) = layers.windows(2).find(|pair| pair[0].outputs != pair[1].inputs) {
            return Err(format!(
                "a layer has {} outputs, but the next one has {} inputs",
                pair[0].outputs, pair[1].inputs
            ));
        }
        let widest = layers.iter().map(|layer| layer.outputs).max().ok_or("the network has no layer")?;
        Ok(Self { layers, widest })
    }

    /// Number of inputs.
    pub fn inputs(&self) -> usize {
        self.layers[0].inputs
    }

    /// Number of outputs.
    pub fn outputs(&self) -> usize {
        self.layers[self.layers.len() - 1].outputs
    }

    /// The layers, in order.
    pub fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// Number of weights and biases.
    pub fn parameters(&self) -> usize {
        self.layers.iter().map(|layer| layer.weight.len() + layer.bias.len()).sum()
    }

    /// `inputs` `[rows, inputs]` to `outputs` `[rows, outputs]`, row-major. A row's result has the same bits whatever
    /// rows stand next to it. Many rows are shared out among rayon's threads.
    ///
    /// # Panics
    /// If the lengths do not fit together.
    pub fn forward(&self, inputs: &[f32], outputs: &mut [f32]) {
        let rows = inputs.len() / self.inputs();
        assert_eq!(inputs.len(), rows * self.inputs(), "whole rows of inputs");
        assert_eq!(outputs.len(), rows * self.outputs(), "as many rows of outputs");
        if rows <= CHUNK {
            self.forward_chunk(inputs, outputs);
            return;
        }
        inputs
            .par_chunks(CHUNK * self.inputs())
            .zip(outputs.par_chunks_mut(CHUNK * self.outputs()))
            .for_each(|(inputs, outputs)| self.forward_chunk(inputs, outputs));
    }

    fn forward_chunk(&self, inputs: &[f32], outputs: &mut [f32]) {
        thread_local! {
            /// Hidden values of two neighboring layers; kept, so that nothing is allocated in a rollout.
            static HIDDEN: std::cell::RefCell<[Vec<f32>; 2]> = const { std::cell::RefCell::new([Vec::new(), Vec::new()]) };
        }
        let rows = inputs.len() / self.inputs();
        HIDDEN.with_borrow_mut(|[source, target]| {
            source.resize(source.len().max(rows * self.widest), 0.0);
            target.resize(target.len().max(rows * self.widest), 0.0);
            let (last, hidden) = self.layers.split_last().expect("at least one layer");
            for (index, layer) in hidden.iter().enumerate() {
                let input = if index == 0 { inputs } else { &source[..rows * layer.inputs] };
                layer.forward(input, &mut target[..rows * layer.outputs]);
                std::mem::swap(source, target);
            }
            last.forward(if hidden.is_empty() { inputs } else { &source[..rows * last.inputs] }, outputs);
        });
    }
}
