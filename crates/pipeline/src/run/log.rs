//! Readers of a run's events that write files: `run.log`, `events.jsonl` and `timings.json`.

use super::files::RunFile;
use super::locked::LockedRun;
use crate::causes::printable;
use crate::events::{Event, EventReader};
use crate::files::FileError;
use jiff::Timestamp;
use serde_json::{Value, json};
use std::fs::File;
use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

/// Appends every event but progress to `run.log`, with the time in UTC.
pub struct RunLog {
    file: Option<File>,
}

impl RunLog {
    /// The log of `run`; where it cannot be opened, the run continues without one.
    pub fn new(run: &LockedRun) -> Self {
        Self { file: or_warn(run.append(RunFile::Log)) }
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
        write_line(&self.file, &format!("{} {}", time(), printable(&line)));
    }
}

/// Appends every event to `events.jsonl`, one JSON object a line, with the time in UTC.
pub struct EventLog {
    file: Option<File>,
}

impl EventLog {
    /// The events of `run`; where the file cannot be opened, the run continues without it.
    pub fn new(run: &LockedRun) -> Self {
        Self { file: or_warn(run.append(RunFile::Events)) }
    }
}

impl EventReader for EventLog {
    fn read(&self, event: &Event) {
        let Ok(mut line) = serde_json::to_value(event) else { return };
        line["time"] = json!(time());
        write_line(&self.file, &line.to_string());
    }
}

/// A run continues without a log that cannot be opened.
pub(super) fn or_warn(file: Result<File, FileError>) -> Option<File> {
    file.inspect_err(|error| tracing::warn!("{error}")).ok()
}

/// Appends a line in one write, so that lines of several threads do not mix. A log that cannot be written must not end the
/// run.
fn write_line(file: &Option<File>, line: &str) {
    if let Some(mut file) = file.as_ref() {
        let _ = file.write_all(format!("{line}\n").as_bytes());
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

/// Collects which stages were not computed, since nothing that they depend on has changed.
#[derive(Clone, Default)]
pub(super) struct Reused(Arc<Mutex<Vec<String>>>);

impl Reused {
    /// Their names, in the order in which they were found.
    pub(super) fn stages(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).clone()
    }
}

impl EventReader for Reused {
    fn read(&self, event: &Event) {
        if let Event::StageFinished { stage, reused: true, .. } = event {
            self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).push(stage.clone());
        }
    }
}

/// The time in UTC, as `2026-01-31T12:34:56Z`.
pub(crate) fn time() -> String {
    timestamp(SystemTime::now()).strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// The time in UTC, as `20260131-123456`.
pub fn compact_time() -> String {
    timestamp(SystemTime::now()).strftime("%Y%m%d-%H%M%S").to_string()
}

/// A time that a clock shows, however wrong it is: years have four digits.
fn timestamp(time: SystemTime) -> Timestamp {
    let nearest = if time < SystemTime::UNIX_EPOCH { Timestamp::MIN } else { Timestamp::MAX };
    Timestamp::try_from(time).unwrap_or(nearest)
}

#[cfg(test)]
mod tests {
    use super::timestamp;
    use std::time::{Duration, SystemTime};

    #[test]
    fn a_clock_that_is_far_off_ends_no_run() {
        let year =
            |seconds| timestamp(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)).strftime("%Y").to_string();
        assert_eq!(year(1_769_862_896), "2026");
        assert_eq!(year(400_000_000_000), "9999");
    }
}
