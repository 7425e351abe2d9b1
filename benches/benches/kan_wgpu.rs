//! The KAN on a graphics card, beside the CPU in f32: forward, forward and backward.
//!
//! The device's times hold the way back of the loss. Where there is no adapter only the CPU is measured.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use kan_core::approximator::{Loss, Samples};
use kan_core::graph::{BaseFunction, Input};
use kan_core::kan::{Cpu, Engine, LayerShape, Network, TrainingObjective};
use kan_core::optimize::{Objective, Vector};
use kan_wgpu::{Gpu, GpuEngine};
use std::borrow::{Borrow, BorrowMut};
use std::hint::black_box;
use std::time::Duration;

const SHAPES: [&[usize]; 2] = [&[64, 64, 64, 10], &[8, 256, 256, 4]];
const ROWS: [usize; 3] = [4096, 65_536, 1_000_000];

fn network(shape: &[usize]) -> Network {
    let layer = |pair: &[usize]| LayerShape {
        inputs: pair[0],
        sums: pair[1],
        products: Vec::new(),
        grid: 5,
        degree: 3,
        base: BaseFunction::Silu,
        noise: 0.3,
    };
    Network::new(&shape.windows(2).map(layer).collect::<Vec<_>>(), 0)
}

fn passes<E: Engine>(criterion: &mut Criterion, engine: &E, name: &str) {
    for shape in SHAPES {
        let (width, height) = (shape[0], shape[shape.len() - 1]);
        let edges: usize = shape.windows(2).map(|pair| pair[0] * pair[1]).sum();
        for rows in ROWS {
            let inputs: Vec<f64> = (0..rows * width).map(|i| ((i * 7919) % 10_007) as f64 / 5003.5 - 1.0).collect();
            let (targets, weights) = (vec![0.1; rows * height], vec![1.0; rows]);
            let transforms = vec![Input { name: String::new(), shift: 0.0, scale: 1.0 }; width];
            let samples = Samples { inputs: &inputs, targets: &targets, weights: &weights };
            let batch = engine.batch(&transforms, height, samples).expect("room for the batch");
            let mut network = network(shape);
            let mut objective = engine.objective(&mut network, &batch, &Loss::MeanSquared).expect("a network");
            let start = objective.start().expect("room for the network");
            let x: &<E::Objective<'_> as TrainingObjective>::Vector = start.borrow();
            let mut gradient = x.zeros_like();
            let widths = shape.iter().map(usize::to_string).collect::<Vec<_>>().join("-");
            let case = |pass: &str| BenchmarkId::new(pass, format!("{widths}/b{rows}/{name}"));
            let mut group = criterion.benchmark_group("kan/wgpu");
            group.sample_size(10).warm_up_time(Duration::from_millis(1)).measurement_time(Duration::from_secs(1));
            group.throughput(Throughput::Elements((edges * rows) as u64));
            group.bench_function(case("fwd"), |bencher| bencher.iter(|| black_box(objective.train_loss(x))));
            group.bench_function(case("fwdbwd"), |bencher| {
                bencher.iter(|| black_box(objective.evaluate(x, gradient.borrow_mut())));
            });
            group.finish();
            objective.check().expect("a working device");
        }
    }
}

fn all(criterion: &mut Criterion) {
    passes(criterion, &Cpu::<f32>::default(), "cpu");
    match Gpu::shared() {
        Ok(gpu) => {
            println!("device: {}", gpu.name());
            passes(criterion, &GpuEngine(gpu), "device");
        }
        Err(reason) => println!("skipped: no wgpu adapter ({reason})"),
    }
}

criterion_group!(benches, all);
criterion_main!(benches);
