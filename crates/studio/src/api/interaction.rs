//! Looking into a finished run's network, and trying other formulas: work for workers.

use super::files::answer_file;
use super::{Answer, App, existing, json_body};
use crate::Studio;
use crate::error::ApiError;
use crate::laboratory::Pin;
use crate::rollout::Rehearsal;
use crate::work::Request;
use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use kanrl_pipeline::run::RunStore;
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
