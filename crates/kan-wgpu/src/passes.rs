//! What runs for one evaluation of the loss on a batch: kernels, chunk by chunk.

use crate::batch::{Block, DeviceBatch};
use crate::error::GpuError;
use crate::gpu::{Dispatch, GROUP, Gpu, groups};
use crate::network::{DeviceLayer, DeviceNetwork};
use crate::vector;
use bytemuck::{Pod, Zeroable};
use kanrl_core::approximator::Loss;
use wgpu::Buffer;

/// Rows that are computed at once at most, and numbers that their nodes' values and derivatives may be.
const CHUNK: usize = 65_536;
const CHUNK_NUMBERS: usize = 1 << 26;
/// Segments of a chunk whose parameter derivatives are summed apart at most, and rows of one at least.
const SEGMENTS: usize = 32;
const SEGMENT: usize = 256;

#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct LayerUniform {
    rows: u32,
    stride: u32,
    source_first: u32,
    source_stride: u32,
    inputs: u32,
    knots: u32,
    subnodes: u32,
    targets: u32,
    first: u32,
    source_sums: u32,
    source_subnodes: u32,
    segment: u32,
}

#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct LossUniform {
    stride: u32,
    first: u32,
    batch_stride: u32,
    outputs: u32,
    sums: u32,
    subnodes: u32,
    kind: u32,
    first_sum: u32,
    factor: f32,
    padding: [u32; 3],
}

/// A loss as the kernel takes it.
pub(crate) struct DeviceLoss {
    kind: u32,
    /// Lower and upper bound of each output, or a choice's sharpness.
    bounds: Buffer,
}

impl DeviceLoss {
    pub fn new(gpu: &Gpu, loss: &Loss, outputs: usize) -> Result<Self, GpuError> {
        let (kind, bounds) = match loss {
            Loss::MeanSquared => (0, vec![[0.0; 2]; outputs]),
            Loss::ClippedMeanSquared { low, high } => {
                (1, low.iter().zip(high).map(|(low, high)| [*low as f32, *high as f32]).collect())
            }
            Loss::CrossEntropy => (2, vec![[0.0; 2]; outputs]),
            // 3 is not a loss.
            Loss::Choice { sharpness } => (4, vec![[*sharpness as f32; 2]; outputs]),
        };
        Ok(Self { kind, bounds: gpu.filled("the outputs' bounds", &bounds)? })
    }

    /// What the rows' sum is multiplied by, and what a row's derivative is.
    fn shares(&self, total_weight: f64, outputs: usize) -> (f64, f64) {
        if self.kind == 2 || self.kind == 4 {
            (1.0 / total_weight, 1.0 / total_weight)
        } else {
            let share = 1.0 / (total_weight * outputs as f64);
            (share, 2.0 * share)
        }
    }
}

/// Everything that an evaluation on one batch runs.
pub struct Passes {
    /// Forward.
    pub(crate) value: Vec<Dispatch>,
    /// Forward and backward, by the parameters.
    pub(crate) gradient: Vec<Dispatch>,
    /// Forward and backward, by the nodes' affines and the inputs too.
    pub(crate) everything: Vec<Dispatch>,
    /// Adds up the loss.
    pub(crate) sum: Vec<Dispatch>,
    /// Factor of that sum.
    pub(crate) share: f64,
    /// Derivatives by the network's inputs of each chunk `[inputs, stride]`, with rows and stride.
    pub(crate) input_gradients: Vec<(Buffer, usize)>,
    /// Outputs' columns of each chunk.
    pub(crate) chunks: Vec<usize>,
}

/// What passes write to, beside the chunks' own.
pub(crate) struct Outcome {
    /// Derivatives by all parameters.
    pub gradient: Buffer,
    /// Derivatives by scale and bias of each layer's columns.
    pub affines: Vec<Buffer>,
}

impl Outcome {
    pub fn new(gpu: &Gpu, network: &DeviceNetwork) -> Result<Self, GpuError> {
        let affine = |layer: &DeviceLayer| gpu.buffer("the affines' derivatives", 2 * layer.columns);
        Ok(Self {
            gradient: gpu.buffer("the gradient", network.count)?,
            affines: network.layers.iter().map(affine).collect::<Result<_, _>>()?,
        })
    }
}

/// Where the columns of a chunk are.
struct Chunk<'a> {
    block: &'a Block,
    /// First row in its block.
    first: usize,
    rows: usize,
    /// Whether nothing was computed before it.
    is_first: bool,
    /// Where its losses go.
    first_sum: usize,
    /// Rows of a segment.
    segment: usize,
}

/// What chunk after chunk is computed in.
struct Room {
    /// Length of a column.
    stride: usize,
    /// Of each layer: what each column combines, and the loss's derivatives by its value.
    sums: Vec<Buffer>,
    gradients: Vec<Buffer>,
    partial_sums: Buffer,
    losses: Buffer,
}

struct Builder<'a> {
    gpu: &'a Gpu,
    network: &'a DeviceNetwork,
    loss: &'a DeviceLoss,
    outcome: &'a Outcome,
    room: Room,
    /// What a row's derivative is multiplied by.
    factor: f32,
}

impl Passes {
    /// Prepares them; with `everything` for all derivatives too.
    pub(crate) fn new(
        gpu: &Gpu,
        network: &DeviceNetwork,
        loss: &DeviceLoss,
        outcome: &Outcome,
        batch: &DeviceBatch,
        everything: bool,
    ) -> Result<Self, GpuError> {
        let longest = batch.blocks.iter().map(|block| block.stride).max().unwrap_or(GROUP);
        let columns: usize = network.layers.iter().map(|layer| layer.columns).sum();
        let widest = network.layers.iter().map(|layer| layer.columns).max().unwrap_or(1);
        let by_memory = (CHUNK_NUMBERS / (2 * columns)).min((gpu.most_numbers() / widest as u64) as usize);
        let stride = longest.min(CHUNK).min((by_memory / GROUP).max(1) * GROUP);
        let largest = network.layers.iter().map(DeviceLayer::parameters).max().unwrap_or(1);
        let segments = SEGMENTS.min((gpu.most_numbers() / largest as u64).max(1) as usize);
        let segment = stride.div_ceil(segments).next_multiple_of(GROUP).max(SEGMENT);
        let of_layers = |what: &'static str| -> Result<Vec<Buffer>, GpuError> {
            network.layers.iter().map(|layer| gpu.buffer(what, layer.columns * stride)).collect()
        };
        let sums_count: usize = batch.blocks.iter().map(|block| block.stride / GROUP).sum();
        let room = Room {
            stride,
            sums: of_layers("the nodes' values")?,
            gradients: of_layers("the nodes' derivatives")?,
            partial_sums: gpu.buffer("the segments' derivatives", stride.div_ceil(segment) * largest)?,
            losses: gpu.buffer("the rows' losses", sums_count)?,
        };
        let outputs = outputs(network);
        let (share, factor) = loss.shares(batch.total_weight, outputs);
        let sum = vector::sum(gpu, &room.losses, sums_count)?;
        let builder = Builder { gpu, network, loss, outcome, room, factor: factor as f32 };
        let mut passes = Self {
            value: Vec::new(),
            gradient: Vec::new(),
            everything: Vec::new(),
            sum,
            share,
            input_gradients: Vec::new(),
            chunks: Vec::new(),
        };
        let mut first_sum = 0;
        for block in &batch.blocks {
            for first in (0..block.stride).step_by(stride) {
                let rows = stride.min(block.stride - first);
                let is_first = first_sum == 0;
                builder.add(&Chunk { block, first, rows, is_first, first_sum, segment }, everything, &mut passes)?;
                first_sum += rows / GROUP;
            }
        }
        Ok(passes)
    }
}

/// Nodes of the last layer.
pub(crate) fn outputs(network: &DeviceNetwork) -> usize {
    network.layers.last().map_or(0, |layer| layer.sums + layer.products.len())
}

impl Builder<'_> {
    fn add(&self, chunk: &Chunk<'_>, everything: bool, passes: &mut Passes) -> Result<(), GpuError> {
        let mut forward = Vec::new();
        for index in 0..self.network.layers.len() {
            self.forward(index, chunk, &mut forward)?;
        }
        forward.push(self.loss(chunk)?);
        passes.value.extend(forward.iter().cloned());
        passes.gradient.extend(forward.iter().cloned());
        for index in (0..self.network.layers.len()).rev() {
            let products = self.products_back(index, chunk)?;
            let parameters = self.parameters(index, chunk)?;
            passes.gradient.extend(products.iter().chain(&parameters).cloned());
            if index > 0 {
                passes.gradient.push(self.sources(index, chunk, &self.room.gradients[index - 1])?);
            }
        }
        if everything {
            passes.everything.extend(forward);
            for index in (0..self.network.layers.len()).rev() {
                passes.everything.extend(self.products_back(index, chunk)?);
                passes.everything.push(self.columns(index, chunk)?);
                passes.everything.extend(self.parameters(index, chunk)?);
                if index > 0 {
                    passes.everything.push(self.sources(index, chunk, &self.room.gradients[index - 1])?);
                }
            }
            let inputs = self.network.layers[0].inputs;
            let gradients = self.gpu.buffer("the inputs' derivatives", inputs * self.room.stride)?;
            passes.everything.push(self.sources(0, chunk, &gradients)?);
            passes.input_gradients.push((gradients, self.room.stride));
            passes.chunks.push(chunk.rows);
        }
        Ok(())
    }

    /// The columns that a layer reads, and their affines.
    fn sources_of<'a>(&'a self, index: usize, chunk: &'a Chunk<'_>) -> (&'a Buffer, &'a Buffer) {
        match index.checked_sub(1) {
            None => (&chunk.block.inputs, &self.network.input_affine),
            Some(before) => (&self.room.sums[before], &self.network.layers[before].affine),
        }
    }

    fn uniform(&self, index: usize, chunk: &Chunk<'_>) -> LayerUniform {
        let layer = &self.network.layers[index];
        let (source_first, source_stride, source_sums, source_subnodes) = match index.checked_sub(1) {
            None => (chunk.first, chunk.block.stride, layer.inputs, layer.inputs),
            Some(before) => {
                let before = &self.network.layers[before];
                (0, self.room.stride, before.sums, before.subnodes)
            }
        };
        LayerUniform {
            rows: chunk.rows as u32,
            stride: self.room.stride as u32,
            source_first: source_first as u32,
            source_stride: source_stride as u32,
            inputs: layer.inputs as u32,
            knots: layer.knots_per_input as u32,
            subnodes: layer.subnodes as u32,
            targets: layer.targets as u32,
            first: (layer.first / 4) as u32,
            source_sums: source_sums as u32,
            source_subnodes: source_subnodes as u32,
            segment: chunk.segment as u32,
        }
    }

    fn forward(&self, index: usize, chunk: &Chunk<'_>, dispatches: &mut Vec<Dispatch>) -> Result<(), GpuError> {
        let layer = &self.network.layers[index];
        let (sources, affine) = self.sources_of(index, chunk);
        let buffers = [&layer.knots, &self.network.parameters, affine, sources, &self.room.sums[index]];
        let groups = [chunk.rows / GROUP, layer.targets.div_ceil(layer.kernels.wide), 1];
        dispatches.push(self.gpu.dispatch(&layer.kernels.forward, &self.uniform(index, chunk), &buffers, groups));
        let text = include_str!("shaders/product.wgsl")
            .replace("BINDINGS", "@group(0) @binding(2) var<storage, read_write> sums: array<f32>;")
            .replace(
                "BODY",
                "var total = 1.0;
                 for (var index = 0u; index < product.factors; index++) { total *= factor(index, row); }
                 sums[product.column * product.stride + row] = total;",
            );
        for product in 0..layer.products.len() {
            let pipeline = self.gpu.pipeline("product", text.clone())?;
            let buffers = [&layer.affine, &self.room.sums[index]];
            dispatches.push(self.product(&pipeline, layer, product, chunk, &buffers));
        }
        Ok(())
    }

    fn products_back(&self, index: usize, chunk: &Chunk<'_>) -> Result<Vec<Dispatch>, GpuError> {
        let layer = &self.network.layers[index];
        let text = include_str!("shaders/product.wgsl")
            .replace(
                "BINDINGS",
                "@group(0) @binding(2) var<storage, read> sums: array<f32>;
                 @group(0) @binding(3) var<storage, read_write> gradients: array<f32>;",
            )
            .replace(
                "BODY",
                "let outer = affine[product.column].x * gradients[product.column * product.stride + row];
                 for (var own = 0u; own < product.factors; own++) {
                     var total = outer;
                     for (var index = 0u; index < product.factors; index++) {
                         if index != own { total *= factor(index, row); }
                     }
                     gradients[(product.first + own) * product.stride + row] = total;
                 }",
            );
        let each = |product: usize| {
            let pipeline = self.gpu.pipeline("product, backward", text.clone())?;
            let buffers = [&layer.affine, &self.room.sums[index], &self.room.gradients[index]];
            Ok(self.product(&pipeline, layer, product, chunk, &buffers))
        };
        (0..layer.products.len()).map(each).collect()
    }

    fn product(
        &self,
        pipeline: &wgpu::ComputePipeline,
        layer: &DeviceLayer,
        product: usize,
        chunk: &Chunk<'_>,
        buffers: &[&Buffer],
    ) -> Dispatch {
        let (first, factors) = layer.products[product];
        let column = layer.column(layer.sums + product);
        let uniform = [self.room.stride, column, first, factors].map(|value| value as u32);
        self.gpu.dispatch(pipeline, &uniform, buffers, [chunk.rows / GROUP, 1, 1])
    }

    fn loss(&self, chunk: &Chunk<'_>) -> Result<Dispatch, GpuError> {
        let pipeline = self.gpu.pipeline("loss", include_str!("shaders/loss.wgsl").to_owned())?;
        let last = self.network.layers.len() - 1;
        let layer = &self.network.layers[last];
        let uniform = LossUniform {
            stride: self.room.stride as u32,
            first: chunk.first as u32,
            batch_stride: chunk.block.stride as u32,
            outputs: outputs(self.network) as u32,
            sums: layer.sums as u32,
            subnodes: layer.subnodes as u32,
            kind: self.loss.kind,
            first_sum: chunk.first_sum as u32,
            factor: self.factor,
            padding: [0; 3],
        };
        let (block, room) = (chunk.block, &self.room);
        let buffers = [
            &layer.affine,
            &room.sums[last],
            &block.targets,
            &block.weights,
            &self.loss.bounds,
            &room.gradients[last],
            &room.losses,
        ];
        Ok(self.gpu.dispatch(&pipeline, &uniform, &buffers, [chunk.rows / GROUP, 1, 1]))
    }

    fn parameters(&self, index: usize, chunk: &Chunk<'_>) -> Result<[Dispatch; 2], GpuError> {
        let layer = &self.network.layers[index];
        let (sources, affine) = self.sources_of(index, chunk);
        let room = &self.room;
        let buffers = [&layer.knots, affine, sources, &layer.affine, &room.gradients[index], &room.partial_sums];
        let segments = chunk.rows.div_ceil(chunk.segment);
        let shape = [layer.inputs, layer.targets.div_ceil(layer.kernels.parameter_wide), segments];
        let partial = self.gpu.dispatch(&layer.kernels.parameters, &self.uniform(index, chunk), &buffers, shape);
        let pipeline = self.gpu.pipeline("segments", include_str!("shaders/segments.wgsl").to_owned())?;
        let uniform =
            [segments, layer.parameters(), layer.first, usize::from(!chunk.is_first)].map(|value| value as u32);
        let buffers = [&room.partial_sums, &self.outcome.gradient];
        Ok([partial, self.gpu.dispatch(&pipeline, &uniform, &buffers, groups(layer.parameters()))])
    }

    fn sources(&self, index: usize, chunk: &Chunk<'_>, to: &Buffer) -> Result<Dispatch, GpuError> {
        let layer = &self.network.layers[index];
        let (sources, affine) = self.sources_of(index, chunk);
        let gradients = &self.room.gradients[index];
        let buffers = [&layer.knots, &self.network.parameters, affine, sources, &layer.affine, gradients, to];
        let shape = [chunk.rows / GROUP, layer.inputs, 1];
        Ok(self.gpu.dispatch(&layer.kernels.sources, &self.uniform(index, chunk), &buffers, shape))
    }

    fn columns(&self, index: usize, chunk: &Chunk<'_>) -> Result<Dispatch, GpuError> {
        let pipeline = self.gpu.pipeline("columns", include_str!("shaders/columns.wgsl").to_owned())?;
        let uniform = [chunk.rows as u32, self.room.stride as u32, u32::from(!chunk.is_first), 0];
        let buffers = [&self.room.sums[index], &self.room.gradients[index], &self.outcome.affines[index]];
        Ok(self.gpu.dispatch(&pipeline, &uniform, &buffers, [self.network.layers[index].columns, 1, 1]))
    }
}
