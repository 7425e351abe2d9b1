//! Runs: the list, one of them, its events, and what can be done with it.

use super::{Answer, App, existing, json_body};
use crate::Studio;
use crate::error::{ApiError, blocking, in_words};
use crate::fields::NewRun;
use crate::queue::{Job, QueueFull};
use crate::runs::{self, RunId};
use crate::watch::Subscription;
use crate::work::Request;
use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::stream::{self, Stream, StreamExt};
use kanrl_pipeline::run::{Metrics, PolicyRole, RunFile, RunStore};
use kanrl_symbolic::Formula;
use serde_json::{Value, json};
use std::convert::Infallible;
use std::sync::Arc;

/// Every run with its state, the newest first.
pub async fn list(State(studio): App) -> Answer {
    let list = blocking(move || {
        let with_state = |id: RunId| {
            let mut summary = runs::summary(&id, &studio.runs.find(&id)?);
            summary["state"] = json!(studio.queue.state(&id));
            Some(summary)
        };
        Ok(studio.runs.list().into_iter().filter_map(with_state).collect::<Vec<_>>())
    });
    list.await.map(|list| Json(json!(list)))
}

/// Adds a run to the queue.
pub async fn start(State(studio): App, body: Bytes) -> Result<(StatusCode, Json<Value>), ApiError> {
    let form: NewRun = json_body(&body)?;
    studio.queue.check_room().map_err(full)?;
    let environment = form.environment.clone();
    let config = resolve(&studio, form).await?;
    studio.jobs.check(&config).await?;
    // Nobody may leave between the folder and the queue: a run that never began would stay.
    let id = studio.runs.create(&environment, &config).map_err(ApiError::internal)?;
    studio.queue.push(id.clone(), Job::Extract).map_err(|error| {
        studio.runs.remove(&id);
        full(error)
    })?;
    Ok((StatusCode::CREATED, Json(json!({ "id": id }))))
}

/// The config that the form asks for, as TOML.
async fn resolve(studio: &Studio, form: NewRun) -> Result<String, ApiError> {
    if studio.environments.get(&form.environment).is_ok() || !studio.options.plugins {
        let id = &form.environment;
        studio.environments.get(id).map_err(|error| ApiError::field("environment", in_words(&error)))?;
        return form.resolve(&studio.uploads, &studio.environments).map(|config| config.to_toml());
    }
    let config = studio.jobs.ask(&Request::Resolve { form, own_folder: studio.runs.own_folder() }).await?;
    config.as_str().map(str::to_owned).ok_or_else(|| ApiError::internal("the worker gave no config"))
}

fn full(error: QueueFull) -> ApiError {
    ApiError::new(StatusCode::TOO_MANY_REQUESTS, error)
}

/// Everything about a run that its page shows.
pub async fn detail(State(studio): App, Path(id): Path<String>) -> Answer {
    let (id, run) = existing(&studio, &id)?;
    blocking(move || {
        let mut detail = runs::summary(&id, &run);
        detail["state"] = json!(studio.queue.state(&id));
        detail["metrics"] = json!(Metrics::read(&run).ok());
        detail["files"] = run.files().into_iter().filter_map(described).collect();
        for role in [PolicyRole::Headline, PolicyRole::Faithful, PolicyRole::Polished] {
            detail["formulas"][role.name()] = run.formula(role).map_or(Value::Null, |formula| exports(&formula));
        }
        detail["proof"] = proof(&run);
        detail["config"] = json!(run.read_text(RunFile::Config).ok());
        Ok(Json(detail))
    })
    .await
}

/// The run's proof card, if it is one of today's formula.
fn proof(run: &RunStore) -> Value {
    let card = run.has(RunFile::Proof).then(|| run.read_json::<Value>(RunFile::Proof).ok()).flatten();
    let formula = run.formula(PolicyRole::Headline).ok().map(|formula| formula.to_string());
    card.filter(|card| card["formula"].as_str() == formula.as_deref()).unwrap_or_default()
}

/// A file that is served, as the page shows it.
fn described(file: RunFile) -> Option<Value> {
    Some(json!({
        "name": file.name(), "media_type": file.media_type()?, "meaning": file.meaning(), "role": file.role(),
    }))
}

/// A formula in every form that the page shows or copies.
pub fn exports(formula: &Formula) -> Value {
    use kanrl_symbolic::Format;
    let export = |format| kanrl_symbolic::export(formula, format).ok();
    let outputs: Vec<Value> = formula
        .outputs()
        .iter()
        .map(|output| json!({ "name": output.name, "text": output.expression.to_string() }))
        .collect();
    json!({
        "operations": formula.operations(),
        "inputs": formula.inputs(),
        "outputs": outputs,
        "mathml": export(Format::MathMl),
        "latex": export(Format::Latex),
        "python": export(Format::NumPy),
        "c": export(Format::C),
        "rust": export(Format::Rust),
    })
}

/// A run's events from its beginning, then as they come. Ends when the run does.
pub async fn events(
    State(studio): App,
    Path(id): Path<String>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, ApiError> {
    let (id, _) = existing(&studio, &id)?;
    let permit = Arc::clone(&studio.watchers).try_acquire_owned();
    let permit =
        permit.map_err(|_| ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "too many pages are watching runs"))?;
    let Subscription { said, receiver, watch } = studio.watches.subscribe(&id, &studio.runs, &studio.queue);
    let event = |text: Arc<str>| Ok(Event::default().data(&*text));
    // A page that lost its connection gets everything again: this tells it to forget what it had.
    let beginning = stream::iter([Ok(Event::default().data(r#"[{"event":"beginning"}]"#))]);
    let past = stream::iter(said).map(event);
    // A page that is too far behind is cut off, and its browser connects again.
    let future = stream::unfold((receiver, watch, permit), async |(receiver, watch, permit)| {
        let mut receiver = receiver?;
        let text = receiver.recv().await.ok()?;
        Some((text, (Some(receiver), watch, permit)))
    });
    let all = beginning.chain(past).chain(future.map(event));
    Ok(Sse::new(all).keep_alive(KeepAlive::default()))
}

/// Stops a run that waits or runs here.
pub async fn cancel(State(studio): App, Path(id): Path<String>) -> Answer {
    let (id, _) = existing(&studio, &id)?;
    if studio.queue.cancel(&id) {
        return Ok(Json(json!({})));
    }
    let message = match studio.queue.state(&id) {
        runs::State::Running { .. } => "this run was started elsewhere: stop it there",
        _ => "this run is not running",
    };
    Err(ApiError::new(StatusCode::CONFLICT, message))
}

/// Puts a run that stopped on the way into the queue again.
pub async fn resume(State(studio): App, Path(id): Path<String>) -> Answer {
    let (id, _) = existing(&studio, &id)?;
    match studio.queue.state(&id) {
        runs::State::Finished => Err(ApiError::new(StatusCode::CONFLICT, "this run is finished")),
        state if !state.is_over() => Err(ApiError::new(StatusCode::CONFLICT, "this run is not over")),
        _ => {
            studio.queue.push(id, Job::Resume).map_err(full)?;
            Ok(Json(json!({})))
        }
    }
}
