//! The KAN as a function approximator.

use super::config::{Device, KanConfig, Optimizer, Precision};
use super::device;
use super::engine::Cpu;
use super::file;
use super::network::Network;
use super::training::Training;
use crate::approximator::FunctionApproximator;
use crate::compute::CompiledGraph;
use crate::config::{ApproximatorConfig, BuildError, check_size};
use crate::fit::{ApproximatorError, FitObserver, FitReport, FitTask, Samples};
use crate::graph::{Input, UnivariateGraph};
use crate::standardize::standardization;
use rand_pcg::Pcg64;
use rand_pcg::rand_core::{Rng, SeedableRng};

/// Steps at most of a fit that goes on, and how many of them may bring nothing.
const FURTHER_STEPS: usize = 20;
const FURTHER_PATIENCE: usize = 6;

/// A Kolmogorov-Arnold network with the standardization of its inputs.
#[derive(Clone, Debug)]
pub struct Kan {
    config: KanConfig,
    /// Computes on standardized inputs.
    network: Network,
    /// Mean and 1 / deviation of each input.
    standardization: Vec<(f64, f64)>,
    compiled: Compiled,
    /// For the order of mini-batches.
    seed: u64,
}

impl Kan {
    /// An unfitted network; `config` is not checked here but by its `build`.
    pub fn new(config: KanConfig, inputs: usize, outputs: usize, seed: u64) -> Self {
        let network = Network::new(&config.shapes(inputs, outputs), seed);
        Self::from_parts(config, network, vec![(0.0, 1.0); inputs], seed)
    }

    fn from_parts(config: KanConfig, network: Network, standardization: Vec<(f64, f64)>, seed: u64) -> Self {
        let compiled = Compiled::new(&config, &network.graph());
        let mut kan = Self { config, network, standardization, compiled, seed };
        kan.compiled = Compiled::new(&kan.config, &kan.plain_graph());
        kan
    }

    /// Reads what [`FunctionApproximator::save`] wrote.
    ///
    /// # Errors
    /// [`ApproximatorError::BadModel`] for anything else.
    pub fn load(bytes: &[u8]) -> Result<Self, ApproximatorError> {
        let contents = file::read(bytes)?;
        // A seed only matters to a fit from the start.
        Ok(Self::from_parts(contents.config, contents.network, contents.standardization, 0))
    }

    /// How the next fit trains it; what `config` says about the network's shape is left out.
    pub fn set_training(&mut self, config: KanConfig) {
        let KanConfig { hidden, products, grid, degree, base, precision, .. } = self.config.clone();
        self.config = KanConfig { hidden, products, grid, degree, base, precision, ..config };
    }

    /// Gives every curve `grid` intervals, spread over what it sees on `inputs` `[rows, inputs]`, and refits the curves
    /// (pykan's `refine`).
    ///
    /// # Panics
    /// If the length does not fit or there is no row.
    pub fn refine(&mut self, grid: usize, inputs: &[f64]) {
        self.network = self.network.refined(grid, &self.standardized(inputs));
        self.config.grid = grid;
        self.compiled = Compiled::new(&self.config, &self.plain_graph());
    }

    /// The network, which works on standardized inputs.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// The same function as a graph, standardization included; importances are not computed.
    pub fn plain_graph(&self) -> UnivariateGraph {
        let mut graph = self.network.graph();
        for (input, (shift, scale)) in graph.inputs.iter_mut().zip(&self.standardization) {
            (input.shift, input.scale) = (*shift, *scale);
        }
        graph
    }

    /// Makes the network ready for batches after its weights have changed.
    fn compile(&mut self) {
        if self.config.precision == Precision::F32 {
            round_to_f32(&mut self.network);
        }
        self.compiled = Compiled::new(&self.config, &self.plain_graph());
    }

    fn transforms(&self) -> Vec<Input> {
        let input = |(shift, scale): &(f64, f64)| Input { name: String::new(), shift: *shift, scale: *scale };
        self.standardization.iter().map(input).collect()
    }

    fn standardized(&self, inputs: &[f64]) -> Vec<f64> {
        let each = |(value, (shift, scale)): (&f64, &(f64, f64))| scale * (value - shift);
        inputs.iter().zip(self.standardization.iter().cycle()).map(each).collect()
    }

    /// Trains the network where the config says, as `self.config` or another schedule has it.
    fn train(
        &mut self,
        config: &KanConfig,
        task: FitTask<'_>,
        observer: &mut FitObserver<'_>,
    ) -> Result<FitReport, ApproximatorError> {
        let inputs = self.standardized(task.train.inputs);
        let transforms = self.transforms();
        // Mini-batches are stretches of rows: without shuffling each would be a piece of one episode.
        let rows = task.train.weights.len();
        let shuffled = (config.optimizer == Optimizer::Adam && config.rows_of_a_batch(rows) < rows)
            .then(|| Shuffled::new(task.train, self.inputs(), self.outputs(), self.seed));
        let mut training = Training {
            config,
            network: &mut self.network,
            transforms: &transforms,
            inputs: &inputs,
            train: shuffled.as_ref().map_or(task.train, Shuffled::samples),
            validation: task.validation,
            loss: task.loss,
        };
        let failure = match config.device {
            Device::Cpu => None,
            Device::Gpu => {
                let device = device::registered()?;
                let name = device.name()?;
                let report = device.train(training, observer)?;
                return Ok(FitReport { device: Some(format!("trained on {name}")), ..report });
            }
            Device::Auto => match on_device_if_worth_it(&mut training, observer) {
                Ok(report) => return Ok(report),
                Err(reason) => Some(reason),
            },
        };
        let report = match config.precision {
            Precision::F32 => training.run(&Cpu::<f32>::default(), observer),
            Precision::F64 => training.run(&Cpu::<f64>::default(), observer),
        }?;
        Ok(FitReport { device: failure.map(|reason| format!("trained on the CPU: {reason}")), ..report })
    }
}

/// What [`Device::Auto`] does; where it should be the CPU, the error says why.
fn on_device_if_worth_it(training: &mut Training<'_>, observer: &mut FitObserver<'_>) -> Result<FitReport, String> {
    let before = training.network.clone();
    let try_it = |training: &mut Training<'_>, observer: &mut FitObserver<'_>| {
        if training.config.precision == Precision::F64 {
            return Err("precision = \"f64\" is only supported there".to_owned());
        }
        let text = |error: ApproximatorError| with_causes(&error);
        let device = device::registered().map_err(text)?;
        let name = device.name().map_err(text)?;
        if let Some(objection) = device.objection(training) {
            return Err(objection);
        }
        let report = device.train(training.again(), observer).map_err(text)?;
        Ok(FitReport { device: Some(format!("trained on {name}")), ..report })
    };
    try_it(training, observer).inspect_err(|reason| {
        tracing::info!("training on the CPU: {reason}");
        *training.network = before;
    })
}

/// An error with what is underneath it.
fn with_causes(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// The network, ready for batches.
#[derive(Clone, Debug)]
enum Compiled {
    F32(CompiledGraph<f32>),
    F64(CompiledGraph),
}

impl Compiled {
    fn new(config: &KanConfig, graph: &UnivariateGraph) -> Self {
        match config.precision {
            Precision::F32 => Self::F32(CompiledGraph::new(graph)),
            Precision::F64 => Self::F64(graph.compile()),
        }
    }
}

/// The weights that were trained in f32 are kept as such.
fn round_to_f32(network: &mut Network) {
    for layer in &mut network.layers {
        for part in [&mut layer.coefficients, &mut layer.scale_base] {
            part.iter_mut().for_each(|value| *value = f64::from(*value as f32));
        }
    }
}

/// Samples in random order.
struct Shuffled {
    inputs: Vec<f64>,
    targets: Vec<f64>,
    weights: Vec<f64>,
}

impl Shuffled {
    fn new(samples: Samples<'_>, width: usize, height: usize, seed: u64) -> Self {
        let mut order: Vec<usize> = (0..samples.weights.len()).collect();
        let mut random = Pcg64::seed_from_u64(seed);
        for last in (1..order.len()).rev() {
            order.swap(last, (random.next_u64() % (last as u64 + 1)) as usize);
        }
        let pick = |values: &[f64], width: usize| {
            order.iter().flat_map(|row| &values[row * width..(row + 1) * width]).copied().collect()
        };
        Self {
            inputs: pick(samples.inputs, width),
            targets: pick(samples.targets, height),
            weights: pick(samples.weights, 1),
        }
    }

    fn samples(&self) -> Samples<'_> {
        Samples { inputs: &self.inputs, targets: &self.targets, weights: &self.weights }
    }
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
        self.standardization = standardization(task.train.inputs, self.inputs());
        let report = self.train(&self.config.clone(), task, observer);
        self.compile();
        report
    }

    /// Inputs keep their scales; grids follow the new data once.
    fn fit_further(
        &mut self,
        task: FitTask<'_>,
        observer: &mut FitObserver<'_>,
    ) -> Result<FitReport, ApproximatorError> {
        task.check(self.inputs(), self.outputs())?;
        let schedule = KanConfig {
            steps: self.config.steps.min(FURTHER_STEPS),
            patience: self.config.patience.min(FURTHER_PATIENCE),
            grid_updates: self.config.grid_updates.min(1),
            ..self.config.clone()
        };
        let report = self.train(&schedule, task, observer);
        self.compile();
        report
    }

    fn predict(&self, inputs: &[f64], outputs: &mut [f64]) {
        match &self.compiled {
            Compiled::F32(graph) => graph.evaluate(inputs, outputs),
            Compiled::F64(graph) => graph.evaluate(inputs, outputs),
        }
    }

    fn graph(&self, samples: Samples<'_>) -> Option<UnivariateGraph> {
        let mut graph = self.plain_graph();
        graph.set_importances(samples.inputs);
        Some(graph)
    }

    fn save(&self) -> Vec<u8> {
        file::write(&self.config, &self.network, &self.standardization)
    }
}

#[typetag::serde(name = "kan")]
impl ApproximatorConfig for KanConfig {
    fn build(&self, inputs: usize, outputs: usize, seed: u64) -> Result<Box<dyn FunctionApproximator>, BuildError> {
        let error = |reason: String| BuildError { component: "approximator", reason, source: None };
        if let Some(problem) = self.problem() {
            return Err(error(problem));
        }
        if inputs == 0 || outputs == 0 {
            return Err(error(format!("a network of {inputs} inputs and {outputs} outputs computes nothing")));
        }
        // A product node has two subnodes.
        let products = self.products.iter().map(|count| count.saturating_mul(2)).chain(std::iter::repeat(0));
        let mut widths = vec![inputs];
        widths.extend(self.hidden.iter().zip(products).map(|(sums, products)| sums.saturating_add(products)));
        widths.push(outputs);
        check_size(&widths, self.grid.saturating_add(self.degree + 1))?;
        Ok(Box::new(Kan::new(self.clone(), inputs, outputs, seed)))
    }

    fn load(&self, bytes: &[u8]) -> Result<Box<dyn FunctionApproximator>, BuildError> {
        let kan = Kan::load(bytes).map_err(|error| BuildError {
            component: "approximator",
            reason: "the weights cannot be read".into(),
            source: Some(Box::new(error)),
        })?;
        Ok(Box::new(kan))
    }
}

#[cfg(test)]
mod tests {
    use super::KanConfig;
    use crate::config::ApproximatorConfig;

    #[test]
    fn what_does_not_fit_into_memory_is_refused() {
        let refused = |config: KanConfig| config.build(4, 1, 0).err().expect("too large").to_string();
        let message = refused(KanConfig { hidden: vec![1_000_000], ..KanConfig::default() });
        assert_eq!(
            message,
            "cannot build the approximator: layers of [4, 1000000, 1] have 45000000 parameters; at most 16777216 can be fitted"
        );
        refused(KanConfig { hidden: vec![usize::MAX, usize::MAX], ..KanConfig::default() });
        refused(KanConfig { grid: usize::MAX, ..KanConfig::default() });
        refused(KanConfig { products: vec![usize::MAX], ..KanConfig::default() });
    }
}
