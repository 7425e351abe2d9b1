//! Readers of a run's events that write files: `run.log`, `events.jsonl` and `timings.json`.

use crate::events::{Event, EventReader};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex};

/// Appends every event but progress to `run.log`, with the time in UTC.
pub struct RunLog {
    file: Option<Mutex<File>>,
}

impl RunLog {
    /// A log in the run directory `folder`; where it cannot be opened, the run goes on without one.
    pub fn new(folder: &Path) -> Self {
        Self { file: append(folder, "run.log") }
    }
}

impl EventReader for RunLog {
    fn read(&self, event: &Event) {
        let line = match event {
            Event::StageStarted { stage, index, count } => format!("{stage}: started ({} of {count})", index + 1),
            Event::StageFinished { stage, reused: true, .. } => format!("{stage}: reused from the earlier run"),
            Event::StageFinished { stage, seconds, .. } => format!("{stage}: finished in {seconds:.3} s"),
            Event::Message { stage, text } => format!("{stage}: {text}"),
            Event::Progress { .. } | Event::Metric { .. } => return,
        };
        write_line(&self.file, &format!("{} {line}", time()));
    }
}

/// Appends every event to `events.jsonl`, one JSON object a line, with the time in UTC.
pub struct EventLog {
    file: Option<Mutex<File>>,
}

impl EventLog {
    /// Events of the run in `folder`; where the file cannot be opened, the run goes on without it.
    pub fn new(folder: &Path) -> Self {
        Self { file: append(folder, "events.jsonl") }
    }
}

impl EventReader for EventLog {
    fn read(&self, event: &Event) {
        let Ok(mut line) = serde_json::to_value(event) else { return };
        line["time"] = json!(time());
        write_line(&self.file, &line.to_string());
    }
}

/// Opens a log for appending; a run goes on without one that cannot be opened.
fn append(folder: &Path, name: &str) -> Option<Mutex<File>> {
    let path = folder.join(name);
    let file = OpenOptions::new().create(true).append(true).open(&path);
    file.inspect_err(|error| tracing::warn!("no log: {}: {error}", path.display())).ok().map(Mutex::new)
}

/// A log that cannot be written must not end the run.
fn write_line(file: &Option<Mutex<File>>, line: &str) {
    if let Some(file) = file {
        let mut file = file.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let _ = writeln!(file, "{line}");
    }
}

/// Collects how long each stage took.
#[derive(Clone, Default)]
pub struct Timings {
    seconds: Arc<Mutex<serde_json::Map<String, Value>>>,
}

impl Timings {
    /// No timings yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// `{"seconds": {STAGE: SECONDS, …}}`; a stage that was reused is 0.
    pub fn to_json(&self) -> Value {
        json!({ "format": 1, "seconds": *self.seconds.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) })
    }
}

impl EventReader for Timings {
    fn read(&self, event: &Event) {
        if let Event::StageFinished { stage, seconds, reused } = event {
            let seconds = if *reused { 0.0 } else { *seconds };
            let mut all = self.seconds.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
            all.insert(stage.clone(), json!(seconds));
        }
    }
}

/// The time in UTC, as `2026-01-31T12:34:56Z`.
pub(crate) fn time() -> String {
    Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// The time in UTC, as `20260131-123456`.
pub fn compact_time() -> String {
    Timestamp::now().strftime("%Y%m%d-%H%M%S").to_string()
}
