//! An approximator of one's own: a sum of broken lines, one for each observation. It hands out a graph, so pruning,
//! naming, refining and the diagram work on it as on a Kolmogorov-Arnold network.
//!
//! ```sh
//! cargo run --release --example custom_approximator
//! ```

use kanrl_core::approximator::{ApproximatorError, FitObserver, FitReport, FitTask, FunctionApproximator, Samples};
use kanrl_core::config::{ApproximatorConfig, BuildError};
use kanrl_core::graph::{BaseFunction, Edge, EdgeFunction, Input, Node, NodeKind, SplineEdge, UnivariateGraph};
use kanrl_symbolic::library::Library;
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use std::error::Error;
use std::num::NonZeroU16;

/// `kind = "broken_lines"`
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct BrokenLinesConfig {
    /// Straight pieces of each line.
    pieces: NonZeroU16,
}

#[typetag::serde(name = "broken_lines")]
impl ApproximatorConfig for BrokenLinesConfig {
    fn build(&self, inputs: usize, outputs: usize, _seed: u64) -> Result<Box<dyn FunctionApproximator>, BuildError> {
        let knot = |index| 2.0 * (f64::from(index) - 1.0) / f64::from(self.pieces.get()) - 1.0;
        let knots: Vec<f64> = (0..=self.pieces.get().saturating_add(2)).map(knot).collect();
        let (base, scale_base, degree) = (BaseFunction::Zero, 0.0, 1);
        let line = SplineEdge { base, scale_base, degree, coefficients: vec![0.0; knots.len() - 2], knots };
        let function = || EdgeFunction::Spline(line.clone());
        let edge = |source, target| Edge { source, target, function: function(), importance: 0.0 };
        let node = |kind| Node { kind, scale: 1.0, bias: 0.0 };
        Ok(Box::new(BrokenLines(UnivariateGraph {
            inputs: (0..inputs).map(|i| Input { name: format!("x_{i}"), shift: 0.0, scale: 1.0 }).collect(),
            nodes: [vec![node(NodeKind::Input); inputs], vec![node(NodeKind::Sum); outputs]].concat(),
            edges: (0..inputs * outputs).map(|i| edge(i % inputs, inputs + i / inputs)).collect(),
            outputs: (inputs..inputs + outputs).collect(),
        })))
    }

    fn load(&self, bytes: &[u8]) -> Result<Box<dyn FunctionApproximator>, BuildError> {
        let read = || -> Result<_, Box<dyn Error>> {
            let file = SafeTensors::deserialize(bytes)?;
            let text = std::str::from_utf8(file.tensor("graph")?.data())?;
            Ok(Box::new(BrokenLines(UnivariateGraph::from_json(text, &Library::default_ten())?)))
        };
        Ok(read().map_err(|error| BuildError { component: "approximator", reason: error.to_string(), source: None })?)
    }
}

struct BrokenLines(UnivariateGraph);

impl FunctionApproximator for BrokenLines {
    fn kind(&self) -> &'static str {
        "broken_lines"
    }

    fn inputs(&self) -> usize {
        self.0.inputs.len()
    }

    fn outputs(&self) -> usize {
        self.0.outputs.len()
    }

    /// The data's range becomes −1 to 1, where the knots are; then the heights at the knots are fitted.
    fn fit(&mut self, task: FitTask<'_>, observer: &mut FitObserver<'_>) -> Result<FitReport, ApproximatorError> {
        let width = self.inputs();
        for (index, input) in self.0.inputs.iter_mut().enumerate() {
            let column = || task.train.inputs.iter().skip(index).step_by(width).copied();
            let (low, high) = (column().fold(f64::MAX, f64::min), column().fold(f64::MIN, f64::max));
            (input.shift, input.scale) = (0.5 * (low + high), 2.0 / (high - low).max(1e-9));
        }
        self.0.refit(task, 50, observer)
    }

    fn predict(&self, inputs: &[f64], outputs: &mut [f64]) {
        self.0.evaluate(inputs, outputs);
    }

    fn graph(&self, samples: Samples<'_>) -> Option<UnivariateGraph> {
        let mut graph = self.0.clone();
        graph.set_importances(samples.inputs);
        Some(graph)
    }

    fn save(&self) -> Vec<u8> {
        let json = self.0.to_json();
        let graph = TensorView::new(Dtype::U8, vec![json.len()], json.as_bytes()).expect("as many bytes");
        safetensors::serialize([("graph", graph)], None).expect("one tensor")
    }
}

#[cfg_attr(test, test)]
fn main() -> Result<(), Box<dyn Error>> {
    let approximator = "approximator = { kind = 'broken_lines', pieces = 8 }";
    examples::run(&format!("environment.id = 'MountainCar-v0'\n{approximator}\npolish.enabled = false"), None).map(drop)
}
