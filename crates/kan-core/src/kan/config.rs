//! The KAN's configuration.

use super::approximator::Kan;
use super::file;
use crate::approximator::FunctionApproximator;
use crate::config::{ApproximatorConfig, BuildError, ComponentDescription};
use crate::graph::BaseFunction;

/// A Kolmogorov-Arnold network and how it is trained: `kind = "kan"`.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct KanConfig {
    /// Nodes of each hidden layer; empty for none. Default `[2]`.
    pub hidden: Vec<usize>,
    /// Multiplication nodes (of two factors) that each hidden layer has on top; default none.
    pub products: Vec<usize>,
    /// Intervals G of each curve's grid. Default 5.
    pub grid: usize,
    /// Degree k of the splines. Default 3.
    pub degree: usize,
    /// The function beside the splines. Default SiLU.
    pub base: BaseFunction,
    /// Height of the noise that the splines start as. Default 0.3.
    pub noise: f64,
    /// Training steps, each of up to 20 L-BFGS iterations, as pykan counts them. Default 50.
    pub steps: usize,
    /// Times that the grids are moved to the data, evenly spread over the first 50 steps. Default 10.
    pub grid_updates: usize,
    /// Share of evenly spaced knots in a moved grid, the rest are quantiles. Default 0.02.
    pub grid_even_share: f64,
}

impl Default for KanConfig {
    fn default() -> Self {
        Self {
            hidden: vec![2],
            products: Vec::new(),
            grid: 5,
            degree: 3,
            base: BaseFunction::Silu,
            noise: 0.3,
            steps: 50,
            grid_updates: 10,
            grid_even_share: 0.02,
        }
    }
}

impl KanConfig {
    /// What it says about itself.
    pub const DESCRIPTION: ComponentDescription = ComponentDescription {
        component: "approximator",
        kind: "kan",
        summary: "Kolmogorov-Arnold network: a learnable spline on every edge, so it can become a formula",
        example: "kind = \"kan\"\nhidden = [2]\ngrid = 5\ndegree = 3\nsteps = 50\n",
    };

    /// Says what makes no sense in it, if anything.
    pub(super) fn problem(&self) -> Option<String> {
        use super::spline::MAX_DEGREE;
        if self.hidden.contains(&0) {
            return Some("a hidden layer has at least one node".into());
        }
        if self.products.len() > self.hidden.len() {
            let (products, hidden) = (self.products.len(), self.hidden.len());
            return Some(format!("`products` names {products} layers, but there are {hidden} hidden ones"));
        }
        if self.grid == 0 {
            return Some("`grid` is at least 1".into());
        }
        if !(1..=MAX_DEGREE).contains(&self.degree) {
            return Some(format!("`degree` is from 1 to {MAX_DEGREE}, not {}", self.degree));
        }
        if !(self.noise.is_finite() && self.noise >= 0.0) {
            return Some(format!("`noise` is a number from 0 on, not {}", self.noise));
        }
        if !(0.0..=1.0).contains(&self.grid_even_share) {
            return Some(format!("`grid_even_share` is from 0 to 1, not {}", self.grid_even_share));
        }
        None
    }
}

#[typetag::serde(name = "kan")]
impl ApproximatorConfig for KanConfig {
    fn build(&self, inputs: usize, outputs: usize, seed: u64) -> Result<Box<dyn FunctionApproximator>, BuildError> {
        let error = |reason: String| BuildError { component: "approximator", reason, source: None };
        if let Some(problem) = self.problem() {
            return Err(error(problem));
        }
        if inputs == 0 || outputs == 0 {
            return Err(error(format!("a network of {inputs} inputs and {outputs} outputs computes nothing")));
        }
        Ok(Box::new(Kan::new(self.clone(), inputs, outputs, seed)))
    }

    fn load(&self, bytes: &[u8]) -> Result<Box<dyn FunctionApproximator>, BuildError> {
        let kan = file::read(bytes).map_err(|error| BuildError {
            component: "approximator",
            reason: "the weights cannot be read".into(),
            source: Some(Box::new(error)),
        })?;
        Ok(Box::new(kan))
    }
}
