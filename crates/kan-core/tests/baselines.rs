//! The KAN's rivals: they learn, stop early, come back from their files, and refuse what makes no sense.

use kanrl_core::approximator::{FitReport, FitTask, FunctionApproximator, Loss, Samples};
use kanrl_core::baselines::{Activation, LinearConfig, Mlp, MlpConfig};
use kanrl_core::config::ApproximatorConfig;
use std::ops::ControlFlow;

struct Data {
    inputs: Vec<f64>,
    targets: Vec<f64>,
    weights: Vec<f64>,
}

impl Data {
    /// Two inputs in different units; the product, and what a softmax should choose.
    fn new(rows: usize, offset: usize) -> Self {
        let unit = |i: usize| ((i * 7919 + offset * 31) % 1009) as f64 / 504.5 - 1.0;
        let inputs: Vec<f64> =
            (0..2 * rows).map(|i| if i % 2 == 0 { 100.0 + 20.0 * unit(i) } else { unit(i) }).collect();
        let targets = inputs
            .chunks_exact(2)
            .flat_map(|row| {
                let product = (row[0] - 100.0) * row[1];
                [product, 3.0 - 0.1 * product]
            })
            .collect();
        Self { inputs, targets, weights: vec![1.0; rows] }
    }

    fn samples(&self) -> Samples<'_> {
        Samples { inputs: &self.inputs, targets: &self.targets, weights: &self.weights }
    }
}

fn fit(config: &MlpConfig, data: &Data, validation: Option<&Data>, loss: &Loss) -> (Mlp, FitReport) {
    let mut mlp = Mlp::new(config.clone(), 2, 2, 3);
    let task = FitTask { train: data.samples(), validation: validation.map(Data::samples), loss };
    let report = mlp.fit(task, &mut |_| ControlFlow::Continue(())).expect("sound data");
    (mlp, report)
}

#[test]
fn the_perceptron_learns_what_a_linear_model_cannot() {
    let data = Data::new(600, 0);
    let variance = {
        let mut linear = LinearConfig::default().build(2, 2, 0).expect("a sound config");
        let task = FitTask { train: data.samples(), validation: None, loss: &Loss::MeanSquared };
        linear.fit(task, &mut |_| ControlFlow::Continue(())).expect("sound data").train_loss
    };
    for activation in [Activation::Tanh, Activation::Relu] {
        let config = MlpConfig { hidden: vec![24, 24], activation, steps: 120, ..MlpConfig::default() };
        let (mlp, report) = fit(&config, &data, None, &Loss::MeanSquared);
        println!("{activation:?}: {} of {variance}", report.train_loss);
        assert!(report.train_loss < 0.01 * variance, "{activation:?}: {report:?}, linear {variance}");
        let mut outputs = vec![0.0; 1200];
        mlp.predict(&data.inputs, &mut outputs);
        let squares = outputs.iter().zip(&data.targets).map(|(a, b)| (a - b) * (a - b));
        let loss = squares.sum::<f64>() / 1200.0;
        assert!((loss - report.train_loss).abs() <= 1e-9 * loss, "{loss} and {}", report.train_loss);
        let task = FitTask { train: data.samples(), validation: None, loss: &Loss::MeanSquared };
        assert!(mlp.graph(task.train).is_none() && !config.has_graph() && LinearConfig::default().has_graph());
    }
}

#[test]
fn every_loss_is_learned() {
    let data = Data::new(400, 0);
    let config = MlpConfig { hidden: vec![16], steps: 60, ..MlpConfig::default() };
    for loss in [
        Loss::CrossEntropy,
        Loss::Choice { sharpness: 2.0 },
        Loss::ClippedMeanSquared { low: vec![-5.0, 2.0], high: vec![5.0, 4.0] },
    ] {
        let start = fit(&MlpConfig { steps: 0, ..config.clone() }, &data, None, &loss).1.train_loss;
        let end = fit(&config, &data, None, &loss).1.train_loss;
        assert!(end < 0.5 * start, "{loss:?}: {start} became {end}");
    }
}

#[test]
fn it_stops_early_with_its_best_weights_and_can_be_cancelled() {
    let (data, other) = (Data::new(64, 0), Data::new(200, 5));
    let noise = Data { targets: (0..400).map(|i| ((i * 31) % 7) as f64).collect(), ..other };
    let config = MlpConfig { hidden: vec![8], steps: 400, patience: 5, ..MlpConfig::default() };
    let mut lowest = f64::INFINITY;
    let mut mlp = Mlp::new(config.clone(), 2, 2, 0);
    let task = FitTask { train: data.samples(), validation: Some(noise.samples()), loss: &Loss::MeanSquared };
    let report = mlp
        .fit(task, &mut |progress| {
            lowest = lowest.min(progress.validation_loss.expect("validation rows"));
            ControlFlow::Continue(())
        })
        .expect("sound data");
    assert!(report.steps < 400 && report.validation_loss.is_some_and(|loss| loss <= lowest), "{report:?}, {lowest}");
    let report = Mlp::new(config, 2, 2, 0).fit(task, &mut |_| ControlFlow::Break(())).expect("sound data");
    assert!(report.cancelled && report.steps == 1);
}

#[test]
fn the_same_seed_gives_the_same_bits_and_files_give_them_back() {
    let data = Data::new(300, 0);
    let config = MlpConfig { hidden: vec![7, 5], steps: 5, batch_rows: 48, ..MlpConfig::default() };
    let with = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
        pool.install(|| fit(&config, &data, Some(&data), &Loss::MeanSquared).0)
    };
    let mlp = with(1);
    let bytes = mlp.save();
    assert_eq!(bytes, with(3).save());
    let loaded = MlpConfig::default().load(&bytes).expect("what was saved");
    let (mut before, mut after) = (vec![0.0; 600], vec![0.0; 600]);
    mlp.predict(&data.inputs, &mut before);
    loaded.predict(&data.inputs, &mut after);
    assert_eq!((before, loaded.save()), (after, bytes.clone()));
    for length in [0, 9, 200, bytes.len() - 8] {
        assert!(config.load(&bytes[..length]).is_err(), "{length} bytes");
    }
    let text = String::from_utf8_lossy(&bytes).replace("kanrl-mlp", "kanrl-kan");
    assert!(config.load(text.as_bytes()).is_err());
}

#[test]
fn senseless_configurations_and_data_are_refused() {
    let problem = |config: MlpConfig| config.build(2, 1, 0).err().expect("a problem").to_string();
    assert!(problem(MlpConfig { hidden: vec![0], ..MlpConfig::default() }).contains("hidden layer"));
    assert!(problem(MlpConfig { batch_rows: 0, ..MlpConfig::default() }).contains("`batch_rows`"));
    assert!(problem(MlpConfig { learning_rate: f64::NAN, ..MlpConfig::default() }).contains("`learning_rate`"));
    assert!(MlpConfig::default().build(2, 0, 0).is_err());
    let mut data = Data::new(20, 0);
    data.inputs[5] = f64::NAN;
    let task = FitTask { train: data.samples(), validation: None, loss: &Loss::MeanSquared };
    let error = Mlp::new(MlpConfig::default(), 2, 2, 0).fit(task, &mut |_| ControlFlow::Continue(()));
    assert!(error.expect_err("bad data").to_string().contains("input 1 of training row 2 is NaN"));
    let config: Box<dyn ApproximatorConfig> =
        serde_json::from_str("{\"kind\": \"mlp\", \"hidden\": [], \"activation\": \"relu\"}")
            .expect("an MLP without hidden layers");
    assert_eq!(config.build(3, 2, 0).expect("a linear one").kind(), "mlp");
}
