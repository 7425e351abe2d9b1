//! The stories that were told lately: a run that is done has the same one every time.

use crate::runs::RunId;
use serde_json::Value;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

/// Stories that are kept.
const MOST: usize = 24;

/// The latest of them.
#[derive(Default)]
pub struct Stories {
    latest: Mutex<VecDeque<Kept>>,
}

struct Kept {
    id: RunId,
    /// When the run's metrics were written.
    made: Option<SystemTime>,
    story: Arc<Value>,
}

impl Stories {
    /// The story of a run whose metrics were written then.
    pub fn find(&self, id: &RunId, made: Option<SystemTime>) -> Option<Arc<Value>> {
        let latest = self.lock();
        latest.iter().find(|kept| kept.id == *id && kept.made == made).map(|kept| Arc::clone(&kept.story))
    }

    /// Remembers one, and forgets the oldest.
    pub fn keep(&self, id: RunId, made: Option<SystemTime>, story: &Value) {
        let mut latest = self.lock();
        latest.retain(|kept| kept.id != id);
        latest.push_back(Kept { id, made, story: Arc::new(story.clone()) });
        if latest.len() > MOST {
            latest.pop_front();
        }
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Kept>> {
        self.latest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
