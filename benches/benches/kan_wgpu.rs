//! The KAN on a GPU, compared with the CPU in f32: forward, forward and backward.
//!
//! The device's times hold the way back of the loss. Where there is no adapter only the CPU is measured. Cases that
//! take seconds are timed by a few single passes instead of criterion's samples.
//!
//! `RAYON_NUM_THREADS=1 LP_NUM_THREADS=1 cargo bench -p benches --bench kan_wgpu --features gpu` measures one thread (the
//! second variable is that of Mesa's driver in software).

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use kanrl_core::approximator::{Loss, Samples};
use kanrl_core::graph::{BaseFunction, Input};
use kanrl_core::kan::{Cpu, Engine, LayerShape, Network, TrainingObjective};
use kanrl_core::optimize::{Objective, Vector};
use kanrl_wgpu::{Gpu, GpuEngine};
use std::borrow::{Borrow, BorrowMut};
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

const GROUP: &str = "kan/wgpu";
const SHAPES: [&[usize]; 2] = [&[64, 64, 64, 10], &[8, 256, 256, 4]];
const ROWS: [usize; 3] = [4096, 65_536, 1_000_000];
/// Seconds of a first pass from which on it is timed by a few passes instead of samples, seconds after which no other
/// follows, and seconds that a pass may be expected to take.
const SLOW: f64 = 0.2;
const ENOUGH: f64 = 20.0;
const TOO_LONG: f64 = 120.0;

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
        let edges: usize = shape.windows(2).map(|pair| pair[0] * pair[1]).sum();
        let widths = shape.iter().map(usize::to_string).collect::<Vec<_>>().join("-");
        let mut expected = [0.0; 2];
        for rows in ROWS {
            let case = |pass: &str| format!("{pass}/{widths}/b{rows}/{name}");
            if !["fwd", "fwdbwd"].iter().any(|pass| is_asked_for(&case(pass))) {
                continue;
            }
            let samples = Rows::new(shape, rows);
            let batch =
                engine.batch(&samples.transforms, samples.height, samples.samples()).expect("room for the batch");
            let mut network = network(shape);
            let mut objective = engine.objective(&mut network, &batch, &Loss::MeanSquared).expect("a network");
            let start = objective.start().expect("room for the network");
            let x: &<E::Objective<'_> as TrainingObjective>::Vector = start.borrow();
            let mut gradient = x.zeros_like();
            let before = &mut expected;
            time(criterion, &case("fwd"), [rows, edges], &mut before[0], || objective.train_loss(x));
            time(criterion, &case("fwdbwd"), [rows, edges], &mut before[1], || {
                objective.evaluate(x, gradient.borrow_mut())
            });
            objective.check().expect("a working device");
        }
    }
}

/// `each` is what a row took with fewer of them, and then takes with these.
fn time(
    criterion: &mut Criterion,
    case: &str,
    [rows, edges]: [usize; 2],
    each: &mut f64,
    mut pass: impl FnMut() -> f64,
) {
    let expected = *each * rows as f64;
    if !is_asked_for(case) {
        return;
    }
    if expected > TOO_LONG {
        println!("{GROUP}/{case}: left out, a pass would take about {expected:.0} s");
        return;
    }
    let mut seconds = || {
        let start = Instant::now();
        black_box(pass());
        start.elapsed().as_secs_f64()
    };
    let first = seconds();
    *each = first / rows as f64;
    if first < SLOW {
        let mut group = criterion.benchmark_group(GROUP);
        group.sample_size(10).warm_up_time(Duration::from_millis(1)).measurement_time(Duration::from_secs(1));
        group.throughput(Throughput::Elements((edges * rows) as u64));
        group.bench_function(case, |bencher| bencher.iter(&mut seconds));
        group.finish();
        return;
    }
    let (mut fastest, mut total, mut count) = (first, first, 1);
    while total < ENOUGH && count < 5 {
        let next = seconds();
        (fastest, total, count) = (fastest.min(next), total + next, count + 1);
    }
    println!("{GROUP}/{case}: {fastest:.3} s, the fastest of {count} passes");
}

/// Whether the command line names part of it, or nothing.
fn is_asked_for(case: &str) -> bool {
    let mut parts = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).peekable();
    parts.peek().is_none() || parts.any(|part| format!("{GROUP}/{case}").contains(&part))
}

/// Seconds of the fastest of a few evaluations of loss and gradient, compilation and allocation left out.
fn evaluation<E: Engine>(engine: &E, shape: &[usize], rows: usize) -> f64 {
    let samples = Rows::new(shape, rows);
    let batch = engine.batch(&samples.transforms, samples.height, samples.samples()).expect("room for the batch");
    let mut network = network(shape);
    let mut objective = engine.objective(&mut network, &batch, &Loss::MeanSquared).expect("a network");
    let start = objective.start().expect("room for the network");
    let x: &<E::Objective<'_> as TrainingObjective>::Vector = start.borrow();
    let mut gradient = x.zeros_like();
    let mut fastest = f64::INFINITY;
    for _ in 0..5 {
        let start = Instant::now();
        black_box(objective.evaluate(x, gradient.borrow_mut()));
        fastest = fastest.min(start.elapsed().as_secs_f64());
    }
    objective.check().expect("a working device");
    fastest
}

/// Prints from how many rows times curves on the device is faster: what `device_crossover` should be.
fn crossover(gpu: &Arc<Gpu>) {
    for shape in [&[4, 2, 2][..], &[8, 16, 4], &[64, 64, 64, 10]] {
        let edges: usize = shape.windows(2).map(|pair| pair[0] * pair[1]).sum();
        for power in 8..=20 {
            let rows = 1 << power;
            let (cpu, device) =
                (evaluation(&Cpu::<f32>::default(), shape, rows), evaluation(&GpuEngine(Arc::clone(gpu)), shape, rows));
            let work = (edges * rows) as f64;
            println!(
                "{GROUP}/crossover {shape:?}: {work:.1e} rows times curves, CPU {cpu:.2e} s, device {device:.2e} s"
            );
            if device < cpu {
                println!("{GROUP}/crossover {shape:?}: device_crossover = {work:.1e}");
                break;
            }
            if device > 1.0 {
                println!("{GROUP}/crossover {shape:?}: not reached before an evaluation takes a second");
                break;
            }
        }
    }
}

/// Samples of a shape.
struct Rows {
    inputs: Vec<f64>,
    targets: Vec<f64>,
    weights: Vec<f64>,
    transforms: Vec<Input>,
    height: usize,
}

impl Rows {
    fn new(shape: &[usize], rows: usize) -> Self {
        let (width, height) = (shape[0], shape[shape.len() - 1]);
        Self {
            inputs: (0..rows * width).map(|i| ((i * 7919) % 10_007) as f64 / 5003.5 - 1.0).collect(),
            targets: vec![0.1; rows * height],
            weights: vec![1.0; rows],
            transforms: vec![Input { name: String::new(), shift: 0.0, scale: 1.0 }; width],
            height,
        }
    }

    fn samples(&self) -> Samples<'_> {
        Samples { inputs: &self.inputs, targets: &self.targets, weights: &self.weights }
    }
}

fn all(criterion: &mut Criterion) {
    passes(criterion, &Cpu::<f32>::default(), "cpu");
    match Gpu::shared() {
        Ok(gpu) => {
            println!("device: {}", gpu.name());
            if is_asked_for("crossover") {
                crossover(&gpu);
            }
            passes(criterion, &GpuEngine(gpu), "device");
        }
        Err(reason) => println!("skipped: no wgpu adapter ({reason})"),
    }
}

criterion_group!(benches, all);
criterion_main!(benches);
