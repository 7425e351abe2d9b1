//! L-BFGS against argmin's: it gets as low, with fewer evaluations.

use argmin::core::{CostFunction, Error, Executor, Gradient};
use argmin::solver::linesearch::MoreThuenteLineSearch;
use argmin::solver::quasinewton::LBFGS;
use kanrl_core::approximator::{Loss, Samples};
use kanrl_core::compute::Batch;
use kanrl_core::kan::{LayerShape, Network, NetworkObjective};
use kanrl_core::optimize::{Lbfgs, Objective, Step};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Any objective, as argmin asks for it: value and gradient apart. Counts its evaluations.
struct Apart<'a>(Mutex<&'a mut (dyn Objective + Send)>, &'a AtomicUsize);

impl Apart<'_> {
    fn both(&self, x: &[f64]) -> (f64, Vec<f64>) {
        self.1.fetch_add(1, Ordering::Relaxed);
        let mut gradient = vec![0.0; x.len()];
        let value = self.0.lock().expect("not poisoned").evaluate(x, &mut gradient);
        (value, gradient)
    }
}

impl CostFunction for Apart<'_> {
    type Param = Vec<f64>;
    type Output = f64;

    fn cost(&self, x: &Vec<f64>) -> Result<f64, Error> {
        Ok(self.both(x).0)
    }
}

impl Gradient for Apart<'_> {
    type Param = Vec<f64>;
    type Gradient = Vec<f64>;

    fn gradient(&self, x: &Vec<f64>) -> Result<Vec<f64>, Error> {
        Ok(self.both(x).1)
    }
}

/// Lowest value and number of evaluations, of ours and of argmin's, from the same start.
fn compare(objective: &mut (dyn Objective + Send), start: &[f64], iterations: usize) -> [(f64, usize); 2] {
    let mut ours = Lbfgs::new(objective, start.to_vec(), 10);
    for _ in 0..iterations {
        if ours.step(objective) == Step::Converged {
            break;
        }
    }
    let ours = (ours.value(), ours.evaluations());
    let search = MoreThuenteLineSearch::new().with_c(1e-4, 0.9).expect("sound constants");
    let solver = LBFGS::new(search, 10);
    let count = AtomicUsize::new(0);
    let executor = Executor::new(Apart(Mutex::new(objective), &count), solver)
        .configure(|state| state.param(start.to_vec()).max_iters(iterations as u64));
    let result = executor.run().expect("argmin runs");
    [ours, (result.state.get_best_cost(), count.load(Ordering::Relaxed))]
}

/// Rosenbrock's valley in any even number of dimensions.
struct Valley(usize);

impl Objective for Valley {
    fn dimension(&self) -> usize {
        self.0
    }

    fn evaluate(&mut self, x: &[f64], gradient: &mut [f64]) -> f64 {
        let mut value = 0.0;
        for (x, gradient) in x.chunks_exact(2).zip(gradient.chunks_exact_mut(2)) {
            let (flat, steep) = (1.0 - x[0], x[1] - x[0] * x[0]);
            value += flat * flat + 100.0 * steep * steep;
            gradient[0] = -2.0 * flat - 400.0 * x[0] * steep;
            gradient[1] = 200.0 * steep;
        }
        value
    }
}

#[test]
fn valleys_are_walked_down_as_far() {
    for dimension in [2, 10, 50] {
        let start: Vec<f64> = (0..dimension).map(|index| if index % 2 == 0 { -1.2 } else { 1.0 }).collect();
        let [(ours, own), (theirs, others)] = compare(&mut Valley(dimension), &start, 200);
        println!("{dimension}: {ours:e} after {own}, argmin {theirs:e} after {others}");
        assert!(ours <= theirs.max(1e-18), "{dimension}: {ours:e} after {own}, argmin {theirs:e} after {others}");
        assert!(own <= others, "{dimension}: {own} evaluations, argmin {others}");
    }
}

#[test]
fn networks_are_trained_as_far() {
    let shape = |inputs, sums| LayerShape {
        inputs,
        sums,
        products: Vec::new(),
        grid: 5,
        degree: 3,
        base: Default::default(),
        noise: 0.3,
    };
    let inputs: Vec<f64> = (0..400).map(|i| ((i * 7919) % 1009) as f64 / 504.5 - 1.0).collect();
    let targets: Vec<f64> = inputs.chunks_exact(2).map(|row| (2.0 * row[0]).sin() + row[1] * row[1]).collect();
    let weights = vec![1.0; targets.len()];
    let mut network = Network::new(&[shape(2, 2), shape(2, 1)], 3);
    let samples = Samples { inputs: &inputs, targets: &targets, weights: &weights };
    let batch = Batch::<f64>::new(&network.graph().inputs, 1, samples);
    let mut objective = NetworkObjective::new(&mut network, &batch, &Loss::MeanSquared);
    let start = objective.start();
    let [(ours, own), (theirs, others)] = compare(&mut objective, &start, 100);
    println!("{ours:e} after {own}, argmin {theirs:e} after {others}");
    // The paths part after some steps: levels are compared, not digits.
    assert!(ours <= 2.0 * theirs, "{ours:e} after {own}, argmin {theirs:e} after {others}");
    assert!(own < others, "{own} evaluations, argmin {others}");
}
