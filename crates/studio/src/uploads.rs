//! Experts that were uploaded: Stable-Baselines3 archives, read and checked, never run, kept by their hash.

use crate::error::{ApiError, in_words};
use axum::body::Body;
use axum::http::StatusCode;
use futures_util::StreamExt;
use kanrl_core::environment::EnvironmentSpec;
use kanrl_experts::sb3::Sb3Archive;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;
use tempfile::NamedTempFile;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout, timeout_at};

/// Largest archive, in bytes.
pub const LARGEST: u64 = 32 << 20;
/// Most archives that are kept, and their bytes in all.
const MOST: usize = 100;
const MOST_BYTES: u64 = 1 << 30;
/// Archives that may be on their way at the same time.
const MOST_AT_ONCE: usize = 8;
/// How long one may be on its way, and how long nothing of it may arrive.
const LONGEST: Duration = Duration::from_secs(300);
const LONGEST_PAUSE: Duration = Duration::from_secs(15);

/// The folder of uploaded archives.
pub struct Uploads {
    folder: PathBuf,
    places: Semaphore,
}

/// An archive on the disk that nobody has looked at.
pub struct Received {
    file: NamedTempFile,
    hash: String,
    bytes: u64,
}

impl Uploads {
    pub fn new(own_folder: PathBuf) -> Self {
        Self { folder: own_folder.join("uploads"), places: Semaphore::new(MOST_AT_ONCE) }
    }

    /// The archive of that hash, if it was uploaded.
    pub fn path(&self, hash: &str) -> Option<PathBuf> {
        let is_hash = hash.len() == 64 && hash.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        let path = self.folder.join(format!("{hash}.zip"));
        (is_hash && path.is_file()).then_some(path)
    }

    /// Writes a body to the disk as it arrives.
    ///
    /// # Errors
    /// Where it is too large or too slow, or others are on their way.
    pub async fn receive(&self, body: Body) -> Result<Received, ApiError> {
        let refuse = |status, words: &str| ApiError::new(status, words);
        let busy = "other archives are being uploaded: try again in a moment";
        let _place = self.places.try_acquire().map_err(|_| refuse(StatusCode::SERVICE_UNAVAILABLE, busy))?;
        let late = |_| refuse(StatusCode::REQUEST_TIMEOUT, "the archive did not arrive in time");
        let end = Instant::now() + LONGEST;
        let mut file = NamedTempFile::new_in(&self.folder).map_err(ApiError::internal)?;
        let (mut hash, mut bytes) = (Sha256::new(), 0);
        let mut parts = body.into_data_stream();
        while let Some(part) =
            timeout_at(end, timeout(LONGEST_PAUSE, parts.next())).await.map_err(late)?.map_err(late)?
        {
            let part = part.map_err(|error| refuse(StatusCode::BAD_REQUEST, &error.to_string()))?;
            bytes += part.len() as u64;
            if bytes > LARGEST {
                let message = format!("this is larger than {} kB, the most that is accepted", LARGEST >> 10);
                return Err(ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, message));
            }
            hash.update(&part);
            file.write_all(&part).map_err(ApiError::internal)?;
        }
        let hash = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Received { file, hash, bytes })
    }

    /// Checks that an archive can play the environment, and keeps it.
    ///
    /// # Errors
    /// What is wrong with the archive; nothing is kept then.
    pub fn store(&self, name: &str, received: Received, environment: &EnvironmentSpec) -> Result<Value, ApiError> {
        let Received { file, hash, bytes } = received;
        let content = std::fs::read(file.path()).map_err(ApiError::internal)?;
        Sb3Archive::read(name, content, None)
            .and_then(|archive| archive.for_environment(environment))
            .map_err(|error| ApiError::field("expert", in_words(&error)))?;
        if self.path(&hash).is_none() {
            let (count, kept) = self.kept();
            if count >= MOST || kept + bytes > MOST_BYTES {
                let folder = self.folder.display();
                let message = format!(
                    "{count} archives with {} MB in total are stored already; delete some in {folder}",
                    kept >> 20
                );
                return Err(ApiError::new(StatusCode::INSUFFICIENT_STORAGE, message));
            }
            let path = self.folder.join(format!("{hash}.zip"));
            file.persist(&path).map_err(ApiError::internal)?;
        }
        Ok(json!({ "id": hash, "name": name, "bytes": bytes }))
    }

    /// The number of archives and their bytes.
    fn kept(&self) -> (usize, u64) {
        let Ok(entries) = std::fs::read_dir(&self.folder) else { return (0, 0) };
        let archives = entries.flatten().filter(|entry| entry.path().extension().is_some_and(|name| name == "zip"));
        archives
            .fold((0, 0), |(count, bytes), entry| (count + 1, bytes + entry.metadata().map_or(0, |data| data.len())))
    }

    /// Removes what a studio that was killed left half-uploaded.
    pub fn tidy(&self) {
        let Ok(entries) = std::fs::read_dir(&self.folder) else { return };
        for entry in entries.flatten().filter(|entry| entry.file_name().to_string_lossy().starts_with(".tmp")) {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}
