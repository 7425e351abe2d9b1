//! Changes to a graph that keep it whole.

use super::{Edge, EdgeFunction, NodeKind, UnivariateGraph};
use crate::fit::ApproximatorError;

impl UnivariateGraph {
    /// Names the inputs, in order.
    ///
    /// # Panics
    /// If there are more or fewer of them.
    pub fn set_input_names<S: AsRef<str>>(&mut self, names: &[S]) {
        assert_eq!(names.len(), self.inputs.len(), "another number of inputs");
        for (input, name) in self.inputs.iter_mut().zip(names) {
            input.name = name.as_ref().to_owned();
        }
    }

    /// The inputs that some output depends on, in order. The others stay part of the graph, so that a row of data
    /// keeps its layout and the inputs their names.
    pub fn used_inputs(&self) -> Vec<usize> {
        let alive = self.leads_to_an_output();
        (0..self.inputs.len())
            .filter(|input| self.edges.iter().any(|edge| edge.source == *input && alive[edge.target]))
            .collect()
    }

    /// The index of the edge from node `source` to node `target`.
    pub fn edge_between(&self, source: usize, target: usize) -> Option<usize> {
        self.edges.iter().position(|edge| (edge.source, edge.target) == (source, target))
    }

    /// The graph with edge `edge` computing `function` instead.
    ///
    /// # Panics
    /// If there is no such edge.
    #[must_use]
    pub fn with_function(&self, edge: usize, function: EdgeFunction) -> Self {
        let mut graph = self.clone();
        graph.edges[edge].function = function;
        graph
    }

    /// The graph without edge `edge`, and without what only that edge connected.
    ///
    /// # Errors
    /// [`ApproximatorError::Disconnected`] where an output would no longer depend on any input.
    ///
    /// # Panics
    /// If there is no such edge.
    pub fn without_edge(&self, edge: usize) -> Result<Self, ApproximatorError> {
        assert!(edge < self.edges.len(), "no such edge");
        self.keeping(|index, _| index != edge)
    }

    /// The graph with only the edges that `keep` says; hidden nodes that no longer lead to an output go, and those
    /// that no longer depend on an input become constants in what they fed.
    pub(super) fn keeping(&self, keep: impl Fn(usize, &Edge) -> bool) -> Result<Self, ApproximatorError> {
        let mut graph = self.clone();
        graph.edges =
            self.edges.iter().enumerate().filter(|(i, edge)| keep(*i, edge)).map(|(_, e)| e.clone()).collect();
        graph.fold_constants();
        let alive = graph.leads_to_an_output();
        graph.edges.retain(|edge| alive[edge.target]);
        for (index, output) in graph.outputs.iter().enumerate() {
            if !graph.edges.iter().any(|edge| edge.target == *output) {
                return Err(ApproximatorError::Disconnected {
                    reason: format!("output {index} would depend on no input; keep more edges"),
                });
            }
        }
        graph.drop_unused_nodes(&alive);
        Ok(graph)
    }

    /// For each node, whether some output depends on it.
    fn leads_to_an_output(&self) -> Vec<bool> {
        let mut alive = vec![false; self.nodes.len()];
        self.outputs.iter().for_each(|output| alive[*output] = true);
        // Edges are sorted by target: backwards, every target is decided before its edges are looked at.
        for edge in self.edges.iter().rev() {
            alive[edge.source] |= alive[edge.target];
        }
        alive
    }

    /// Moves what nodes without inputs send into the nodes that they feed.
    fn fold_constants(&mut self) {
        for node in self.inputs.len()..self.nodes.len() {
            if self.edges.iter().any(|edge| edge.target == node) {
                continue;
            }
            let combined = if self.nodes[node].kind == NodeKind::Product { 1.0 } else { 0.0 };
            let value = self.nodes[node].scale * combined + self.nodes[node].bias;
            for edge in self.edges.iter().filter(|edge| edge.source == node) {
                let constant = edge.value(value);
                let target = &mut self.nodes[edge.target];
                match target.kind {
                    NodeKind::Product => target.scale *= constant,
                    _ => target.bias += target.scale * constant,
                }
            }
            self.edges.retain(|edge| edge.source != node);
        }
    }

    fn drop_unused_nodes(&mut self, alive: &[bool]) {
        let mut next = 0;
        let renumbered: Vec<Option<usize>> = (0..self.nodes.len())
            .map(|node| {
                let kept = node < self.inputs.len()
                    || self.outputs.contains(&node)
                    || (alive[node] && self.edges.iter().any(|edge| edge.target == node));
                kept.then(|| {
                    next += 1;
                    next - 1
                })
            })
            .collect();
        let new = |node: usize| renumbered[node].expect("a node that is used is kept");
        for edge in &mut self.edges {
            (edge.source, edge.target) = (new(edge.source), new(edge.target));
        }
        self.outputs.iter_mut().for_each(|output| *output = new(*output));
        let mut index = 0;
        self.nodes.retain(|_| {
            index += 1;
            renumbered[index - 1].is_some()
        });
    }
}
