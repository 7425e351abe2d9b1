//! What the server answers.

mod environments;
mod files;
mod interaction;
mod runs;

use crate::Studio;
use crate::delivery;
use crate::error::ApiError;
use crate::runs::RunId;
use crate::security;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, Path, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use kanrl_pipeline::run::RunStore;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;

pub use runs::exports;

/// Largest JSON that is read, in bytes.
const LARGEST_JSON: usize = 64 << 10;
/// How long it may take to arrive.
const LONGEST_BODY: Duration = Duration::from_secs(15);

type App = State<Arc<Studio>>;
type Answer = Result<Json<Value>, ApiError>;

pub fn router(studio: &Arc<Studio>) -> Router {
    // Streamed to the disk, with limits of its own.
    let upload = Router::new().route("/api/experts", post(environments::upload));
    Router::new()
        .route("/", get(page))
        .route("/runs", get(page))
        .route("/runs/{id}", get(page))
        .route("/assets/{name}", get(asset))
        .route("/api/environments", get(environments::list))
        .route("/api/environments/{id}/expert.mp4", get(environments::film))
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
        .route("/api/runs/{id}/delete", post(runs::delete))
        .route("/api/runs/{id}/restore", post(runs::restore))
        .route("/api/runs/{id}/label", post(runs::label))
        .route("/api/runs/{id}/again", get(runs::again))
        .route("/api/runs/{id}/save", post(runs::save))
        .route("/compare", get(page))
        .route("/gallery/{id}", get(page))
        .route("/api/gallery", get(environments::gallery))
        .route("/api/gallery/{id}", get(environments::result))
        .route("/api/environments/{id}/picture.png", get(environments::picture))
        .route("/api/runs/{id}/forms", post(interaction::forms))
        .route("/api/runs/{id}/frozen.json", get(interaction::frozen))
        .route("/api/runs/{id}/page.html", get(interaction::saved_page))
        .route("/api/runs/{id}/story", get(interaction::story))
        .route("/api/runs/{id}/episode", post(interaction::episode))
        .route("/api/films/{name}", get(interaction::film))
        .fallback(nothing)
        .layer(middleware::from_fn(small_body))
        .merge(upload)
        .layer(DefaultBodyLimit::disable())
        .layer(middleware::from_fn(delivery::deliver))
        .layer(middleware::from_fn_with_state(Arc::clone(studio), security::guard))
        .with_state(Arc::clone(studio))
}

/// The page; it knows by a mark whether strangers share the studio.
async fn page(State(studio): App) -> Result<Response, ApiError> {
    if !studio.options.public {
        return answer_asset(&studio, "index.html");
    }
    let (bytes, media_type) = crate::assets::find("index.html", studio.options.assets.as_deref())
        .ok_or_else(|| ApiError::not_found("no such file"))?;
    let mark = if studio.options.uploads { "<html data-public data-uploads " } else { "<html data-public " };
    let marked = String::from_utf8_lossy(&bytes).replacen("<html ", mark, 1);
    Ok(([(header::CONTENT_TYPE, media_type)], marked).into_response())
}

async fn asset(State(studio): App, Path(name): Path<String>) -> Result<Response, ApiError> {
    answer_asset(&studio, &name)
}

fn answer_asset(studio: &Studio, name: &str) -> Result<Response, ApiError> {
    let (bytes, media_type) = crate::assets::find(name, studio.options.assets.as_deref())
        .ok_or_else(|| ApiError::not_found("no such file"))?;
    Ok(([(header::CONTENT_TYPE, media_type)], bytes.into_owned()).into_response())
}

/// An address without a page: people get one that says so, programs JSON.
async fn nothing(State(studio): App, request: Request) -> Result<Response, ApiError> {
    if request.uri().path().starts_with("/api/") || !wants_page(request.headers()) {
        return Err(ApiError::not_found("no page at this address"));
    }
    page(State(studio)).await.map(|page| (StatusCode::NOT_FOUND, page).into_response())
}

/// Whether it is a browser that asks, for something to show.
pub fn wants_page(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    accept.is_some_and(|accept| accept.contains("text/html"))
}

/// Reads the body, which is small and arrives in time.
async fn small_body(request: Request, next: Next) -> Response {
    let (head, body) = request.into_parts();
    match tokio::time::timeout(LONGEST_BODY, axum::body::to_bytes(body, LARGEST_JSON)).await {
        Ok(Ok(bytes)) => next.run(Request::from_parts(head, Body::from(bytes))).await,
        Ok(Err(error)) => {
            let message = format!("this is larger than the limit of {} kB, or was cut off", LARGEST_JSON >> 10);
            tracing::debug!("a body: {error}");
            ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, message).into_response()
        }
        Err(_) => ApiError::new(StatusCode::REQUEST_TIMEOUT, "the request did not arrive in time").into_response(),
    }
}

/// A body of JSON.
fn json_body<T: DeserializeOwned>(body: &Bytes) -> Result<T, ApiError> {
    serde_json::from_slice(body).map_err(|error| ApiError::unprocessable(format!("invalid request: {error}")))
}

/// A run that exists.
fn existing(studio: &Studio, id: &str) -> Result<(RunId, RunStore), ApiError> {
    let id = RunId::new(id);
    id.and_then(|id| studio.runs.find(&id).map(|run| (id, run))).ok_or_else(|| ApiError::not_found("no such run"))
}
