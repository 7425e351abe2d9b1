//! Naming the edges of a network, the least harmful first, as long as the network's formula plays as it did.

use super::choices::{Choice, Chooser};
use crate::engine::StageError;
use crate::rows::Rows;
use kanrl_core::approximator::FitTask;
use kanrl_core::function::SymbolicLibrary;
use kanrl_core::graph::{EdgeFunction, NodeKind, SymbolicEdge, UnivariateGraph};
use std::ops::ControlFlow;

/// What to name edges with, and how to judge.
pub struct NamingTask<'a> {
    /// Rows to refit on and to judge by.
    pub fit: FitTask<'a>,
    /// The functions.
    pub library: &'a dyn SymbolicLibrary,
    /// A function must be defined beyond the observed range of its argument by this share of the range, on both sides.
    pub margin: f64,
    /// L-BFGS steps after names are taken.
    pub refit_steps: usize,
    /// All names together may increase the validation loss by this share of the best constant's.
    pub tolerance: f64,
    /// Whether a network plays as well as the one that there was.
    pub plays: &'a dyn Fn(&UnivariateGraph) -> Result<bool, StageError>,
    /// Hears edges done, edges in all and a line for the log (or an empty one); returns `false` to cancel.
    pub progress: &'a dyn Fn(usize, usize, String) -> bool,
}

/// A network with names where they do no harm.
#[derive(Clone, Debug)]
pub struct Named {
    /// Its edges are named functions, curves of few pieces ([`is_curve`]), or splines where those would not do.
    pub graph: UnivariateGraph,
    /// Loss on the validation rows, or on the training rows where there are none.
    pub loss: f64,
}

/// Rows to refit on.
const TRIAL_ROWS: usize = 3000;
/// Rows to compare choices on.
const CHOICE_ROWS: usize = 500;
/// Rows and steps of the fit after all names.
const FINAL_ROWS: usize = 20_000;
const FINAL_STEPS: usize = 30;
/// A curve has so few pieces that it costs at most this share of the loss of the best constant.
const CURVE_HARM: f64 = 1e-4;

/// Whether an edge is a curve that no name was found for.
pub fn is_curve(function: &EdgeFunction) -> bool {
    function.name().is_none()
}

/// Names every edge that can have a name; the others become curves of few pieces. No result if it was cancelled.
///
/// # Errors
/// [`StageError`] where the data do not fit the graph or the environment fails.
pub fn name_edges(graph: &UnivariateGraph, task: &NamingTask<'_>) -> Result<Option<Named>, StageError> {
    let (inputs, outputs) = (graph.inputs.len(), graph.outputs.len());
    let few = Rows::spread(task.fit.train, CHOICE_ROWS, inputs, outputs);
    let rows = Rows::spread(task.fit.train, TRIAL_ROWS, inputs, outputs);
    let chooser = task.chooser(&few);
    let mut walk = Walk::new(task, &chooser, &rows, graph);

    let edges = curves_of(graph);
    let mut choices: Vec<(usize, Vec<Choice>)> =
        edges.iter().copied().zip(chooser.names(graph, &edges)).filter(|(_, own)| !own.is_empty()).collect();
    choices.sort_by(|(_, first), (_, second)| first[0].harm.total_cmp(&second[0].harm));
    let first: Vec<(usize, Choice)> = choices.iter().map(|(edge, own)| (*edge, own[0].clone())).collect();
    let Some(refused) = walk.take(first)? else { return Ok(None) };
    // What plays no more with its short name may do so with a longer one.
    let least = |own: &[Choice]| own.iter().min_by(|first, second| first.harm.total_cmp(&second.harm)).cloned();
    let second = choices.iter().filter(|(edge, _)| refused.contains(edge)).filter_map(|(edge, own)| {
        let longer = least(own)?;
        (longer.fitted.function.name() != own[0].fitted.function.name()).then_some((*edge, longer))
    });
    if walk.take(second.collect())?.is_none() {
        return Ok(None);
    }
    for spare in [1.0, 0.1, 0.01] {
        let left: Vec<usize> = curves_of(&walk.current.graph)
            .into_iter()
            .filter(|edge| matches!(walk.current.graph.edges[*edge].function, EdgeFunction::Spline(_)))
            .collect();
        let curves = left.iter().zip(chooser.curves(&walk.current.graph, &left)).filter_map(|(edge, own)| {
            let enough = own.iter().find(|choice| choice.harm <= spare * CURVE_HARM);
            Some((*edge, enough.or(own.last())?.clone()))
        });
        if walk.take(curves.collect())?.is_none() {
            return Ok(None);
        }
    }
    walk.finish()
}

fn curves_of(graph: &UnivariateGraph) -> Vec<usize> {
    (0..graph.edges.len()).filter(|edge| is_curve(&graph.edges[*edge].function)).collect()
}

impl NamingTask<'_> {
    fn chooser<'a>(&'a self, rows: &'a Rows) -> Chooser<'a> {
        Chooser { library: self.library, margin: self.margin, rows, loss: self.fit.loss, constant: self.constant() }
    }

    /// Loss of the best constant.
    fn constant(&self) -> f64 {
        let samples = self.fit.validation.unwrap_or(self.fit.train);
        self.fit.loss.of_best_constant(samples).max(f64::MIN_POSITIVE)
    }

    fn loss(&self, graph: &UnivariateGraph) -> f64 {
        graph.loss(self.fit.validation.unwrap_or(self.fit.train), self.fit.loss)
    }
}

struct Walk<'a> {
    task: &'a NamingTask<'a>,
    rows: &'a Rows,
    few: &'a Rows,
    /// Highest loss that is accepted.
    limit: f64,
    current: Named,
    done: usize,
}

impl<'a> Walk<'a> {
    /// A walk from `graph`, as far as the loss stays near its own.
    fn new(task: &'a NamingTask<'a>, chooser: &Chooser<'a>, rows: &'a Rows, graph: &UnivariateGraph) -> Self {
        let current = Named { graph: graph.clone(), loss: task.loss(graph) };
        let limit = current.loss + task.tolerance * chooser.constant;
        Self { task, rows, few: chooser.rows, limit, current, done: 0 }
    }

    /// Takes the choices, as many at once as are accepted; gives the edges whose choice was refused. None if cancelled.
    fn take(&mut self, mut choices: Vec<(usize, Choice)>) -> Result<Option<Vec<usize>>, StageError> {
        let total = self.current.graph.edges.len();
        let mut refused = Vec::new();
        let mut size = choices.len().div_ceil(2).max(1);
        while !choices.is_empty() {
            if !(self.task.progress)(self.done.min(total), total, String::new()) {
                return Ok(None);
            }
            size = size.min(choices.len());
            match self.with(&choices[..size])? {
                Some(named) => {
                    self.current = named;
                    self.done += size;
                    let names: Vec<&str> =
                        choices[..size].iter().map(|(_, choice)| short(choice.fitted.function.name())).collect();
                    let line = format!("{}: loss {:.4e}", names.join(", "), self.current.loss);
                    (self.task.progress)(self.done.min(total), total, line);
                    choices.drain(..size);
                    size *= 2;
                }
                None if size > 1 => size = size.div_ceil(2).min(size - 1),
                None => refused.push(choices.remove(0).0),
            }
        }
        Ok(Some(refused))
    }

    /// The network with these edges named, if that is accepted.
    fn with(&self, choices: &[(usize, Choice)]) -> Result<Option<Named>, StageError> {
        let mut graph = self.current.graph.clone();
        let values = graph.node_values(self.few.samples().inputs);
        for (edge, choice) in choices {
            // The edge may have changed since its function was fitted.
            let x = &values[graph.edges[*edge].source];
            let y: Vec<f64> = x.iter().map(|x| graph.edges[*edge].value(*x)).collect();
            let fitted = SymbolicEdge::from(choice.fitted.clone());
            graph.edges[*edge].function = EdgeFunction::Symbolic(with_outer_constants(fitted, x, &y));
        }
        let task = FitTask { train: self.rows.samples(), ..self.task.fit };
        let named = self.refitted(graph, task, self.task.refit_steps)?;
        match named {
            Some(named) if named.loss <= self.limit && (self.task.plays)(&named.graph)? => Ok(Some(named)),
            _ => Ok(None),
        }
    }

    /// None where a function left its domain.
    fn refitted(
        &self,
        mut graph: UnivariateGraph,
        task: FitTask<'_>,
        steps: usize,
    ) -> Result<Option<Named>, StageError> {
        let Ok(report) = graph.refit(task, steps, &mut |_| ControlFlow::Continue(())) else { return Ok(None) };
        let loss = report.validation_loss.unwrap_or(report.train_loss);
        Ok(loss.is_finite().then_some(Named { graph, loss }))
    }

    /// All constants fitted together once more, if the network still plays then; constants that edges became go where they
    /// are added.
    fn finish(mut self) -> Result<Option<Named>, StageError> {
        let graph = without_constants(&self.current.graph);
        let (inputs, outputs) = (graph.inputs.len(), graph.outputs.len());
        let rows = Rows::spread(self.task.fit.train, FINAL_ROWS, inputs, outputs);
        let task = FitTask { train: rows.samples(), ..self.task.fit };
        self.current.graph = graph.clone();
        if let Some(fitted) = self.refitted(graph, task, FINAL_STEPS)?
            && fitted.loss < self.current.loss
            && (self.task.plays)(&fitted.graph)?
        {
            self.current = fitted;
        }
        self.current.graph.set_importances(self.rows.samples().inputs);
        Ok(Some(self.current))
    }
}

/// A curve's numbers are not worth logging.
fn short(name: &str) -> &str {
    if name.starts_with("curve(") { "curve" } else { name }
}

/// c and d by least squares.
fn with_outer_constants(edge: SymbolicEdge, x: &[f64], y: &[f64]) -> SymbolicEdge {
    let values: Vec<f64> = x.iter().map(|x| edge.function.value(edge.a * x + edge.b)).collect();
    let count = x.len() as f64;
    let (mean, y_mean) = (values.iter().sum::<f64>() / count, y.iter().sum::<f64>() / count);
    let square: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    let product: f64 = values.iter().zip(y).map(|(value, y)| (value - mean) * (y - y_mean)).sum();
    let c = if square > 1e-18 * count * mean * mean && square > 0.0 { product / square } else { 0.0 };
    if c.is_finite() && mean.is_finite() { SymbolicEdge { c, d: y_mean - c * mean, ..edge } } else { edge }
}

/// The graph without edges that are constants, which go into the nodes that they feed; where nothing else feeds a node,
/// they stay.
fn without_constants(graph: &UnivariateGraph) -> UnivariateGraph {
    let mut graph = graph.clone();
    let mut edge = 0;
    while edge < graph.edges.len() {
        let constant = match &graph.edges[edge].function {
            EdgeFunction::Symbolic(own) if own.function.name() == "0" => Some(own.d),
            _ => None,
        };
        let target = graph.edges[edge].target;
        let shorter = constant.and_then(|constant| {
            let mut moved = graph.clone();
            let node = &mut moved.nodes[target];
            match node.kind {
                NodeKind::Sum => node.bias += node.scale * constant,
                _ => node.scale *= constant,
            }
            moved.without_edge(edge).ok()
        });
        match shorter {
            // Numbers of nodes and edges may have moved.
            Some(shorter) => (graph, edge) = (shorter, 0),
            None => edge += 1,
        }
    }
    graph
}

#[cfg(test)]
mod tests {
    use super::{NamingTask, is_curve, name_edges};
    use kanrl_core::approximator::{FitTask, Loss, Samples};
    use kanrl_core::config::SymbolicLibraryConfig;
    use kanrl_core::graph::{SplineEdge, UnivariateGraph};
    use kanrl_symbolic::library::DefaultLibraryConfig;

    #[test]
    fn an_edge_gets_a_name_whose_loss_is_within_the_tolerance() {
        let edge = SplineEdge::polynomial(&[0.1, 1.0, 0.05, 0.2], -1.0..=1.0);
        let graph = UnivariateGraph::additive(1, 1, |_, _| edge.clone());
        let inputs: Vec<f64> = (0..400).map(|index| f64::from(index) / 200.0 - 1.0).collect();
        let mut targets = vec![0.0; inputs.len()];
        graph.evaluate(&inputs, &mut targets);
        let weights = vec![1.0; inputs.len()];
        let train = Samples { inputs: &inputs, targets: &targets, weights: &weights };
        let library = DefaultLibraryConfig::default().build().unwrap();
        let task = NamingTask {
            fit: FitTask { train, validation: None, loss: &Loss::MeanSquared },
            library: library.as_ref(),
            margin: 0.5,
            refit_steps: 10,
            tolerance: 0.05,
            plays: &|_| Ok(true),
            progress: &|_, _, _| true,
        };
        let named = name_edges(&graph, &task).unwrap().unwrap();
        assert!(!is_curve(&named.graph.edges[0].function));
        let constant = Loss::MeanSquared.of_best_constant(train);
        assert!(named.loss <= 0.05 * constant, "{}", named.loss);
        // What plays worse is not taken.
        let refused = name_edges(&graph, &NamingTask { plays: &|_| Ok(false), ..task }).unwrap().unwrap();
        assert!(is_curve(&refused.graph.edges[0].function));
    }
}
