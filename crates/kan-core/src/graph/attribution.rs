//! How much of the outputs' variation goes through each edge and node.

use super::{NodeKind, UnivariateGraph};
use crate::function::SampledCurve;

/// Attribution scores (pykan 0.2.8's `attribute`).
///
/// They start as 1 / outputs at each output and go backwards: an edge's score is its target's score times the standard
/// deviation of what the edge gives, over that of what the target sums up (plus 10⁻⁴); a node's is the sum over the
/// edges that leave it. A product passes its score on to each factor whole.
#[derive(Clone, Debug, PartialEq)]
pub struct Importances {
    /// Of each edge.
    pub edges: Vec<f64>,
    /// Of each node; the first ones are the inputs'.
    pub nodes: Vec<f64>,
}

impl UnivariateGraph {
    /// Attribution scores on `inputs` `[rows, inputs]`, in the inputs' own units. All 0 for fewer than two rows.
    ///
    /// # Panics
    /// If the length does not fit.
    pub fn importances(&self, inputs: &[f64]) -> Importances {
        let values = self.node_values(inputs);
        let rows = inputs.len() / self.inputs.len();
        let mut importances = Importances { edges: vec![0.0; self.edges.len()], nodes: vec![0.0; self.nodes.len()] };
        if rows < 2 {
            return importances;
        }
        for output in &self.outputs {
            importances.nodes[*output] += 1.0 / self.outputs.len() as f64;
        }
        for node in (self.inputs.len()..self.nodes.len()).rev() {
            let score = importances.nodes[node];
            let deviation = match self.nodes[node].kind {
                NodeKind::Product => 0.0,
                _ => standard_deviation(&self.combined(node, &values, rows)),
            };
            for (index, edge) in self.edges.iter().enumerate().filter(|(_, edge)| edge.target == node) {
                let share = match self.nodes[node].kind {
                    NodeKind::Product => 1.0,
                    _ => {
                        let given: Vec<f64> = values[edge.source].iter().map(|x| edge.value(*x)).collect();
                        standard_deviation(&given) / (deviation + 1e-4)
                    }
                };
                importances.edges[index] = share * score;
                importances.nodes[edge.source] += share * score;
            }
        }
        importances
    }

    /// Computes [`Self::importances`] and keeps them in the edges.
    pub fn set_importances(&mut self, inputs: &[f64]) {
        let importances = self.importances(inputs);
        for (edge, importance) in self.edges.iter_mut().zip(importances.edges) {
            edge.importance = importance;
        }
    }

    /// What goes into and comes out of each edge on `inputs` `[rows, inputs]`.
    ///
    /// # Panics
    /// If the length does not fit.
    pub fn sampled_curves(&self, inputs: &[f64]) -> Vec<SampledCurve> {
        let values = self.node_values(inputs);
        let curve = |edge: &super::Edge| {
            let x = values[edge.source].clone();
            let y = x.iter().map(|x| edge.value(*x)).collect();
            SampledCurve { x, y }
        };
        self.edges.iter().map(curve).collect()
    }
}

/// The unbiased standard deviation (n − 1), as torch's.
pub(crate) fn standard_deviation(values: &[f64]) -> f64 {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    (values.iter().map(|value| (value - mean) * (value - mean)).sum::<f64>() / (values.len() - 1) as f64).sqrt()
}
