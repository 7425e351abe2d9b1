//! An approximator of one's own: a sum of broken lines, one for each observation. It hands out a graph, so pruning,
//! naming, refining and the diagram work on it as on a Kolmogorov-Arnold network.
//!
//! ```sh
//! cargo run --release --example custom_approximator
//! ```

use kanrl::prelude::*;
use std::error::Error;
use std::num::NonZeroU16;

/// `kind = "broken_lines"`
#[derive(Debug, Serialize, Deserialize)]
#[serde(crate = "kanrl::serde", deny_unknown_fields)]
struct BrokenLinesConfig {
    /// Straight pieces of each line.
    pieces: NonZeroU16,
}

#[typetag::serde(name = "broken_lines")]
impl ApproximatorConfig for BrokenLinesConfig {
    fn build(&self, inputs: usize, outputs: usize, _seed: u64) -> Result<Box<dyn FunctionApproximator>, BuildError> {
        let line = SplineEdge::zero(1, self.pieces.get().into(), -1.0..=1.0);
        Ok(Box::new(BrokenLines(UnivariateGraph::additive(inputs, outputs, |_, _| line.clone()))))
    }

    fn load(&self, bytes: &[u8]) -> Result<Box<dyn FunctionApproximator>, BuildError> {
        match UnivariateGraph::from_safetensors(bytes, &Library::default_ten()) {
            Ok(graph) => Ok(Box::new(BrokenLines(graph))),
            Err(error) => Err(BuildError::new("approximator", error)),
        }
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
        self.0.scale_inputs(task.train.inputs);
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
        self.0.to_safetensors()
    }
}

#[cfg_attr(test, test)]
fn main() -> Result<(), Box<dyn Error>> {
    let config = "approximator = { kind = 'broken_lines', pieces = 8 }\npolish.enabled = false";
    examples::execute(Run::from_text(config)?.set("environment.id", "MountainCar-v0")).map(drop)
}
