//! Training a network: the schedule of grids, regularisation and gates, and the optimisers.

use super::config::{KanConfig, Optimizer};
use super::network::Network;
use super::objective::NetworkObjective;
use crate::approximator::{ApproximatorError, FitObserver, FitProgress, FitReport, Loss};
use crate::compute::{Batch, Scalar, Workspace};
use crate::optimize::{Adam, Lbfgs, LevenbergMarquardt, Objective, Step};

/// L-BFGS iterations and evaluations in one training step, and past steps that it remembers: pykan's numbers.
const ITERATIONS: usize = 20;
const EVALUATIONS: usize = 25;
const HISTORY: usize = 10;
/// Steps over which the grid updates are spread: pykan's `stop_grid_update_step`.
const GRID_UPDATE_STEPS: usize = 50;
/// Most trained numbers for which Levenberg-Marquardt is the automatic choice.
const LARGEST_CURVATURE: usize = 400;

/// What a training works on.
pub(super) struct Training<'a, S> {
    pub config: &'a KanConfig,
    pub network: &'a mut Network,
    /// Standardised training inputs `[rows, inputs]`, for the grids.
    pub inputs: &'a [f64],
    pub train: &'a Batch<S>,
    pub validation: Option<&'a Batch<S>>,
    pub loss: &'a Loss,
}

/// Parts of a training; the best network is sought in the last one that was reached.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    /// No regularisation yet.
    WarmUp,
    /// With it.
    Sparsify,
    /// Weak edges are gone, the others train on without it.
    Gated,
}

enum Method<S> {
    Lbfgs(Lbfgs),
    LevenbergMarquardt(LevenbergMarquardt),
    Adam(Epochs<S>),
}

/// Adam over mini-batches.
struct Epochs<S> {
    adam: Adam,
    x: Vec<f64>,
    gradient: Vec<f64>,
    value: f64,
    parts: Vec<Batch<S>>,
    workspaces: Vec<Workspace<S>>,
}

impl<S: Scalar> Training<'_, S> {
    /// Trains the network; leaves the best weights in it.
    pub fn run(self, observer: &mut FitObserver<'_>) -> Result<FitReport, ApproximatorError> {
        let Self { config, network, inputs, train, validation, loss } = self;
        let steps = config.steps;
        let mut report = FitReport { steps: 0, train_loss: f64::INFINITY, validation_loss: None, cancelled: false };
        let mut best: Option<(f64, Network)> = None;
        let mut phase = None;
        let (mut step, mut since_best, mut stopped) = (0, 0, false);
        let mut damping = LevenbergMarquardt::FIRST_DAMPING;
        if config.grid_updates == 0 {
            network.spread_first_grid(inputs);
        }
        // One round for each grid and phase: what an optimiser remembers of others is of no use.
        while step < steps && !report.cancelled && !stopped {
            if phase != Some(phase_at(config, step)) {
                phase = Some(phase_at(config, step));
                (best, since_best) = (None, 0);
                if phase == Some(Phase::Gated) {
                    gate(network, inputs, config.gate);
                }
            }
            if grid_update_at(config, step) {
                network.update_grid(inputs, config.grid_even_share);
            }
            let mut objective = NetworkObjective::new(network, train, loss);
            if phase == Some(Phase::Sparsify) {
                objective.set_regularisation(config.lambda, config.regularisation());
            }
            let mut workspace = validation.map(|batch| objective.workspace(batch));
            let mut method = Method::start(config, &mut objective, train, damping);
            if !method.value().is_finite() {
                let reason = format!("the loss is {} before step {}", method.value(), step + 1);
                return Err(ApproximatorError::Diverged { reason });
            }
            loop {
                method.step(&mut objective);
                step += 1;
                let x = method.x();
                // Without regularisation the optimiser knows it already.
                let train_loss = if phase == Some(Phase::Sparsify) { objective.train_loss(x) } else { method.value() };
                let validation_loss =
                    validation.zip(workspace.as_mut()).map(|(batch, workspace)| objective.loss_on(x, batch, workspace));
                let score = validation_loss.unwrap_or_else(|| method.value());
                report.steps = step;
                since_best += 1;
                if best.as_ref().is_none_or(|(lowest, _)| score < *lowest) {
                    best = Some((score, objective.network_at(method.x()).clone()));
                    since_best = 0;
                    (report.train_loss, report.validation_loss) = (train_loss, validation_loss);
                }
                report.cancelled = observer(FitProgress { step, steps, train_loss, validation_loss }).is_break();
                stopped = validation.is_some() && config.patience > 0 && since_best >= config.patience;
                let ends = grid_update_at(config, step) || phase != Some(phase_at(config, step));
                if step == steps || report.cancelled || stopped || ends {
                    break;
                }
            }
            objective.network_at(method.x());
            if let Method::LevenbergMarquardt(method) = &method {
                // A new grid changes little of how far the model can be trusted.
                damping = method.damping().min(LevenbergMarquardt::FIRST_DAMPING);
            }
        }
        if let Some((_, best)) = best {
            *network = best;
        }
        Ok(report)
    }
}

fn phase_at(config: &KanConfig, step: usize) -> Phase {
    let share = step as f64 / config.steps as f64;
    if config.lambda == 0.0 || share < config.warm_up {
        Phase::WarmUp
    } else if config.gate > 0.0 && share >= config.gate_at {
        Phase::Gated
    } else {
        Phase::Sparsify
    }
}

fn grid_update_at(config: &KanConfig, step: usize) -> bool {
    let interval = (GRID_UPDATE_STEPS / config.grid_updates.max(1)).max(1);
    config.grid_updates > 0 && step < GRID_UPDATE_STEPS && step < config.steps && step.is_multiple_of(interval)
}

/// Hides the edges whose attribution score is not above `threshold`, but never the strongest of a sum.
fn gate(network: &mut Network, inputs: &[f64], threshold: f64) {
    let (graph, layout) = network.graph_and_layout();
    let scores = graph.importances(inputs).edges;
    for (edge, origin) in layout.origins.iter().enumerate() {
        let Some((layer, input, subnode)) = *origin else { continue };
        let own = |other: &usize| graph.edges[*other].target == graph.edges[edge].target;
        let strongest = (0..graph.edges.len()).filter(own).max_by(|a, b| scores[*a].total_cmp(&scores[*b]));
        if scores[edge] <= threshold && strongest != Some(edge) {
            let layer = &mut network.layers[layer];
            let index = input * layer.subnodes() + subnode;
            layer.mask[index] = 0.0;
        }
    }
}

impl<S: Scalar> Method<S> {
    fn start(config: &KanConfig, objective: &mut NetworkObjective<'_, S>, train: &Batch<S>, damping: f64) -> Self {
        let start = objective.start();
        let curved = config.lambda == 0.0 && start.len() <= LARGEST_CURVATURE;
        let optimizer = match config.optimizer {
            Optimizer::Auto if curved => Optimizer::LevenbergMarquardt,
            Optimizer::Auto => Optimizer::Lbfgs,
            chosen => chosen,
        };
        match optimizer {
            Optimizer::Auto | Optimizer::LevenbergMarquardt => {
                Self::LevenbergMarquardt(LevenbergMarquardt::new(objective, start, damping))
            }
            Optimizer::Lbfgs => Self::Lbfgs(Lbfgs::new(objective, start, HISTORY)),
            Optimizer::Adam => {
                let mut gradient = vec![0.0; start.len()];
                let value = objective.evaluate(&start, &mut gradient);
                let parts = train.split(if config.batch_rows == 0 { train.rows() } else { config.batch_rows });
                let workspaces = parts.iter().map(|part| objective.workspace(part)).collect();
                let adam = Adam::new(start.len(), config.learning_rate);
                Self::Adam(Epochs { adam, x: start, gradient, value, parts, workspaces })
            }
        }
    }

    fn x(&self) -> &[f64] {
        match self {
            Self::Lbfgs(lbfgs) => lbfgs.x(),
            Self::LevenbergMarquardt(method) => method.x(),
            Self::Adam(epochs) => &epochs.x,
        }
    }

    fn value(&self) -> f64 {
        match self {
            Self::Lbfgs(lbfgs) => lbfgs.value(),
            Self::LevenbergMarquardt(method) => method.value(),
            Self::Adam(epochs) => epochs.value,
        }
    }

    /// One training step.
    fn step(&mut self, objective: &mut NetworkObjective<'_, S>) {
        match self {
            Self::Lbfgs(lbfgs) => {
                let before = lbfgs.evaluations();
                for _ in 0..ITERATIONS {
                    if lbfgs.evaluations() - before >= EVALUATIONS || lbfgs.step(objective) == Step::Converged {
                        break;
                    }
                }
            }
            Self::LevenbergMarquardt(method) => {
                method.step(objective);
            }
            Self::Adam(Epochs { adam, x, gradient, value, parts, workspaces }) => {
                for (part, workspace) in parts.iter().zip(workspaces) {
                    objective.evaluate_on(x, part, workspace, gradient);
                    adam.step(x, gradient);
                }
                *value = objective.evaluate(x, gradient);
            }
        }
    }
}
