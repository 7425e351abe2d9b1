//! Values, losses and gradients of a graph.

use super::{Edge, EdgeFunction, NodeKind, UnivariateGraph};
use crate::approximator::{Loss, Samples};
use crate::compute::{Batch, CompiledGraph, Plan, Workspace};
use crate::kan::spline;

impl UnivariateGraph {
    /// Prepares the graph for repeated evaluation.
    pub fn compile(&self) -> CompiledGraph {
        CompiledGraph::new(self)
    }

    /// Evaluates a batch: `inputs` `[rows, inputs]` in the inputs' own units to `outputs` `[rows, outputs]`, row-major.
    /// [`Self::compile`] saves the preparation where it is evaluated often.
    ///
    /// # Panics
    /// If the lengths do not fit together.
    pub fn evaluate(&self, inputs: &[f64], outputs: &mut [f64]) {
        self.compile().evaluate(inputs, outputs);
    }

    /// The loss on `samples`.
    ///
    /// # Panics
    /// If the lengths do not fit together or there is no row.
    pub fn loss(&self, samples: Samples<'_>, loss: &Loss) -> f64 {
        let plan = Plan::<f64>::new(self);
        let batch = Batch::new(&self.inputs, self.outputs.len(), samples);
        plan.loss(&plan.load(self), &batch, loss, &mut Workspace::new(&plan, &batch))
    }

    /// The loss on `samples` and its gradient by the free parameters, in the order of [`Self::parameters`].
    ///
    /// # Panics
    /// If the lengths do not fit together or there is no row.
    pub fn loss_and_gradient(&self, samples: Samples<'_>, loss: &Loss) -> (f64, Vec<f64>) {
        let plan = Plan::<f64>::new(self);
        let batch = Batch::new(&self.inputs, self.outputs.len(), samples);
        let mut gradient = vec![0.0; plan.parameters()];
        let mut workspace = Workspace::new(&plan, &batch);
        let value = plan.loss_and_gradient(&plan.load(self), &batch, loss, None, &mut workspace, &mut gradient);
        (value, free_slots(self, &plan).into_iter().map(|slot| gradient[slot]).collect())
    }

    /// The free parameters: of each edge in order its spline coefficients and its base function's factor, or a, b, c, d;
    /// then of each node that is no input its bias, and of products their scale before it.
    pub fn parameters(&self) -> Vec<f64> {
        let plan = Plan::<f64>::new(self);
        let all = plan.load(self);
        free_slots(self, &plan).into_iter().map(|slot| all[slot]).collect()
    }

    /// Sets the free parameters, in the order of [`Self::parameters`].
    ///
    /// # Panics
    /// If there are more or fewer of them.
    pub fn set_parameters(&mut self, parameters: &[f64]) {
        let plan = Plan::<f64>::new(self);
        let slots = free_slots(self, &plan);
        assert_eq!(slots.len(), parameters.len(), "another number of parameters");
        let mut all = plan.load(self);
        for (slot, parameter) in slots.into_iter().zip(parameters) {
            all[slot] = *parameter;
        }
        plan.store(&all, self);
    }

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

/// Where the free parameters are among all of the plan's.
pub(crate) fn free_slots(graph: &UnivariateGraph, plan: &Plan<f64>) -> Vec<usize> {
    use crate::compute::EdgeSlot;
    let edges = (0..graph.edges.len()).flat_map(|edge| match plan.edge_slot(edge) {
        EdgeSlot::Spline { first, stride, basis, base } => {
            (0..basis + usize::from(base)).map(|index| first + index * stride).collect::<Vec<_>>()
        }
        EdgeSlot::Symbolic { first } => (first..first + 4).collect(),
    });
    let nodes = graph.nodes.iter().enumerate().flat_map(|(index, node)| match (node.kind, plan.node_slot(index)) {
        (NodeKind::Product, Some(slot)) => vec![slot, slot + 1],
        (_, Some(slot)) => vec![slot + 1],
        (_, None) => Vec::new(),
    });
    edges.chain(nodes).collect()
}
