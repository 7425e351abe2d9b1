//! Looking into a finished run's network, and trying other formulas: work for workers.

use super::files::answer_file;
use super::{Answer, App, existing, json_body};
use crate::Studio;
use crate::error::{ApiError, blocking};
use crate::laboratory::Pin;
use crate::rollout::{EPISODES, Rehearsal};
use crate::security::SANDBOX_POLICY;
use crate::work::{self, Request};
use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use kanrl_pipeline::run::{RunFile, RunStore};
use serde::Deserialize;
use serde_json::{Value, json};
use std::path::PathBuf;

/// A run's folder, which a worker opens again.
fn folder(run: &RunStore) -> PathBuf {
    run.path().to_owned()
}

/// The named network.
pub async fn network(State(studio): App, Path(id): Path<String>) -> Answer {
    let (_, run) = existing(&studio, &id)?;
    studio.jobs.ask(&Request::Network { run: folder(&run) }).await.map(Json)
}

/// One edge's spline and what it could be called.
pub async fn edge(State(studio): App, Path((id, edge)): Path<(String, usize)>) -> Answer {
    let (_, run) = existing(&studio, &id)?;
    studio.jobs.ask(&Request::Edge { run: folder(&run), edge }).await.map(Json)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Pins {
    pins: Vec<Pin>,
}

/// Other functions on some edges: the network, the formula that follows and its returns.
pub async fn pin(State(studio): App, Path(id): Path<String>, body: Bytes) -> Answer {
    let (_, run) = existing(&studio, &id)?;
    let Pins { pins } = json_body(&body)?;
    rehearse(&studio, &Request::Pin { run: folder(&run), pins }).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Attempt {
    /// An expression for each of the formula's outputs, as text.
    outputs: Vec<String>,
}

/// Other expressions in the run's formula: its forms and its returns.
pub async fn try_formula(State(studio): App, Path(id): Path<String>, body: Bytes) -> Answer {
    let (_, run) = existing(&studio, &id)?;
    let Attempt { outputs } = json_body(&body)?;
    rehearse(&studio, &Request::Try { run: folder(&run), outputs }).await
}

/// What the run's page is made of.
pub async fn story(State(studio): App, Path(id): Path<String>) -> Answer {
    let (id, run) = existing(&studio, &id)?;
    let made = run.modified(RunFile::Metrics);
    if let Some(story) = studio.stories.find(&id, made) {
        return Ok(Json(Value::clone(&story)));
    }
    let story = studio.jobs.ask(&Request::Story { run: folder(&run) }).await?;
    studio.stories.keep(id, made, &story);
    Ok(Json(story))
}

/// The run's page as data that needs no server.
pub async fn frozen(State(studio): App, Path(id): Path<String>) -> Answer {
    let (_, run) = existing(&studio, &id)?;
    studio.jobs.ask(&Request::Frozen { run: folder(&run) }).await.map(Json)
}

/// The run's page as one file, to keep or to send.
pub async fn saved_page(State(studio): App, Path(id): Path<String>) -> Result<Response, ApiError> {
    let (id, run) = existing(&studio, &id)?;
    let frozen = studio.jobs.ask(&Request::Frozen { run: folder(&run) }).await?;
    let disposition = format!("attachment; filename=\"{}.html\"", id.as_str());
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8".to_owned()),
        (header::CONTENT_DISPOSITION, disposition),
        (header::CONTENT_SECURITY_POLICY, SANDBOX_POLICY.to_owned()),
    ];
    Ok((headers, crate::frozen::page(&frozen)).into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    /// An expression for each of the formula's outputs, as text; the expert plays without.
    #[serde(default)]
    outputs: Option<Vec<String>>,
    /// Which of the episodes for choosing, from 0.
    #[serde(default)]
    episode: usize,
}

/// An episode step by step, and where its film is.
pub async fn episode(State(studio): App, Path(id): Path<String>, body: Bytes) -> Answer {
    let (_, run) = existing(&studio, &id)?;
    let Wanted { outputs, episode } = json_body(&body)?;
    if episode >= EPISODES {
        return Err(ApiError::unprocessable(format!("there are {EPISODES} episodes to look at, from 0")));
    }
    rehearse(&studio, &Request::Episode { run: folder(&run), outputs, episode }).await
}

/// Other expressions in the run's formula, in every form that is copied: nothing is played.
pub async fn forms(State(studio): App, Path(id): Path<String>, body: Bytes) -> Answer {
    let (_, run) = existing(&studio, &id)?;
    let Attempt { outputs } = json_body(&body)?;
    blocking(move || work::edited(&run, &outputs).map(|formula| Json(super::exports(&formula)))).await
}

/// An answer with a formula that was tried, which is remembered for its film.
async fn rehearse(studio: &Studio, request: &Request) -> Answer {
    let mut answer = studio.jobs.ask(request).await?;
    let rehearsal: Rehearsal = serde_json::from_value(answer["rehearsal"].take()).map_err(ApiError::internal)?;
    answer["film"] = json!(format!("/api/films/{}.mp4", studio.rehearsals.keep(rehearsal)));
    if let Value::Object(answer) = &mut answer {
        answer.remove("rehearsal");
    }
    Ok(Json(answer))
}

/// The film of a formula that was tried.
pub async fn film(State(studio): App, Path(name): Path<String>, headers: HeaderMap) -> Result<Response, ApiError> {
    let key = name.strip_suffix(".mp4").unwrap_or(&name);
    let file = studio.rehearsals.film(key, &studio.jobs).await?;
    answer_file(&file, "video/mp4", &headers).await
}
