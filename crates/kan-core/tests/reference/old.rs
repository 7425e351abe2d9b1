//! Networks of pykan 0.0.5: knots without extension, one row of them and of coefficients for each edge, and biases.

use crate::model::assert_close;
use kanrl_core::kan::{Layer, Network};
use kanrl_core::spline;
use kanrl_reference_data::{Tensors, number, numbers};
use serde_json::Value;

fn read(tensors: &Tensors, prefix: &str, width: &[f64], degree: usize) -> Network {
    let layer = |index: usize| {
        let get = |part: &str| tensors.get(&format!("{prefix}/l{index}/{part}"));
        let (inputs, outputs) = (width[index] as usize, width[index + 1] as usize);
        let rows = |part: &str| -> Vec<&[f64]> {
            get(part).values.chunks_exact(get(part).values.len() / (inputs * outputs)).collect()
        };
        let (inner, coefficients) = (rows("grid"), rows("coef"));
        let grid = inner[0].len() - 1;
        // Edge `output · inputs + input` there is edge `input · outputs + output` here.
        let theirs: Vec<usize> = (0..inputs * outputs).map(|own| (own % outputs) * inputs + own / outputs).collect();
        let turned = |part: &str| theirs.iter().map(|edge| get(part).values[*edge]).collect::<Vec<f64>>();
        for (edge, knots) in inner.iter().enumerate() {
            assert_eq!(*knots, inner[edge % inputs], "{prefix} l{index}: the edges of an input share their knots");
        }
        Layer {
            inputs,
            sums: outputs,
            products: Vec::new(),
            degree,
            grid,
            base: Default::default(),
            knots: inner[..inputs].iter().flat_map(|inner| spline::extend_knots(inner, degree)).collect(),
            coefficients: theirs.iter().flat_map(|edge| coefficients[*edge]).copied().collect(),
            scale_base: turned("scale_base"),
            scale_spline: turned("scale_sp"),
            mask: turned("mask"),
            symbolic: vec![None; inputs * outputs],
            subnode_scale: vec![1.0; outputs],
            subnode_bias: vec![0.0; outputs],
            node_scale: vec![1.0; outputs],
            node_bias: get("bias").values.clone(),
        }
    };
    Network { layers: (0..width.len() - 1).map(layer).collect() }
}

fn for_each_case(mut check: impl FnMut(&str, &Value, &Tensors)) {
    for file in kanrl_reference_data::files("kan", "json").iter().filter(|file| file.ends_with("pykan005.json")) {
        let tensors = Tensors::read(&file.with_extension("safetensors"));
        for case in kanrl_reference_data::read_json(file)["cases"].as_array().expect("cases") {
            check(case["name"].as_str().expect("a name"), case, &tensors);
        }
    }
}

#[test]
fn old_networks_compute_the_same() {
    for_each_case(|name, case, tensors| {
        let (width, degree) = (numbers(&case["width"]), number(&case["k"]) as usize);
        let x = tensors.values(&format!("{name}/x"));
        for (prefix, wanted) in [("model", "y"), ("upd", "upd/y")] {
            let network = read(tensors, &format!("{name}/{prefix}"), &width, degree);
            let wanted = tensors.values(&format!("{name}/{wanted}"));
            let mut outputs = vec![0.0; wanted.len()];
            network.graph().evaluate(x, &mut outputs);
            assert_close(&format!("{name} {prefix} y"), &outputs, wanted, 1e-10);
        }
    });
}

#[test]
fn old_edges_and_their_strengths_are_the_same() {
    for_each_case(|name, case, tensors| {
        let (width, degree) = (numbers(&case["width"]), number(&case["k"]) as usize);
        let network = read(tensors, &format!("{name}/model"), &width, degree);
        let graph = network.graph();
        let curves = graph.sampled_curves(tensors.values(&format!("{name}/x")));
        let mut edge = 0;
        for (index, layer) in network.layers.iter().enumerate() {
            let postacts = tensors.get(&format!("{name}/postacts/l{index}"));
            let strengths = tensors.values(&format!("{name}/acts_scale/l{index}"));
            // Edges are sorted by target, then source, as the recording.
            for (own, strength) in strengths.iter().enumerate() {
                // Those behind a mask are not in the graph.
                let (input, output) = (own % layer.inputs, own / layer.inputs);
                if layer.mask[input * layer.subnodes() + output] == 0.0 {
                    assert_eq!(*strength, 0.0, "{name} acts_scale/l{index} {own}");
                    continue;
                }
                let wanted: Vec<f64> = postacts.values.iter().skip(own).step_by(strengths.len()).copied().collect();
                assert_close(&format!("{name} postacts/l{index} {own}"), &curves[edge].y, &wanted, 1e-10);
                let knots = layer.knots_of(input);
                let range = knots[degree + layer.grid] - knots[degree];
                let mean = curves[edge].y.iter().map(|y| y.abs()).sum::<f64>() / wanted.len() as f64;
                assert_close(
                    &format!("{name} acts_scale/l{index} {own}"),
                    &[mean / (range + 1e-4)],
                    &[*strength],
                    1e-10,
                );
                edge += 1;
            }
        }
    });
}
