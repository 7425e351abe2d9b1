//! Recorded networks.

use kanrl_core::function::{Domain, UnivariateFunction};
use kanrl_core::graph::{BaseFunction, SymbolicEdge};
use kanrl_core::kan::{Layer, Network};
use kanrl_reference_data::Tensors;
use serde_json::Value;
use std::sync::Arc;

/// The recorded functions that appear in networks.
#[derive(Debug)]
struct Named(String);

impl UnivariateFunction for Named {
    fn name(&self) -> &str {
        &self.0
    }

    fn value(&self, x: f64) -> f64 {
        match self.0.as_str() {
            "sin" => x.sin(),
            "exp" => x.exp(),
            "x^2" => x * x,
            "x" => x,
            name => panic!("`{name}` is not among the functions of this test"),
        }
    }

    fn derivative(&self, x: f64) -> f64 {
        match self.0.as_str() {
            "sin" => x.cos(),
            "exp" => x.exp(),
            "x^2" => 2.0 * x,
            "x" => 1.0,
            name => panic!("`{name}` is not among the functions of this test"),
        }
    }

    fn domain(&self) -> Domain {
        Domain::All
    }

    fn complexity(&self) -> f64 {
        1.0
    }
}

/// Reads the network under `prefix`. `case` has `width`, `k`, and where they matter `base` and `sym_names`.
pub fn read(tensors: &Tensors, prefix: &str, case: &Value) -> Network {
    let width = case["width"].as_array().expect("a width");
    let degree = case["k"].as_u64().expect("a degree") as usize;
    let base = match case["base"].as_str() {
        Some("zero") => BaseFunction::Zero,
        Some("identity") => BaseFunction::Identity,
        _ => BaseFunction::Silu,
    };
    let layer = |index: usize| {
        let get = |name: &str| tensors.get(&format!("{prefix}/l{index}/{name}"));
        let (inputs, subnodes) = (get("mask").shape[0], get("mask").shape[1]);
        let nodes = get("node_scale").shape[0];
        // `[2, 1]` is two sums and one product (of two factors).
        let products = width[index + 1].as_array().map_or(0, |pair| pair[1].as_u64().expect("a count") as usize);
        let affine = get("sym_affine");
        let symbolic = (0..inputs * subnodes).map(|edge| {
            let (input, subnode) = (edge / subnodes, edge % subnodes);
            let own = subnode * inputs + input;
            (get("sym_mask").values[own] != 0.0).then(|| {
                let name = case["sym_names"][index][subnode][input].as_str().expect("a function's name");
                let [a, b, c, d] = [0, 1, 2, 3].map(|offset| affine.values[own * 4 + offset]);
                SymbolicEdge { function: Arc::new(Named(name.to_owned())), a, b, c, d }
            })
        });
        Layer {
            inputs,
            sums: nodes - products,
            products: vec![2; products],
            degree,
            grid: get("grid").shape[1] - 2 * degree - 1,
            base,
            knots: get("grid").values.clone(),
            coefficients: get("coef").values.clone(),
            scale_base: get("scale_base").values.clone(),
            scale_spline: get("scale_sp").values.clone(),
            mask: get("mask").values.clone(),
            symbolic: symbolic.collect(),
            subnode_scale: get("subnode_scale").values.clone(),
            subnode_bias: get("subnode_bias").values.clone(),
            node_scale: get("node_scale").values.clone(),
            node_bias: get("node_bias").values.clone(),
        }
    };
    Network { layers: (0..width.len() - 1).map(layer).collect() }
}

/// Asserts that `got` is `wanted` within `tolerance`, relative to the largest number of `wanted`.
pub fn assert_close(what: &str, got: &[f64], wanted: &[f64], tolerance: f64) {
    assert_eq!(got.len(), wanted.len(), "{what}: another number of values");
    let scale = wanted.iter().fold(0.0, |scale: f64, value| scale.max(value.abs()));
    for (index, (got, wanted)) in got.iter().zip(wanted).enumerate() {
        assert!(
            (got - wanted).abs() <= tolerance * scale.max(1e-3),
            "{what}[{index}] is {got:e}, recorded is {wanted:e} (largest {scale:e})"
        );
    }
}
