//! Naming the edges of a network jointly: a function is judged by the loss of the whole network after a short refit of
//! all its constants, not by how well it fits its own curve.

use crate::config::SymbolifySection;
use crate::rows::Rows;
use kanrl_core::approximator::{ApproximatorError, FitReport, FitTask, Samples};
use kanrl_core::function::{FittedFunction, SymbolicLibrary};
use kanrl_core::graph::{EdgeFunction, UnivariateGraph};
use std::ops::ControlFlow;

/// What to name edges with, and how to judge.
#[derive(Clone, Copy)]
pub struct SymbolifyTask<'a> {
    /// Rows to refit on and to judge by.
    pub fit: FitTask<'a>,
    /// The functions.
    pub library: &'a dyn SymbolicLibrary,
    /// How far to go.
    pub section: &'a SymbolifySection,
}

/// A network of named functions.
#[derive(Clone, Debug)]
pub struct Symbolified {
    /// Every edge is named.
    pub graph: UnivariateGraph,
    /// How the final refit of all constants went.
    pub report: FitReport,
}

/// Hears edges done, edges in all and a line for the log (or an empty one); returns `false` to cancel.
pub type SymbolifyObserver<'a> = dyn FnMut(usize, usize, String) -> bool + Send + 'a;

/// L-BFGS steps after the last edge is named.
const FINAL_STEPS: usize = 100;
/// Rows to judge trials on; the final refit uses all.
const TRIAL_ROWS: usize = 3000;

/// Names every spline edge of `graph`, then drops edges that are not missed. No result if it was cancelled.
///
/// # Errors
/// [`ApproximatorError`] where the data do not fit the graph, or nothing finite is reached.
pub fn symbolify(
    graph: &UnivariateGraph,
    task: &SymbolifyTask<'_>,
    progress: &mut SymbolifyObserver<'_>,
) -> Result<Option<Symbolified>, ApproximatorError> {
    let rows = Rows::spread(task.fit.train, TRIAL_ROWS, graph.inputs.len(), graph.outputs.len());
    let trial = Trial { task, train: rows.samples() };
    let slack = task.section.tolerance * task.fit.loss.of_best_constant(rows.samples());
    let mut best = trial.refit(graph.clone())?;
    let total = graph.edges.len() * 2;
    // The least important edges first: a slip there costs least, and the important ones still bend to make up for it.
    let mut order: Vec<(usize, usize)> = graph.edges.iter().map(|edge| (edge.source, edge.target)).collect();
    let importance = |(source, target): &(usize, usize)| {
        graph.edge_between(*source, *target).map_or(0.0, |edge| graph.edges[edge].importance)
    };
    order.sort_by(|first, second| importance(first).total_cmp(&importance(second)));
    for (done, (source, target)) in order.into_iter().enumerate() {
        if !progress(done, total, String::new()) {
            return Ok(None);
        }
        let Some(edge) = best.graph.edge_between(source, target) else { continue };
        if matches!(best.graph.edges[edge].function, EdgeFunction::Symbolic(_)) {
            continue;
        }
        best = trial.name(&best, edge, slack)?;
        let EdgeFunction::Symbolic(named) = &best.graph.edges[edge].function else { continue };
        let line = format!("edge {source} to {target}: {}, loss {:.4e}", named.function.name(), best.loss);
        progress(done, total, line);
    }
    let named = best.graph.edges.len();
    let mut edge = 0;
    while edge < best.graph.edges.len() {
        if !progress(total / 2 + edge, total / 2 + named, String::new()) {
            return Ok(None);
        }
        match trial.without(&best, edge, slack) {
            Some(shorter) => {
                let gone = &best.graph.edges[edge];
                let line = format!("edge {} to {} dropped, loss {:.4e}", gone.source, gone.target, shorter.loss);
                progress(total / 2 + edge, total / 2 + named, line);
                best = shorter;
                // Node numbers may have moved: look at all edges again.
                edge = 0;
            }
            None => edge += 1,
        }
    }
    let mut cancelled = false;
    let mut graph = best.graph;
    let report = graph.refit(task.fit, FINAL_STEPS, &mut |_| {
        cancelled = !progress(total, total, String::new());
        if cancelled { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    graph.set_importances(task.fit.train.inputs);
    Ok((!cancelled).then_some(Symbolified { graph, report }))
}

/// A network and its loss on the validation rows after a short refit.
#[derive(Clone)]
struct Fitted {
    graph: UnivariateGraph,
    loss: f64,
}

struct Trial<'a> {
    task: &'a SymbolifyTask<'a>,
    train: Samples<'a>,
}

impl Trial<'_> {
    fn refit(&self, mut graph: UnivariateGraph) -> Result<Fitted, ApproximatorError> {
        let task = FitTask { train: self.train, ..self.task.fit };
        let report = graph.refit(task, self.task.section.refit_steps, &mut |_| ControlFlow::Continue(()))?;
        Ok(Fitted { graph, loss: report.validation_loss.unwrap_or(report.train_loss) })
    }

    /// The network with edge `edge` named: of the candidates that lose no more than `slack` against the best of them, the
    /// simplest.
    fn name(&self, current: &Fitted, edge: usize, slack: f64) -> Result<Fitted, ApproximatorError> {
        let curve = current.graph.sampled_curves(self.train.inputs).swap_remove(edge);
        let all = self.task.library.candidates(&curve);
        let simplest =
            all.iter().min_by(|first, second| first.function.complexity().total_cmp(&second.function.complexity()));
        let mut tried: Vec<&FittedFunction> = all.iter().take(self.task.section.candidates.max(1)).collect();
        tried.extend(
            simplest.filter(|simplest| !tried.iter().any(|other| other.function.name() == simplest.function.name())),
        );
        let mut results: Vec<(f64, Fitted)> = Vec::new();
        for candidate in tried {
            let complexity = candidate.function.complexity();
            let named = EdgeFunction::Symbolic(candidate.clone().into());
            // A candidate that leaves its domain on other rows is no candidate.
            if let Ok(fitted) = self.refit(current.graph.with_function(edge, named))
                && fitted.loss.is_finite()
            {
                results.push((complexity, fitted));
            }
        }
        let lowest = results.iter().map(|(_, fitted)| fitted.loss).fold(f64::INFINITY, f64::min);
        results
            .into_iter()
            .filter(|(_, fitted)| fitted.loss <= lowest.max(current.loss) + slack)
            .min_by(|(first, one), (second, other)| first.total_cmp(second).then(one.loss.total_cmp(&other.loss)))
            .map(|(_, fitted)| fitted)
            .ok_or_else(|| ApproximatorError::Diverged {
                reason: "no function of the library fits an edge; use a library with `x` in it".to_owned(),
            })
    }

    /// The network without edge `edge`, if it loses no more than `slack`.
    fn without(&self, current: &Fitted, edge: usize, slack: f64) -> Option<Fitted> {
        let graph = current.graph.without_edge(edge).ok()?;
        let fitted = self.refit(graph).ok()?;
        (fitted.loss <= current.loss + slack).then_some(fitted)
    }
}
