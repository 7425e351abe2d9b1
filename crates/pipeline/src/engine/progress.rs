//! What the systems of a run share while it goes on.

use super::error::StageError;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Instant;

/// What all systems of a run share.
#[derive(Default)]
pub(super) struct Shared {
    pub(super) failure: Mutex<Option<(String, StageError)>>,
    pub(super) failed: AtomicBool,
    /// The key under which each artifact was made.
    pub(super) keys: Mutex<BTreeMap<&'static str, String>>,
}

/// What the systems of one stage share.
pub(super) struct Progress {
    pub(super) shared: Arc<Shared>,
    pub(super) stage: String,
    pub(super) index: usize,
    pub(super) count: usize,
    pub(super) needs: Vec<&'static str>,
    pub(super) provides: Vec<&'static str>,
    pub(super) sections: Vec<&'static str>,
    pub(super) version: Option<u64>,
    pub(super) reused: AtomicBool,
    pub(super) work: Mutex<Work>,
}

/// What is known once a stage has begun.
#[derive(Default)]
pub(super) struct Work {
    pub(super) key: String,
    pub(super) folder: PathBuf,
    pub(super) started: Option<Instant>,
}

impl Progress {
    pub(super) fn fail(&self, error: StageError) {
        self.shared.failed.store(true, Ordering::SeqCst);
        let mut failure = self.shared.failure.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        failure.get_or_insert((self.stage.clone(), error));
    }

    pub(super) fn folder(&self) -> PathBuf {
        self.lock_work().folder.clone()
    }

    pub(super) fn lock_work(&self) -> MutexGuard<'_, Work> {
        self.work.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}
