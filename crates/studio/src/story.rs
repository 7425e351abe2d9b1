//! What a run's page is made of: every formula that can be shown, where it plays, and the expert in some of its states. With it
//! the page plays formulas of classic control by itself.

use crate::error::{ApiError, in_words};
use crate::laboratory::{data, part};
use crate::rollout::EPISODES;
use kanrl_core::action::{ActionBatch, ActionRule};
use kanrl_core::environment::{EnvironmentRegistry, EnvironmentSpec};
use kanrl_core::space::{ActionSpace, Coordinate};
use kanrl_pipeline::config::MergedConfig;
use kanrl_pipeline::engine::LoadContext;
use kanrl_pipeline::head::StudentHead;
use kanrl_pipeline::run::seeds::{self, Purpose};
use kanrl_pipeline::run::{PolicyRole, RunStore};
use kanrl_pipeline::stages::artifacts::{Aggregated, Fitted};
use kanrl_pipeline::stages::fit::Network;
use kanrl_pipeline::stages::select::{Candidate, Selection};
use kanrl_pipeline::students::network_of;
use kanrl_symbolic::{Formula, graph_expressions};
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// Rows of the expert's states.
const ROWS: usize = 400;
/// Most numbers of a state that a page can start from.
pub const LARGEST_STATE: usize = 8;
/// Longest text of a network, in bytes: a wide one is nothing that a page could show.
const LONGEST: usize = 100_000;

/// All of it, as JSON.
///
/// # Errors
/// In words, where the run's files cannot be read.
pub fn tell(run: &RunStore, environments: &EnvironmentRegistry) -> Result<Value, ApiError> {
    let config = run.config().and_then(|raw| MergedConfig::new(raw).resolve()).map_err(|error| words(&error))?;
    let library = config.library.build().map_err(|error| words(&error))?;
    let context = LoadContext { config: Arc::new(config), library };
    let selection = run.artifact::<Selection>(&context).map_err(|error| words(&error))?;
    let selection = selection.ok_or_else(|| ApiError::not_found("this run has chosen no formula"))?;
    let config = &context.config;
    let formula = &selection.chosen().formula;
    let candidates = selection.candidates.iter().enumerate();
    let mut story = json!({
        "chosen": selection.chosen,
        "candidates": candidates.map(|(index, one)| described(one, &selection.roles_of(index))).collect::<Vec<_>>(),
        "reason": selection.reason,
        "inputs": formula.inputs(),
        "action": formula.action(),
        "labels": formula.labels(),
    });
    if !config.is_played() {
        return Ok(story);
    }
    let section = &config.environment;
    let mut environment = environments.make(&section.id, &section.arguments).map_err(|error| words(&error))?;
    let spec = environment.spec().clone();
    story["labels"] = json!(labels(&spec, formula));
    story["actions"] = coordinates(&spec);
    story["observations"] = spec.observation_space.coordinates.iter().map(coordinate).collect();
    story["environment"] = json!({
        "id": spec.id, "options": section.arguments, "steps": spec.max_episode_steps, "fps": spec.frames_per_second,
    });
    let mut observation = vec![0.0; spec.observation_space.len()];
    let starts = seeds::episodes(config.seed, Purpose::Select, EPISODES).into_iter().map(|seed| {
        environment.reset(Some(seed), &mut observation).map_err(|error| words(&error))?;
        Ok(environment.state())
    });
    let starts = starts.collect::<Result<Vec<_>, ApiError>>()?;
    if starts.iter().all(|start| (1..=LARGEST_STATE).contains(&start.len())) {
        let constants = environment.parameters().into_iter();
        let constants: Map<String, Value> = constants.map(|one| (one.name, json!(one.value))).collect();
        story["starts"] = json!(starts);
        story["environment"]["constants"] = Value::Object(constants);
    }
    story["rows"] = rows(run, &context, &selection.network, &spec)?;
    story["network"] = network(run, &context, &selection.network, &spec)?;
    Ok(story)
}

fn words(error: &dyn std::error::Error) -> ApiError {
    ApiError::unprocessable(in_words(error))
}

/// A formula that can be chosen.
fn described(candidate: &Candidate, roles: &[PolicyRole]) -> Value {
    json!({
        "student": candidate.student,
        "tuning": candidate.tuning(),
        "roles": roles,
        "operations": candidate.operations,
        "curves": candidate.formula.curves().len(),
        "mean": candidate.mean,
        "interval": candidate.interval,
        "worst": candidate.worst_5_percent,
        "fidelity": { "expert_states": candidate.fidelity.expert_states, "own_states": candidate.fidelity.own_states },
        "on_front": candidate.on_front,
        "outputs": outputs(&candidate.formula),
    })
}

fn outputs(formula: &Formula) -> Value {
    let each = formula.outputs().iter();
    each.map(|output| json!({ "name": output.name, "text": output.expression.to_string() })).collect()
}

/// What the discrete actions are called, in full.
fn labels(spec: &EnvironmentSpec, formula: &Formula) -> Vec<String> {
    match (&spec.action_space, formula.action()) {
        (ActionSpace::Discrete(space), ActionRule::Argmax | ActionRule::Threshold) => space.actions.clone(),
        _ => Vec::new(),
    }
}

fn coordinates(spec: &EnvironmentSpec) -> Value {
    match &spec.action_space {
        ActionSpace::Discrete(_) => json!([]),
        ActionSpace::Box(space) => space.coordinates.iter().map(coordinate).collect(),
    }
}

fn coordinate(coordinate: &Coordinate) -> Value {
    json!({ "name": coordinate.name, "unit": coordinate.unit, "description": coordinate.description })
}

/// Some of the expert's states, at even distances, and what it does in them; null where it cannot be asked.
fn rows(run: &RunStore, context: &LoadContext, student: &str, spec: &EnvironmentSpec) -> Result<Value, ApiError> {
    let Some(data) = data(run, context, network_of(student))? else { return Ok(Value::Null) };
    let Ok(expert) = context.config.expert.build(spec) else { return Ok(Value::Null) };
    let (size, data) = (spec.observation_space.len(), data.train);
    if size == 0 || data.input_names.len() != size {
        return Ok(Value::Null);
    }
    let step = data.rows().div_ceil(ROWS).max(1);
    let observations: Vec<f64> = data.observations.chunks_exact(size).step_by(step).flatten().copied().collect();
    let count = observations.len() / size;
    let mut actions = ActionBatch::zeros(&spec.action_space, count);
    expert.act(&observations, &vec![0; count], &mut actions).map_err(|error| words(&error))?;
    Ok(json!({
        "observations": observations.chunks_exact(size).collect::<Vec<_>>(),
        "actions": action_rows(&actions),
    }))
}

/// Numbers of discrete actions, lists of vector ones.
pub fn action_rows(actions: &ActionBatch) -> Value {
    match actions {
        ActionBatch::Discrete(actions) => json!(actions),
        ActionBatch::Continuous { values, size } => json!(values.chunks_exact((*size).max(1)).collect::<Vec<_>>()),
    }
}

/// The run's network as it learned, whose edges are curves: it is a formula, too. Null where it is too wide.
fn network(run: &RunStore, context: &LoadContext, student: &str, spec: &EnvironmentSpec) -> Result<Value, ApiError> {
    let own = network_of(student);
    let mut learned = part::<Network, Aggregated>(run, context, own)?;
    if learned.is_none() {
        learned = part::<Network, Fitted>(run, context, own)?;
    }
    let formula = learned.and_then(|network| {
        let expressions = graph_expressions(&network.0).ok()?;
        StudentHead::new(spec.action_space.clone()).formula(spec.observation_space.names(), expressions).ok()
    });
    let Some(formula) = formula else { return Ok(Value::Null) };
    let outputs = outputs(&formula);
    let length: usize =
        outputs.as_array().into_iter().flatten().filter_map(|one| Some(one["text"].as_str()?.len())).sum();
    Ok(if length > LONGEST { Value::Null } else { json!({ "student": own, "outputs": outputs }) })
}
