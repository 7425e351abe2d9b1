//! Errors as answers: a status and words that the page shows.

pub use kanrl_pipeline::causes::in_words;

use axum::Json;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::fmt;

/// An answer that refuses: `{"error": WORDS, "fields": {FIELD: WORDS}}`.
#[derive(Debug, Serialize, Deserialize)]
pub struct ApiError {
    status: u16,
    message: String,
    fields: Map<String, Value>,
}

impl ApiError {
    pub fn new(status: StatusCode, message: impl ToString) -> Self {
        Self { status: status.as_u16(), message: message.to_string(), fields: Map::new() }
    }

    /// Nothing of that name.
    pub fn not_found(what: impl ToString) -> Self {
        Self::new(StatusCode::NOT_FOUND, what)
    }

    /// The request makes no sense.
    pub fn unprocessable(message: impl ToString) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, message)
    }

    /// What a person typed into one field is wrong.
    pub fn field(name: &str, message: impl ToString) -> Self {
        let message = message.to_string();
        let fields = Map::from_iter([(name.to_owned(), json!(message))]);
        Self { status: StatusCode::UNPROCESSABLE_ENTITY.as_u16(), message, fields }
    }

    /// Something that should work did not.
    pub fn internal(error: impl ToString) -> Self {
        let message = error.to_string();
        tracing::error!("{message}");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, message)
    }
}

impl ApiError {
    /// As a page for people, without anything that a stranger may not load.
    pub fn into_page(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let words = self.message.replace('&', "&amp;").replace('<', "&lt;").replace('`', "");
        let mut words = words.chars();
        let words: String = words.next().into_iter().flat_map(char::to_uppercase).chain(words).collect();
        let page = format!(
            "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
             <meta name=\"color-scheme\" content=\"light dark\"><title>kanrl studio</title>\
             <main><h1>kanrl studio</h1><p>{words}.</p></main></html>"
        );
        (status, Html(page)).into_response()
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        (status, Json(json!({ "error": self.message, "fields": self.fields }))).into_response()
    }
}

/// Runs what would block the server on a thread of its own; a panic there becomes an answer.
pub async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ApiError> + Send + 'static,
) -> Result<T, ApiError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => Err(ApiError::internal(format!("internal server error: {error}"))),
    }
}
