//! What must hold for every spline and every network.

use kanrl_core::approximator::{ApproximatorError, FitTask, FunctionApproximator, Loss, Samples};
use kanrl_core::compute::CompiledGraph;
use kanrl_core::config::ApproximatorConfig;
use kanrl_core::kan::{Kan, KanConfig, LayerShape, Network, Optimizer, Precision};
use kanrl_core::spline;
use proptest::prelude::*;
use std::ops::ControlFlow;

/// Inner knots that increase, a degree, and a point inside.
fn splines() -> impl Strategy<Value = (Vec<f64>, usize, f64)> {
    (prop::collection::vec(0.05f64..1.0, 1..12), 1usize..6, 0.0f64..1.0).prop_map(|(steps, degree, share)| {
        let inner: Vec<f64> = std::iter::once(-1.0)
            .chain(steps.iter().scan(-1.0, |sum, step| {
                *sum += step;
                Some(*sum)
            }))
            .collect();
        let x = inner[0] + share * (inner[inner.len() - 1] - inner[0]);
        (spline::extend_knots(&inner, degree), degree, x)
    })
}

proptest! {
    #[test]
    fn basis_functions_add_up_to_one_and_stay_local((knots, degree, x) in splines()) {
        let mut sum = 0.0;
        spline::for_each_basis(&knots, degree, x, |basis, value, _| {
            sum += value;
            assert!(value >= -1e-12);
            assert!(knots[basis] <= x && x < knots[basis + degree + 1], "basis {basis} reaches too far");
        });
        prop_assert!((sum - 1.0).abs() < 1e-12, "the sum is {sum}");
    }

    #[test]
    fn derivatives_are_those_of_the_values((knots, degree, x) in splines(), seed in 0usize..100) {
        let coefficients: Vec<f64> =
            (0..spline::basis_count(&knots, degree)).map(|i| ((i * 37 + seed * 11) % 17) as f64 / 8.0 - 1.0).collect();
        let step = 1e-6;
        // Left and right of a knot the derivatives of low degrees differ.
        prop_assume!(knots.iter().all(|knot| (knot - x).abs() > 2.0 * step));
        let value = |x| spline::evaluate(&knots, degree, &coefficients, x).0;
        let difference = (value(x + step) - value(x - step)) / (2.0 * step);
        let derivative = spline::evaluate(&knots, degree, &coefficients, x).1;
        prop_assert!((difference - derivative).abs() < 1e-5 * (1.0 + derivative.abs()), "{difference} and {derivative}");
    }

    #[test]
    fn refinement_keeps_the_function(seed in 0u64..50, factor in 2usize..4) {
        let shape = LayerShape {
            inputs: 2, sums: 2, products: vec![], grid: 4, degree: 3, base: Default::default(), noise: 1.0,
        };
        let network = Network::new(&[shape.clone(), LayerShape { sums: 1, ..shape }], seed);
        let inputs: Vec<f64> = (0..600).map(|i| ((i * 7919) % 1009) as f64 / 504.5 - 1.0).collect();
        // Knots that halve or third the old ones can express every old curve.
        let refined = network.refined(4 * factor, &inputs);
        let (mut before, mut after) = (vec![0.0; 300], vec![0.0; 300]);
        network.graph().evaluate(&inputs, &mut before);
        refined.graph().evaluate(&inputs, &mut after);
        for (before, after) in before.iter().zip(&after) {
            prop_assert!((before - after).abs() < 1e-9, "{before} became {after}");
        }
    }
}

struct Data {
    inputs: Vec<f64>,
    targets: Vec<f64>,
    weights: Vec<f64>,
}

impl Data {
    fn new(rows: usize) -> Self {
        let inputs: Vec<f64> = (0..rows * 2).map(|i| ((i * 7919) % 1009) as f64 / 504.5 - 1.0).collect();
        let targets = inputs.chunks_exact(2).map(|row| (2.0 * row[0]).sin() + row[1] * row[1]).collect();
        Self { inputs, targets, weights: vec![1.0; rows] }
    }

    fn samples(&self) -> Samples<'_> {
        Samples { inputs: &self.inputs, targets: &self.targets, weights: &self.weights }
    }
}

fn fit(config: &KanConfig, data: &Data, validation: Option<&Data>) -> Result<Kan, ApproximatorError> {
    let mut kan = Kan::new(config.clone(), 2, 1, 7);
    let task = FitTask { train: data.samples(), validation: validation.map(Data::samples), loss: &Loss::MeanSquared };
    kan.fit(task, &mut |_| ControlFlow::Continue(()))?;
    Ok(kan)
}

fn short() -> KanConfig {
    KanConfig { steps: 6, ..KanConfig::default() }
}

#[test]
fn bad_data_is_named() {
    let reason = |change: fn(&mut Data)| {
        let mut data = Data::new(20);
        change(&mut data);
        fit(&short(), &data, None).expect_err("bad data").to_string()
    };
    assert!(reason(|data| data.inputs[5] = f64::NAN).contains("input 1 of training row 2 is NaN"));
    assert!(reason(|data| data.targets[3] = f64::INFINITY).contains("target 0 of training row 3 is inf"));
    assert!(reason(|data| data.weights[4] = -1.0).contains("the weight of training row 4 is -1"));
    assert!(reason(|data| data.weights.fill(0.0)).contains("all weights"));
    assert!(reason(|data| data.inputs.truncate(39)).contains("need 40 numbers, not 39"));
    assert!(reason(|data| *data = Data::new(0)).contains("no training rows"));
}

#[test]
fn one_row_and_constant_columns_can_be_fitted() {
    let one = Data::new(1);
    let mut output = [0.0];
    fit(&short(), &one, None).expect("one row is data").predict(&one.inputs, &mut output);
    assert!((output[0] - one.targets[0]).abs() < 1e-6, "{output:?}");
    let mut constant = Data::new(100);
    constant.inputs.iter_mut().step_by(2).for_each(|value| *value = 3.7);
    let kan = fit(&short(), &constant, None).expect("a constant column is data");
    let mut outputs = vec![0.0; 100];
    kan.predict(&constant.inputs, &mut outputs);
    assert!(outputs.iter().all(|output| output.is_finite()));
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    let data = Data::new(3000);
    for optimizer in [Optimizer::Lbfgs, Optimizer::LevenbergMarquardt, Optimizer::Adam] {
        let config = KanConfig { optimizer, batch_rows: 512, lambda: 1e-3, ..short() };
        let with = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
            pool.install(|| fit(&config, &data, Some(&data)).expect("sound data").save())
        };
        let one = with(1);
        assert!(one == with(2) && one == with(3), "{optimizer:?}: the number of threads changes the result");
    }
}

#[test]
fn files_give_back_the_same_network() {
    let data = Data::new(300);
    for precision in [Precision::F32, Precision::F64] {
        let config = KanConfig { precision, products: vec![1], ..short() };
        let kan = fit(&config, &data, None).expect("sound data");
        let loaded = config.load(&kan.save()).expect("what was saved");
        let (mut before, mut after) = (vec![0.0; 300], vec![0.0; 300]);
        kan.predict(&data.inputs, &mut before);
        loaded.predict(&data.inputs, &mut after);
        assert_eq!(before, after);
        assert_eq!(kan.save(), loaded.save());
    }
}

#[test]
fn damaged_files_are_refused() {
    let data = Data::new(50);
    let bytes = fit(&short(), &data, None).expect("sound data").save();
    let config = KanConfig::default();
    for length in [0, 7, 100, bytes.len() - 8] {
        assert!(config.load(&bytes[..length]).is_err(), "{length} bytes");
    }
    let mut nan = bytes.clone();
    let end = nan.len();
    nan[end - 8..].copy_from_slice(&f64::NAN.to_le_bytes());
    assert!(config.load(&nan).is_err());
    let text = String::from_utf8_lossy(&bytes).replace("kanrl-kan", "other-kan");
    assert!(config.load(text.as_bytes()).is_err());
}

#[test]
fn senseless_configurations_are_refused() {
    let problem = |config: KanConfig| config.build(2, 1, 0).err().expect("a problem").to_string();
    assert!(problem(KanConfig { hidden: vec![2, 0], ..KanConfig::default() }).contains("hidden layer"));
    assert!(problem(KanConfig { grid: 0, ..KanConfig::default() }).contains("`grid`"));
    assert!(problem(KanConfig { degree: 9, ..KanConfig::default() }).contains("`degree`"));
    assert!(problem(KanConfig { lambda: -1.0, ..KanConfig::default() }).contains("`lambda`"));
    assert!(KanConfig::default().build(0, 1, 0).is_err());
    assert!(serde_json::from_str::<KanConfig>("{\"hiden\": [2]}").is_err());
}

#[test]
fn sparsity_and_gates_remove_edges_that_do_nothing() {
    let mut data = Data::new(500);
    data.targets = data.inputs.chunks_exact(2).map(|row| (2.0 * row[0]).sin()).collect();
    let config = KanConfig { hidden: vec![2], steps: 20, lambda: 1e-3, gate: 0.03, ..KanConfig::default() };
    let kan = fit(&config, &data, None).expect("sound data");
    assert!(kan.plain_graph().edges.len() < 6, "{} edges are left", kan.plain_graph().edges.len());
    let mut outputs = vec![0.0; 500];
    kan.predict(&data.inputs, &mut outputs);
    let error: f64 = outputs.iter().zip(&data.targets).map(|(a, b)| (a - b) * (a - b)).sum::<f64>() / 500.0;
    assert!(error < 1e-3, "{error}");
}

#[test]
fn a_fit_can_be_cancelled_and_stops_early() {
    let data = Data::new(200);
    let mut kan = Kan::new(short(), 2, 1, 0);
    let task = FitTask { train: data.samples(), validation: None, loss: &Loss::MeanSquared };
    let report = kan.fit(task, &mut |_| ControlFlow::Break(())).expect("sound data");
    assert!(report.cancelled && report.steps == 1);
    let noise: Vec<f64> = (0..200).map(|i| ((i * 31) % 7) as f64).collect();
    let other = Data { targets: noise, ..Data::new(200) };
    let config = KanConfig { patience: 3, steps: 60, ..KanConfig::default() };
    let mut kan = Kan::new(config, 2, 1, 0);
    let task = FitTask { validation: Some(other.samples()), ..task };
    let mut lowest = f64::INFINITY;
    let report = kan
        .fit(task, &mut |progress| {
            lowest = lowest.min(progress.validation_loss.expect("validation rows"));
            ControlFlow::Continue(())
        })
        .expect("sound data");
    assert!(report.steps < 60 && report.validation_loss == Some(lowest), "{report:?}");
}

#[test]
fn a_row_has_the_same_bits_whatever_rows_stand_beside_it() {
    let layer = |inputs, sums| LayerShape {
        inputs,
        sums,
        products: Vec::new(),
        grid: 5,
        degree: 3,
        base: Default::default(),
        noise: 0.3,
    };
    let graph = CompiledGraph::<f32>::new(&Network::new(&[layer(3, 20), layer(20, 2)], 0).graph());
    let inputs: Vec<f64> = (0..3 * 1000).map(|i| ((i * 7919) % 10_007) as f64 / 4000.0 - 1.25).collect();
    let (mut together, mut alone) = ([0.0; 2000], [0.0; 2000]);
    graph.evaluate(&inputs, &mut together);
    for (inputs, outputs) in inputs.chunks(3).zip(alone.chunks_mut(2)) {
        graph.evaluate(inputs, outputs);
    }
    assert_eq!(together.map(f64::to_bits), alone.map(f64::to_bits));
}
