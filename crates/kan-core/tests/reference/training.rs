//! Training against pykan's curves.

use kanrl_core::approximator::{FitReport, FitTask, FunctionApproximator, Loss, Samples};
use kanrl_core::compute::Batch;
use kanrl_core::kan::{Kan, KanConfig, NetworkObjective, Optimizer, Regularization};
use kanrl_core::optimize::Objective;
use kanrl_reference_data::{Tensors, number};
use std::ops::ControlFlow;

/// What the network was regularized by.
fn regularization(kan: &Kan, train: Samples<'_>, config: &KanConfig) -> f64 {
    if config.lambda == 0.0 {
        return 0.0;
    }
    let mut network = kan.network().clone();
    let batch = Batch::<f64>::new(&kan.plain_graph().inputs, network.outputs(), train);
    let mut objective = NetworkObjective::new(&mut network, &batch, &Loss::MeanSquared);
    objective.set_regularization(
        config.lambda,
        Regularization {
            metric: config.metric,
            l1: config.lambda_l1,
            entropy: config.lambda_entropy,
            coefficients: 0.0,
            coefficient_differences: 0.0,
        },
    );
    let x = objective.start();
    objective.evaluate(&x, &mut vec![0.0; x.len()]);
    objective.parts().1
}

/// Medians of five starts. A step of Adam goes through all rows once, in mini-batches here, at once in pykan.
#[test]
fn training_reaches_pykans_loss() {
    let mut worse = Vec::new();
    for_each_case(|case| {
        // pykan regularizes from the first step to the last.
        let config = KanConfig { warm_up: 0.0, ..case.config.clone() };
        let losses = sorted(case.fits(&config).map(|(kan, report)| {
            (report.train_loss + config.lambda * regularization(&kan, case.train, &config)).sqrt()
        }));
        // What is minimized, as a root: without regularization the RMSE.
        let last = (case.rmse.powi(2) + config.lambda * case.regularization).sqrt();
        println!("{}: {losses:.6?}, pykan {last:.6}", case.name);
        let (median, lowest) = (losses[2], losses[0]);
        // Which edges a regularized network keeps depends on its start, of which pykan's curve has one; and strengths
        // are measured on standardized inputs here.
        let near = if config.lambda > 0.0 { 1.1 } else { 1.001 };
        if median > near * last || lowest > 1.001 * last {
            worse.push(format!("{}: median {median} and lowest {lowest} against pykan's {last}", case.name));
        }
    });
    assert!(worse.is_empty(), "{}", worse.join("\n"));
}

/// By the whole schedule (warm-up, regularization, then hard gates) regularized networks fit as well as pykan's by the
/// same number of steps; the edges that are left are printed.
#[test]
fn gated_training_reaches_pykans_error() {
    let mut worse = Vec::new();
    for_each_case(|case| {
        if case.config.lambda == 0.0 {
            return;
        }
        let config = KanConfig { warm_up: 0.1, gate: 0.05, gate_at: 0.5, ..case.config.clone() };
        let mut edges = Vec::new();
        let errors = sorted(case.fits(&config).map(|(kan, report)| {
            let kept = kan.network().layers.iter().flat_map(|layer| &layer.mask).filter(|mask| **mask != 0.0).count();
            edges.push(kept);
            report.train_loss.sqrt()
        }));
        println!("{}, gated: {errors:.6?} with {edges:?} edges, pykan {:.6}", case.name, case.rmse);
        if errors[2] > case.rmse {
            worse.push(format!("{}: median {} against pykan's {}", case.name, errors[2], case.rmse));
        }
    });
    assert!(worse.is_empty(), "{}", worse.join("\n"));
}

/// A recorded fit: the data, what was asked for, and where pykan's curves end.
struct Case<'a> {
    name: String,
    train: Samples<'a>,
    inputs: usize,
    outputs: usize,
    config: KanConfig,
    rmse: f64,
    regularization: f64,
}

impl Case<'_> {
    /// From five seeds.
    fn fits(&self, config: &KanConfig) -> impl Iterator<Item = (Kan, FitReport)> {
        (0..5).map(move |seed| {
            let mut kan = Kan::new(config.clone(), self.inputs, self.outputs, seed);
            let task = FitTask { train: self.train, validation: None, loss: &Loss::MeanSquared };
            let report = kan.fit(task, &mut |_| ControlFlow::Continue(())).expect("sound data");
            (kan, report)
        })
    }
}

fn sorted(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values
}

fn for_each_case(mut check: impl FnMut(&Case<'_>)) {
    for file in kanrl_reference_data::files("kan", "json").iter().filter(|file| file.ends_with("fit.json")) {
        let tensors = Tensors::read(&file.with_extension("safetensors"));
        for case in kanrl_reference_data::read_json(file)["cases"].as_array().expect("cases") {
            let toy = case["toy"].as_str().expect("a name");
            let width: Vec<usize> =
                kanrl_reference_data::numbers(&case["width"]).into_iter().map(|w| w as usize).collect();
            let config = KanConfig {
                hidden: width[1..width.len() - 1].to_vec(),
                grid: case["grid"].as_u64().expect("a grid") as usize,
                steps: case["steps"].as_u64().expect("steps") as usize,
                grid_updates: if case["update_grid"] == true { KanConfig::default().grid_updates } else { 0 },
                optimizer: if case["opt"] == "Adam" { Optimizer::Adam } else { Optimizer::Auto },
                learning_rate: number(&case["lr"]),
                lambda: number(&case["lamb"]),
                lambda_l1: number(&case["lamb_l1"]),
                lambda_entropy: number(&case["lamb_entropy"]),
                ..KanConfig::default()
            };
            let get = |part: &str| tensors.values(&format!("{toy}/data/{part}"));
            let weights = vec![1.0; get("train_label").len()];
            let last = |part: &str| *kanrl_reference_data::numbers(&case[part]).last().expect("a curve");
            check(&Case {
                name: format!("{toy} run {}", case["run"]),
                train: Samples { inputs: get("train_input"), targets: get("train_label"), weights: &weights },
                inputs: width[0],
                outputs: width[width.len() - 1],
                config,
                rmse: last("train_rmse"),
                regularization: last("reg"),
            });
        }
    }
}
