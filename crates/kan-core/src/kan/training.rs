//! Training a network: the schedule of grids, regularization and gates, and the optimizers.

use super::config::{KanConfig, Optimizer};
use super::engine::{CurvedMethod, Engine, TrainingObjective};
use super::network::Network;
use crate::fit::{ApproximatorError, FitObserver, FitProgress, FitReport, Loss, Samples};
use crate::graph::Input;
use crate::optimize::{Adam, Lbfgs, LevenbergMarquardt, Step, Vector};
use std::borrow::{Borrow, BorrowMut};

/// L-BFGS iterations and evaluations in one training step, and past steps that it remembers: pykan's numbers.
const ITERATIONS: usize = 20;
const EVALUATIONS: usize = 25;
const HISTORY: usize = 10;
/// Steps over which the grid updates are spread: pykan's `stop_grid_update_step`.
const GRID_UPDATE_STEPS: usize = 50;
/// Most trained numbers for which Levenberg-Marquardt is the automatic choice.
const LARGEST_CURVATURE: usize = 400;
/// Steps of L-BFGS that come first where no grid follows the data: from a random start Levenberg-Marquardt alone ends in
/// poorer optima there.
const FIRST_STEPS: usize = 2;

/// A network, what it is to learn, and how.
pub struct Training<'a> {
    pub(super) config: &'a KanConfig,
    pub(super) network: &'a mut Network,
    /// How samples' inputs become the network's.
    pub(super) transforms: &'a [Input],
    /// Standardized training inputs `[rows, inputs]`, for the grids.
    pub(super) inputs: &'a [f64],
    pub(super) train: Samples<'a>,
    pub(super) validation: Option<Samples<'a>>,
    pub(super) loss: &'a Loss,
}

/// Parts of a training; the best network is sought in the last one that was reached.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    /// No regularization yet.
    WarmUp,
    /// With it.
    Sparsify,
    /// Weak edges are gone, the others train on without it.
    Gated,
}

/// Vectors of an objective.
type Owned<O> = <<O as TrainingObjective>::Vector as ToOwned>::Owned;

enum Method<O: TrainingObjective> {
    Lbfgs(Lbfgs<O::Vector>),
    LevenbergMarquardt(Box<dyn CurvedMethod<O>>),
    Adam(Epochs<O>),
}

/// Adam over mini-batches.
struct Epochs<O: TrainingObjective> {
    adam: Adam<O::Vector>,
    x: Owned<O>,
    gradient: Owned<O>,
    value: f64,
    parts: Vec<(O::Batch, O::Workspace)>,
}

impl Training<'_> {
    /// How the network is trained.
    pub fn config(&self) -> &KanConfig {
        self.config
    }

    /// The same once more.
    pub(super) fn again(&mut self) -> Training<'_> {
        Training { network: self.network, ..*self }
    }

    /// What goes through the network in one evaluation of the loss: rows times curves.
    pub fn work(&self) -> f64 {
        let curves: usize = self.network.layers.iter().map(|layer| layer.mask.len()).sum();
        self.train.weights.len() as f64 * curves as f64
    }

    /// Trains the network on `engine`; leaves the best weights in it.
    ///
    /// # Errors
    /// [`ApproximatorError::Diverged`], and whatever the engine cannot do.
    pub fn run<E: Engine>(self, engine: &E, observer: &mut FitObserver<'_>) -> Result<FitReport, ApproximatorError> {
        let Self { config, network, transforms, inputs, train, validation, loss } = self;
        let (rows, outputs) = (train.weights.len(), network.outputs());
        let train = &engine.batch(transforms, outputs, train)?;
        let validation = validation.map(|samples| engine.batch(transforms, outputs, samples)).transpose()?;
        let validation = validation.as_ref();
        let steps = config.steps;
        let mut report =
            FitReport { steps: 0, train_loss: f64::INFINITY, validation_loss: None, cancelled: false, device: None };
        let mut best: Option<(f64, Network)> = None;
        let mut phase = None;
        let (mut step, mut since_best, mut stopped) = (0, 0, false);
        let mut damping = LevenbergMarquardt::FIRST_DAMPING;
        if config.grid_updates == 0 {
            network.spread_first_grid(inputs);
        }
        // One round for each grid and phase: what an optimizer remembers of others is of no use.
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
            let mut objective = engine.objective(network, train, loss)?;
            if phase == Some(Phase::Sparsify) {
                objective.set_regularization(config.lambda, config.regularization())?;
            }
            let mut workspace = validation.map(|batch| objective.workspace(batch)).transpose()?;
            let is_small = is_small(config, &objective);
            let optimizer = optimizer_at(config, is_small, step);
            let mut method = match optimizer {
                Optimizer::Adam => {
                    let parts = engine.split(train, config.rows_of_a_batch(rows))?;
                    Method::Adam(Epochs::start(config, &mut objective, parts)?)
                }
                Optimizer::Lbfgs => {
                    let start = objective.start()?;
                    Method::Lbfgs(Lbfgs::new(&mut objective, start, HISTORY))
                }
                Optimizer::Auto | Optimizer::LevenbergMarquardt => {
                    Method::LevenbergMarquardt(objective.levenberg_marquardt(damping)?)
                }
            };
            objective.check()?;
            if !method.value().is_finite() {
                let reason = format!("the loss is {} before step {}", method.value(), step + 1);
                return Err(ApproximatorError::Diverged { reason });
            }
            // The best point of the round, where its vectors are.
            let mut best_x: Option<(f64, Owned<E::Objective<'_>>)> = None;
            loop {
                method.step(&mut objective);
                step += 1;
                let x = method.x();
                // Without regularization the optimizer knows it already.
                let train_loss = if phase == Some(Phase::Sparsify) { objective.train_loss(x) } else { method.value() };
                let validation_loss =
                    validation.zip(workspace.as_mut()).map(|(batch, workspace)| objective.loss_on(x, batch, workspace));
                objective.check()?;
                let score = validation_loss.unwrap_or_else(|| method.value());
                report.steps = step;
                since_best += 1;
                let lowest = best_x.as_ref().map(|(score, _)| *score).or(best.as_ref().map(|(score, _)| *score));
                if lowest.is_none_or(|lowest| score < lowest) {
                    best_x = Some((score, x.to_owned()));
                    since_best = 0;
                    (report.train_loss, report.validation_loss) = (train_loss, validation_loss);
                }
                report.cancelled = observer(FitProgress { step, steps, train_loss, validation_loss }).is_break();
                stopped = validation.is_some() && config.patience > 0 && since_best >= config.patience;
                let ends = grid_update_at(config, step)
                    || phase != Some(phase_at(config, step))
                    || optimizer != optimizer_at(config, is_small, step);
                if step == steps || report.cancelled || stopped || ends {
                    break;
                }
            }
            if let Some((score, x)) = best_x {
                best = Some((score, objective.network_at(x.borrow())?.clone()));
            }
            objective.network_at(method.x())?;
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

/// Whether second derivatives can be had, and are cheap.
fn is_small<O: TrainingObjective>(config: &KanConfig, objective: &O) -> bool {
    O::IS_CURVED && config.lambda == 0.0 && objective.dimension() <= LARGEST_CURVATURE
}

/// What takes step `step`, never [`Optimizer::Auto`].
fn optimizer_at(config: &KanConfig, is_small: bool, step: usize) -> Optimizer {
    match config.optimizer {
        Optimizer::Auto if !is_small || (config.grid_updates == 0 && step < FIRST_STEPS) => Optimizer::Lbfgs,
        Optimizer::Auto => Optimizer::LevenbergMarquardt,
        chosen => chosen,
    }
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

impl<O: TrainingObjective> Epochs<O> {
    fn start(config: &KanConfig, objective: &mut O, batches: Vec<O::Batch>) -> Result<Self, ApproximatorError> {
        let x = objective.start()?;
        let mut gradient = x.borrow().zeros_like();
        let value = objective.evaluate(x.borrow(), gradient.borrow_mut());
        let mut parts = Vec::new();
        for part in batches {
            let workspace = objective.workspace(&part)?;
            parts.push((part, workspace));
        }
        Ok(Self { adam: Adam::new(x.borrow(), config.learning_rate), x, gradient, value, parts })
    }
}

impl<O: TrainingObjective> Method<O> {
    fn x(&self) -> &O::Vector {
        match self {
            Self::Lbfgs(lbfgs) => lbfgs.x(),
            Self::LevenbergMarquardt(method) => method.x(),
            Self::Adam(epochs) => epochs.x.borrow(),
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
    fn step(&mut self, objective: &mut O) {
        match self {
            Self::Lbfgs(lbfgs) => {
                let before = lbfgs.evaluations();
                for _ in 0..ITERATIONS {
                    if lbfgs.evaluations() - before >= EVALUATIONS || lbfgs.step(objective) == Step::Converged {
                        break;
                    }
                }
            }
            Self::LevenbergMarquardt(method) => method.step(objective),
            Self::Adam(epochs) => {
                let Epochs { adam, x, gradient, value, parts } = epochs;
                let (x, gradient): (&mut O::Vector, &mut O::Vector) = (x.borrow_mut(), gradient.borrow_mut());
                for (part, workspace) in parts {
                    objective.evaluate_on(x, part, workspace, gradient);
                    adam.step(x, gradient);
                }
                *value = objective.evaluate(x, gradient);
            }
        }
    }
}
