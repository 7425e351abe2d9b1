//! Networks, samples, and the backends that are to agree on them.
#![allow(dead_code, reason = "each test file uses its part")]

use kanrl_core::approximator::{Loss, Samples};
use kanrl_core::graph::{BaseFunction, Input};
use kanrl_core::kan::{Engine, LayerShape, Network, TrainingObjective};
use kanrl_core::optimize::{Objective, Vector};
use kanrl_wgpu::Gpu;
use std::borrow::{Borrow, BorrowMut};
use std::sync::Arc;

/// The device, or a visible note that there is none.
pub fn device() -> Option<Arc<Gpu>> {
    match Gpu::shared() {
        Ok(gpu) => Some(gpu),
        Err(reason) => {
            // Past the test harness, which keeps what passing tests print.
            use std::io::Write;
            let _ = writeln!(std::io::stderr(), "skipped: no wgpu adapter ({reason})");
            None
        }
    }
}

/// Numbers in [−1, 1] that look random, the same every time.
pub fn numbers(count: usize, seed: u64) -> Vec<f64> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(0x1234_5678_9abc_def1);
    (0..count)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 11) as f64 / (1u64 << 52) as f64 - 1.0
        })
        .collect()
}

/// What a network is made of.
#[derive(Clone, Debug)]
pub struct Shape {
    pub widths: Vec<usize>,
    pub products: usize,
    pub grid: usize,
    pub degree: usize,
    pub base: BaseFunction,
    /// Share of the curves that are masked.
    pub masked: f64,
    pub rows: usize,
    pub seed: u64,
}

impl Shape {
    pub fn new(widths: &[usize], rows: usize) -> Self {
        let base = BaseFunction::Silu;
        Self { widths: widths.to_vec(), products: 0, grid: 5, degree: 3, base, masked: 0.0, rows, seed: 1 }
    }

    /// A network whose every number is in use: uneven knots, affines, masks, scales.
    pub fn network(&self) -> Network {
        let mut shapes = Vec::new();
        let mut inputs = self.widths[0];
        for (index, width) in self.widths[1..].iter().enumerate() {
            let is_hidden = index + 2 < self.widths.len();
            let products = if is_hidden { (0..self.products).map(|index| 2 + index % 2).collect() } else { Vec::new() };
            let nodes = width + products.len();
            shapes.push(LayerShape {
                inputs,
                sums: *width,
                products,
                grid: self.grid,
                degree: self.degree,
                base: self.base,
                noise: 2.0,
            });
            inputs = nodes;
        }
        let mut network = Network::new(&shapes, self.seed);
        for (index, layer) in network.layers.iter_mut().enumerate() {
            let seed = self.seed + 10 * index as u64;
            let count = layer.knots.len() / layer.inputs;
            for (knots, stretch) in layer.knots.chunks_exact_mut(count).zip(numbers(layer.inputs, seed)) {
                knots.iter_mut().for_each(|knot| *knot = (1.2 + 0.3 * stretch) * *knot + 0.05 * *knot * *knot);
            }
            let masked = |value: &f64| if 0.5 * (value + 1.0) < self.masked { 0.0 } else { 1.0 };
            layer.mask = numbers(layer.mask.len(), seed + 1).iter().map(masked).collect();
            let parts = [&mut layer.subnode_scale, &mut layer.node_scale, &mut layer.scale_spline];
            for (part, seed) in parts.into_iter().zip(seed + 2..) {
                let changes = numbers(part.len(), seed);
                part.iter_mut().zip(changes).for_each(|(value, change)| *value *= 1.0 + 0.3 * change);
            }
            for (part, seed) in [&mut layer.subnode_bias, &mut layer.node_bias].into_iter().zip(seed + 5..) {
                let changes = numbers(part.len(), seed);
                part.iter_mut().zip(changes).for_each(|(value, change)| *value = 0.2 * change);
            }
        }
        network
    }

    pub fn data(&self, rows: usize) -> Data {
        let (width, height) = (self.widths[0], self.widths[self.widths.len() - 1]);
        let inputs: Vec<f64> = numbers(rows * width, self.seed + 100).iter().map(|value| 1.3 * value).collect();
        let weight = |(index, value): (usize, f64)| if index % 7 == 3 { 0.0 } else { 1.0 + 0.9 * value };
        let mut weights: Vec<f64> = numbers(rows, self.seed + 101).into_iter().enumerate().map(weight).collect();
        weights[0] = 1.0;
        Data { inputs, targets: numbers(rows * height, self.seed + 102), weights, width, height }
    }
}

pub struct Data {
    pub inputs: Vec<f64>,
    pub targets: Vec<f64>,
    pub weights: Vec<f64>,
    pub width: usize,
    pub height: usize,
}

impl Data {
    pub fn samples(&self) -> Samples<'_> {
        Samples { inputs: &self.inputs, targets: &self.targets, weights: &self.weights }
    }

    pub fn transforms(&self) -> Vec<Input> {
        (0..self.width).map(|index| Input { name: String::new(), shift: 0.1 * index as f64, scale: 0.9 }).collect()
    }
}

/// Loss and gradient on a backend; without a gradient, the loss alone has to be the same.
pub fn value_and_gradient<'e, E: Engine>(
    engine: &'e E,
    network: &'e mut Network,
    batch: &'e E::Batch,
    loss: &'e Loss,
    host: impl Fn(&<E::Objective<'e> as TrainingObjective>::Vector) -> Vec<f64>,
) -> (f64, Vec<f64>) {
    let mut objective = engine.objective(network, batch, loss).expect("a network");
    let x = objective.start().expect("room");
    let x: &<E::Objective<'e> as TrainingObjective>::Vector = x.borrow();
    let mut gradient = x.zeros_like();
    let value = objective.evaluate(x, gradient.borrow_mut());
    let alone = objective.train_loss(x);
    objective.check().expect("a working device");
    assert!((alone - value).abs() <= 1e-6 * value.abs(), "the loss alone is {alone}, with its gradient {value}");
    (value, host(gradient.borrow()))
}

/// Largest difference over largest size.
pub fn distance(found: &[f64], wanted: &[f64]) -> f64 {
    assert_eq!(found.len(), wanted.len());
    let size = wanted.iter().fold(1e-30, |size: f64, value| size.max(value.abs()));
    found.iter().zip(wanted).fold(0.0, |worst: f64, (found, wanted)| {
        let difference = (found - wanted).abs() / size;
        if difference.is_nan() { f64::INFINITY } else { worst.max(difference) }
    })
}
