//! Runs as they are watched: one reader of a run's events, however many pages look at it.

use crate::queue::Queue;
use crate::runs::{RunId, Runs};
use kanrl_pipeline::run::RunFile;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;
use tokio::sync::broadcast;

/// How often the file is looked at.
const PERIOD: Duration = Duration::from_millis(100);
/// Messages a page may be behind before it has to start again.
const MOST_BEHIND: usize = 256;
/// Messages kept for pages that come later; beyond, every other progress message goes.
const MOST_KEPT: usize = 4000;
/// Stages that may tell their progress in turns.
const STAGES_AT_ONCE: usize = 8;
/// Bytes read at a time.
const CHUNK: u64 = 4 << 20;

/// All runs that are being watched.
#[derive(Default)]
pub struct Watches {
    all: Mutex<HashMap<RunId, Weak<Watch>>>,
}

/// One run that is being watched.
pub struct Watch {
    state: Mutex<Messages>,
}

struct Messages {
    /// What has been said, as JSON lists of events.
    said: Vec<Message>,
    /// Where more will come from; `None` once the run is over.
    sender: Option<broadcast::Sender<Arc<str>>>,
}

struct Message {
    text: Arc<str>,
    only_progress: bool,
}

/// What a new reader gets: everything said so far, and what is to come.
pub struct Subscription {
    /// JSON lists of events.
    pub said: Vec<Arc<str>>,
    /// More of them; `None` if the run is over.
    pub receiver: Option<broadcast::Receiver<Arc<str>>>,
    /// Keeps the reader of the file alive.
    pub watch: Arc<Watch>,
}

impl Watches {
    /// Begins to watch a run, or joins those who do. Must be called on the server's runtime.
    pub fn subscribe(&self, id: &RunId, runs: &Arc<Runs>, queue: &Arc<Queue>) -> Subscription {
        let mut all = lock(&self.all);
        all.retain(|_, watch| watch.strong_count() > 0);
        let known = all.get(id).and_then(Weak::upgrade).filter(|watch| lock(&watch.state).sender.is_some());
        let watch = known.unwrap_or_else(|| {
            let (sender, _) = broadcast::channel(MOST_BEHIND);
            let watch = Arc::new(Watch { state: Mutex::new(Messages { said: Vec::new(), sender: Some(sender) }) });
            all.insert(id.clone(), Arc::downgrade(&watch));
            tokio::spawn(follow(Arc::downgrade(&watch), id.clone(), Arc::clone(runs), Arc::clone(queue)));
            watch
        });
        let messages = lock(&watch.state);
        let said = messages.said.iter().map(|message| Arc::clone(&message.text)).collect();
        let receiver = messages.sender.as_ref().map(broadcast::Sender::subscribe);
        drop(messages);
        Subscription { said, receiver, watch }
    }
}

impl Watch {
    fn say(&self, events: &[Value]) {
        if events.is_empty() {
            return;
        }
        let only_progress = events.iter().all(|event| event["event"] == "progress");
        let text: Arc<str> = Value::from(events).to_string().into();
        let mut messages = lock(&self.state);
        if messages.said.len() >= MOST_KEPT {
            let mut number = 0;
            messages.said.retain(|message| {
                number += 1;
                !message.only_progress || number % 2 == 0
            });
        }
        messages.said.push(Message { text: Arc::clone(&text), only_progress });
        if let Some(sender) = &messages.sender {
            // Nobody may be listening just now.
            let _ = sender.send(text);
        }
    }

    fn close(&self) {
        lock(&self.state).sender = None;
    }
}

/// Reads a run's events until the run is over or nobody watches it.
async fn follow(watch: Weak<Watch>, id: RunId, runs: Arc<Runs>, queue: Arc<Queue>) {
    let mut tail = Tail::default();
    let mut last_state = Value::Null;
    loop {
        let Some(watch) = watch.upgrade() else { return };
        // Asked before the file is read: a run that was over then has said everything.
        let state = queue.state(&id);
        let run = runs.find(&id);
        let read = tokio::task::spawn_blocking(move || {
            let file = run.and_then(|run| run.open_file(RunFile::Events).ok());
            let lines = file.map_or_else(Vec::new, |file| tail.read(file));
            (lines, tail)
        });
        let Ok((lines, kept)) = read.await else { return watch.close() };
        tail = kept;
        watch.say(&latest(lines));
        if !tail.more {
            let text = json!(state);
            if text != last_state {
                watch.say(&[json!({ "event": "state", "state": text })]);
                last_state = text;
            }
            if state.is_over() {
                return watch.close();
            }
            drop(watch);
            tokio::time::sleep(PERIOD).await;
        }
    }
}

/// A file that grows at its end.
#[derive(Default)]
struct Tail {
    place: u64,
    /// The beginning of a line whose end has not been written.
    rest: Vec<u8>,
    /// Whether the file had more than was read.
    more: bool,
}

impl Tail {
    /// The whole lines that were added.
    fn read(&mut self, mut file: File) -> Vec<Value> {
        let mut bytes = std::mem::take(&mut self.rest);
        let mut read = || {
            if file.metadata()?.len() < self.place {
                self.place = 0;
                bytes.clear();
            }
            file.seek(SeekFrom::Start(self.place))?;
            (&file).take(CHUNK).read_to_end(&mut bytes)
        };
        let count = read().unwrap_or(0) as u64;
        self.place += count;
        self.more = count == CHUNK;
        let end = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
        self.rest = bytes.split_off(end);
        let lines = bytes.split(|byte| *byte == b'\n');
        lines.filter_map(|line| serde_json::from_slice(line).ok()).collect()
    }
}

/// Of progress, the last in each hundredth of a stage is enough.
fn latest(events: Vec<Value>) -> Vec<Value> {
    let hundredth = |event: &Value| {
        let share = event["done"].as_f64().unwrap_or(0.0) / event["total"].as_f64().unwrap_or(0.0).max(1.0);
        (share * 100.0) as i64
    };
    let is_progress = |event: &Value| event["event"] == "progress";
    let mut kept: Vec<Value> = Vec::new();
    for event in events {
        let before = kept.iter_mut().rev().take_while(|other| is_progress(other));
        let same = |other: &&mut Value| other["stage"] == event["stage"] && hundredth(other) == hundredth(&event);
        match before.take(STAGES_AT_ONCE).find(same).filter(|_| is_progress(&event)) {
            Some(place) => *place = event,
            None => kept.push(event),
        }
    }
    kept
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::{Tail, latest};
    use serde_json::{Value, json};
    use std::io::Write;

    #[test]
    fn a_line_is_read_once_it_is_whole() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        let mut tail = Tail::default();
        let mut read = |file: &mut tempfile::NamedTempFile, text: &str| -> Vec<Value> {
            file.write_all(text.as_bytes()).unwrap();
            tail.read(file.reopen().unwrap())
        };
        assert_eq!(read(&mut file, "{\"a\":1}\n{\"b\""), [json!({ "a": 1 })]);
        assert_eq!(read(&mut file, ":2}"), Vec::<Value>::new());
        assert_eq!(read(&mut file, "\nno json\n3\n"), [json!({ "b": 2 }), json!(3)]);
    }

    #[test]
    fn the_last_progress_in_each_hundredth_of_a_stage_is_enough() {
        let progress =
            |stage: &str, done: u64| json!({ "event": "progress", "stage": stage, "done": done, "total": 1000 });
        let message = json!({ "event": "message", "stage": "a" });
        let events = vec![
            progress("a", 1),
            progress("b", 1),
            progress("a", 9),
            progress("a", 10),
            message.clone(),
            progress("a", 11),
        ];
        let kept = [progress("a", 9), progress("b", 1), progress("a", 10), message, progress("a", 11)];
        assert_eq!(latest(events), kept);
    }
}
