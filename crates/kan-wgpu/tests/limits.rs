//! What does not fit into one buffer, or into the device at all.

mod common;

use common::{Shape, device, distance, value_and_gradient};
use kanrl_core::approximator::{ApproximatorError, Loss};
use kanrl_core::kan::{Engine, TrainingObjective};
use kanrl_core::optimize::Objective;
use kanrl_wgpu::{DeviceBatch, DeviceObjective, DeviceVector, Gpu, GpuEngine, GpuError, GpuOptions};
use std::sync::Arc;

/// A device whose buffers have so many bytes at most; `None`, and a visible note, where there is none.
fn small(largest_buffer: u64) -> Option<Arc<Gpu>> {
    device()?;
    Some(Gpu::open(&GpuOptions { largest_buffer, ..GpuOptions::default() }).expect("there is an adapter"))
}

fn on_host(vector: &DeviceVector) -> Vec<f64> {
    vector.to_vec().expect("a working device")
}

#[test]
fn a_batch_of_many_blocks_is_as_one_of_one() {
    let (Some(large), Some(small)) = (device(), small(8192)) else { return };
    // 2048 numbers in a buffer: blocks of 640 rows of three inputs.
    let shape = Shape { products: 1, ..Shape::new(&[3, 4, 2], 3001) };
    let data = shape.data(shape.rows);
    for loss in [Loss::MeanSquared, Loss::CrossEntropy] {
        let [whole, split] = [large.clone(), small.clone()].map(|gpu| {
            let engine = GpuEngine(gpu);
            let batch = engine.batch(&data.transforms(), 2, data.samples()).expect("room");
            value_and_gradient(&engine, &mut shape.network(), &batch, &loss, on_host)
        });
        assert!((whole.0 - split.0).abs() < 1e-6 * whole.0.abs(), "{} in blocks, {} as one", split.0, whole.0);
        let off = distance(&split.1, &whole.1);
        assert!(off < 1e-5, "the gradient is off by {off:.1e}");
    }
}

#[test]
fn mini_batches_of_many_blocks_are_those_of_the_rows() {
    let (Some(large), Some(small)) = (device(), small(8192)) else { return };
    let shape = Shape::new(&[3, 2], 1900);
    let data = shape.data(shape.rows);
    // 640 rows are a whole number of mini-batches, so that blocks and mini-batches end together.
    let [whole, split] = [large, small].map(|gpu| {
        let engine = GpuEngine(gpu);
        let batch = engine.batch(&data.transforms(), 2, data.samples()).expect("room");
        let mut network = shape.network();
        let mut objective = engine.objective(&mut network, &batch, &Loss::MeanSquared).expect("a network");
        let x = objective.start().expect("room");
        let mut gradient = x.clone();
        let parts = engine.split(&batch, 128).expect("room");
        let each = |part: &DeviceBatch| {
            let mut workspace = objective.workspace(part).expect("room");
            (objective.evaluate_on(&x, part, &mut workspace, &mut gradient), on_host(&gradient))
        };
        parts.iter().map(each).collect::<Vec<_>>()
    });
    assert_eq!((whole.len(), split.len()), (15, 15));
    for (whole, split) in whole.iter().zip(&split) {
        assert!((whole.0 - split.0).abs() < 1e-6 * whole.0.abs() && distance(&split.1, &whole.1) < 1e-5);
    }
}

#[test]
fn what_no_buffer_holds_is_refused_with_both_sizes() {
    let Some(gpu) = small(4096) else { return };
    // 64 rows of 17 inputs are 1088 numbers, a buffer has 1024.
    let wide = Shape::new(&[17, 1], 10);
    let data = wide.data(10);
    let error = DeviceBatch::new(&gpu, &data.transforms(), 1, data.samples()).err().expect("too wide");
    let wanted =
        GpuError::Limit { what: "the columns of a row", needed: 4352, limit: 4096, unit: "bytes in one buffer" };
    assert_eq!(error, wanted);
    let large = Shape::new(&[2, 60], 10);
    let data = Shape::new(&[2, 1], 10).data(10);
    let batch = DeviceBatch::new(&gpu, &data.transforms(), 1, data.samples()).expect("room");
    let mut network = large.network();
    let error = DeviceObjective::new(&gpu, &mut network, &batch, &Loss::MeanSquared).err().expect("too large");
    assert!(matches!(error, ApproximatorError::Device { .. }), "{error}");
    let cause = std::error::Error::source(&error).expect("the device's").to_string();
    assert!(cause.contains("4096") && cause.contains("device = \"cpu\""), "{cause}");
    // What was refused leaves the device as it was.
    let small = Shape::new(&[2, 1], 10);
    let mut network = small.network();
    let mut objective = DeviceObjective::new(&gpu, &mut network, &batch, &Loss::MeanSquared).expect("small enough");
    let x = objective.start().expect("room");
    assert!(objective.evaluate(&x, &mut x.clone()).is_finite());
    gpu.check().expect("a working device");
}
