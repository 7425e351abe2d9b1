//! Pruning by attribution scores.

use super::UnivariateGraph;
use crate::fit::ApproximatorError;

/// What is pruned: scores that are not above a threshold go. 0 keeps everything that matters at all.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PruneThresholds {
    /// For hidden nodes; pykan's default.
    pub node: f64,
    /// For edges, after the nodes are gone; pykan's default.
    pub edge: f64,
    /// For inputs, after the edges are gone; negative (the default) keeps them all.
    pub input: f64,
}

impl Default for PruneThresholds {
    fn default() -> Self {
        Self { node: 0.01, edge: 0.03, input: -1.0 }
    }
}

impl UnivariateGraph {
    /// The graph without what matters little on `inputs` `[rows, inputs]`: hidden nodes first, then edges, then inputs,
    /// each by newly computed scores, which the result's edges carry. This graph is not changed (pykan's is).
    ///
    /// Pruned inputs stay in [`Self::inputs`], with their names, and feed nothing.
    ///
    /// # Errors
    /// [`ApproximatorError::Disconnected`] where an output would no longer depend on any input (pykan continues with a
    /// constant output).
    ///
    /// # Panics
    /// If the length does not fit.
    pub fn prune(&self, inputs: &[f64], thresholds: &PruneThresholds) -> Result<Self, ApproximatorError> {
        let scores = self.importances(inputs);
        let kept = |node: usize| {
            node < self.inputs.len() || self.outputs.contains(&node) || scores.nodes[node] > thresholds.node
        };
        let graph = self.keeping(|_, edge| kept(edge.source) && kept(edge.target))?;
        let scores = graph.importances(inputs);
        let graph = graph.keeping(|index, _| scores.edges[index] > thresholds.edge)?;
        let scores = graph.importances(inputs);
        let mut graph = graph
            .keeping(|_, edge| edge.source >= self.inputs.len() || scores.nodes[edge.source] > thresholds.input)?;
        graph.set_importances(inputs);
        Ok(graph)
    }
}
