//! The symbolic search of an edge, on one thread, and formulas evaluated in batches.
//!
//! `sym/edge/SHAPE/nN`: one edge of pykan's fitted network against all 29 functions, N samples; pykan 0.2.8's
//! `suggest_symbolic` on the same curves takes 1.3 CPU seconds at 200 samples and 18 at 1000.

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use kanrl_core::function::{SampledCurve, SymbolicLibrary};
use kanrl_reference_data::{Tensors, files};
use kanrl_symbolic::library::Library;
use kanrl_symbolic::{Expression, Tape};
use std::hint::black_box;

/// All edges of a file: `lL/x` `[rows, in]`, `lL/y` `[rows, out, in]`.
fn curves(tensors: &Tensors) -> Vec<SampledCurve> {
    let mut curves = Vec::new();
    for layer in (0..).take_while(|layer| tensors.find(&format!("l{layer}/x")).is_some()) {
        let (x, y) = (tensors.get(&format!("l{layer}/x")), tensors.get(&format!("l{layer}/y")));
        let (inputs, outputs) = (x.shape[1], y.shape[1]);
        for input in 0..inputs {
            let column: Vec<f64> = x.values.iter().skip(input).step_by(inputs).copied().collect();
            for output in 0..outputs {
                let values = y.values.iter().skip(output * inputs + input).step_by(inputs * outputs);
                curves.push(SampledCurve { x: column.clone(), y: values.copied().collect() });
            }
        }
    }
    curves
}

fn edges(criterion: &mut Criterion) {
    let library = Library::full();
    let one_thread = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a thread pool");
    for file in files("speed", "safetensors") {
        let name = file.file_stem().and_then(|name| name.to_str()).unwrap_or_default();
        let Some(name) = name.strip_prefix("sym_").and_then(|name| name.strip_suffix("_edges")) else { continue };
        let curves = curves(&Tensors::read(&file));
        let mut next = (0..curves.len()).cycle();
        criterion.bench_function(&format!("sym/edge/{}", name.replace("_n", "/n")), |bencher| {
            bencher.iter_batched(
                || &curves[next.next().expect("endless")],
                |curve| one_thread.install(|| black_box(library.candidates(curve))),
                BatchSize::SmallInput,
            );
        });
    }
}

fn tapes(criterion: &mut Criterion) {
    let formulas = [
        ("linear", "3*theta + theta_dot - 0.5*x"),
        ("polynomial", "1.5*theta^3 - 0.2*theta*theta_dot^2 + x*x_dot - 0.3*clip(theta_dot, -1, 1) + abs(x)"),
        ("functions", "2*sin(3*theta + 0.1) - tanh(theta_dot/2) + 0.7*exp(-x^2) - sqrt(abs(x_dot) + 1)"),
    ];
    let names = ["x", "x_dot", "theta", "theta_dot"];
    for (name, text) in formulas {
        let expression: Expression = text.parse().expect("a good formula");
        let tape = Tape::compile(&[expression], &names).expect("known names");
        for rows in [1, 4096] {
            let inputs: Vec<f64> = (0..rows * names.len()).map(|index| (index as f64 * 0.7).sin()).collect();
            let mut outputs = vec![0.0; rows];
            let mut group = criterion.benchmark_group("sym/tape");
            group.throughput(Throughput::Elements(rows as u64));
            group.bench_function(format!("{name}/n{rows}"), |bencher| {
                bencher.iter(|| tape.evaluate(black_box(&inputs), black_box(&mut outputs)));
            });
        }
    }
}

criterion_group!(benches, edges, tapes);
criterion_main!(benches);
