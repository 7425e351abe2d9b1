//! A network's loss as a function of what is trained.

use super::network::{Network, Origin};
use crate::approximator::Loss;
use crate::compute::{Batch, EdgeSlot, Plan, Scalar, Workspace};
use crate::optimize::Objective;

/// What is trained of a network: of each layer its coefficients, then its factors of the base function, then those of
/// the splines, each in the layer's own order.
impl Network {
    /// Number of trained numbers.
    pub fn parameter_count(&self) -> usize {
        self.layers.iter().map(|layer| layer.coefficients.len() + 2 * layer.mask.len()).sum()
    }

    /// All trained numbers.
    pub fn parameters(&self) -> Vec<f64> {
        self.layers
            .iter()
            .flat_map(|layer| [&layer.coefficients, &layer.scale_base, &layer.scale_spline])
            .flatten()
            .copied()
            .collect()
    }

    /// Sets all trained numbers.
    ///
    /// # Panics
    /// If there are more or fewer of them.
    pub fn set_parameters(&mut self, parameters: &[f64]) {
        assert_eq!(parameters.len(), self.parameter_count(), "another number of parameters");
        let mut rest = parameters;
        for layer in &mut self.layers {
            for part in [&mut layer.coefficients, &mut layer.scale_base, &mut layer.scale_spline] {
                let (own, after) = rest.split_at(part.len());
                part.copy_from_slice(own);
                rest = after;
            }
        }
    }
}

/// The loss of a network on a batch, with its gradient by [`Network::parameters`]; computes in `S`.
pub struct NetworkObjective<'a, S> {
    network: &'a mut Network,
    plan: Plan<S>,
    origins: Vec<Origin>,
    /// The plan's parameters, in f64 and in `S`.
    wide: Vec<f64>,
    parameters: Vec<S>,
    plan_gradient: Vec<f64>,
    batch: &'a Batch<S>,
    workspace: Workspace<S>,
    loss: &'a Loss,
}

impl<'a, S: Scalar> NetworkObjective<'a, S> {
    /// Compiles the network for `batch`. Changes of its parameters are followed, others are not.
    pub fn new(network: &'a mut Network, batch: &'a Batch<S>, loss: &'a Loss) -> Self {
        let (graph, origins) = network.graph_with_origins();
        let plan = Plan::new(&graph);
        let wide = plan.load(&graph);
        let workspace = Workspace::new(&plan, batch);
        let (parameters, plan_gradient) = (vec![S::ZERO; wide.len()], vec![0.0; wide.len()]);
        Self { network, plan, origins, wide, parameters, plan_gradient, batch, workspace, loss }
    }

    /// The network, with the parameters of the last evaluation.
    pub fn network(&mut self) -> &mut Network {
        self.network
    }

    /// The loss with parameters `x` on another batch.
    pub fn loss_on(&mut self, x: &[f64], batch: &Batch<S>, workspace: &mut Workspace<S>) -> f64 {
        self.load(x);
        self.plan.loss(&self.parameters, batch, self.loss, workspace)
    }

    /// Room for [`Self::loss_on`].
    pub fn workspace(&self, batch: &Batch<S>) -> Workspace<S> {
        Workspace::new(&self.plan, batch)
    }

    fn load(&mut self, x: &[f64]) {
        self.network.set_parameters(x);
        for (edge, origin) in self.origins.iter().enumerate() {
            let (Some((layer, input, subnode)), slot) = (*origin, self.plan.edge_slot(edge)) else { continue };
            let EdgeSlot::Spline { first, stride, basis, base } = slot else { continue };
            let layer = &self.network.layers[layer];
            let index = input * layer.subnodes() + subnode;
            let factor = layer.mask[index] * layer.scale_spline[index];
            for (offset, coefficient) in layer.coefficients_of(input, subnode).iter().enumerate() {
                self.wide[first + offset * stride] = factor * coefficient;
            }
            if base {
                self.wide[first + basis * stride] = layer.mask[index] * layer.scale_base[index];
            }
        }
        for (parameter, wide) in self.parameters.iter_mut().zip(&self.wide) {
            *parameter = S::from_f64(*wide);
        }
    }

    /// From the plan's gradient to the network's, by the chain rule.
    fn chain(&self, gradient: &mut [f64]) {
        gradient.fill(0.0);
        let starts: Vec<usize> = self
            .network
            .layers
            .iter()
            .scan(0, |next, layer| {
                let start = *next;
                *next += layer.coefficients.len() + 2 * layer.mask.len();
                Some(start)
            })
            .collect();
        for (edge, origin) in self.origins.iter().enumerate() {
            let (Some((layer_index, input, subnode)), slot) = (*origin, self.plan.edge_slot(edge)) else { continue };
            let EdgeSlot::Spline { first, stride, basis, base } = slot else { continue };
            let layer = &self.network.layers[layer_index];
            let index = input * layer.subnodes() + subnode;
            let own = &mut gradient[starts[layer_index]..];
            let (mask, scale) = (layer.mask[index], layer.scale_spline[index]);
            let mut by_scale = 0.0;
            for (offset, coefficient) in layer.coefficients_of(input, subnode).iter().enumerate() {
                let outer = mask * self.plan_gradient[first + offset * stride];
                own[index * layer.basis() + offset] = scale * outer;
                by_scale += coefficient * outer;
            }
            if base {
                own[layer.coefficients.len() + index] = mask * self.plan_gradient[first + basis * stride];
            }
            own[layer.coefficients.len() + layer.mask.len() + index] = by_scale;
        }
    }
}

impl<S: Scalar> Objective for NetworkObjective<'_, S> {
    fn dimension(&self) -> usize {
        self.network.parameter_count()
    }

    fn evaluate(&mut self, x: &[f64], gradient: &mut [f64]) -> f64 {
        self.load(x);
        let value = self.plan.loss_and_gradient(
            &self.parameters,
            self.batch,
            self.loss,
            &mut self.workspace,
            &mut self.plan_gradient,
        );
        self.chain(gradient);
        value
    }
}
