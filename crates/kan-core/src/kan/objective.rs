//! A network's loss as a function of what is trained.

use super::network::{Layout, Network};
use super::regularisation::Regularisation;
use crate::approximator::Loss;
use crate::compute::{Batch, EdgeSlot, Moments, Plan, Scalar, Workspace};
use crate::optimize::Objective;

/// The loss of a network on a batch, plus its regularisation, with the gradient by [`Network::parameters`]; computes in
/// `S`. Changes of the parameters are followed, others need a new objective.
pub struct NetworkObjective<'a, S> {
    network: &'a mut Network,
    /// Derivatives of the last evaluation by everything that a network has, in a network's form.
    derivatives: Network,
    plan: Plan<S>,
    layout: Layout,
    /// The plan's parameters, in f64 and in `S`.
    wide: Vec<f64>,
    parameters: Vec<S>,
    plan_gradient: Vec<f64>,
    batch: &'a Batch<S>,
    workspace: Workspace<S>,
    loss: &'a Loss,
    regularisation: Option<(f64, Regularisation)>,
    /// Loss and regularisation of the last evaluation.
    parts: (f64, f64),
}

impl<'a, S: Scalar> NetworkObjective<'a, S> {
    /// Compiles the network for `batch`.
    pub fn new(network: &'a mut Network, batch: &'a Batch<S>, loss: &'a Loss) -> Self {
        let (graph, layout) = network.graph_and_layout();
        let plan = Plan::new(&graph);
        let wide = plan.load(&graph);
        let workspace = Workspace::new(&plan, batch);
        Self {
            derivatives: network.clone(),
            network,
            layout,
            parameters: vec![S::ZERO; wide.len()],
            plan_gradient: vec![0.0; wide.len()],
            plan,
            wide,
            batch,
            workspace,
            loss,
            regularisation: None,
            parts: (0.0, 0.0),
        }
    }

    /// Adds `lambda` times a regularisation to the loss from now on; a `lambda` of 0 takes it away.
    pub fn set_regularisation(&mut self, lambda: f64, regularisation: Regularisation) {
        self.regularisation = (lambda != 0.0).then_some((lambda, regularisation));
    }

    /// The network, with the parameters of the last evaluation.
    pub fn network(&mut self) -> &mut Network {
        self.network
    }

    /// Derivatives of the last evaluation by coefficients, factors, affines and named functions' a, b, c, d, each where
    /// the network has the number itself (masks and knots have none).
    pub fn derivatives(&self) -> &Network {
        &self.derivatives
    }

    /// Loss and regularisation (before λ) of the last evaluation.
    pub fn parts(&self) -> (f64, f64) {
        self.parts
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
        for (edge, origin) in self.layout.origins.iter().enumerate() {
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
    fn chain(&mut self) {
        for (edge, origin) in self.layout.origins.iter().enumerate() {
            let Some((layer, input, subnode)) = *origin else { continue };
            let (layer, back) = (&self.network.layers[layer], &mut self.derivatives.layers[layer]);
            let index = input * layer.subnodes() + subnode;
            match self.plan.edge_slot(edge) {
                EdgeSlot::Spline { first, stride, basis, base } => {
                    let (mask, scale) = (layer.mask[index], layer.scale_spline[index]);
                    let start = index * layer.basis();
                    let mut by_scale = 0.0;
                    for (offset, coefficient) in layer.coefficients_of(input, subnode).iter().enumerate() {
                        let outer = mask * self.plan_gradient[first + offset * stride];
                        back.coefficients[start + offset] = scale * outer;
                        by_scale += coefficient * outer;
                    }
                    back.scale_spline[index] = by_scale;
                    if base {
                        back.scale_base[index] = mask * self.plan_gradient[first + basis * stride];
                    }
                }
                EdgeSlot::Symbolic { first } => {
                    if let Some(symbolic) = &mut back.symbolic[index] {
                        (symbolic.a, symbolic.b) = (self.plan_gradient[first], self.plan_gradient[first + 1]);
                        (symbolic.c, symbolic.d) = (self.plan_gradient[first + 2], self.plan_gradient[first + 3]);
                    }
                }
            }
        }
        let by_affine = |node: usize| {
            let slot = self.plan.node_slot(node).expect("a layer's nodes are no inputs");
            (self.plan_gradient[slot], self.plan_gradient[slot + 1])
        };
        for ((layer, back), places) in
            self.network.layers.iter().zip(&mut self.derivatives.layers).zip(&self.layout.layers)
        {
            for (subnode, place) in places.subnodes.iter().enumerate() {
                let (by_scale, by_bias) = by_affine(*place);
                if subnode < layer.sums {
                    let (scale, bias) = (layer.subnode_scale[subnode], layer.subnode_bias[subnode]);
                    let outer = layer.node_scale[subnode];
                    back.node_scale[subnode] = scale * by_scale + bias * by_bias;
                    back.node_bias[subnode] = by_bias;
                    (back.subnode_scale[subnode], back.subnode_bias[subnode]) = (outer * by_scale, outer * by_bias);
                } else {
                    (back.subnode_scale[subnode], back.subnode_bias[subnode]) = (by_scale, by_bias);
                }
            }
            for node in layer.sums..layer.nodes() {
                (back.node_scale[node], back.node_bias[node]) = by_affine(places.nodes[node]);
            }
        }
    }

    fn moments(&mut self) -> Moments {
        self.plan.moments(&self.parameters, self.batch, &mut self.workspace)
    }
}

impl<S: Scalar> Objective for NetworkObjective<'_, S> {
    fn dimension(&self) -> usize {
        self.network.parameter_count()
    }

    fn evaluate(&mut self, x: &[f64], gradient: &mut [f64]) -> f64 {
        self.load(x);
        let (mut penalty, mut strengths, mut lambda) = (None, 0.0, 0.0);
        if let Some((factor, regularisation)) = self.regularisation {
            let moments = self.moments();
            let rows = self.batch.rows();
            let (value, pulls) = regularisation.of_strengths(self.network, &self.layout, &moments, rows, factor);
            (penalty, strengths, lambda) = (Some(pulls), value, factor);
        }
        let loss = self.plan.loss_and_gradient(
            &self.parameters,
            self.batch,
            self.loss,
            penalty.as_ref(),
            &mut self.workspace,
            &mut self.plan_gradient,
        );
        for layer in &mut self.derivatives.layers {
            // Curves behind a mask of 0 are not part of the plan.
            for part in [&mut layer.coefficients, &mut layer.scale_base, &mut layer.scale_spline] {
                part.fill(0.0);
            }
        }
        self.chain();
        if let Some((factor, regularisation)) = self.regularisation {
            strengths += regularisation.of_coefficients(self.network, factor, &mut self.derivatives);
        }
        let mut rest = gradient;
        for layer in &self.derivatives.layers {
            for part in [&layer.coefficients, &layer.scale_base, &layer.scale_spline] {
                let (own, after) = rest.split_at_mut(part.len());
                own.copy_from_slice(part);
                rest = after;
            }
        }
        self.parts = (loss, strengths);
        loss + lambda * strengths
    }
}
