//! Kolmogorov-Arnold networks for `kanrl.KAN` and scikit-learn's estimators.

use crate::errors;
use crate::naming;
use crate::observations::{matrix, numbers};
use crate::policy::Policy;
use crate::pykan;
use crate::work::cancellable;
use kanrl_core::action::ActionRule;
use kanrl_core::approximator::{FitTask, FunctionApproximator, Loss, Samples};
use kanrl_core::config::ApproximatorConfig;
use kanrl_core::function::{SampledCurve, SymbolicLibrary};
use kanrl_core::graph::{EdgeFunction, PruneThresholds, UnivariateGraph, diagram};
use kanrl_core::kan::{self, Kan, KanConfig};
use kanrl_symbolic::library::DefaultLibraryConfig;
use kanrl_symbolic::{Formula, Output, graph_expressions};
use pyo3::exceptions::PyKeyboardInterrupt;
use pyo3::prelude::*;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::atomic::Ordering;

/// A network: splines while it is trained, a graph of splines and named functions after it was pruned or named.
#[pyclass(module = "kanrl._kanrl")]
pub struct Network {
    inputs: usize,
    outputs: usize,
    seed: u64,
    body: Body,
    /// What it was last trained on: for attribution, naming and diagrams. Of a network that was not, the inputs that it has
    /// seen.
    rows: Rows,
}

enum Body {
    Kan(Box<Kan>),
    Graph(UnivariateGraph),
}

#[derive(Clone, Default)]
struct Rows {
    inputs: Vec<f64>,
    targets: Vec<f64>,
    weights: Vec<f64>,
}

impl Rows {
    fn samples(&self) -> Samples<'_> {
        Samples { inputs: &self.inputs, targets: &self.targets, weights: &self.weights }
    }
}

/// One edge: source and target as (layer, place in it), name of its function (none for a spline), importance.
type EdgeRow = ((usize, usize), (usize, usize), Option<String>, f64);
/// One function for an edge: name, coefficient of determination, complexity, and a, b, c, d.
type Suggestion = (String, f64, f64, (f64, f64, f64, f64));

impl Network {
    fn graph(&self) -> PyResult<UnivariateGraph> {
        match &self.body {
            Body::Graph(graph) => Ok(graph.clone()),
            Body::Kan(kan) => {
                self.has_seen()?;
                let mut graph = kan.plain_graph();
                graph.set_importances(&self.rows.inputs);
                Ok(graph)
            }
        }
    }

    fn has_seen(&self) -> PyResult<()> {
        match self.rows.inputs.is_empty() {
            true => Err(errors::input_with_help("the network has not been trained", "call fit first")),
            false => Ok(()),
        }
    }

    fn is_trained(&self) -> PyResult<()> {
        match self.rows.weights.is_empty() {
            true => Err(errors::input_with_help("the network has not been trained", "call fit first")),
            false => Ok(()),
        }
    }

    fn with_graph(&self, graph: UnivariateGraph) -> Self {
        let Self { inputs, outputs, seed, .. } = *self;
        Self { inputs, outputs, seed, body: Body::Graph(graph), rows: self.rows.clone() }
    }

    fn edge(graph: &UnivariateGraph, layer: usize, source: usize, target: usize) -> PyResult<usize> {
        let places = places(graph);
        let find = |edge: &kanrl_core::graph::Edge| {
            places[edge.source] == (layer, source) && places[edge.target] == (layer + 1, target)
        };
        graph.edges.iter().position(find).ok_or_else(|| {
            let message = format!("no edge leads from node {source} of layer {layer} to node {target} of the next");
            errors::input_with_help(message, "it may have been pruned; see `edges`")
        })
    }

    fn curve(&self, graph: &UnivariateGraph, edge: usize) -> SampledCurve {
        graph.sampled_curves(&self.rows.inputs).swap_remove(edge)
    }
}

/// Layer of each node, and its place in it.
fn places(graph: &UnivariateGraph) -> Vec<(usize, usize)> {
    let mut layers = vec![0; graph.nodes.len()];
    for edge in &graph.edges {
        layers[edge.target] = layers[edge.target].max(layers[edge.source] + 1);
    }
    let mut counts = vec![0; graph.nodes.len() + 1];
    let place = |layer: &usize| {
        counts[*layer] += 1;
        (*layer, counts[*layer] - 1)
    };
    layers.iter().map(place).collect()
}

fn library(functions: Option<Vec<String>>, simplicity: Option<f64>) -> PyResult<kanrl_symbolic::library::Library> {
    let mut config = DefaultLibraryConfig::default();
    if let Some(functions) = functions {
        config.functions = functions;
    }
    if let Some(simplicity) = simplicity {
        config.simplicity = simplicity;
    }
    config.library().map_err(errors::input)
}

fn table(given: &Bound<'_, PyAny>, width: usize, what: &str) -> PyResult<Vec<f64>> {
    let (values, shape) = numbers(given)?;
    let fits = matches!(shape[..], [_, columns] if columns == width) || (width == 1 && shape.len() == 1);
    if fits {
        return Ok(values);
    }
    let message = format!("the {what} have the shape {shape:?}, expected [rows, {width}]");
    Err(errors::input_with_help(message, "one row for each sample"))
}

#[pymethods]
impl Network {
    /// An untrained one; `config` is JSON, as in a run's `[approximator]`.
    #[new]
    fn new(config: &str, inputs: usize, outputs: usize, seed: u64) -> PyResult<Self> {
        let config: KanConfig = serde_json::from_str(config).map_err(errors::input)?;
        // What is built there is checked there.
        config.build(inputs, outputs, seed).map_err(errors::input)?;
        let body = Body::Kan(Box::new(Kan::new(config, inputs, outputs, seed)));
        Ok(Self { inputs, outputs, seed, body, rows: Rows::default() })
    }

    /// Trains it; the losses after each step on the training rows and, where there are any, on the others.
    #[pyo3(signature = (config, inputs, targets, test_inputs=None, test_targets=None, *, steps=50, classes=false))]
    #[expect(clippy::too_many_arguments, reason = "a private function with keyword arguments")]
    fn fit(
        &mut self,
        py: Python<'_>,
        config: &str,
        inputs: &Bound<'_, PyAny>,
        targets: &Bound<'_, PyAny>,
        test_inputs: Option<&Bound<'_, PyAny>>,
        test_targets: Option<&Bound<'_, PyAny>>,
        steps: usize,
        classes: bool,
    ) -> PyResult<(Vec<f64>, Vec<f64>)> {
        let rows = |inputs: &Bound<'_, PyAny>, targets: &Bound<'_, PyAny>| -> PyResult<Rows> {
            let (inputs, targets) = (table(inputs, self.inputs, "inputs")?, table(targets, self.outputs, "targets")?);
            let weights = vec![1.0; targets.len() / self.outputs];
            Ok(Rows { inputs, targets, weights })
        };
        let train = rows(inputs, targets)?;
        let test = test_inputs.zip(test_targets).map(|(inputs, targets)| rows(inputs, targets)).transpose()?;
        let loss = if classes { Loss::CrossEntropy } else { Loss::MeanSquared };
        if let Body::Kan(kan) = &mut self.body {
            let training: KanConfig = serde_json::from_str(config).map_err(errors::input)?;
            training.build(self.inputs, self.outputs, self.seed).map_err(errors::input)?;
            kan.set_training(training);
        }
        let mut losses = (Vec::new(), Vec::new());
        let body = &mut self.body;
        let result = cancellable(py, |cancelled| {
            // Without validation rows in the task: the weights that are kept are those of the last step, as in pykan.
            let task = FitTask { train: train.samples(), validation: None, loss: &loss };
            let mut observer = |progress: kanrl_core::approximator::FitProgress| {
                losses.0.push(progress.train_loss);
                if cancelled.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            };
            match body {
                Body::Kan(kan) => kan.fit(task, &mut observer),
                Body::Graph(graph) => graph.refit(task, steps, &mut observer),
            }
        });
        self.rows = train;
        result?.map_err(errors::run)?;
        if let Some(test) = test {
            let predicted = self.outputs_of(&test.inputs);
            let mut gradient = vec![0.0; self.outputs];
            let rows = predicted.chunks_exact(self.outputs).zip(test.targets.chunks_exact(self.outputs));
            let sum: f64 = rows.map(|(own, wanted)| loss.row(own, wanted, &mut gradient)).sum();
            losses.1.push(sum / test.weights.len().max(1) as f64);
        }
        Ok(losses)
    }

    /// Gives every curve so many intervals.
    fn refine(&mut self, grid: usize) -> PyResult<()> {
        self.has_seen()?;
        if grid == 0 {
            return Err(errors::input_with_help("a grid of 0 intervals", "give at least 1"));
        }
        match &mut self.body {
            Body::Kan(kan) => kan.refine(grid, &self.rows.inputs),
            Body::Graph(graph) => {
                let network = kan::Network::from_graph(graph).map_err(errors::run)?;
                let values = graph.node_values(&self.rows.inputs);
                let columns = &values[..graph.inputs.len()];
                let rows = (0..columns[0].len()).flat_map(|row| columns.iter().map(move |column| column[row]));
                let inputs = std::mem::take(&mut graph.inputs);
                *graph = network.refined(grid, &rows.collect::<Vec<_>>()).graph();
                graph.inputs = inputs;
            }
        }
        Ok(())
    }

    /// Keeps inputs that a network that was not trained has seen, for attribution and diagrams.
    fn look_at(&mut self, inputs: &Bound<'_, PyAny>) -> PyResult<()> {
        if self.rows.weights.is_empty() {
            self.rows.inputs = table(inputs, self.inputs, "inputs")?;
        }
        Ok(())
    }

    /// A network of pykan's: `config` is JSON, as [`pykan::Config`] has it, and `state` the checkpoint's file `…_state`.
    #[staticmethod]
    fn of_pykan(config: &str, state: PathBuf) -> PyResult<Self> {
        let config: pykan::Config = serde_json::from_str(config).map_err(errors::input)?;
        let graph = pykan::graph(&config, &state)?;
        let (inputs, outputs) = (graph.inputs.len(), graph.outputs.len());
        Ok(Self { inputs, outputs, seed: 0, body: Body::Graph(graph), rows: Rows::default() })
    }

    /// Outputs `[rows, outputs]` for inputs `[rows, inputs]`.
    fn predict<'py>(&self, py: Python<'py>, inputs: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let inputs = table(inputs, self.inputs, "inputs")?;
        let outputs = py.detach(|| self.outputs_of(&inputs));
        Ok(matrix(py, outputs, self.outputs))
    }

    /// The network without what matters little: scores up to a threshold go, of hidden nodes first, then of edges, then of
    /// inputs.
    fn prune(&self, node: f64, edge: f64, input: f64) -> PyResult<Self> {
        self.has_seen()?;
        let graph = self.graph()?.prune(&self.rows.inputs, &PruneThresholds { node, edge, input });
        Ok(self.with_graph(graph.map_err(errors::run)?))
    }

    /// The network without one edge.
    fn without_edge(&self, layer: usize, source: usize, target: usize) -> PyResult<Self> {
        let graph = self.graph()?;
        let edge = Self::edge(&graph, layer, source, target)?;
        Ok(self.with_graph(graph.without_edge(edge).map_err(errors::run)?))
    }

    /// Number of outputs.
    #[getter]
    fn output_count(&self) -> usize {
        self.outputs
    }

    /// Nodes of each layer.
    fn widths(&self) -> PyResult<Vec<usize>> {
        let places = places(&self.graph()?);
        let last = places.iter().map(|(layer, _)| *layer).max().unwrap_or(0);
        Ok((0..=last).map(|layer| places.iter().filter(|place| place.0 == layer).count()).collect())
    }

    /// All edges.
    fn edges(&self) -> PyResult<Vec<EdgeRow>> {
        let mut graph = self.graph()?;
        if !self.rows.inputs.is_empty() {
            graph.set_importances(&self.rows.inputs);
        }
        let places = places(&graph);
        let row = |edge: &kanrl_core::graph::Edge| {
            let name = match &edge.function {
                EdgeFunction::Spline(_) => None,
                EdgeFunction::Symbolic(named) => Some(named.function.name().to_owned()),
            };
            (places[edge.source], places[edge.target], name, edge.importance)
        };
        Ok(graph.edges.iter().map(row).collect())
    }

    /// Attribution scores of the inputs.
    fn input_scores(&self) -> PyResult<Vec<f64>> {
        self.has_seen()?;
        let mut scores = self.graph()?.importances(&self.rows.inputs).nodes;
        scores.truncate(self.inputs);
        Ok(scores)
    }

    /// Functions for an edge, best first.
    #[pyo3(signature = (layer, source, target, functions=None, simplicity=None))]
    fn suggest(
        &self,
        layer: usize,
        source: usize,
        target: usize,
        functions: Option<Vec<String>>,
        simplicity: Option<f64>,
    ) -> PyResult<Vec<Suggestion>> {
        self.has_seen()?;
        let graph = self.graph()?;
        let curve = self.curve(&graph, Self::edge(&graph, layer, source, target)?);
        let candidates = library(functions, simplicity)?.candidates(&curve);
        let row = |found: kanrl_core::function::FittedFunction| {
            let affines = (found.a, found.b, found.c, found.d);
            (found.function.name().to_owned(), found.r_squared, found.function.complexity(), affines)
        };
        Ok(candidates.into_iter().map(row).collect())
    }

    /// The network with one edge named; the function's fit to the edge's curve.
    fn name_edge(&self, layer: usize, source: usize, target: usize, function: String) -> PyResult<(Self, f64)> {
        self.has_seen()?;
        let graph = self.graph()?;
        let edge = Self::edge(&graph, layer, source, target)?;
        let found = library(Some(vec![function.clone()]), None)?.candidates(&self.curve(&graph, edge));
        let message = || format!("`{function}` leaves its domain on this edge");
        let fitted = found.into_iter().next();
        let fitted = fitted.ok_or_else(|| errors::input_with_help(message(), "use another function"))?;
        let r_squared = fitted.r_squared;
        Ok((self.with_graph(graph.with_function(edge, EdgeFunction::Symbolic(fitted.into()))), r_squared))
    }

    /// The network with every edge named, judged by the loss of the whole after a refit; edges that are not missed go.
    #[pyo3(signature = (functions=None, simplicity=None, *, classes=false, tolerance=None))]
    fn name_edges(
        &self,
        py: Python<'_>,
        functions: Option<Vec<String>>,
        simplicity: Option<f64>,
        classes: bool,
        tolerance: Option<f64>,
    ) -> PyResult<Self> {
        self.is_trained()?;
        let (mut graph, library) = (self.graph()?, library(functions, simplicity)?);
        graph.set_importances(&self.rows.inputs);
        let loss = if classes { Loss::CrossEntropy } else { Loss::MeanSquared };
        let tolerance = tolerance.unwrap_or(naming::TOLERANCE);
        let train = self.rows.samples();
        let named = cancellable(py, |cancelled| {
            naming::name_edges(&graph, train, &loss, &library, tolerance, &|| cancelled.load(Ordering::Relaxed))
        })?;
        let cancelled = || PyKeyboardInterrupt::new_err("cancelled");
        Ok(self.with_graph(named.map_err(errors::run)?.ok_or_else(cancelled)?))
    }

    /// The formula of a network whose edges are all named.
    fn formula(&self, input_names: Vec<String>, output_names: Vec<String>) -> PyResult<Policy> {
        let mut graph = self.graph()?;
        if input_names.len() != self.inputs || output_names.len() != self.outputs {
            let message = format!("{} names for {} inputs", input_names.len(), self.inputs);
            return Err(errors::input_with_help(message, "give one name for each"));
        }
        graph.set_input_names(&input_names);
        let expressions = graph_expressions(&graph).map_err(errors::input)?;
        let outputs = output_names.into_iter().zip(expressions).map(|(name, expression)| Output { name, expression });
        let (low, high) = (vec![f64::NEG_INFINITY; self.outputs], vec![f64::INFINITY; self.outputs]);
        let formula = Formula::new(input_names, outputs.collect(), ActionRule::Clip { low, high });
        Policy::of_formula(formula.map_err(errors::input)?)
    }

    /// The diagram as SVG.
    fn diagram(&self, input_names: Vec<String>, output_names: Vec<String>) -> PyResult<String> {
        self.has_seen()?;
        let mut graph = self.graph()?;
        graph.set_importances(&self.rows.inputs);
        graph.set_input_names(&input_names);
        Ok(diagram::svg(&graph, &self.rows.inputs, &output_names))
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyAny>, State)> {
        let restore = py.import("kanrl._kanrl")?.getattr("restore_network")?;
        let (kind, bytes) = match &self.body {
            Body::Kan(kan) => (KAN, kan.save()),
            Body::Graph(graph) => (GRAPH, graph.to_safetensors()),
        };
        let Rows { inputs, targets, .. } = self.rows.clone();
        Ok((restore, (self.inputs, self.outputs, self.seed, kind, bytes, inputs, targets)))
    }
}

/// A diagram as PNG, with `scale` pixels for each of its units.
#[pyfunction]
pub fn png(svg: &str, scale: f32) -> PyResult<Vec<u8>> {
    diagram::png(svg, scale).map_err(errors::run)
}

const KAN: &str = "kan";
const GRAPH: &str = "graph";

type State = (usize, usize, u64, &'static str, Vec<u8>, Vec<f64>, Vec<f64>);

/// A network from its pickled state.
#[pyfunction]
pub fn restore_network(
    inputs: usize,
    outputs: usize,
    seed: u64,
    kind: &str,
    bytes: Vec<u8>,
    row_inputs: Vec<f64>,
    row_targets: Vec<f64>,
) -> PyResult<Network> {
    let body = if kind == KAN {
        Body::Kan(Box::new(Kan::load(&bytes).map_err(errors::input)?))
    } else {
        let library = kanrl_symbolic::library::Library::full().with_guards(true);
        Body::Graph(UnivariateGraph::from_safetensors(&bytes, &library).map_err(errors::input)?)
    };
    let weights = vec![1.0; row_targets.len().checked_div(outputs).unwrap_or(0)];
    let rows = Rows { inputs: row_inputs, targets: row_targets, weights };
    Ok(Network { inputs, outputs, seed, body, rows })
}

impl Network {
    fn outputs_of(&self, inputs: &[f64]) -> Vec<f64> {
        let mut outputs = vec![0.0; inputs.len() / self.inputs * self.outputs];
        if !inputs.is_empty() {
            match &self.body {
                Body::Kan(kan) => kan.predict(inputs, &mut outputs),
                Body::Graph(graph) => graph.evaluate(inputs, &mut outputs),
            }
        }
        outputs
    }
}
