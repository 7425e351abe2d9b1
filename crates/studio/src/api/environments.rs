//! Environments, their experts and the experts' videos.

use super::{Answer, App};
use crate::catalog::Described;
use crate::error::{ApiError, blocking};
use crate::work::Request;
use axum::Json;
use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};
use std::ffi::OsString;
use std::sync::Arc;

/// Every environment, those with a bundled expert first.
pub async fn list(State(studio): App) -> Answer {
    let mut list: Vec<Value> = studio.all_environments().await.iter().map(Described::to_json).collect();
    list.sort_by_key(|environment| environment["expert"].is_null());
    Ok(Json(json!(list)))
}

/// The finished results that come with the program.
pub async fn gallery() -> Answer {
    Ok(Json(crate::gallery::list().clone()))
}

/// One of them.
pub async fn result(Path(id): Path<String>) -> Result<Response, ApiError> {
    let text = blocking(move || crate::gallery::find(&id)).await?;
    Ok(([(header::CONTENT_TYPE, "application/json")], text).into_response())
}

/// A small picture of an environment; made when it is first asked for, one at a time.
pub async fn picture(State(studio): App, Path(id): Path<String>, headers: HeaderMap) -> Result<Response, ApiError> {
    let id = studio.spec(&id).await.map_err(ApiError::not_found)?.id;
    let file = studio.runs.own_folder().join("videos").join(format!("{}.png", file_name(&id)));
    if !file.is_file() {
        let _one = studio.pictures.acquire().await.map_err(ApiError::internal)?;
        if !file.is_file() {
            studio.jobs.ask(&Request::Picture { environment: id, file: file.clone() }).await?;
        }
    }
    super::files::answer_file(&file, "image/png", &headers).await
}

/// An environment's id as a part of a file's name.
fn file_name(id: &str) -> String {
    id.chars().map(|c| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '-' }).collect()
}

#[derive(Deserialize)]
pub struct FilmQuery {
    /// An uploaded archive's hash; the bundled expert without it.
    expert: Option<String>,
}

/// An episode of the expert as MP4; filmed when it is first asked for.
pub async fn film(
    State(studio): App,
    Path(id): Path<String>,
    Query(query): Query<FilmQuery>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let id = studio.spec(&id).await.map_err(ApiError::not_found)?.id;
    let (name, policy): (&str, OsString) = match query.expert.as_deref() {
        None | Some("bundled") if kanrl_experts::bundled::find(&id).is_some() => ("bundled", "bundled".into()),
        None | Some("bundled") => return Err(ApiError::not_found("kanrl has no bundled expert for this environment")),
        Some(hash) => match studio.uploads.path(hash) {
            Some(path) => (hash, path.into()),
            None => return Err(ApiError::not_found("this archive is not on the server: upload it again")),
        },
    };
    let file = studio.runs.own_folder().join("videos").join(format!("{}.{name}.mp4", file_name(&id)));
    let filmed = studio.programs.film(&id, &policy, &file).await;
    filmed.map_err(|words| ApiError::new(StatusCode::SERVICE_UNAVAILABLE, format!("no video: {words}")))?;
    super::files::answer_file(&file, "video/mp4", &headers).await
}

#[derive(Deserialize)]
pub struct UploadQuery {
    environment: String,
    #[serde(default)]
    name: String,
}

/// Takes a Stable-Baselines3 archive.
pub async fn upload(State(studio): App, Query(query): Query<UploadQuery>, body: Body) -> Answer {
    let spec = studio.spec(&query.environment).await?;
    let received = studio.uploads.receive(body).await?;
    let _turn = studio.reading.acquire().await.map_err(ApiError::internal)?;
    let server = Arc::clone(&studio);
    blocking(move || {
        let name: String = query.name.chars().filter(|character| !character.is_control()).take(100).collect();
        let name = if name.is_empty() { "the archive".to_owned() } else { name };
        server.uploads.store(&name, received, &spec).map(Json)
    })
    .await
}
