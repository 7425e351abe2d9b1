//! Runs: the list, one of them, its events, and what can be done with it.

use super::{Answer, App, existing, json_body};
use crate::Studio;
use crate::error::{ApiError, blocking, in_words};
use crate::fields::NewRun;
use crate::queue::{Job, QueueFull};
use crate::runs::{self, Label, RunId};
use crate::visitors::{self, Peer};
use crate::watch::Subscription;
use crate::work::Request;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::{Extension, Json};
use futures_util::stream::{self, Stream, StreamExt};
use kanrl_pipeline::config::MergedConfig;
use kanrl_pipeline::run::{Metrics, PolicyRole, RunFile};
use kanrl_symbolic::Formula;
use serde::Deserialize;
use serde_json::{Value, json};
use std::convert::Infallible;
use std::sync::Arc;

/// Every run with its state, the newest first.
pub async fn list(State(studio): App) -> Answer {
    let list = blocking(move || {
        let with_state = |id: RunId| {
            let mut summary = runs::summary(&id, &studio.runs.find(&id)?);
            summary["state"] = json!(studio.queue.state(&id));
            summary["label"] = json!(studio.runs.label(&id));
            Some(summary)
        };
        Ok(studio.runs.list().into_iter().filter_map(with_state).collect::<Vec<_>>())
    });
    list.await.map(|list| Json(json!(list)))
}

/// Adds a run to the queue.
pub async fn start(
    State(studio): App,
    peer: Option<Extension<Peer>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    let form: NewRun = json_body(&body)?;
    let visitor = visitors::address(peer.as_deref(), &headers);
    if studio.options.public {
        visitors::check_size(&form)?;
        studio.visitors.check_run(visitor, |id| !studio.queue.state(id).is_over())?;
    }
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
    studio.visitors.note_run(visitor, id.clone());
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
        detail["label"] = json!(studio.runs.label(&id));
        detail["proof"] = runs::proof(&run);
        detail["metrics"] = json!(Metrics::read(&run).ok());
        detail["files"] = run.files().into_iter().filter_map(described).collect();
        for role in [PolicyRole::Headline, PolicyRole::Faithful, PolicyRole::Polished] {
            detail["formulas"][role.name()] = run.formula(role).map_or(Value::Null, |formula| exports(&formula));
        }
        detail["config"] = json!(run.read_text(RunFile::Config).ok());
        Ok(Json(detail))
    })
    .await
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
        "text": formula.to_string(),
        "latex": export(Format::Latex),
        "sympy": export(Format::SymPy),
        "python": export(Format::NumPy),
        "c": export(Format::C),
        "rust": export(Format::Rust),
        "json": formula.to_json(),
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

/// In a public studio a run belongs to the visitor who has started it.
fn check_owner(studio: &Studio, peer: Option<&Peer>, headers: &HeaderMap, id: &RunId) -> Result<(), ApiError> {
    if studio.options.public && !studio.visitors.owns(visitors::address(peer, headers), id) {
        return Err(ApiError::new(StatusCode::FORBIDDEN, "this run is another visitor's"));
    }
    Ok(())
}

/// Stops a run that waits or runs here.
pub async fn cancel(
    State(studio): App,
    peer: Option<Extension<Peer>>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Answer {
    let (id, _) = existing(&studio, &id)?;
    check_owner(&studio, peer.as_deref(), &headers, &id)?;
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
pub async fn resume(
    State(studio): App,
    peer: Option<Extension<Peer>>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Answer {
    let (id, _) = existing(&studio, &id)?;
    check_owner(&studio, peer.as_deref(), &headers, &id)?;
    match studio.queue.state(&id) {
        runs::State::Finished => Err(ApiError::new(StatusCode::CONFLICT, "this run is finished")),
        state if !state.is_over() => Err(ApiError::new(StatusCode::CONFLICT, "this run is not over")),
        _ => {
            studio.queue.push(id, Job::Resume).map_err(full)?;
            Ok(Json(json!({})))
        }
    }
}

/// Puts a run that is over aside.
pub async fn delete(State(studio): App, Path(id): Path<String>) -> Answer {
    let (id, _) = existing(&studio, &id)?;
    if !studio.queue.state(&id).is_over() {
        return Err(ApiError::new(StatusCode::CONFLICT, "this run is not over: cancel it first"));
    }
    blocking(move || studio.runs.trash(&id).map_err(ApiError::internal).map(|()| Json(json!({})))).await
}

/// Brings back a run that was put aside.
pub async fn restore(State(studio): App, Path(id): Path<String>) -> Answer {
    let id = RunId::new(&id).ok_or_else(|| ApiError::not_found("no such run"))?;
    let gone = |_| ApiError::not_found("this run is not there to be brought back");
    blocking(move || studio.runs.restore(&id).map_err(gone).map(|()| Json(json!({})))).await
}

/// Gives a run a name and tags.
pub async fn label(State(studio): App, Path(id): Path<String>, body: Bytes) -> Answer {
    let (id, _) = existing(&studio, &id)?;
    let label = json_body::<Label>(&body)?.tidied();
    blocking(move || studio.runs.set_label(&id, &label).map_err(ApiError::internal).map(|()| Json(json!(label)))).await
}

/// The form that starts a run like this one.
pub async fn again(State(studio): App, Path(id): Path<String>) -> Answer {
    let (_, run) = existing(&studio, &id)?;
    blocking(move || {
        let unreadable = |error: &dyn std::error::Error| ApiError::unprocessable(in_words(error));
        let config =
            run.config().and_then(|raw| MergedConfig::new(raw).resolve()).map_err(|error| unreadable(&error))?;
        NewRun::like(&config, &studio.uploads).map(|form| Json(json!(form)))
    })
    .await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Own {
    /// An expression for each output of the formula, as text.
    outputs: Vec<String>,
}

/// A new run with a formula of one's own as its result: what does not depend on it is taken over.
pub async fn save(
    State(studio): App,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    let (_, run) = existing(&studio, &id)?;
    let Own { outputs } = json_body(&body)?;
    studio.queue.check_room().map_err(full)?;
    let server = Arc::clone(&studio);
    let new = blocking(move || {
        crate::work::edited(&run, &outputs)?;
        let mut config = MergedConfig::new(run.config().map_err(|error| ApiError::unprocessable(in_words(&error)))?);
        config.set("select", "formula", outputs);
        let config = config.resolve().map_err(|error| ApiError::unprocessable(in_words(&error)))?;
        let new = server.runs.create_from(&config.environment.id, &config.to_toml(), &run);
        let new = new.map_err(ApiError::internal)?;
        let parent = server.runs.label(&RunId::new(&id).ok_or_else(|| ApiError::not_found("no such run"))?).name;
        let parent = if parent.is_empty() { id } else { parent };
        let label = Label { name: format!("{parent}, edited"), tags: vec!["edited".to_owned()] }.tidied();
        server.runs.set_label(&new, &label).map_err(ApiError::internal)?;
        Ok(new)
    });
    let new = new.await?;
    studio.queue.push(new.clone(), Job::Resume).map_err(|error| {
        studio.runs.remove(&new);
        full(error)
    })?;
    Ok((StatusCode::CREATED, Json(json!({ "id": new }))))
}
