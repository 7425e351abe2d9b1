//! Experts that were uploaded: Stable-Baselines3 archives, read and checked, never run, kept by their hash.

use crate::error::{ApiError, in_words};
use axum::http::StatusCode;
use kanrl_core::environment::EnvironmentSpec;
use kanrl_experts::sb3::Sb3Archive;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::path::PathBuf;

/// Largest archive, in bytes.
pub const LARGEST: usize = 32 << 20;
/// Most archives that are kept.
const MOST: usize = 100;

/// The folder of uploaded archives.
pub struct Uploads {
    folder: PathBuf,
}

impl Uploads {
    pub fn new(own_folder: PathBuf) -> Self {
        Self { folder: own_folder.join("uploads") }
    }

    /// The archive of that hash, if it was uploaded.
    pub fn path(&self, hash: &str) -> Option<PathBuf> {
        let is_hash = hash.len() == 64 && hash.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        let path = self.folder.join(format!("{hash}.zip"));
        (is_hash && path.is_file()).then_some(path)
    }

    /// Checks that an archive can play the environment, and keeps it.
    ///
    /// # Errors
    /// What is wrong with the archive; nothing is kept then.
    pub fn store(&self, name: &str, bytes: &[u8], environment: &EnvironmentSpec) -> Result<Value, ApiError> {
        let archive = Sb3Archive::read(name, bytes.to_vec(), None);
        archive
            .and_then(|archive| archive.for_environment(environment))
            .map_err(|error| ApiError::field("expert", in_words(&error)))?;
        let hash: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        if self.path(&hash).is_none() {
            let count = std::fs::read_dir(&self.folder).map_or(0, Iterator::count);
            if count >= MOST {
                let message =
                    format!("{MOST} archives have been uploaded already; delete some in {}", self.folder.display());
                return Err(ApiError::new(StatusCode::INSUFFICIENT_STORAGE, message));
            }
            let path = self.folder.join(format!("{hash}.zip"));
            kanrl_pipeline::files::write(&path, bytes).map_err(ApiError::internal)?;
        }
        Ok(json!({ "id": hash, "name": name, "bytes": bytes.len() }))
    }
}
