//! Values, gradients and attribution of whole networks.

use crate::model::{assert_close, read};
use kanrl_core::approximator::{Loss, Samples};
use kanrl_core::compute::Batch;
use kanrl_core::kan::{Network, NetworkObjective, Regularization};
use kanrl_core::optimize::Objective;
use kanrl_reference_data::Tensors;
use serde_json::Value;

/// Calls `check(name, case, tensors)` for each recorded network.
pub fn for_each_case(mut check: impl FnMut(&str, &Value, &Tensors)) {
    for file in kanrl_reference_data::files("kan", "json").iter().filter(|file| file.ends_with("forward.json")) {
        for case in kanrl_reference_data::read_json(file)["cases"].as_array().expect("cases") {
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

/// Compares all derivatives that are recorded under `prefix`; parts that are not have to be 0.
fn assert_derivatives(what: &str, got: &Network, tensors: &Tensors, prefix: &str, passes: f64) {
    let mut largest: f64 = 0.0;
    for name in tensors.names().filter(|name| name.starts_with(&format!("{prefix}/"))) {
        largest = tensors.values(name).iter().fold(largest, |largest, value| largest.max(value.abs()));
    }
    for (index, layer) in got.layers.iter().enumerate() {
        let affine = |edge: usize| {
            let (input, subnode) = (edge % layer.inputs, edge / layer.inputs);
            layer.symbolic_of(input, subnode).map_or([0.0; 4], |edge| [edge.a, edge.b, edge.c, edge.d])
        };
        let symbolic: Vec<f64> = (0..layer.mask.len()).flat_map(affine).collect();
        for (part, values) in [
            ("coef", &layer.coefficients),
            ("scale_base", &layer.scale_base),
            ("scale_sp", &layer.scale_spline),
            ("subnode_scale", &layer.subnode_scale),
            ("subnode_bias", &layer.subnode_bias),
            ("node_scale", &layer.node_scale),
            ("node_bias", &layer.node_bias),
            ("sym_affine", &symbolic),
        ] {
            let name = format!("{prefix}/l{index}/{part}");
            let zeros = vec![0.0; values.len()];
            let wanted = tensors.find(&name).map_or(&zeros, |tensor| &tensor.values);
            let scale = wanted.iter().fold(1e-2 * largest, |scale: f64, value| scale.max(value.abs()));
            for (offset, (got, wanted)) in values.iter().zip(wanted).enumerate() {
                let got = passes * got;
                assert!(
                    (got - wanted).abs() <= 1e-10 * scale,
                    "{what} {name}[{offset}] is {got:e}, recorded is {wanted:e} (largest {scale:e})"
                );
            }
        }
    }
}

fn batch(network: &Network, tensors: &Tensors, targets: &[f64]) -> Batch<f64> {
    let weights = vec![1.0; tensors.get("x").shape[0]];
    let samples = Samples { inputs: tensors.values("x"), targets, weights: &weights };
    Batch::new(&network.graph().inputs, network.outputs(), samples)
}

#[test]
fn gradients_are_pykans() {
    for_each_case(|name, case, tensors| {
        let mut network = read(tensors, "model", case);
        let mut check = |targets: &[f64], loss: Loss, prefix: &str, value: &Value| {
            let batch = batch(&network, tensors, targets);
            // The recording of the squared error accumulated two backward passes: its gradients are doubled.
            let passes = if prefix == "grad_mse" { recorded_passes(&network, tensors) } else { 1.0 };
            let mut objective = NetworkObjective::new(&mut network, &batch, &loss);
            let x = objective.start();
            let got = objective.evaluate(&x, &mut vec![0.0; x.len()]);
            assert_close(&format!("{name} {prefix} loss"), &[got], &[value.as_f64().expect("a loss")], 1e-10);
            assert_derivatives(name, objective.derivatives(), tensors, prefix, passes);
        };
        let scalars = &case["scalars"];
        check(tensors.values("mse_target"), Loss::MeanSquared, "grad_mse", &scalars["mse"]);
        if let Some(labels) = tensors.find("ce_labels") {
            let outputs = tensors.get("y").shape[1];
            let mut targets = vec![-1e4; labels.values.len() * outputs];
            labels.values.iter().enumerate().for_each(|(row, label)| targets[row * outputs + *label as usize] = 0.0);
            check(&targets, Loss::CrossEntropy, "grad_ce", &scalars["ce"]);
        }
    });
}

#[test]
fn gradients_by_inputs_are_pykans() {
    for_each_case(|name, case, tensors| {
        let network = read(tensors, "model", case);
        let Some(recorded) = tensors.find("grad_mse/x") else { return };
        let (inputs, outputs) = (network.inputs(), network.outputs());
        let jacobian = network.graph().jacobian(tensors.values("x"));
        let scale = 2.0 / tensors.values("y").len() as f64;
        let mut gradient = vec![0.0; recorded.values.len()];
        let errors = tensors.values("y").iter().zip(tensors.values("mse_target"));
        for ((index, (output, target)), by_inputs) in errors.enumerate().zip(jacobian.chunks_exact(inputs)) {
            let row = index / outputs;
            for (sum, by_input) in gradient[row * inputs..(row + 1) * inputs].iter_mut().zip(by_inputs) {
                *sum += scale * (output - target) * by_input;
            }
        }
        assert_close(&format!("{name} grad_mse/x"), &gradient, &recorded.values, 1e-10);
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
fn regularization_is_pykans() {
    for_each_case(|name, case, tensors| {
        let mut network = read(tensors, "model", case);
        let batch = batch(&network, tensors, tensors.values("mse_target"));
        for set in case["scalars"]["reg"].as_array().expect("sets") {
            let metric = serde_json::from_value(set["metric"].clone()).expect("a known metric");
            let factor = |factor: &str| set[factor].as_f64().expect("a number");
            let regularization = Regularization {
                metric,
                l1: factor("lamb_l1"),
                entropy: factor("lamb_entropy"),
                coefficients: factor("lamb_coef"),
                coefficient_differences: factor("lamb_coefdiff"),
            };
            let what = format!("{name} {}", set["metric"]);
            let mut objective = NetworkObjective::new(&mut network, &batch, &Loss::MeanSquared);
            let x = objective.start();
            let mut gradient = vec![0.0; x.len()];
            objective.evaluate(&x, &mut gradient);
            let mut without = objective.derivatives().clone();
            objective.set_regularization(1.0, regularization);
            objective.evaluate(&x, &mut gradient);
            assert_close(&what, &[objective.parts().1], &[factor("value")], 1e-10);
            if let Some(prefix) = set["grad_tensors"].as_str() {
                subtract(objective.derivatives(), &mut without);
                assert_derivatives(&what, &without, tensors, prefix, 1.0);
            }
        }
    });
}

/// `without = with − without`, number by number.
fn subtract(with: &Network, without: &mut Network) {
    for (with, without) in with.layers.iter().zip(&mut without.layers) {
        for (with, without) in [
            (&with.coefficients, &mut without.coefficients),
            (&with.scale_base, &mut without.scale_base),
            (&with.scale_spline, &mut without.scale_spline),
            (&with.subnode_scale, &mut without.subnode_scale),
            (&with.subnode_bias, &mut without.subnode_bias),
            (&with.node_scale, &mut without.node_scale),
            (&with.node_bias, &mut without.node_bias),
        ] {
            with.iter().zip(without).for_each(|(with, without)| *without = with - *without);
        }
        for (with, without) in with.symbolic.iter().flatten().zip(without.symbolic.iter_mut().flatten()) {
            (without.a, without.b) = (with.a - without.a, with.b - without.b);
            (without.c, without.d) = (with.c - without.c, with.d - without.d);
        }
    }
}

#[test]
fn attribution_is_pykans() {
    for_each_case(|name, case, tensors| {
        let network = read(tensors, "model", case);
        let graph = network.graph();
        let importances = graph.importances(tensors.values("x"));
        let curves = graph.sampled_curves(tensors.values("x"));
        let mut edge = 0;
        let mut node = network.inputs();
        for (index, layer) in network.layers.iter().enumerate() {
            let recorded = |part: &str, of: usize| tensors.find(&format!("attr/{part}/l{of}"));
            if index == 0 {
                let inputs = &importances.nodes[..network.inputs()];
                assert_close(
                    &format!("{name} inputs"),
                    inputs,
                    &recorded("node_scores", 0).expect("scores").values,
                    1e-10,
                );
            }
            let subnodes = &importances.nodes[node..node + layer.subnodes()];
            assert_close(
                &format!("{name} subnodes of layer {index}"),
                subnodes,
                &recorded("subnode_scores", index).expect("scores").values,
                1e-10,
            );
            let products = node + layer.subnodes();
            let nodes: Vec<f64> = (node..node + layer.sums)
                .chain(products..products + layer.products.len())
                .map(|n| importances.nodes[n])
                .collect();
            let wanted = recorded("node_scores", index + 1).expect("scores");
            assert_close(&format!("{name} nodes of layer {index}"), &nodes, &wanted.values, 1e-10);
            let wanted = &recorded("edge_scores", index).expect("scores").values;
            let (outputs, count) = (tensors.get(&format!("postacts/l{index}")), layer.subnodes() * layer.inputs);
            // Edges are sorted by target, then source, as the recording; those behind a mask are not in the graph.
            for (own, wanted) in wanted.iter().enumerate() {
                let (input, subnode) = (own % layer.inputs, own / layer.inputs);
                let hidden = layer.mask[input * layer.subnodes() + subnode] == 0.0
                    && layer.symbolic_of(input, subnode).is_none();
                let got = if hidden { 0.0 } else { importances.edges[edge] };
                assert_close(&format!("{name} edge {own} of layer {index}"), &[got], &[*wanted], 1e-10);
                if !hidden {
                    let given: Vec<f64> = outputs.values.iter().skip(own).step_by(count).copied().collect();
                    assert_close(
                        &format!("{name} values of edge {own} of layer {index}"),
                        &curves[edge].y,
                        &given,
                        1e-10,
                    );
                    edge += 1;
                }
            }
            // Edges from subnodes to products have no curve.
            edge += layer.products.iter().sum::<usize>();
            node = products + layer.products.len();
        }
        assert_eq!(edge, graph.edges.len());
    });
}

#[test]
fn graphs_go_back_to_networks() {
    for_each_case(|name, case, tensors| {
        let graph = read(tensors, "model", case).graph();
        let back = Network::from_graph(&graph).expect(name);
        assert_eq!(back.graph().to_json(), graph.to_json(), "{name}");
    });
}
