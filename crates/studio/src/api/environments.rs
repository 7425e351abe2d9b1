//! Environments, their experts and the experts' videos.

use super::{Answer, App, whole_body};
use crate::error::{ApiError, blocking, in_words};
use crate::uploads::LARGEST;
use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use kanrl_core::environment::EnvironmentEntry;
use kanrl_core::space::ActionSpace;
use serde::Deserialize;
use serde_json::{Value, json};
use std::ffi::OsString;

/// Every environment, those with a bundled expert first.
pub async fn list(State(studio): App) -> Answer {
    let list = blocking(move || {
        let mut list: Vec<Value> = studio.environments.entries().map(|entry| describe(&studio, entry)).collect();
        list.sort_by_key(|environment| environment["expert"].is_null());
        Ok(list)
    });
    list.await.map(|list| Json(json!(list)))
}

fn describe(studio: &crate::Studio, entry: &EnvironmentEntry) -> Value {
    let spec = match studio.environments.spec(&entry.id) {
        Ok(spec) => spec,
        Err(error) => return json!({ "id": entry.id, "summary": entry.summary, "error": in_words(&error) }),
    };
    let coordinate = |coordinate: &kanrl_core::space::Coordinate| json!({ "name": coordinate.name, "unit": coordinate.unit, "description": coordinate.description });
    let actions: Vec<Value> = match &spec.action_space {
        ActionSpace::Discrete(space) => space.actions.iter().map(|action| json!(action)).collect(),
        ActionSpace::Box(space) => space.coordinates.iter().map(coordinate).collect(),
    };
    let expert = kanrl_experts::bundled::find(&entry.id).map(|expert| {
        let record = expert.record();
        let evaluation = record.evaluation;
        json!({
            "algorithm": record.algorithm,
            "mean_return": evaluation.map(|evaluation| evaluation.mean_return),
            "std_return": evaluation.map(|evaluation| evaluation.std_return),
        })
    });
    json!({
        "id": entry.id,
        "summary": entry.summary,
        "observations": spec.observation_space.coordinates.iter().map(coordinate).collect::<Vec<_>>(),
        "actions": actions,
        "steps": spec.max_episode_steps,
        "expert": expert,
    })
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
    let entry = studio.environments.get(&id).map_err(|error| ApiError::not_found(in_words(&error)))?;
    let (name, policy): (&str, OsString) = match query.expert.as_deref() {
        None | Some("bundled") if kanrl_experts::bundled::find(&entry.id).is_some() => ("bundled", "bundled".into()),
        None | Some("bundled") => return Err(ApiError::not_found("no expert for this environment comes with kanrl")),
        Some(hash) => match studio.uploads.path(hash) {
            Some(path) => (hash, path.into()),
            None => return Err(ApiError::not_found("this archive is not on the server: upload it again")),
        },
    };
    let safe: String =
        entry.id.chars().map(|c| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '-' }).collect();
    let file = studio.runs.own_folder().join("videos").join(format!("{safe}.{name}.mp4"));
    let filmed = studio.programs.film(&entry.id, &policy, &file).await;
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
pub async fn upload(
    State(studio): App,
    Query(query): Query<UploadQuery>,
    body: Result<Bytes, BytesRejection>,
) -> Answer {
    let bytes = whole_body(body, LARGEST)?;
    blocking(move || {
        let spec = studio.environments.spec(&query.environment);
        let spec = spec.map_err(|error| ApiError::field("environment", in_words(&error)))?;
        let name: String = query.name.chars().filter(|character| !character.is_control()).take(100).collect();
        let name = if name.is_empty() { "the archive".to_owned() } else { name };
        studio.uploads.store(&name, &bytes, &spec).map(Json)
    })
    .await
}
