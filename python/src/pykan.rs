//! pykan's checkpoints, read as data.

use crate::errors;
use kanrl_core::function::SymbolicLibrary;
use kanrl_core::graph::{BaseFunction, SymbolicEdge, UnivariateGraph};
use kanrl_core::kan::{Layer, Network};
use kanrl_experts::torch::StateDict;
use kanrl_symbolic::library::Library;
use pyo3::prelude::*;
use serde::Deserialize;
use std::path::Path;

/// The most nodes of a layer, intervals and degrees that are believed.
const MOST: usize = 4096;

/// What a checkpoint's file `…_config.yml` says about the network's form.
#[derive(Deserialize)]
pub struct Config {
    /// Sums and multiplication nodes of each layer, the inputs' included.
    width: Vec<(usize, usize)>,
    /// Intervals of the splines.
    grid: usize,
    /// Degree of the splines.
    k: usize,
    /// Factors of a multiplication node.
    mult_arity: Arity,
    base_fun_name: BaseFunction,
    /// Names of the functions, by layer, target and source; `0` where there is none.
    functions: Vec<Vec<Vec<String>>>,
}

/// One number for all, or one for each multiplication node of each layer, the inputs' included.
#[derive(Deserialize)]
#[serde(untagged)]
enum Arity {
    Every(usize),
    Each(Vec<Vec<usize>>),
}

impl Config {
    fn factors(&self, layer: usize) -> Vec<usize> {
        match &self.mult_arity {
            Arity::Every(count) => vec![*count; self.width[layer].1],
            Arity::Each(counts) => counts.get(layer).cloned().unwrap_or_default(),
        }
    }

    /// What is wrong with it, if anything is.
    fn objection(&self) -> Option<String> {
        let few = |count: &usize| (1..=MOST).contains(count);
        let arities = (0..self.width.len()).map(|layer| self.factors(layer));
        let fits = self.width.len() >= 2
            && self.width.iter().all(|(sums, products)| sums + products <= MOST && sums + products > 0)
            && few(&self.grid)
            && self.k <= kanrl_core::spline::MAX_DEGREE
            && self.functions.len() + 1 == self.width.len()
            && arities
                .zip(&self.width)
                .all(|(counts, (_, products))| counts.len() == *products && counts.iter().all(few));
        (!fits).then(|| "its config does not describe a network".to_owned())
    }
}

/// The network of a checkpoint; `state` is its file `…_state`.
///
/// # Errors
/// `kanrl.InputError` for a file that is damaged or does not fit the config.
pub fn graph(config: &Config, state: &Path) -> PyResult<UnivariateGraph> {
    let name = state.display().to_string();
    let bad = |what: String| errors::input_with_help(format!("{name}: {what}"), "checkpoints of pykan 0.2 can be read");
    if let Some(objection) = config.objection() {
        return Err(bad(objection));
    }
    let bytes = std::fs::read(state).map_err(|error| bad(error.to_string()))?;
    let mut tensors = StateDict::read(&name, bytes).map_err(errors::input)?;
    let mut tensor = |name: String, shape: &[usize]| -> PyResult<Vec<f64>> {
        // Looked at before the numbers are read.
        match tensors.shape(&name) {
            Some(found) if found == shape => {}
            found => return Err(bad(format!("`{name}` has the shape {found:?}, expected {shape:?}"))),
        }
        let values: Vec<f64> =
            tensors.tensor(&name).map_err(errors::input)?.values.into_iter().map(f64::from).collect();
        match values.iter().find(|value| !value.is_finite()) {
            Some(value) => Err(bad(format!("`{name}` holds {value}"))),
            None => Ok(values),
        }
    };
    let layers = (1..config.width.len()).map(|layer| read(config, layer, &mut tensor, &bad)).collect::<Result<_, _>>();
    Ok(Network { layers: layers? }.graph())
}

fn read(
    config: &Config,
    layer: usize,
    tensor: &mut impl FnMut(String, &[usize]) -> PyResult<Vec<f64>>,
    bad: &impl Fn(String) -> PyErr,
) -> PyResult<Layer> {
    let Config { grid, k: degree, .. } = *config;
    let (below, (sums, products)) = (config.width[layer - 1], config.width[layer]);
    let (inputs, nodes) = (below.0 + below.1, sums + products);
    let factors = config.factors(layer);
    let subnodes = sums + factors.iter().sum::<usize>();
    let own = layer - 1;
    let mut of_edges = |name: &str| tensor(format!("act_fun.{own}.{name}"), &[inputs, subnodes]);
    let (mask, scale_base, scale_spline) = (of_edges("mask")?, of_edges("scale_base")?, of_edges("scale_sp")?);
    let knots = tensor(format!("act_fun.{own}.grid"), &[inputs, grid + 2 * degree + 1])?;
    if knots.chunks_exact(grid + 2 * degree + 1).any(|own| !own.is_sorted()) {
        return Err(bad(format!("`act_fun.{own}.grid` decreases")));
    }
    let coefficients = tensor(format!("act_fun.{own}.coef"), &[inputs, subnodes, grid + degree])?;
    let is_named = tensor(format!("symbolic_fun.{own}.mask"), &[subnodes, inputs])?;
    let affines = tensor(format!("symbolic_fun.{own}.affine"), &[subnodes, inputs, 4])?;
    let library = Library::full();
    let mut symbolic: Vec<Option<SymbolicEdge>> = vec![None; inputs * subnodes];
    for subnode in 0..subnodes {
        for input in 0..inputs {
            let place = subnode * inputs + input;
            let name = config.functions[own].get(subnode).and_then(|names| names.get(input));
            let name = name.ok_or_else(|| bad(format!("its config names too few functions in layer {own}")))?;
            if is_named[place] == 0.0 || name == "0" {
                continue;
            }
            let function = library.function(name).ok_or_else(|| bad(format!("no function is named `{name}`")))?;
            let [a, b, c, d] = affines[place * 4..place * 4 + 4] else { unreachable!("four numbers") };
            let factor = is_named[place];
            symbolic[input * subnodes + subnode] = Some(SymbolicEdge { function, a, b, c: factor * c, d: factor * d });
        }
    }
    Ok(Layer {
        inputs,
        sums,
        products: factors,
        degree,
        grid,
        base: config.base_fun_name,
        knots,
        coefficients,
        scale_base,
        scale_spline,
        mask,
        symbolic,
        subnode_scale: tensor(format!("subnode_scale_{own}"), &[subnodes])?,
        subnode_bias: tensor(format!("subnode_bias_{own}"), &[subnodes])?,
        node_scale: tensor(format!("node_scale_{own}"), &[nodes])?,
        node_bias: tensor(format!("node_bias_{own}"), &[nodes])?,
    })
}
