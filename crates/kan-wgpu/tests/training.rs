//! Short trainings on the device against those of the CPU, the vectors that its optimizers use, and how it fails.

mod common;

use common::{Shape, device, distance, numbers};
use kanrl_core::approximator::{ApproximatorError, FitReport, FitTask, FunctionApproximator, Loss};
use kanrl_core::kan::{Cpu, Device, Engine, Kan, KanConfig, NetworkObjective, Optimizer, Precision};
use kanrl_core::optimize::{Objective, Pair, Vector};
use kanrl_wgpu::{DeviceBatch, DeviceObjective, DeviceVector, Gpu, GpuEngine, GpuError, GpuOptions};
use std::collections::VecDeque;
use std::ops::ControlFlow;

/// Losses after a few steps may be apart by this share: f32's errors grow from step to step.
const TRAINING_TOLERANCE: f64 = 0.02;

fn fit(config: &KanConfig, rows: usize) -> (Kan, Result<FitReport, ApproximatorError>, Vec<f64>) {
    kanrl_wgpu::register();
    let shape = Shape::new(&[3, 2], rows);
    let mut data = shape.data(rows);
    for (x, y) in data.inputs.chunks_exact(3).zip(data.targets.chunks_exact_mut(2)) {
        (y[0], y[1]) = ((2.0 * x[0]).sin() + x[1] * x[1], x[0] * x[2]);
    }
    let validation = shape.data(100);
    let task = FitTask { train: data.samples(), validation: Some(validation.samples()), loss: &Loss::MeanSquared };
    let mut kan = Kan::new(config.clone(), 3, 2, 7);
    let mut losses = Vec::new();
    let report = kan.fit(task, &mut |progress| {
        losses.push(progress.train_loss);
        ControlFlow::Continue(())
    });
    (kan, report, losses)
}

#[test]
fn a_short_training_goes_as_on_the_cpu() {
    if device().is_none() {
        return;
    }
    let adam = KanConfig { optimizer: Optimizer::Adam, batch_rows: 200, steps: 6, ..KanConfig::default() };
    let lbfgs = KanConfig { optimizer: Optimizer::Lbfgs, steps: 3, grid_updates: 25, ..KanConfig::default() };
    for config in [adam, KanConfig { products: vec![1], patience: 0, ..lbfgs }] {
        let config = KanConfig { precision: Precision::F32, ..config };
        let (_, report, wanted) = fit(&config, 700);
        assert_eq!(report.expect("sound data").device, None);
        let (kan, report, found) = fit(&KanConfig { device: Device::Gpu, ..config.clone() }, 700);
        assert!(report.expect("sound data").device.expect("asked for").contains("trained on"));
        assert_eq!(found.len(), wanted.len());
        for (step, (found, wanted)) in found.iter().zip(&wanted).enumerate() {
            let off = (found - wanted).abs() / wanted;
            assert!(off < TRAINING_TOLERANCE, "{:?}, step {step}: {found} against {wanted}", config.optimizer);
        }
        assert!(found[found.len() - 1] < 0.8 * found[0], "{found:?}");
        // The file is read by whoever computes on the CPU.
        let loaded = kanrl_core::config::ApproximatorConfig::load(&config, &kan.save()).expect("its own file");
        let inputs = numbers(300, 3);
        let (mut own, mut other) = (vec![0.0; 200], vec![0.0; 200]);
        kan.predict(&inputs, &mut own);
        loaded.predict(&inputs, &mut other);
        assert_eq!(own, other);
    }
}

#[test]
fn a_device_that_is_not_worth_it_is_not_used_and_the_report_says_so() {
    let config = KanConfig { device: Device::Auto, steps: 2, ..KanConfig::default() };
    let reason = |config: &KanConfig| fit(config, 100).1.expect("sound data").device.expect("asked for");
    assert!(reason(&config).contains("precision"), "{}", reason(&config));
    let config = KanConfig { precision: Precision::F32, ..config };
    assert!(reason(&config).starts_with("trained on the CPU: "), "{}", reason(&config));
    // Where there is nothing but a driver in software, nothing is large enough.
    let large = KanConfig { device_crossover: 0.0, ..config.clone() };
    if device().is_none_or(|gpu| gpu.is_software()) {
        assert!(reason(&large).starts_with("trained on the CPU: "), "{}", reason(&large));
    } else {
        assert!(reason(&config).contains("device_crossover"), "{}", reason(&config));
        assert!(reason(&large).starts_with("trained on ") && !reason(&large).contains("CPU"), "{}", reason(&large));
    }
    let on_cpu = fit(&KanConfig { device: Device::Cpu, ..config.clone() }, 100).0;
    assert_eq!(fit(&config, 100).0.network().layers[0].coefficients, on_cpu.network().layers[0].coefficients);
}

#[test]
fn what_the_device_does_not_compute_is_refused_by_name() {
    if device().is_none() {
        return;
    }
    for (config, what) in [
        (KanConfig { lambda: 0.1, ..KanConfig::default() }, "lambda"),
        (KanConfig { optimizer: Optimizer::LevenbergMarquardt, ..KanConfig::default() }, "levenberg_marquardt"),
    ] {
        let error = fit(&KanConfig { device: Device::Gpu, ..config }, 100).1.expect_err("not on the device");
        assert!(matches!(error, ApproximatorError::Unsupported { .. }), "{error}");
        assert!(error.to_string().contains(what) && error.to_string().contains("device = \"cpu\""), "{error}");
    }
}

#[test]
fn all_derivatives_are_those_of_the_cpu() {
    let Some(gpu) = device() else { return };
    let shape = Shape { products: 2, masked: 0.2, ..Shape::new(&[3, 4, 5, 2], 200) };
    let data = shape.data(200);
    let cpu = Cpu::<f64>::default();
    let batch = cpu.batch(&data.transforms(), 2, data.samples()).expect("room");
    let mut network = shape.network();
    let mut objective = NetworkObjective::new(&mut network, &batch, &Loss::MeanSquared);
    let start = objective.start();
    let mut gradient = vec![0.0; start.len()];
    objective.evaluate(&start, &mut gradient);
    let wanted = objective.derivatives().clone();
    let mut network = shape.network();
    let batch = DeviceBatch::new(&gpu, &data.transforms(), 2, data.samples()).expect("room");
    let mut objective = DeviceObjective::new(&gpu, &mut network, &batch, &Loss::MeanSquared).expect("a network");
    let x = DeviceVector::new(&gpu, &start).expect("room");
    let found = objective.derivatives(&x).expect("a working device");
    assert!(distance(&found.trained, &gradient) < 1e-3);
    for (layer, found) in wanted.layers.iter().zip(&found.affines) {
        let biases: Vec<f64> = found.iter().map(|pair| pair[1]).collect();
        // A sum's own bias is that of the node.
        let own: Vec<f64> = (0..layer.subnodes())
            .map(|subnode| if subnode < layer.sums { layer.node_bias[subnode] } else { layer.subnode_bias[subnode] })
            .chain(layer.node_bias[layer.sums..].iter().copied())
            .collect();
        assert!(distance(&biases, &own) < 1e-3, "{biases:?} {own:?}");
        let scales: Vec<f64> = found[layer.sums..].iter().map(|pair| pair[0]).collect();
        let own = [&layer.subnode_scale[layer.sums..], &layer.node_scale[layer.sums..]].concat();
        assert!(distance(&scales, &own) < 1e-3, "{scales:?} {own:?}");
    }
    // By an input, against a difference of the loss.
    let (row, input, step) = (5, 1, 1e-3);
    let loss = |change: f64| {
        let mut data = shape.data(200);
        data.inputs[row * 3 + input] += change / 0.9;
        let batch = cpu.batch(&data.transforms(), 2, data.samples()).expect("room");
        NetworkObjective::new(&mut shape.network(), &batch, &Loss::MeanSquared).train_loss(&start)
    };
    let slope = (loss(step) - loss(-step)) / (2.0 * step);
    let found = found.inputs[row * 3 + input];
    assert!((found - slope).abs() < 1e-3 * slope.abs().max(1e-4), "{found} against {slope}");
}

#[test]
fn chunks_and_blocks_change_nothing_but_rounding() {
    let Some(gpu) = device() else { return };
    // More rows than one chunk.
    let shape = Shape::new(&[2, 2], 70_001);
    let data = shape.data(70_001);
    let engine = GpuEngine(gpu);
    let batch = engine.batch(&data.transforms(), 2, data.samples()).expect("room");
    let host = |vector: &DeviceVector| vector.to_vec().expect("a working device");
    let found = common::value_and_gradient(&engine, &mut shape.network(), &batch, &Loss::MeanSquared, host);
    let cpu = Cpu::<f64>::default();
    let batch = cpu.batch(&data.transforms(), 2, data.samples()).expect("room");
    let wanted = common::value_and_gradient(&cpu, &mut shape.network(), &batch, &Loss::MeanSquared, <[f64]>::to_vec);
    assert!((found.0 - wanted.0).abs() < 1e-5 * wanted.0 && distance(&found.1, &wanted.1) < 1e-4);
}

#[test]
fn vectors_compute_as_on_the_cpu() {
    let Some(gpu) = device() else { return };
    let new = |values: &[f64]| DeviceVector::new(&gpu, values).expect("room");
    for count in [1, 64, 1000, 40_000] {
        let narrow = |seed| numbers(count, seed).into_iter().map(|value| f64::from(value as f32)).collect::<Vec<_>>();
        let (a, b, c) = (narrow(1), narrow(2), narrow(3));
        let (on_a, on_b, on_c) = (new(&a), new(&b), new(&c));
        // A sum that cancels: in one float it would be wrong in the fourth digit.
        let far: Vec<f64> = a.iter().map(|value| f64::from((1000.0 + value) as f32)).collect();
        let total = new(&far).dot(&new(&vec![1.0; count]));
        let wanted: f64 = far.iter().sum();
        assert!((total - wanted).abs() <= 1e-11 * wanted, "{count}: {total} against {wanted}");
        assert!((on_a.dot(&on_b) - a.dot(&b)).abs() <= 1e-7 * count as f64);
        assert!((on_a.norm_one() - a.norm_one()).abs() <= 1e-9 * count as f64);
        assert_eq!(on_a.norm_max(), a.norm_max());
        let mut sum = on_c.clone();
        sum.set_sum(&on_a, 0.5, &on_b);
        let mut host = c.clone();
        host.set_sum(&a, 0.5, &b);
        assert!(distance(&sum.to_vec().expect("a working device"), &host) < 1e-6);
        assert!(sum.is_sum(&on_a, 0.5, &on_b) && !sum.is_sum(&on_a, 0.75, &on_b));
        assert!(sum.is_finite());
        let pair = |s: &[f64], y: &[f64]| Pair::<[f64]> { s: s.to_vec(), y: y.to_vec(), rho: 0.3 };
        let pairs = VecDeque::from([pair(&a, &b), pair(&b, &c), pair(&c, &far)]);
        let on_pair = |pair: &Pair<[f64]>| Pair::<DeviceVector> { s: new(&pair.s), y: new(&pair.y), rho: pair.rho };
        let on_pairs: VecDeque<_> = pairs.iter().map(on_pair).collect();
        let (mut direction, mut on_direction) = (a.zeros_like(), on_a.zeros_like());
        direction.set_direction(&c, &pairs);
        on_direction.set_direction(&on_c, &on_pairs);
        assert!(distance(&on_direction.to_vec().expect("a working device"), &direction) < 1e-3);
    }
    assert!(!new(&[1.0, f64::NAN]).is_finite() && !new(&[f64::INFINITY]).is_finite());
}

#[test]
fn failures_are_named() {
    let Err(error) = Gpu::open(&GpuOptions { backends: wgpu::Backends::empty(), ..GpuOptions::default() }) else {
        panic!("no backend has no adapter")
    };
    assert!(matches!(error, GpuError::NoAdapter { .. }), "{error}");
    if device().is_none() {
        return;
    }
    let gpu = Gpu::open(&GpuOptions::default()).expect("there is an adapter");
    let shape = Shape::new(&[2, 2], 100);
    let data = shape.data(100);
    let batch = DeviceBatch::new(&gpu, &data.transforms(), 2, data.samples()).expect("room");
    let mut network = shape.network();
    let layer = &mut network.layers[0];
    layer.grid = 20_000;
    layer.knots = (0..2 * 20_007).map(|knot| f64::from(knot % 20_007)).collect();
    layer.coefficients = vec![0.0; 4 * layer.basis()];
    let error = DeviceObjective::new(&gpu, &mut network, &batch, &Loss::MeanSquared).err().expect("too fine a grid");
    let cause = std::error::Error::source(&error).expect("a device's error").to_string();
    assert!(cause.contains("workgroup memory"), "{cause}");
    let mut network = shape.network();
    let mut objective = DeviceObjective::new(&gpu, &mut network, &batch, &Loss::MeanSquared).expect("a network");
    let x = kanrl_core::kan::TrainingObjective::start(&objective).expect("room");
    let mut gradient = x.clone();
    gpu.destroy();
    assert!(objective.evaluate(&x, &mut gradient).is_nan());
    let error = gpu.check().expect_err("it is gone");
    assert!(matches!(error, GpuError::DeviceLost { .. }), "{error}");
    assert!(matches!(DeviceVector::new(&gpu, &[1.0]).err(), Some(GpuError::DeviceLost { .. })));
}
