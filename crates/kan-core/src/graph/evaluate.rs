//! Values and derivatives of a graph, node by node. Batches that matter are computed by
//! [`CompiledGraph`](crate::compute::CompiledGraph).

use super::{Edge, EdgeFunction, NodeKind, UnivariateGraph};
use crate::spline;

impl UnivariateGraph {
    /// Values of all nodes, `[nodes, rows]` row-major: one row of the result is one node's column.
    ///
    /// # Panics
    /// If the length does not fit.
    pub fn node_values(&self, inputs: &[f64]) -> Vec<Vec<f64>> {
        let width = self.inputs.len();
        let rows = inputs.len() / width;
        assert_eq!(rows * width, inputs.len());
        let mut values: Vec<Vec<f64>> = Vec::with_capacity(self.nodes.len());
        for (index, node) in self.nodes.iter().enumerate() {
            let column = match node.kind {
                NodeKind::Input => {
                    let input = &self.inputs[index];
                    (0..rows).map(|row| input.scale * (inputs[row * width + index] - input.shift)).collect()
                }
                _ => {
                    let combined = self.combined(index, &values, rows);
                    combined.into_iter().map(|value| node.scale * value + node.bias).collect()
                }
            };
            values.push(column);
        }
        values
    }

    /// Derivatives of the outputs by the inputs, in the inputs' own units: `[rows, inputs]` to `[rows, outputs, inputs]`,
    /// row-major. Outside its extended knots a spline is flat; at kinks and jumps of named functions see their own
    /// derivatives.
    ///
    /// # Panics
    /// If the length does not fit.
    pub fn jacobian(&self, inputs: &[f64]) -> Vec<f64> {
        let values = self.node_values(inputs);
        let (width, height) = (self.inputs.len(), self.outputs.len());
        let rows = inputs.len() / width;
        let mut jacobian = vec![0.0; rows * height * width];
        // What each edge gives, and its derivative by its source.
        let curves: Vec<Vec<(f64, f64)>> = self
            .edges
            .iter()
            .map(|edge| values[edge.source].iter().map(|x| (edge.value(*x), edge.function.derivative(*x))).collect())
            .collect();
        let mut by_nodes = vec![0.0; self.nodes.len()];
        for (block, own) in jacobian.chunks_exact_mut(width).enumerate() {
            let (row, output) = (block / height, block % height);
            by_nodes.fill(0.0);
            by_nodes[self.outputs[output]] = 1.0;
            // Edges are sorted by target: backwards, a node is complete before the edges into it are looked at.
            for (index, edge) in self.edges.iter().enumerate().rev() {
                let target = &self.nodes[edge.target];
                let others = match target.kind {
                    NodeKind::Product => self
                        .edges
                        .iter()
                        .enumerate()
                        .filter(|(other, factor)| factor.target == edge.target && *other != index)
                        .map(|(other, _)| curves[other][row].0)
                        .product(),
                    _ => 1.0,
                };
                by_nodes[edge.source] += by_nodes[edge.target] * target.scale * others * curves[index][row].1;
            }
            for ((own, by_node), input) in own.iter_mut().zip(&by_nodes).zip(&self.inputs) {
                *own = by_node * input.scale;
            }
        }
        jacobian
    }

    /// What node `node` combines from its edges, before its affine.
    pub(crate) fn combined(&self, node: usize, values: &[Vec<f64>], rows: usize) -> Vec<f64> {
        let product = self.nodes[node].kind == NodeKind::Product;
        let mut combined = vec![if product { 1.0 } else { 0.0 }; rows];
        for edge in self.edges.iter().filter(|edge| edge.target == node) {
            for (sum, x) in combined.iter_mut().zip(&values[edge.source]) {
                let value = edge.value(*x);
                *sum = if product { *sum * value } else { *sum + value };
            }
        }
        combined
    }
}

impl Edge {
    /// What the edge computes from `x`.
    pub fn value(&self, x: f64) -> f64 {
        self.function.value(x)
    }
}

impl EdgeFunction {
    /// Its value.
    pub fn value(&self, x: f64) -> f64 {
        match self {
            Self::Spline(edge) => {
                edge.scale_base * edge.base.value(x)
                    + spline::evaluate(&edge.knots, edge.degree, &edge.coefficients, x).0
            }
            Self::Symbolic(edge) => edge.c * edge.function.value(edge.a * x + edge.b) + edge.d,
        }
    }

    /// Its derivative.
    pub fn derivative(&self, x: f64) -> f64 {
        match self {
            Self::Spline(edge) => {
                edge.scale_base * edge.base.derivative(x)
                    + spline::evaluate(&edge.knots, edge.degree, &edge.coefficients, x).1
            }
            Self::Symbolic(edge) => edge.c * edge.a * edge.function.derivative(edge.a * x + edge.b),
        }
    }
}

impl super::BaseFunction {
    /// Its value.
    pub fn value(self, x: f64) -> f64 {
        match self {
            Self::Silu => x / (1.0 + (-x).exp()),
            Self::Identity => x,
            Self::Zero => 0.0,
        }
    }

    /// Its derivative.
    pub fn derivative(self, x: f64) -> f64 {
        match self {
            Self::Silu => {
                let sigmoid = 1.0 / (1.0 + (-x).exp());
                sigmoid * (1.0 + x * (1.0 - sigmoid))
            }
            Self::Identity => 1.0,
            Self::Zero => 0.0,
        }
    }
}
