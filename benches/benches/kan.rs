//! The KAN: forward, forward and backward, and fits to the training loss that pykan reaches in 50 steps.
//!
//! `RAYON_NUM_THREADS=1 cargo bench -p benches --bench kan` measures one thread.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use kanrl_core::approximator::{FitTask, FunctionApproximator, Loss, Samples};
use kanrl_core::compute::{Batch, Plan, Scalar, Workspace};
use kanrl_core::graph::BaseFunction;
use kanrl_core::kan::{Kan, KanConfig, LayerShape, Network, Precision};
use kanrl_reference_data::Tensors;
use std::hint::black_box;
use std::ops::ControlFlow;
use std::path::Path;

const SHAPES: [&[usize]; 4] = [&[4, 2, 2], &[8, 2, 4], &[11, 8, 3], &[64, 64, 64, 10]];

fn name(shape: &[usize]) -> String {
    shape.iter().map(usize::to_string).collect::<Vec<_>>().join("-")
}

fn passes<S: Scalar>(criterion: &mut Criterion, element_type: &str) {
    for shape in SHAPES {
        let layer = |pair: &[usize]| LayerShape {
            inputs: pair[0],
            sums: pair[1],
            products: Vec::new(),
            grid: 5,
            degree: 3,
            base: BaseFunction::Silu,
            noise: 0.3,
        };
        let layers: Vec<LayerShape> = shape.windows(2).map(layer).collect();
        let graph = Network::new(&layers, 0).graph();
        let plan = Plan::<S>::new(&graph);
        let parameters: Vec<S> = plan.load(&graph).into_iter().map(S::from_f64).collect();
        let edges: usize = shape.windows(2).map(|pair| pair[0] * pair[1]).sum();
        for rows in [1000, 4096, 16384] {
            let inputs: Vec<f64> = (0..rows * shape[0]).map(|i| ((i * 7919) % 10_007) as f64 / 5003.5 - 1.0).collect();
            let outputs = shape[shape.len() - 1];
            let (targets, weights) = (vec![0.1; rows * outputs], vec![1.0; rows]);
            let samples = Samples { inputs: &inputs, targets: &targets, weights: &weights };
            let batch = Batch::<S>::new(&graph.inputs, outputs, samples);
            let mut workspace = Workspace::new(&plan, &batch);
            let mut gradient = vec![0.0; plan.parameters()];
            let case = |pass: &str| BenchmarkId::new(pass, format!("{}/b{rows}/{element_type}", name(shape)));
            let mut group = criterion.benchmark_group("kan");
            group.sample_size(20).throughput(Throughput::Elements((edges * rows) as u64));
            group.bench_function(case("fwd"), |bencher| {
                bencher.iter(|| black_box(plan.loss(&parameters, &batch, &Loss::MeanSquared, &mut workspace)));
            });
            let mut both = || {
                let loss = &Loss::MeanSquared;
                black_box(plan.loss_and_gradient(&parameters, &batch, loss, None, &mut workspace, &mut gradient))
            };
            group.bench_function(case("fwdbwd"), |bencher| bencher.iter(&mut both));
            if rows == 16384 {
                let threads = rayon::ThreadPoolBuilder::new().num_threads(2).build().expect("two threads");
                let case = format!("{}/b{rows}/{element_type}/two_threads", name(shape));
                group.bench_function(BenchmarkId::new("fwdbwd", case), |bencher| {
                    threads.install(|| bencher.iter(&mut both));
                });
            }
            group.finish();
        }
    }
}

fn both(criterion: &mut Criterion) {
    passes::<f32>(criterion, "f32");
    passes::<f64>(criterion, "f64");
}

fn fits(criterion: &mut Criterion) {
    let files = kanrl_reference_data::files("speed", "safetensors");
    for file in files.iter().filter(|file| {
        let stem = file.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        stem.starts_with("fit_") && !stem.contains("float")
    }) {
        let tensors = Tensors::read(file);
        let (inputs, targets) = (tensors.get("train_input"), tensors.get("train_label"));
        let rows = inputs.shape[0];
        let weights = vec![1.0; rows];
        let train = Samples { inputs: &inputs.values, targets: &targets.values, weights: &weights };
        for (precision, element_type, recorded) in
            [(Precision::F32, "f32", "float32"), (Precision::F64, "f64", "float64")]
        {
            let Some(wanted) = recorded_loss(file, recorded) else { continue };
            let config = KanConfig { precision, ..KanConfig::default() };
            let shape = [inputs.shape[1], config.hidden[0], targets.shape[1]];
            let mut group = criterion.benchmark_group("fit");
            group.sample_size(10);
            group.bench_function(format!("{}/n{rows}/{element_type}", name(&shape)), |bencher| {
                bencher.iter(|| {
                    let mut kan = Kan::new(config.clone(), shape[0], shape[2], 0);
                    let task = FitTask { train, validation: None, loss: &Loss::MeanSquared };
                    let mut reached = false;
                    let fitted = kan.fit(task, &mut |progress| {
                        reached = progress.train_loss <= wanted;
                        if reached { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
                    });
                    assert!(reached, "pykan's loss is not reached: {fitted:?}");
                    black_box(kan)
                });
            });
            group.finish();
        }
    }
}

/// pykan's mean squared error after its last step on the same data.
fn recorded_loss(data: &Path, element_type: &str) -> Option<f64> {
    let stem = data.file_stem()?.to_str()?;
    let text = std::fs::read_to_string(data.with_file_name(format!("{stem}_{element_type}_pykan.json"))).ok()?;
    let curve: serde_json::Value = serde_json::from_str(&text).ok()?;
    curve["train_rmse"].as_array()?.last()?.as_f64().map(|rmse| rmse * rmse)
}

criterion_group!(benches, both, fits);
criterion_main!(benches);
