//! What a run says while it runs: one stream of events, any number of readers.

use bevy_ecs::resource::Resource;
use serde::Serialize;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Something a run tells its readers (terminal, log, studio).
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Event {
    /// A stage begins.
    StageStarted {
        /// Its name.
        stage: String,
        /// Its place among the stages, from 0.
        index: usize,
        /// Number of stages.
        count: usize,
    },
    /// A stage is part of the way through.
    Progress {
        /// Its name.
        stage: String,
        /// Units done.
        done: u64,
        /// Units in all.
        total: u64,
        /// What a unit is, and where things stand (`episodes, return 500.0`).
        message: String,
    },
    /// A stage is done.
    StageFinished {
        /// Its name.
        stage: String,
        /// Wall time.
        seconds: f64,
        /// Its artifacts were read from an earlier run instead of made.
        reused: bool,
    },
    /// A number that changes over a stage's steps, for plots.
    Metric {
        /// The stage that measures it.
        stage: String,
        /// What it is (`train loss`).
        name: String,
        /// The step it belongs to.
        step: u64,
        /// Its value.
        value: f64,
    },
    /// A line for the log.
    Message {
        /// The stage that says it.
        stage: String,
        /// The line.
        text: String,
    },
}

/// Reads a run's events; called from whichever thread a stage runs on.
pub trait EventReader: Send + Sync {
    /// Hears one event.
    fn read(&self, event: &Event);
}

impl<F: Fn(&Event) + Send + Sync> EventReader for F {
    fn read(&self, event: &Event) {
        self(event);
    }
}

/// Hands events to all readers, and knows whether the run has been cancelled.
#[derive(Clone, Default, Resource)]
pub struct Reporter {
    readers: Vec<Arc<dyn EventReader>>,
    cancelled: Arc<AtomicBool>,
}

impl std::fmt::Debug for Reporter {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Reporter").field("readers", &self.readers.len()).finish_non_exhaustive()
    }
}

impl Reporter {
    /// A reporter without readers.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a reader.
    pub fn subscribe(&mut self, reader: impl EventReader + 'static) {
        self.readers.push(Arc::new(reader));
    }

    /// A flag that cancels the run when set, such as from a Ctrl-C handler: the stage in progress stops at its next
    /// step, and the run ends with [`StageError::Cancelled`](crate::engine::StageError::Cancelled).
    pub fn cancel_flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.cancelled)
    }

    /// Whether the run has been cancelled.
    pub fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }

    /// Tells all readers.
    pub fn emit(&self, event: &Event) {
        for reader in &self.readers {
            reader.read(event);
        }
    }

    /// Tells how far a stage is.
    pub fn progress(&self, stage: &str, done: u64, total: u64, message: impl Into<String>) {
        self.emit(&Event::Progress { stage: stage.to_owned(), done, total, message: message.into() });
    }

    /// Tells a measured number.
    pub fn metric(&self, stage: &str, name: &str, step: u64, value: f64) {
        self.emit(&Event::Metric { stage: stage.to_owned(), name: name.to_owned(), step, value });
    }

    /// Adds a line to the log.
    pub fn message(&self, stage: &str, text: impl Into<String>) {
        self.emit(&Event::Message { stage: stage.to_owned(), text: text.into() });
    }
}
