//! Looking into a finished run's network, and trying other formulas.

use super::files::answer_bytes;
use super::runs::exports;
use super::{Answer, App, existing, json_body};
use crate::Studio;
use crate::error::{ApiError, blocking, in_words};
use crate::laboratory::{Laboratory, Pin};
use crate::rollout::Rehearsal;
use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use kanrl_pipeline::config::MergedConfig;
use kanrl_pipeline::run::PolicyRole;
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

/// Work that takes all cores for a while: it waits for its turn, and a page that leaves meanwhile leaves the queue.
async fn heavy<T: Send + 'static>(
    studio: &Arc<Studio>,
    work: impl FnOnce(&Studio) -> Result<T, ApiError> + Send + 'static,
) -> Result<T, ApiError> {
    let _turn = studio.heavy.acquire().await.map_err(ApiError::internal)?;
    let studio = Arc::clone(studio);
    blocking(move || work(&studio)).await
}

/// The named network.
pub async fn network(State(studio): App, Path(id): Path<String>) -> Answer {
    let (_, run) = existing(&studio, &id)?;
    heavy(&studio, move |studio| Ok(Json(Laboratory::open(&run, &studio.environments)?.network()))).await
}

/// One edge's spline and what it could be called.
pub async fn edge(State(studio): App, Path((id, edge)): Path<(String, usize)>) -> Answer {
    let (_, run) = existing(&studio, &id)?;
    heavy(&studio, move |studio| Laboratory::open(&run, &studio.environments)?.edge(edge).map(Json)).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Pins {
    pins: Vec<Pin>,
}

/// Other functions on some edges: the network, the formula that follows and its returns.
pub async fn pin(State(studio): App, Path(id): Path<String>, body: Result<Bytes, BytesRejection>) -> Answer {
    let (_, run) = existing(&studio, &id)?;
    let Pins { pins } = json_body(body)?;
    heavy(&studio, move |studio| {
        let (mut answer, rehearsal) = Laboratory::open(&run, &studio.environments)?.pin(&pins)?;
        rehearse(studio, rehearsal, &mut answer)?;
        Ok(Json(answer))
    })
    .await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Attempt {
    /// An expression for each of the formula's outputs, as text.
    outputs: Vec<String>,
}

/// Other expressions in the run's formula: its forms and its returns.
pub async fn try_formula(State(studio): App, Path(id): Path<String>, body: Result<Bytes, BytesRejection>) -> Answer {
    let (_, run) = existing(&studio, &id)?;
    let Attempt { outputs } = json_body(body)?;
    heavy(&studio, move |studio| {
        let own = run.formula(PolicyRole::Headline).map_err(|error| ApiError::not_found(in_words(&error)))?;
        let parsed = outputs.iter().enumerate().map(|(index, text)| {
            text.parse().map_err(|error| ApiError::field(&format!("output-{index}"), in_words(&error)))
        });
        let formula = parsed.collect::<Result<_, _>>().and_then(|outputs| {
            own.with_expressions(outputs).map_err(|error| ApiError::unprocessable(in_words(&error)))
        })?;
        let config = run.config().and_then(|raw| MergedConfig::new(raw).resolve());
        let config = config.map_err(|error| ApiError::unprocessable(in_words(&error)))?;
        let mut answer = json!({});
        let rehearsal = Rehearsal { environment: config.environment, formula, seed: config.seed };
        rehearse(studio, rehearsal, &mut answer)?;
        Ok(Json(answer))
    })
    .await
}

/// Adds a formula's forms, its returns and its film's address to an answer.
fn rehearse(studio: &Studio, rehearsal: Rehearsal, answer: &mut Value) -> Result<(), ApiError> {
    answer["formula"] = exports(&rehearsal.formula);
    answer["returns"] = rehearsal.returns(&studio.environments)?;
    answer["film"] = json!(format!("/api/films/{}.mp4", studio.rehearsals.keep(rehearsal)));
    Ok(())
}

/// The film of a formula that was tried.
pub async fn film(State(studio): App, Path(name): Path<String>, headers: HeaderMap) -> Result<Response, ApiError> {
    let film = heavy(&studio, move |studio| {
        let key = name.strip_suffix(".mp4").unwrap_or(&name);
        let film = studio.rehearsals.film(key, &studio.environments);
        film.ok_or_else(|| ApiError::not_found("this film is gone: try the formula again"))?
    });
    let film = film.await?;
    Ok(answer_bytes(Bytes::from_owner(Shared(film)), "video/mp4", &headers))
}

/// Bytes that several answers share.
struct Shared(std::sync::Arc<Vec<u8>>);

impl AsRef<[u8]> for Shared {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}
