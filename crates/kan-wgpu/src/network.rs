//! A network on the device.

use crate::error::GpuError;
use crate::gpu::Gpu;
use crate::shape::{Kernels, features, targets};
use kanrl_core::approximator::ApproximatorError;
use kanrl_core::graph::BaseFunction;
use kanrl_core::kan::{Layer, Network};
use wgpu::Buffer;

/// A network's layers on the device.
pub(crate) struct DeviceNetwork {
    pub layers: Vec<DeviceLayer>,
    /// Of the inputs, which pass unchanged.
    pub input_affine: Buffer,
    /// All layers' coefficients, each `[input, feature, target]`, targets up to whole vec4s.
    pub parameters: Buffer,
    /// Number of them.
    pub count: usize,
    /// Everything that is trained, in the order of the CPU's objective.
    pub trained: Vec<Trained>,
    /// The trained numbers' places among the parameters, and their factors there.
    pub places: Buffer,
    pub factors: Buffer,
}

/// A trained number.
pub(crate) struct Trained {
    pub layer: usize,
    /// Index among the layer's coefficients, or its factors of the base function.
    pub index: usize,
    pub is_base: bool,
    pub place: usize,
    pub factor: f64,
}

pub(crate) struct DeviceLayer {
    pub kernels: Kernels,
    pub knots: Buffer,
    /// Scale and bias of each column: subnodes, then products.
    pub affine: Buffer,
    pub inputs: usize,
    pub knots_per_input: usize,
    pub sums: usize,
    pub subnodes: usize,
    pub columns: usize,
    pub features: usize,
    /// vec4s of targets.
    pub targets: usize,
    /// Where its parameters start.
    pub first: usize,
    /// First factor and number of factors of each product.
    pub products: Vec<(usize, usize)>,
}

impl DeviceLayer {
    /// Number of its parameters, those that fill up vec4s included.
    pub fn parameters(&self) -> usize {
        self.inputs * self.features * 4 * self.targets
    }

    /// The column of node `node`.
    pub fn column(&self, node: usize) -> usize {
        if node < self.sums { node } else { self.subnodes + node - self.sums }
    }
}

/// Scale and bias of each column; a sum's two affines are one.
fn affine(layer: &Layer) -> Vec<[f32; 2]> {
    let subnodes = (0..layer.subnodes()).map(|subnode| {
        let (scale, bias) = (layer.subnode_scale[subnode], layer.subnode_bias[subnode]);
        if subnode < layer.sums {
            let outer = layer.node_scale[subnode];
            [scale * outer, outer * bias + layer.node_bias[subnode]]
        } else {
            [scale, bias]
        }
    });
    let products = (layer.sums..layer.nodes()).map(|node| [layer.node_scale[node], layer.node_bias[node]]);
    subnodes.chain(products).map(|pair| pair.map(|value| value as f32)).collect()
}

impl DeviceNetwork {
    /// Moves a network to the device.
    pub fn new(gpu: &Gpu, network: &Network) -> Result<Self, ApproximatorError> {
        let mut layers = Vec::new();
        let mut trained = Vec::new();
        let mut count = 0;
        for (index, layer) in network.layers.iter().enumerate() {
            if layer.symbolic.iter().any(Option::is_some) {
                let reason = format!(
                    "layer {index} has named functions, which are only supported on the CPU: use device = \"cpu\""
                );
                return Err(ApproximatorError::Unsupported { reason });
            }
            let device = device_layer(gpu, layer, count)?;
            add_trained(&mut trained, index, layer, &device);
            count += device.parameters();
            layers.push(device);
        }
        let places: Vec<u32> = trained.iter().map(|trained| trained.place as u32).collect();
        let factors: Vec<f32> = trained.iter().map(|trained| trained.factor as f32).collect();
        Ok(Self {
            layers,
            input_affine: gpu.filled("the inputs' affines", &vec![[1.0_f32, 0.0]; network.inputs()])?,
            parameters: gpu.buffer("the coefficients", count)?,
            count,
            places: gpu.filled("the trained numbers' places", &places)?,
            factors: gpu.filled("the trained numbers' factors", &factors)?,
            trained,
        })
    }
}

fn device_layer(gpu: &Gpu, layer: &Layer, first: usize) -> Result<DeviceLayer, GpuError> {
    let knots: Vec<f32> = layer.knots.iter().map(|knot| *knot as f32).collect();
    let mut next = layer.sums;
    let products = layer.products.iter().map(|factors| {
        next += factors;
        (next - factors, *factors)
    });
    Ok(DeviceLayer {
        products: products.collect(),
        kernels: Kernels::new(gpu, layer)?,
        knots: gpu.filled("the knots", &knots)?,
        affine: gpu.filled("the nodes' affines", &affine(layer))?,
        inputs: layer.inputs,
        knots_per_input: knots.len() / layer.inputs,
        sums: layer.sums,
        subnodes: layer.subnodes(),
        columns: layer.subnodes() + layer.products.len(),
        features: features(layer),
        targets: targets(layer),
        first,
    })
}

/// Coefficients and factors of all curves that no mask hides: by subnode, then input, as the network's graph has its edges.
fn add_trained(trained: &mut Vec<Trained>, index: usize, layer: &Layer, device: &DeviceLayer) {
    let (basis, pitch) = (layer.basis(), 4 * device.targets);
    for subnode in 0..layer.subnodes() {
        for input in 0..layer.inputs {
            let own = input * layer.subnodes() + subnode;
            let mask = layer.mask[own];
            if mask == 0.0 {
                continue;
            }
            let place = |feature: usize| device.first + (input * device.features + feature) * pitch + subnode;
            let factor = mask * layer.scale_spline[own];
            trained.extend((0..basis).map(|feature| Trained {
                layer: index,
                index: own * basis + feature,
                is_base: false,
                place: place(feature),
                factor,
            }));
            if layer.base != BaseFunction::Zero {
                trained.push(Trained { layer: index, index: own, is_base: true, place: place(basis), factor: mask });
            }
        }
    }
}
