//! Values, gradients and attribution of whole networks.

use crate::model::{assert_close, read};
use kan_core::approximator::{Loss, Samples};
use kan_core::compute::Batch;
use kan_core::kan::{Network, NetworkObjective};
use kan_core::optimize::Objective;
use reference_data::Tensors;
use serde_json::Value;

/// Calls `check(name, case, tensors)` for each recorded network.
pub fn for_each_case(mut check: impl FnMut(&str, &Value, &Tensors)) {
    for file in reference_data::files("kan", "json").iter().filter(|file| file.ends_with("forward.json")) {
        for case in reference_data::read_json(file)["cases"].as_array().expect("cases") {
            let tensors = Tensors::read(&file.with_file_name(case["file"].as_str().expect("a file")));
            check(case["name"].as_str().expect("a name"), case, &tensors);
        }
    }
}

#[test]
fn values_are_pykans() {
    for_each_case(|name, case, tensors| {
        let network = read(tensors, "model", case);
        let mut outputs = vec![0.0; tensors.values("y").len()];
        network.graph().evaluate(tensors.values("x"), &mut outputs);
        assert_close(&format!("{name} y"), &outputs, tensors.values("y"), 1e-10);
    });
}

/// The trained parameters' part of recorded gradients, in the order of `Network::parameters`.
pub fn recorded_gradient(network: &Network, tensors: &Tensors, prefix: &str) -> Vec<f64> {
    let mut gradient = Vec::new();
    for (index, layer) in network.layers.iter().enumerate() {
        for (part, count) in
            [("coef", layer.coefficients.len()), ("scale_base", layer.mask.len()), ("scale_sp", layer.mask.len())]
        {
            match tensors.find(&format!("{prefix}/l{index}/{part}")) {
                Some(tensor) => gradient.extend(&tensor.values),
                None => gradient.extend(vec![0.0; count]),
            }
        }
    }
    gradient
}

#[test]
fn gradients_are_pykans() {
    for_each_case(|name, case, tensors| {
        let mut network = read(tensors, "model", case);
        let check = |network: &mut Network, targets: &[f64], loss: Loss, prefix: &str, value: &Value| {
            let weights = vec![1.0; tensors.get("x").shape[0]];
            let samples = Samples { inputs: tensors.values("x"), targets, weights: &weights };
            let batch = Batch::<f64>::new(&network.graph().inputs, network.outputs(), samples);
            let wanted = recorded_gradient(network, tensors, prefix);
            let x = network.parameters();
            let mut gradient = vec![0.0; x.len()];
            let got = NetworkObjective::new(network, &batch, &loss).evaluate(&x, &mut gradient);
            assert_close(&format!("{name} {prefix} loss"), &[got], &[value.as_f64().expect("a loss")], 1e-10);
            // The recording of the squared error accumulated two backward passes: its gradients are doubled.
            let passes = if prefix == "grad_mse" { recorded_passes(network, tensors) } else { 1.0 };
            gradient.iter_mut().for_each(|gradient| *gradient *= passes);
            assert_close(&format!("{name} {prefix}"), &gradient, &wanted, 1e-10);
        };
        let scalars = &case["scalars"];
        check(&mut network, tensors.values("mse_target"), Loss::MeanSquared, "grad_mse", &scalars["mse"]);
        if let Some(labels) = tensors.find("ce_labels") {
            let outputs = network.outputs();
            let mut targets = vec![-1e4; labels.values.len() * outputs];
            labels.values.iter().enumerate().for_each(|(row, label)| targets[row * outputs + *label as usize] = 0.0);
            check(&mut network, &targets, Loss::CrossEntropy, "grad_ce", &scalars["ce"]);
        }
    });
}

/// How many backward passes a recorded gradient of the squared error sums up, told by that of the last bias.
fn recorded_passes(network: &Network, tensors: &Tensors) -> f64 {
    let outputs = network.outputs();
    let scale = 2.0 / tensors.values("y").len() as f64;
    let last = network.layers.len() - 1;
    let pairs = tensors.values("y").iter().zip(tensors.values("mse_target")).step_by(outputs);
    let once: f64 = pairs.map(|(output, target)| scale * (output - target)).sum();
    (tensors.values(&format!("grad_mse/l{last}/node_bias"))[0] / once).round()
}

#[test]
fn attribution_is_pykans() {
    for_each_case(|name, case, tensors| {
        let network = read(tensors, "model", case);
        let graph = network.graph();
        let importances = graph.importances(tensors.values("x"));
        if tensors.find("attr/node_scores/l0").is_some() {
            let inputs = &importances.nodes[..network.inputs()];
            assert_close(&format!("{name} input scores"), inputs, tensors.values("attr/node_scores/l0"), 1e-10);
        }
        assert_eq!(importances.edges.len(), graph.edges.len());
    });
}
