//! Values, losses and gradients of a graph, computed by its [`Plan`].

use super::batch::Batch;
use super::compiled::CompiledGraph;
use super::gradient::Workspace;
use super::plan::{EdgeSlot, Plan};
use crate::fit::{Loss, Samples};
use crate::graph::{NodeKind, UnivariateGraph};

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
    /// then of each node that is not an input its bias, and of products their scale before it.
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
}

/// Where the free parameters are among all of the plan's.
pub(super) fn free_slots(graph: &UnivariateGraph, plan: &Plan<f64>) -> Vec<usize> {
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
