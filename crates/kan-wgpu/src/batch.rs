//! Samples on the device.

use crate::error::GpuError;
use crate::gpu::{GROUP, Gpu};
use kanrl_core::approximator::Samples;
use kanrl_core::graph::Input;
use wgpu::Buffer;

/// Samples, resident on the device: as many blocks as its buffers' size makes necessary.
pub struct DeviceBatch {
    pub(crate) blocks: Vec<Block>,
    pub(crate) total_weight: f64,
}

/// Rows in columns, up to a whole number of workgroups; those that fill it up have weight 0.
pub(crate) struct Block {
    /// `[inputs, stride]`, transformed.
    pub inputs: Buffer,
    /// `[outputs, stride]`
    pub targets: Buffer,
    /// `[stride]`
    pub weights: Buffer,
    pub stride: usize,
    /// The weights once more, for splitting.
    host_weights: Vec<f32>,
}

impl DeviceBatch {
    /// Moves samples to the device.
    ///
    /// # Errors
    /// [`GpuError::OutOfMemory`], [`GpuError::DeviceLost`].
    ///
    /// # Panics
    /// If the lengths do not fit together or there is no row.
    pub fn new(gpu: &Gpu, inputs: &[Input], outputs: usize, samples: Samples<'_>) -> Result<Self, GpuError> {
        let (rows, width) = (samples.weights.len(), inputs.len());
        assert!(rows > 0 && samples.inputs.len() == rows * width && samples.targets.len() == rows * outputs);
        let most = (gpu.most_numbers() / width.max(outputs).max(1) as u64) as usize / GROUP * GROUP;
        if most == 0 {
            let (needed, limit) = (4 * (GROUP * width.max(outputs)) as u64, 4 * gpu.most_numbers());
            return Err(GpuError::Limit { what: "the columns of a row", needed, limit, unit: "bytes in one buffer" });
        }
        let block = |first: usize| {
            let rows = first..(first + most).min(rows);
            let stride = rows.len().next_multiple_of(GROUP);
            // The rows that fill the block up repeat the last one: what is finite for it is finite there too.
            let row = |index: usize| (rows.start + index).min(rows.end - 1);
            let mut columns = vec![0.0; width * stride];
            for (input, (transform, column)) in inputs.iter().zip(columns.chunks_exact_mut(stride)).enumerate() {
                for (index, value) in column.iter_mut().enumerate() {
                    *value = (transform.scale * (samples.inputs[row(index) * width + input] - transform.shift)) as f32;
                }
            }
            let mut targets = vec![0.0; outputs * stride];
            for (output, column) in targets.chunks_exact_mut(stride).enumerate() {
                for (index, value) in column.iter_mut().enumerate() {
                    *value = samples.targets[row(index) * outputs + output] as f32;
                }
            }
            let mut weights: Vec<f32> = samples.weights[rows.clone()].iter().map(|weight| *weight as f32).collect();
            weights.resize(stride, 0.0);
            Ok(Block {
                inputs: gpu.filled("the samples' inputs", &columns)?,
                targets: gpu.filled("the samples' targets", &targets)?,
                weights: gpu.filled("the samples' weights", &weights)?,
                stride,
                host_weights: weights,
            })
        };
        let blocks = (0..rows).step_by(most).map(block).collect::<Result<_, GpuError>>()?;
        Ok(Self { blocks, total_weight: samples.weights.iter().sum() })
    }

    /// Parts of `rows` rows each, up to a whole number of workgroups, copied on the device; those whose weights are all 0
    /// left out.
    ///
    /// # Errors
    /// [`GpuError::OutOfMemory`], [`GpuError::DeviceLost`].
    pub fn split(&self, gpu: &Gpu, rows: usize) -> Result<Vec<Self>, GpuError> {
        let length = rows.max(1).checked_next_multiple_of(GROUP).unwrap_or(usize::MAX);
        let mut parts = Vec::new();
        for block in &self.blocks {
            for first in (0..block.stride).step_by(length) {
                let stride = length.min(block.stride - first);
                let host_weights = block.host_weights[first..first + stride].to_vec();
                let total_weight = host_weights.iter().map(|weight| f64::from(*weight)).sum();
                if total_weight == 0.0 {
                    continue;
                }
                let mut encoder = gpu.encoder();
                let mut copied = |from: &Buffer| {
                    let columns = (from.size() / 4) as usize / block.stride;
                    let to = gpu.buffer("a mini-batch", columns * stride)?;
                    for column in 0..columns {
                        let [from_byte, to_byte] =
                            [column * block.stride + first, column * stride].map(|at| 4 * at as u64);
                        encoder.copy_buffer_to_buffer(from, from_byte, &to, to_byte, 4 * stride as u64);
                    }
                    Ok::<_, GpuError>(to)
                };
                let (inputs, targets) = (copied(&block.inputs)?, copied(&block.targets)?);
                let weights = copied(&block.weights)?;
                gpu.submit(encoder);
                parts.push(Self {
                    blocks: vec![Block { inputs, targets, weights, stride, host_weights }],
                    total_weight,
                });
            }
        }
        Ok(parts)
    }
}
