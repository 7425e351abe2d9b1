//! Networks that are evaluated and no longer change.

use super::batch::fill_inputs;
use super::chunk::ROWS;
use super::forward::Detail;
use super::pieces::Pieces;
use super::plan::Plan;
use super::scalar::Scalar;
use super::scratch::Scratch;
use crate::graph::UnivariateGraph;
use rayon::prelude::*;

/// A graph that is ready to be evaluated many times.
#[derive(Clone, Debug)]
pub struct CompiledGraph<S = f64> {
    plan: Plan<S>,
    parameters: Vec<S>,
    pieces: Pieces<S>,
}

impl<S: Scalar> CompiledGraph<S> {
    /// With all parameters rounded to the element type.
    pub fn new(graph: &UnivariateGraph) -> Self {
        let plan = Plan::new(graph);
        let parameters: Vec<S> = plan.load(graph).into_iter().map(S::from_f64).collect();
        let mut pieces = Pieces::new(&plan);
        pieces.set(&plan, &parameters);
        Self { plan, parameters, pieces }
    }

    /// Evaluates a batch: `inputs` `[rows, inputs]` in the inputs' own units to `outputs` `[rows, outputs]`, row-major. A
    /// row's outputs have the same bits regardless of the other rows in the batch.
    ///
    /// # Panics
    /// If the lengths do not fit together.
    pub fn evaluate(&self, inputs: &[f64], outputs: &mut [f64]) {
        let plan = &self.plan;
        let (width, height) = (plan.inputs.len(), plan.outputs.len());
        assert_eq!(inputs.len() * height, outputs.len() * width, "inputs and outputs have different numbers of rows");
        if outputs.is_empty() {
            return;
        }
        let one = |scratch: &mut Scratch<S>, inputs: &[f64], outputs: &mut [f64]| {
            fill_inputs(&plan.inputs, inputs, &mut scratch.values[..width]);
            plan.forward(&self.parameters, Detail::Values(&self.pieces), scratch, inputs.len() / width.max(1));
            for (row, outputs) in outputs.chunks_exact_mut(height).enumerate() {
                for (node, output) in plan.outputs.iter().zip(outputs) {
                    *output = scratch.values[*node][row].to_f64();
                }
            }
        };
        // A few rows are not worth other threads.
        if outputs.len() <= 8 * ROWS * height {
            let mut scratch = Scratch::new(plan, false);
            for (inputs, outputs) in inputs.chunks(ROWS * width).zip(outputs.chunks_mut(ROWS * height)) {
                one(&mut scratch, inputs, outputs);
            }
            return;
        }
        inputs
            .par_chunks(ROWS * width)
            .zip(outputs.par_chunks_mut(ROWS * height))
            .with_min_len(4)
            .for_each_init(|| Scratch::new(plan, false), |scratch, (inputs, outputs)| one(scratch, inputs, outputs));
    }
}
