//! Recorded networks.

use kanrl_core::function::{Domain, UnivariateFunction};
use kanrl_core::graph::{BaseFunction, SymbolicEdge};
use kanrl_core::kan::{Layer, Network};
use kanrl_reference_data::Tensors;
use serde_json::Value;
use std::sync::Arc;

type Function = fn(f64) -> f64;

/// A function of pykan's library, with its derivative.
#[derive(Debug)]
struct Named {
    name: String,
    value: Function,
    derivative: Function,
}

impl Named {
    fn new(name: &str) -> Self {
        let (value, derivative): (Function, Function) = match name {
            "0" => (|_| 0.0, |_| 0.0),
            "x" => (|x| x, |_| 1.0),
            "x^2" => (|x| x * x, |x| 2.0 * x),
            "x^3" => (|x| x.powi(3), |x| 3.0 * x * x),
            "x^4" => (|x| x.powi(4), |x| 4.0 * x.powi(3)),
            "x^5" => (|x| x.powi(5), |x| 5.0 * x.powi(4)),
            "1/x" => (|x| 1.0 / x, |x| -x.powi(-2)),
            "1/x^2" => (|x| x.powi(-2), |x| -2.0 * x.powi(-3)),
            "1/x^3" => (|x| x.powi(-3), |x| -3.0 * x.powi(-4)),
            "1/x^4" => (|x| x.powi(-4), |x| -4.0 * x.powi(-5)),
            "1/x^5" => (|x| x.powi(-5), |x| -5.0 * x.powi(-6)),
            "sqrt" | "x^0.5" => (f64::sqrt, |x| 0.5 / x.sqrt()),
            "x^1.5" => (|x| x.powf(1.5), |x| 1.5 * x.sqrt()),
            "1/sqrt(x)" | "1/x^0.5" => (|x| 1.0 / x.sqrt(), |x| -0.5 * x.powf(-1.5)),
            "exp" => (f64::exp, f64::exp),
            "log" => (f64::ln, |x| 1.0 / x),
            "abs" => (f64::abs, f64::signum),
            "sin" => (f64::sin, f64::cos),
            "cos" => (f64::cos, |x| -x.sin()),
            "tan" => (f64::tan, |x| x.cos().powi(-2)),
            "tanh" => (f64::tanh, |x| x.cosh().powi(-2)),
            "sgn" => (|x| if x == 0.0 { 0.0 } else { x.signum() }, |_| 0.0),
            "arcsin" => (f64::asin, |x| 1.0 / (1.0 - x * x).sqrt()),
            "arccos" => (f64::acos, |x| -1.0 / (1.0 - x * x).sqrt()),
            "arctan" => (f64::atan, |x| 1.0 / (1.0 + x * x)),
            "arctanh" => (f64::atanh, |x| 1.0 / (1.0 - x * x)),
            "gaussian" => (|x| (-x * x).exp(), |x| -2.0 * x * (-x * x).exp()),
            name => panic!("`{name}` is not in pykan's library"),
        };
        Self { name: name.to_owned(), value, derivative }
    }
}

impl UnivariateFunction for Named {
    fn name(&self) -> &str {
        &self.name
    }

    fn value(&self, x: f64) -> f64 {
        (self.value)(x)
    }

    fn derivative(&self, x: f64) -> f64 {
        (self.derivative)(x)
    }

    fn domain(&self) -> Domain {
        Domain::All
    }

    fn complexity(&self) -> f64 {
        1.0
    }
}

#[test]
fn the_derivatives_are_those_of_the_functions() {
    let names = "0 x x^2 x^3 x^4 x^5 1/x 1/x^2 1/x^3 1/x^4 1/x^5 sqrt x^0.5 x^1.5 1/sqrt(x) 1/x^0.5 exp log abs sin cos tan tanh \
                 sgn arcsin arccos arctan arctanh gaussian";
    for name in names.split_whitespace() {
        let (function, x, step) = (Named::new(name), 0.37, 1e-6);
        let difference = (function.value(x + step) - function.value(x - step)) / (2.0 * step);
        let derivative = function.derivative(x);
        assert!(
            (derivative - difference).abs() <= 1e-6 * derivative.abs().max(1.0),
            "{name}: {derivative}, {difference}"
        );
    }
}

/// Factors of each product node of a layer: `mult_arity` is one number for all, or a list for each layer. Default: two.
fn factors(case: &Value, layer: usize, products: usize) -> Vec<usize> {
    let number = |value: &Value| value.as_u64().map(|factors| factors as usize);
    let arity = &case["mult_arity"];
    let all = || vec![number(arity).unwrap_or(2); products];
    arity[layer]
        .as_array()
        .map_or_else(all, |own| own.iter().map(|factors| number(factors).expect("a number")).collect())
}

/// Reads the network under `prefix`. `case` has `width`, `k`, and where they matter `base`, `mult_arity` and `sym_names`.
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
        // `[2, 1]` is two sums and one product.
        let products = width[index + 1].as_array().map_or(0, |pair| pair[1].as_u64().expect("a count") as usize);
        let affine = get("sym_affine");
        let symbolic = (0..inputs * subnodes).map(|edge| {
            let (input, subnode) = (edge / subnodes, edge % subnodes);
            let own = subnode * inputs + input;
            (get("sym_mask").values[own] != 0.0).then(|| {
                let name = case["sym_names"][index][subnode][input].as_str().expect("a function's name");
                let [a, b, c, d] = [0, 1, 2, 3].map(|offset| affine.values[own * 4 + offset]);
                SymbolicEdge { function: Arc::new(Named::new(name)), a, b, c, d }
            })
        });
        Layer {
            inputs,
            sums: nodes - products,
            products: factors(case, index + 1, products),
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
