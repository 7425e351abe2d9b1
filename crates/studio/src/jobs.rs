//! Work of which one asks and waits for the answer: bounded in number and time, and over when nobody waits for it any more.

use crate::error::ApiError;
use crate::programs::Programs;
use crate::work::Request;
use axum::http::StatusCode;
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, SemaphorePermit};

/// Workers at the same time; each uses every core.
const MOST_RUNNING: usize = 2;
/// Requests that may wait for a worker.
const MOST_WAITING: usize = 16;
/// How long a worker may take.
const LONGEST: Duration = Duration::from_secs(300);

/// Hands work to workers.
pub struct Jobs {
    programs: Arc<Programs>,
    running: Semaphore,
    places: Semaphore,
}

impl Jobs {
    pub fn new(programs: Arc<Programs>) -> Self {
        let (running, places) = (Semaphore::new(MOST_RUNNING), Semaphore::new(MOST_RUNNING + MOST_WAITING));
        Self { programs, running, places }
    }

    /// Whether a config, as TOML, would run.
    ///
    /// # Errors
    /// Why not; and where too many wait already.
    pub async fn check(&self, config: &str) -> Result<(), ApiError> {
        let _turn = self.turn().await?;
        let file = tempfile::Builder::new().suffix(".toml").tempfile().map_err(ApiError::internal)?;
        std::fs::write(file.path(), config).map_err(ApiError::internal)?;
        self.programs.check(file.path()).await.map_err(|words| ApiError::field("settings", words))
    }

    /// Waits for a free worker.
    async fn turn(&self) -> Result<[SemaphorePermit<'_>; 2], ApiError> {
        let busy = "the studio is busy with other requests: try again in a moment";
        let place = self.places.try_acquire().map_err(|_| ApiError::new(StatusCode::SERVICE_UNAVAILABLE, busy))?;
        Ok([place, self.running.acquire().await.map_err(ApiError::internal)?])
    }

    /// What a worker answers. Where the future is dropped, the worker is killed.
    ///
    /// # Errors
    /// Its refusal; what it said where it crashed; and where too many wait already.
    pub async fn ask(&self, request: &Request) -> Result<Value, ApiError> {
        let _turn = self.turn().await?;
        let request = request.to_json()?;
        let answer = tokio::time::timeout(LONGEST, self.programs.work(&request)).await;
        let late = || {
            let message = format!("this took longer than {} seconds, and was ended", LONGEST.as_secs());
            ApiError::new(StatusCode::SERVICE_UNAVAILABLE, message)
        };
        let answer = answer.map_err(|_| late())?.map_err(ApiError::internal)?;
        Request::answer(&answer)
    }
}
