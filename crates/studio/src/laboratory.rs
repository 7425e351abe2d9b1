//! A finished run's network, taken apart: its curves, what they could be called, and what follows from another choice.

use crate::error::{ApiError, in_words};
use crate::rollout::{Player, Rehearsal};
use kanrl_core::approximator::FitTask;
use kanrl_core::environment::{EnvironmentRegistry, EnvironmentSpec};
use kanrl_core::function::SampledCurve;
use kanrl_core::graph::{Edge, EdgeFunction, NodeKind, UnivariateGraph};
use kanrl_pipeline::config::MergedConfig;
use kanrl_pipeline::engine::{Artifact, LoadContext};
use kanrl_pipeline::head::StudentHead;
use kanrl_pipeline::report::edge_fits;
use kanrl_pipeline::run::RunStore;
use kanrl_pipeline::stages::artifacts::{Aggregated, Fitted, Named, Pruned};
use kanrl_pipeline::stages::collect::ExpertData;
use kanrl_pipeline::stages::fit::Network;
use kanrl_pipeline::stages::per_student::{PerStudent, Step};
use kanrl_pipeline::stages::select::Selection;
use kanrl_pipeline::students::network_of;
use kanrl_symbolic::{graph_expressions, round};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;

/// Points of a drawn curve.
const POINTS: usize = 80;
/// L-BFGS steps after a function was pinned.
const REFIT_STEPS: usize = 60;
/// Rows that a refit and rounding are judged on.
const ROWS: usize = 3000;

/// What a person decides about an edge.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pin {
    /// Its index in the named network.
    pub edge: usize,
    /// The function's name.
    pub function: String,
}

/// A run's networks and data, as they lie in its folder.
pub struct Laboratory {
    context: LoadContext,
    spec: EnvironmentSpec,
    data: ExpertData,
    /// With every edge named.
    named: UnivariateGraph,
    /// As it was before the edges were named.
    curves: Option<UnivariateGraph>,
    /// How well each edge's function follows the curve that it replaced, as the report has it.
    fits: Vec<Option<f64>>,
}

impl Laboratory {
    /// Opens a run's folder.
    ///
    /// # Errors
    /// In words, where the run has no named network or its files cannot be read.
    pub fn open(run: &RunStore, environments: &EnvironmentRegistry) -> Result<Self, ApiError> {
        let words = |error: &dyn std::error::Error| ApiError::unprocessable(in_words(error));
        let raw = run.config().map_err(|error| words(&error))?;
        let config = MergedConfig::new(raw).resolve().map_err(|error| words(&error))?;
        let section = &config.environment;
        let environment = environments.make(&section.id, &section.arguments).map_err(|error| words(&error))?;
        let spec = environment.spec().clone();
        let library = config.library.build().map_err(|error| words(&error))?;
        let context = LoadContext { config: Arc::new(config), library };
        // Of all students, the one whose network stands in the report.
        let selection = run.artifact::<Selection>(&context).map_err(|error| words(&error))?;
        let student = selection.map_or_else(String::new, |selection| selection.network);
        let (Some(data), Some(named)) =
            (data(run, &context, network_of(&student))?, part::<Network, Named>(run, &context, &student)?)
        else {
            return Err(ApiError::not_found("this run has no named network to explore"));
        };
        let named = named.0;
        let fits =
            data.train.input_names.len() == named.inputs.len() && spec.observation_space.len() == named.inputs.len();
        if !fits || data.train.rows() < 2 {
            return Err(ApiError::unprocessable("this run's data do not fit its network"));
        }
        let student = network_of(&student);
        let mut curves = part::<Network, Pruned>(run, &context, student)?;
        if curves.is_none() {
            curves = part::<Network, Aggregated>(run, &context, student)?;
        }
        if curves.is_none() {
            curves = part::<Network, Fitted>(run, &context, student)?;
        }
        let curves = curves.map(|network| network.0);
        let collected = run.artifact::<ExpertData>(&context).map_err(|error| words(&error))?;
        let fits = match (&curves, collected) {
            (Some(curves), Some(collected)) => edge_fits(curves, &named, &collected.train),
            _ => vec![None; named.edges.len()],
        };
        Ok(Self { context, spec, data, named, curves, fits })
    }

    /// The named network as the page draws it.
    pub fn network(&self) -> Value {
        self.describe(&self.named)
    }

    fn describe(&self, graph: &UnivariateGraph) -> Value {
        let samples = graph.sampled_curves(&self.data.train.observations);
        let nodes: Vec<Value> = graph
            .nodes
            .iter()
            .map(|node| {
                let kind = match node.kind {
                    NodeKind::Input => "input",
                    NodeKind::Sum => "sum",
                    NodeKind::Product => "product",
                };
                json!({ "kind": kind })
            })
            .collect();
        let edges: Vec<Value> = graph
            .edges
            .iter()
            .zip(&samples)
            .map(|(edge, samples)| {
                json!({
                    "source": edge.source,
                    "target": edge.target,
                    "importance": finite(edge.importance),
                    "function": edge.function.name(),
                    "curve": drawn(&edge.function, samples, axis(graph, edge)),
                })
            })
            .collect();
        json!({
            "inputs": graph.inputs.iter().map(|input| &input.name).collect::<Vec<_>>(),
            "nodes": nodes,
            "edges": edges,
            "outputs": graph.outputs,
            "output_names": self.data.train.output_names,
        })
    }

    /// The curve that an edge of the named network was named after, and what it could be called.
    ///
    /// # Errors
    /// For an edge that does not exist.
    pub fn edge(&self, index: usize) -> Result<Value, ApiError> {
        let edge = self.named.edges.get(index).ok_or_else(|| ApiError::not_found("no such edge"))?;
        let (samples, original) = self.original(index);
        let axis = axis(&self.named, edge);
        let candidates: Vec<Value> = self
            .context
            .library
            .candidates(&samples)
            .into_iter()
            .map(|candidate| {
                let function = EdgeFunction::Symbolic(candidate.clone().into());
                json!({
                    "function": candidate.function.name(),
                    "r_squared": finite(candidate.r_squared),
                    "complexity": candidate.function.complexity(),
                    "curve": drawn(&function, &samples, axis),
                })
            })
            .collect();
        Ok(json!({
            "function": edge.function.name(),
            "r_squared": self.fits[index].and_then(finite),
            "spline": drawn(&original, &samples, axis),
            "is_spline": matches!(original, EdgeFunction::Spline(_)),
            "candidates": candidates,
        }))
    }

    /// The network with other functions on some edges, all constants fitted again: as the page draws it, the loss on
    /// the validation episodes, and the formula that follows. Of several functions for one edge the last one counts.
    ///
    /// # Errors
    /// In words, such as for a function that cannot follow the curve.
    pub fn pin(&self, pins: Vec<Pin>) -> Result<(Value, Rehearsal), ApiError> {
        let words = |error: &dyn std::error::Error| ApiError::unprocessable(in_words(error));
        let mut graph = self.named.clone();
        let pins: BTreeMap<usize, Pin> = pins.into_iter().map(|pin| (pin.edge, pin)).collect();
        for pin in pins.values() {
            if pin.edge >= graph.edges.len() {
                return Err(ApiError::not_found("no such edge"));
            }
            let (samples, _) = self.original(pin.edge);
            let candidates = self.context.library.candidates(&samples);
            let candidate = candidates.into_iter().find(|candidate| candidate.function.name() == pin.function);
            let candidate = candidate.ok_or_else(|| {
                ApiError::unprocessable(format!(
                    "`{}` does not fit this curve: it leaves its domain or is not in the run's library",
                    pin.function
                ))
            })?;
            graph = graph.with_function(pin.edge, EdgeFunction::Symbolic(candidate.into()));
        }
        let head = StudentHead::new(self.spec.action_space.clone());
        let loss = head.loss(&self.data.train);
        let rows = self.rows();
        let task =
            FitTask { train: self.data.train.samples(), validation: Some(self.data.validation.samples()), loss: &loss };
        let steps = if pins.is_empty() { 0 } else { REFIT_STEPS };
        let report = graph.refit(task, steps, &mut |_| ControlFlow::Continue(())).map_err(|error| words(&error))?;
        graph.set_importances(&rows);
        let inputs = self.spec.observation_space.names();
        let expressions = graph_expressions(&graph).map_err(|error| words(&error))?;
        let tolerance = self.context.config.refine.rounding_tolerance * self.smallest_deviation();
        let rounded = round(&expressions, &inputs, &rows, tolerance).map_err(|error| words(&error))?;
        let formula = head.formula(inputs, rounded.expressions).map_err(|error| words(&error))?;
        let description = json!({
            "network": self.describe(&graph),
            "train_loss": finite(report.train_loss),
            "validation_loss": report.validation_loss.and_then(finite),
        });
        let config = &self.context.config;
        let player = Player::Formula(formula);
        let environment = config.environment.clone();
        Ok((description, Rehearsal { environment, player, seed: config.seed, episode: 0 }))
    }

    /// Samples of the curve behind an edge of the named network, and that curve: the spline where it can be found.
    fn original(&self, edge: usize) -> (SampledCurve, EdgeFunction) {
        let observations = &self.data.train.observations;
        let own = &self.named.edges[edge];
        if let Some(curves) = &self.curves
            && let Some(before) = same_edge(curves, &self.named, own)
        {
            return (curves.sampled_curves(observations).swap_remove(before), curves.edges[before].function.clone());
        }
        (self.named.sampled_curves(observations).swap_remove(edge), own.function.clone())
    }

    /// Some of the observations, at even distances.
    fn rows(&self) -> Vec<f64> {
        let data = &self.data.train;
        let step = data.rows().div_ceil(ROWS).max(1);
        data.observations.chunks_exact(data.input_names.len()).step_by(step).flatten().copied().collect()
    }

    /// The smallest standard deviation of any target: rounding may change outputs by a share of it.
    fn smallest_deviation(&self) -> f64 {
        let data = &self.data.train;
        let (rows, outputs) = (data.rows() as f64, data.output_names.len());
        let deviation = |output: usize| {
            let column = || data.targets.iter().skip(output).step_by(outputs);
            let mean = column().sum::<f64>() / rows;
            (column().map(|value| (value - mean).powi(2)).sum::<f64>() / rows).sqrt()
        };
        (0..outputs).map(deviation).fold(f64::INFINITY, f64::min)
    }
}

/// What the student learned from: the expert's episodes, and its own where there were some.
pub fn data(run: &RunStore, context: &LoadContext, student: &str) -> Result<Option<ExpertData>, ApiError> {
    match part::<ExpertData, Aggregated>(run, context, student)? {
        None => run.artifact(context).map_err(|error| ApiError::unprocessable(in_words(&error))),
        data => Ok(data),
    }
}

/// One student's part of an artifact, if the run has it.
pub fn part<A: Clone + Artifact, S: Step<A>>(
    run: &RunStore,
    context: &LoadContext,
    student: &str,
) -> Result<Option<A>, ApiError> {
    let all = run.artifact::<PerStudent<A, S>>(context).map_err(|error| ApiError::unprocessable(in_words(&error)))?;
    Ok(all.and_then(|all| all.get(student).cloned()))
}

/// The edge of `before` that an edge of `after` comes from, where edges and nodes may have been dropped in between: hidden
/// nodes keep their order, and lose inputs only.
fn same_edge(before: &UnivariateGraph, after: &UnivariateGraph, edge: &Edge) -> Option<usize> {
    let inputs = after.inputs.len();
    let mut origin: Vec<usize> = (0..inputs).collect();
    for node in inputs..after.nodes.len() {
        let sources: Vec<usize> =
            after.edges.iter().filter(|edge| edge.target == node).map(|edge| origin[edge.source]).collect();
        let last = origin.last().map_or(0, |last| last + 1).max(inputs);
        let place = after.outputs.iter().position(|output| *output == node);
        let fits = |candidate: &usize| {
            before.nodes[*candidate].kind == after.nodes[node].kind
                && before.outputs.iter().position(|output| output == candidate) == place
                && sources.iter().all(|source| before.edge_between(*source, *candidate).is_some())
        };
        origin.push((last..before.nodes.len()).find(fits)?);
    }
    before.edge_between(origin[edge.source], origin[edge.target])
}

/// Shift and scale that turn what an edge sees into the environment's units, where it sees an input.
fn axis(graph: &UnivariateGraph, edge: &Edge) -> (f64, f64) {
    match graph.inputs.get(edge.source) {
        Some(input) if input.scale != 0.0 => (input.shift, input.scale),
        _ => (0.0, 1.0),
    }
}

/// Points of a function over the range of its samples, in the environment's units.
fn drawn(function: &EdgeFunction, samples: &SampledCurve, (shift, scale): (f64, f64)) -> Vec<[f64; 2]> {
    let finite = || samples.x.iter().copied().filter(|x| x.is_finite());
    let (low, high) = finite().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), x| (low.min(x), high.max(x)));
    let at = |index: usize| low + (high - low) * index as f64 / (POINTS - 1) as f64;
    let points = (0..POINTS).map(at).map(|x| [x / scale + shift, function.value(x)]);
    points.filter(|[x, y]| x.is_finite() && y.is_finite()).collect()
}

/// JSON knows no NaN.
fn finite(value: f64) -> Option<f64> {
    value.is_finite().then_some(value)
}
