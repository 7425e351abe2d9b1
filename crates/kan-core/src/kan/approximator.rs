//! The KAN as a function approximator.

use super::config::KanConfig;
use super::network::{LayerShape, Network};
use super::objective::NetworkObjective;
use super::{file, standardisation};
use crate::approximator::{
    ApproximatorError, FitObserver, FitProgress, FitReport, FitTask, FunctionApproximator, Samples,
};
use crate::compute::Batch;
use crate::graph::{Input, UnivariateGraph};
use crate::optimize::{Lbfgs, Step};

/// L-BFGS iterations and evaluations in one training step, and past steps that it remembers: pykan's numbers.
const ITERATIONS: usize = 20;
const EVALUATIONS: usize = 25;
const HISTORY: usize = 10;
/// Steps over which the grid updates are spread: pykan's `stop_grid_update_step`.
const GRID_UPDATE_STEPS: usize = 50;

/// A Kolmogorov-Arnold network with the standardisation of its inputs.
#[derive(Clone, Debug)]
pub struct Kan {
    pub(super) config: KanConfig,
    /// Computes on standardised inputs.
    pub(super) network: Network,
    /// Mean and 1 / deviation of each input.
    pub(super) standardisation: Vec<(f64, f64)>,
}

impl Kan {
    /// An unfitted network; `config` is not checked here but by its `build`.
    pub fn new(config: KanConfig, inputs: usize, outputs: usize, seed: u64) -> Self {
        let network = Network::new(&shapes(&config, inputs, outputs), seed);
        Self { config, network, standardisation: vec![(0.0, 1.0); inputs] }
    }

    /// The network, which works on standardised inputs.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// The same function as a graph, standardisation included; importances are not computed.
    pub fn plain_graph(&self) -> UnivariateGraph {
        let mut graph = self.network.graph();
        for (input, (shift, scale)) in graph.inputs.iter_mut().zip(&self.standardisation) {
            (input.shift, input.scale) = (*shift, *scale);
        }
        graph
    }

    fn transforms(&self) -> Vec<Input> {
        let input = |(shift, scale): &(f64, f64)| Input { name: String::new(), shift: *shift, scale: *scale };
        self.standardisation.iter().map(input).collect()
    }

    fn standardised(&self, inputs: &[f64]) -> Vec<f64> {
        let each = |(value, (shift, scale)): (&f64, &(f64, f64))| scale * (value - shift);
        inputs.iter().zip(self.standardisation.iter().cycle()).map(each).collect()
    }
}

/// The layers that a configuration asks for.
pub(super) fn shapes(config: &KanConfig, inputs: usize, outputs: usize) -> Vec<LayerShape> {
    let mut shapes = Vec::new();
    let mut width = inputs;
    for layer in 0..=config.hidden.len() {
        let sums = config.hidden.get(layer).copied().unwrap_or(outputs);
        let products =
            vec![2; if layer < config.hidden.len() { config.products.get(layer).copied().unwrap_or(0) } else { 0 }];
        let next = sums + products.len();
        shapes.push(LayerShape {
            inputs: width,
            sums,
            products,
            grid: config.grid,
            degree: config.degree,
            base: config.base,
            noise: config.noise,
        });
        width = next;
    }
    shapes
}

impl FunctionApproximator for Kan {
    fn kind(&self) -> &'static str {
        "kan"
    }

    fn inputs(&self) -> usize {
        self.network.inputs()
    }

    fn outputs(&self) -> usize {
        self.network.outputs()
    }

    fn fit(&mut self, task: FitTask<'_>, observer: &mut FitObserver<'_>) -> Result<FitReport, ApproximatorError> {
        task.check(self.inputs(), self.outputs())?;
        self.standardisation = standardisation(task.train.inputs, self.inputs());
        let inputs = self.standardised(task.train.inputs);
        let transforms = self.transforms();
        let batch = Batch::<f64>::new(&transforms, self.outputs(), task.train);
        let validation = task.validation.map(|samples| Batch::<f64>::new(&transforms, self.outputs(), samples));
        let steps = self.config.steps;
        let interval = GRID_UPDATE_STEPS / self.config.grid_updates.max(1);
        let mut report = FitReport { steps: 0, train_loss: f64::INFINITY, validation_loss: None, cancelled: false };
        let mut best = self.network.clone();
        let mut step = 0;
        // One round for each grid: what the optimiser remembers of the old one is of no use.
        while step < steps && !report.cancelled {
            let updates = self.config.grid_updates > 0;
            if updates && step < GRID_UPDATE_STEPS {
                self.network.update_grid(&inputs, self.config.grid_even_share);
            }
            let end =
                if updates && step + interval.max(1) < GRID_UPDATE_STEPS { step + interval.max(1) } else { steps };
            let start = self.network.parameters();
            let mut objective = NetworkObjective::new(&mut self.network, &batch, task.loss);
            let mut workspace = validation.as_ref().map(|batch| objective.workspace(batch));
            let mut lbfgs = Lbfgs::new(&mut objective, start, HISTORY);
            if !lbfgs.value().is_finite() {
                return Err(ApproximatorError::Diverged {
                    reason: format!("the loss is {} at step {step}", lbfgs.value()),
                });
            }
            while step < end.min(steps) && !report.cancelled {
                let before = lbfgs.evaluations();
                for _ in 0..ITERATIONS {
                    if lbfgs.evaluations() - before >= EVALUATIONS || lbfgs.step(&mut objective) == Step::Converged {
                        break;
                    }
                }
                step += 1;
                let validation_loss = validation
                    .as_ref()
                    .zip(workspace.as_mut())
                    .map(|(batch, workspace)| objective.loss_on(lbfgs.x(), batch, workspace));
                let train_loss = lbfgs.value();
                let improved = match (validation_loss, report.validation_loss) {
                    (Some(new), Some(old)) => new < old,
                    (Some(_), None) => true,
                    (None, _) => train_loss <= report.train_loss,
                };
                report.steps = step;
                if improved {
                    objective.network().set_parameters(lbfgs.x());
                    best.clone_from(objective.network());
                    (report.train_loss, report.validation_loss) = (train_loss, validation_loss);
                }
                report.cancelled = observer(FitProgress { step, steps, train_loss, validation_loss }).is_break();
            }
            let x = lbfgs.x().to_vec();
            self.network.set_parameters(&x);
        }
        if report.steps > 0 {
            self.network = best;
        }
        Ok(report)
    }

    fn predict(&self, inputs: &[f64], outputs: &mut [f64]) {
        self.plain_graph().evaluate(inputs, outputs);
    }

    fn graph(&self, samples: Samples<'_>) -> Option<UnivariateGraph> {
        let mut graph = self.plain_graph();
        graph.set_importances(samples.inputs);
        Some(graph)
    }

    fn save(&self) -> Vec<u8> {
        file::write(self)
    }
}
