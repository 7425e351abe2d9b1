//! Runs that wait for their turn, and those that are being extracted.

use crate::programs::{Ending, Programs};
use crate::runs::{RunId, Runs, State};
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::Notify;
use tokio::task::AbortHandle;

/// How long a process may take to end with the studio before it is killed.
const PATIENCE: Duration = Duration::from_secs(1);

/// What is to be done with a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Job {
    /// From its config.
    Extract,
    /// From where it stopped.
    Resume,
}

/// The queue is full.
#[derive(Debug, thiserror::Error)]
#[error("{waiting} runs are already queued; wait for one of them, or cancel one")]
pub struct QueueFull {
    waiting: usize,
}

/// A queue with a limit; a few of its runs at a time are processes.
pub struct Queue {
    runs: Arc<Runs>,
    programs: Arc<Programs>,
    most_running: usize,
    most_waiting: usize,
    state: Mutex<Jobs>,
}

#[derive(Default)]
struct Jobs {
    waiting: VecDeque<(RunId, Job)>,
    /// Each with what asks it to stop, and its task.
    running: HashMap<RunId, (Arc<Notify>, AbortHandle)>,
    stopping: bool,
}

impl Queue {
    pub fn new(runs: Arc<Runs>, programs: Arc<Programs>, most_running: usize, most_waiting: usize) -> Arc<Self> {
        let most_running = most_running.max(1);
        Arc::new(Self { runs, programs, most_running, most_waiting, state: Mutex::default() })
    }

    /// Whether another run may wait.
    ///
    /// # Errors
    /// [`QueueFull`].
    pub fn check_room(&self) -> Result<(), QueueFull> {
        self.has_room(&self.lock())
    }

    fn has_room(&self, jobs: &Jobs) -> Result<(), QueueFull> {
        let full = jobs.running.len() >= self.most_running && jobs.waiting.len() >= self.most_waiting;
        if full { Err(QueueFull { waiting: self.most_waiting }) } else { Ok(()) }
    }

    /// Adds a run at the end; must be called on the server's runtime. A run that is there already stays where it is.
    ///
    /// # Errors
    /// [`QueueFull`].
    pub fn push(self: &Arc<Self>, id: RunId, job: Job) -> Result<(), QueueFull> {
        let mut jobs = self.lock();
        self.has_room(&jobs)?;
        if !jobs.running.contains_key(&id) && !jobs.waiting.iter().any(|(waiting, _)| *waiting == id) {
            self.runs.set_outcome(&id, None);
            jobs.waiting.push_back((id, job));
        }
        drop(jobs);
        self.start_next();
        Ok(())
    }

    /// Takes a run from the queue, or asks its process to end. `false` if it is neither waiting nor running here.
    pub fn cancel(&self, id: &RunId) -> bool {
        let mut jobs = self.lock();
        if let Some((stop, _)) = jobs.running.get(id) {
            stop.notify_one();
            return true;
        }
        let before = jobs.waiting.len();
        jobs.waiting.retain(|(waiting, _)| waiting != id);
        let found = jobs.waiting.len() < before;
        drop(jobs);
        if found {
            self.runs.set_outcome(id, Some(&State::Cancelled));
        }
        found
    }

    /// How a run stands.
    pub fn state(&self, id: &RunId) -> State {
        let jobs = self.lock();
        if jobs.running.contains_key(id) {
            return State::Running { here: true };
        }
        match jobs.waiting.iter().position(|(waiting, _)| waiting == id) {
            Some(place) => State::Queued { position: place + 1 },
            None => {
                drop(jobs);
                self.runs.state_on_disk(id)
            }
        }
    }

    /// Asks every process to end, and kills those that have not after a second; they are interrupted, as are runs that wait, and
    /// can be resumed later.
    pub async fn stop(&self) {
        {
            let mut jobs = self.lock();
            jobs.stopping = true;
            jobs.waiting.clear();
            jobs.running.values().for_each(|(stop, _)| stop.notify_one());
        }
        let end = Instant::now() + PATIENCE;
        while !self.lock().running.is_empty() && Instant::now() < end {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        // A task kills its process where it is dropped.
        self.lock().running.drain().for_each(|(_, (_, task))| task.abort());
    }

    fn start_next(self: &Arc<Self>) {
        let mut jobs = self.lock();
        while !jobs.stopping && jobs.running.len() < self.most_running {
            let Some((id, job)) = jobs.waiting.pop_front() else { break };
            let stop = Arc::new(Notify::new());
            let task = tokio::spawn(Arc::clone(self).run(id.clone(), job, Arc::clone(&stop)));
            jobs.running.insert(id, (stop, task.abort_handle()));
        }
    }

    async fn run(self: Arc<Self>, id: RunId, job: Job, stop: Arc<Notify>) {
        let ending = match (self.runs.find(&id), job) {
            (None, _) => Ending::Badly("the run's folder is gone".to_owned()),
            (Some(run), Job::Extract) => self.programs.extract(&run, stop.notified()).await,
            (Some(run), Job::Resume) => self.programs.resume(run.path(), stop.notified()).await,
        };
        let outcome = match ending {
            Ending::Well => None,
            // With the studio, which nobody meant as an end of the run.
            Ending::Stopped if self.lock().stopping => Some(State::Interrupted),
            Ending::Stopped => Some(State::Cancelled),
            Ending::Badly(error) => {
                tracing::info!("{}: {error}", id.as_str());
                Some(State::Failed { error })
            }
        };
        self.runs.set_outcome(&id, outcome.as_ref());
        self.lock().running.remove(&id);
        self.start_next();
    }

    fn lock(&self) -> MutexGuard<'_, Jobs> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
