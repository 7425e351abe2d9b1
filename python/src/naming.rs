//! Naming all edges of a network jointly: a function is judged by the loss of the whole network after a short refit of all its
//! constants, not by how well it fits its own curve. (Runs judge names in play; here nothing is played.)

use kanrl_core::approximator::{ApproximatorError, FitTask, Loss, Samples};
use kanrl_core::function::{FittedFunction, SymbolicLibrary};
use kanrl_core::graph::{EdgeFunction, UnivariateGraph};
use kanrl_pipeline::rows::Rows;
use std::ops::ControlFlow;

/// What a simpler function may cost where nobody says, as a share of the loss of the best constant.
pub const TOLERANCE: f64 = 0.002;
/// Functions tried on each edge, the best-fitting ones first.
const CANDIDATES: usize = 5;
/// L-BFGS steps after each trial, and after the last one.
const STEPS: usize = 8;
const FINAL_STEPS: usize = 100;
/// Rows to judge trials on; the final refit uses all.
const TRIAL_ROWS: usize = 3000;

/// A network and its loss after a short refit.
#[derive(Clone)]
struct Fitted {
    graph: UnivariateGraph,
    loss: f64,
}

struct Trial<'a> {
    train: Samples<'a>,
    loss: &'a Loss,
    library: &'a dyn SymbolicLibrary,
    /// What a simpler network may cost.
    slack: f64,
}

/// The network with every spline edge named, the least important ones first, and without edges that are not missed. None if
/// it was cancelled.
///
/// # Errors
/// [`ApproximatorError`] where the data do not fit the graph, or nothing finite is reached.
pub fn name_edges(
    graph: &UnivariateGraph,
    train: Samples<'_>,
    loss: &Loss,
    library: &dyn SymbolicLibrary,
    tolerance: f64,
    is_cancelled: &dyn Fn() -> bool,
) -> Result<Option<UnivariateGraph>, ApproximatorError> {
    let rows = Rows::spread(train, TRIAL_ROWS, graph.inputs.len(), graph.outputs.len());
    let slack = tolerance * loss.of_best_constant(rows.samples());
    let trial = Trial { train: rows.samples(), loss, library, slack };
    let mut best = trial.refit(graph.clone(), STEPS)?;
    let mut order: Vec<(f64, usize, usize)> =
        graph.edges.iter().map(|edge| (edge.importance, edge.source, edge.target)).collect();
    // A slip on an unimportant edge costs least, and the important ones still bend to make up for it.
    order.sort_by(|first, second| first.0.total_cmp(&second.0));
    for (_, source, target) in order {
        if is_cancelled() {
            return Ok(None);
        }
        let Some(edge) = best.graph.edge_between(source, target) else { continue };
        if matches!(best.graph.edges[edge].function, EdgeFunction::Spline(_)) {
            best = trial.name(&best, edge)?;
        }
    }
    let mut edge = 0;
    while edge < best.graph.edges.len() {
        if is_cancelled() {
            return Ok(None);
        }
        match trial.without(&best, edge) {
            // Node numbers may have moved: all edges are looked at again.
            Some(shorter) => (best, edge) = (shorter, 0),
            None => edge += 1,
        }
    }
    let mut graph = best.graph;
    graph.refit(FitTask { train, validation: None, loss }, FINAL_STEPS, &mut |_| ControlFlow::Continue(()))?;
    graph.set_importances(train.inputs);
    Ok(Some(graph))
}

impl Trial<'_> {
    fn refit(&self, mut graph: UnivariateGraph, steps: usize) -> Result<Fitted, ApproximatorError> {
        let task = FitTask { train: self.train, validation: None, loss: self.loss };
        let report = graph.refit(task, steps, &mut |_| ControlFlow::Continue(()))?;
        Ok(Fitted { graph, loss: report.train_loss })
    }

    /// The network with an edge named: of the candidates that lose little against the best of them, the simplest.
    fn name(&self, current: &Fitted, edge: usize) -> Result<Fitted, ApproximatorError> {
        let curve = current.graph.sampled_curves(self.train.inputs).swap_remove(edge);
        let all = self.library.candidates(&curve);
        let complexity = |found: &FittedFunction| found.function.complexity();
        let simplest = all.iter().min_by(|first, second| complexity(first).total_cmp(&complexity(second)));
        let mut tried: Vec<&FittedFunction> = all.iter().take(CANDIDATES).collect();
        tried.extend(
            simplest.filter(|simplest| !tried.iter().any(|other| other.function.name() == simplest.function.name())),
        );
        let mut results: Vec<(f64, Fitted)> = Vec::new();
        for candidate in tried {
            let named = EdgeFunction::Symbolic(candidate.clone().into());
            // A candidate that leaves its domain on other rows is out.
            if let Ok(fitted) = self.refit(current.graph.with_function(edge, named), STEPS)
                && fitted.loss.is_finite()
            {
                results.push((complexity(candidate), fitted));
            }
        }
        let lowest = results.iter().map(|(_, fitted)| fitted.loss).fold(f64::INFINITY, f64::min);
        results
            .into_iter()
            .filter(|(_, fitted)| fitted.loss <= lowest.max(current.loss) + self.slack)
            .min_by(|(first, one), (second, other)| first.total_cmp(second).then(one.loss.total_cmp(&other.loss)))
            .map(|(_, fitted)| fitted)
            .ok_or_else(|| ApproximatorError::Diverged {
                reason: "no function of the library fits an edge; use a library with `x` in it".to_owned(),
            })
    }

    /// The network without an edge, if that loses little.
    fn without(&self, current: &Fitted, edge: usize) -> Option<Fitted> {
        let fitted = self.refit(current.graph.without_edge(edge).ok()?, STEPS).ok()?;
        (fitted.loss <= current.loss + self.slack).then_some(fitted)
    }
}
