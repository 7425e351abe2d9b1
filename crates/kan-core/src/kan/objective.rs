//! A network's loss as a function of what is trained.

use super::network::{Layout, Network};
use super::regularization::Regularization;
use crate::compute::{Batch, CurvatureWorkspace, EdgeSlot, Plan, Scalar, Workspace};
use crate::fit::Loss;
use crate::optimize::{CurvedObjective, Objective};
use nalgebra::DMatrix;

/// The loss of a network on a batch, plus its regularization, as a function of what is trained: coefficients and factors
/// of the base function of all curves that no mask hides. (pykan trains the splines' factors too; only their product with
/// the coefficients matters.) Computes in `S`.
pub struct NetworkObjective<'a, S> {
    network: &'a mut Network,
    /// Derivatives of the last evaluation by everything that a network has, in a network's form.
    derivatives: Network,
    plan: Plan<S>,
    layout: Layout,
    trained: Vec<Trained>,
    /// The plan's parameters, in f64 and in `S`.
    wide: Vec<f64>,
    parameters: Vec<S>,
    plan_gradient: Vec<f64>,
    batch: &'a Batch<S>,
    workspace: Workspace<S>,
    curvature: Option<(CurvatureWorkspace<S>, DMatrix<f64>)>,
    loss: &'a Loss,
    regularization: Option<(f64, Regularization)>,
    /// Loss and regularization of the last evaluation.
    parts: (f64, f64),
}

/// A trained number.
#[derive(Clone, Copy, Debug)]
struct Trained {
    layer: usize,
    /// Index among the layer's coefficients, or its factors of the base function.
    index: usize,
    is_base: bool,
    /// Its place in the plan, and what it is multiplied by there.
    slot: usize,
    factor: f64,
}

impl<'a, S: Scalar> NetworkObjective<'a, S> {
    /// Compiles the network for `batch`.
    pub fn new(network: &'a mut Network, batch: &'a Batch<S>, loss: &'a Loss) -> Self {
        let (graph, layout) = network.graph_and_layout();
        let plan = Plan::new(&graph);
        let wide = plan.load(&graph);
        let workspace = Workspace::new(&plan, batch);
        Self {
            trained: trained(network, &layout, &plan),
            derivatives: network.clone(),
            network,
            layout,
            parameters: vec![S::ZERO; wide.len()],
            plan_gradient: vec![0.0; wide.len()],
            plan,
            wide,
            batch,
            workspace,
            curvature: None,
            loss,
            regularization: None,
            parts: (0.0, 0.0),
        }
    }

    /// Adds `lambda` times a regularization to the loss from now on; a `lambda` of 0 takes it away.
    pub fn set_regularization(&mut self, lambda: f64, regularization: Regularization) {
        self.regularization = (lambda != 0.0).then_some((lambda, regularization));
    }

    /// What is trained, as it is in the network.
    pub fn start(&self) -> Vec<f64> {
        let value = |trained: &Trained| {
            let layer = &self.network.layers[trained.layer];
            if trained.is_base { layer.scale_base[trained.index] } else { layer.coefficients[trained.index] }
        };
        self.trained.iter().map(value).collect()
    }

    /// The network with `x` in it.
    ///
    /// # Panics
    /// If there are more or fewer numbers than [`Objective::dimension`].
    pub fn network_at(&mut self, x: &[f64]) -> &Network {
        self.load(x);
        self.network
    }

    /// Derivatives of the last evaluation by coefficients, factors, affines and named functions' a, b, c, d, each where
    /// the network has the number itself (masks and knots have none).
    pub fn derivatives(&self) -> &Network {
        &self.derivatives
    }

    /// Loss and regularization (before λ) of the last evaluation.
    pub fn parts(&self) -> (f64, f64) {
        self.parts
    }

    /// The loss with parameters `x`, without regularization.
    pub fn train_loss(&mut self, x: &[f64]) -> f64 {
        let mut workspace = std::mem::take(&mut self.workspace);
        let value = self.loss_on(x, self.batch, &mut workspace);
        self.workspace = workspace;
        value
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
        assert_eq!(x.len(), self.trained.len(), "another number of parameters");
        for (trained, x) in self.trained.iter().zip(x) {
            let layer = &mut self.network.layers[trained.layer];
            let own = if trained.is_base { &mut layer.scale_base } else { &mut layer.coefficients };
            own[trained.index] = *x;
            self.wide[trained.slot] = trained.factor * x;
        }
        for (parameter, wide) in self.parameters.iter_mut().zip(&self.wide) {
            *parameter = S::from_f64(*wide);
        }
    }

    /// From the plan's gradient to the network's, by the chain rule.
    fn chain(&mut self) {
        for layer in &mut self.derivatives.layers {
            // Curves behind a mask of 0 are not part of the plan.
            for part in [&mut layer.coefficients, &mut layer.scale_base, &mut layer.scale_spline] {
                part.fill(0.0);
            }
        }
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
            let slot = self.plan.node_slot(node).expect("a layer's nodes are not inputs");
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

    /// [`Objective::evaluate`] on another batch, with room made by [`Self::workspace`] for it.
    pub fn evaluate_on(
        &mut self,
        x: &[f64],
        batch: &Batch<S>,
        workspace: &mut Workspace<S>,
        gradient: &mut [f64],
    ) -> f64 {
        self.load(x);
        let (mut penalty, mut strengths, mut lambda) = (None, 0.0, 0.0);
        if let Some((factor, regularization)) = self.regularization {
            let moments = self.plan.moments(&self.parameters, batch, workspace);
            let (value, pulls) =
                regularization.of_strengths(self.network, &self.layout, &moments, batch.rows(), factor);
            (penalty, strengths, lambda) = (Some(pulls), value, factor);
        }
        let loss = self.plan.loss_and_gradient(
            &self.parameters,
            batch,
            self.loss,
            penalty.as_ref(),
            workspace,
            &mut self.plan_gradient,
        );
        self.chain();
        if let Some((factor, regularization)) = self.regularization {
            strengths += regularization.of_coefficients(self.network, factor, &mut self.derivatives);
        }
        for (trained, gradient) in self.trained.iter().zip(gradient) {
            let layer = &self.derivatives.layers[trained.layer];
            *gradient =
                if trained.is_base { layer.scale_base[trained.index] } else { layer.coefficients[trained.index] };
        }
        self.parts = (loss, strengths);
        loss + lambda * strengths
    }
}

impl<S: Scalar> Objective for NetworkObjective<'_, S> {
    fn dimension(&self) -> usize {
        self.trained.len()
    }

    fn evaluate(&mut self, x: &[f64], gradient: &mut [f64]) -> f64 {
        let mut workspace = std::mem::take(&mut self.workspace);
        let value = self.evaluate_on(x, self.batch, &mut workspace, gradient);
        self.workspace = workspace;
        value
    }
}

impl<S: Scalar> CurvedObjective for NetworkObjective<'_, S> {
    /// The regularization has no part in it.
    fn curvature(&mut self, x: &[f64], curvature: &mut DMatrix<f64>) {
        self.load(x);
        let count = self.plan.parameters();
        let (workspace, whole) =
            self.curvature.get_or_insert_with(|| (CurvatureWorkspace::new(&self.plan), DMatrix::zeros(count, count)));
        self.plan.gauss_newton(&self.parameters, self.batch, self.loss, workspace, whole);
        for (row, own) in self.trained.iter().enumerate() {
            for (column, other) in self.trained.iter().enumerate() {
                curvature[(row, column)] = own.factor * other.factor * whole[(own.slot, other.slot)];
            }
        }
    }
}

fn trained<S: Scalar>(network: &Network, layout: &Layout, plan: &Plan<S>) -> Vec<Trained> {
    let mut trained = Vec::new();
    for (edge, origin) in layout.origins.iter().enumerate() {
        let Some((layer_index, input, subnode)) = *origin else { continue };
        let EdgeSlot::Spline { first, stride, basis, base } = plan.edge_slot(edge) else { continue };
        let layer = &network.layers[layer_index];
        let own = input * layer.subnodes() + subnode;
        let (mask, scale) = (layer.mask[own], layer.scale_spline[own]);
        trained.extend((0..basis).map(|offset| Trained {
            layer: layer_index,
            index: own * basis + offset,
            is_base: false,
            slot: first + offset * stride,
            factor: mask * scale,
        }));
        if base {
            let slot = first + basis * stride;
            trained.push(Trained { layer: layer_index, index: own, is_base: true, slot, factor: mask });
        }
    }
    trained
}
