//! What the server answers.

mod environments;
mod files;
mod interaction;
mod runs;

use crate::Studio;
use crate::error::ApiError;
use crate::runs::RunId;
use crate::{security, uploads};
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router, middleware};
use kanrl_pipeline::run::RunStore;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::sync::Arc;

/// Largest JSON that is read, in bytes.
const LARGEST_JSON: usize = 256 << 10;

type App = State<Arc<Studio>>;
type Answer = Result<Json<Value>, ApiError>;

pub fn router(studio: &Arc<Studio>) -> Router {
    let upload = post(environments::upload).layer(DefaultBodyLimit::max(uploads::LARGEST));
    Router::new()
        .route("/", get(page))
        .route("/runs", get(page))
        .route("/runs/{id}", get(page))
        .route("/assets/{name}", get(asset))
        .route("/api/environments", get(environments::list))
        .route("/api/environments/{id}/expert.mp4", get(environments::film))
        .route("/api/experts", upload)
        .route("/api/runs", get(runs::list).post(runs::start))
        .route("/api/runs/{id}", get(runs::detail))
        .route("/api/runs/{id}/events", get(runs::events))
        .route("/api/runs/{id}/cancel", post(runs::cancel))
        .route("/api/runs/{id}/resume", post(runs::resume))
        .route("/api/runs/{id}/files/{name}", get(files::file))
        .route("/api/runs/{id}/archive.zip", get(files::archive))
        .route("/api/runs/{id}/network", get(interaction::network))
        .route("/api/runs/{id}/network/{edge}", get(interaction::edge))
        .route("/api/runs/{id}/pin", post(interaction::pin))
        .route("/api/runs/{id}/try", post(interaction::try_formula))
        .route("/api/films/{name}", get(interaction::film))
        .fallback(nothing)
        .layer(DefaultBodyLimit::max(LARGEST_JSON))
        .layer(middleware::from_fn(security::guard))
        .with_state(Arc::clone(studio))
}

async fn page(State(studio): App) -> Result<Response, ApiError> {
    answer_asset(&studio, "index.html")
}

async fn asset(State(studio): App, Path(name): Path<String>) -> Result<Response, ApiError> {
    answer_asset(&studio, &name)
}

fn answer_asset(studio: &Studio, name: &str) -> Result<Response, ApiError> {
    let (bytes, media_type) = crate::assets::find(name, studio.options.assets.as_deref())
        .ok_or_else(|| ApiError::not_found("no such file"))?;
    Ok(([(header::CONTENT_TYPE, media_type)], bytes.into_owned()).into_response())
}

async fn nothing() -> ApiError {
    ApiError::not_found("there is nothing at this address")
}

/// A body of JSON.
fn json_body<T: DeserializeOwned>(body: Result<Bytes, BytesRejection>) -> Result<T, ApiError> {
    let bytes = whole_body(body, LARGEST_JSON)?;
    serde_json::from_slice(&bytes)
        .map_err(|error| ApiError::unprocessable(format!("the request is not as expected: {error}")))
}

fn whole_body(body: Result<Bytes, BytesRejection>, limit: usize) -> Result<Bytes, ApiError> {
    body.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => {
            let message = format!("this is larger than {} kB, the most that is accepted", limit >> 10);
            ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, message)
        }
        status => ApiError::new(status, rejection),
    })
}

/// A run that exists.
fn existing(studio: &Studio, id: &str) -> Result<(RunId, RunStore), ApiError> {
    let id = RunId::new(id);
    id.and_then(|id| studio.runs.find(&id).map(|run| (id, run)))
        .ok_or_else(|| ApiError::not_found("there is no such run"))
}
