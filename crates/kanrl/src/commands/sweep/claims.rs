//! Who makes which run, where several processes on any number of machines share a folder.
//!
//! A claim is a file that only one process can create, `claims/RUN.DIGEST.ATTEMPT`, which its owner rewrites as long as it
//! works. Nobody deletes or takes over a file: where an owner falls silent, somebody else creates the next attempt's. So the owner
//! of a run is whoever created its last file, no clocks are compared, and what a resumed owner still writes disturbs nobody.

use super::workers::{Job, Outcome};
use kanrl_pipeline::files::{self, FileError};
use kanrl_pipeline::run::RunStore;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Attempts after the first one, where its process is lost.
const RETRIES: usize = 3;
/// Heartbeats in the time after which an owner counts as lost.
const BEATS: u32 = 10;

/// The claims of a sweep, as one process sees them.
pub struct Claims {
    folder: PathBuf,
    /// This process, for people.
    worker: String,
    /// An owner that is silent for so long is lost.
    lease: Duration,
    /// Runs whose end this process knows, or works on.
    dealt: Mutex<Vec<bool>>,
    /// The last words of the owners of other runs, and when they were first read.
    heard: Mutex<HashMap<PathBuf, (String, Instant)>>,
}

/// What the owner of a claim writes.
#[derive(Debug, Serialize, Deserialize)]
struct Note {
    worker: String,
    /// Counts the heartbeats.
    beat: u64,
    state: State,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum State {
    Running,
    /// Its process was cancelled, which does not count as an attempt.
    Released,
    /// Its process was killed from outside.
    Lost,
    Done,
    Failed(String),
}

/// Where a run stands.
enum Standing {
    /// Anybody may create the file of this attempt.
    Free(usize),
    Busy,
    Ended(Outcome),
}

/// The right to make a run.
pub struct Claim {
    path: PathBuf,
    next: PathBuf,
    worker: String,
    interval: Duration,
    beat: u64,
    written: Instant,
}

/// What is there to do.
pub enum Turn {
    Make(Claim),
    Ended(Outcome),
}

impl Claims {
    /// The claims in a sweep's folder.
    pub fn open(out: &Path, runs: usize, lease: Duration) -> Result<Self, FileError> {
        let folder = out.join("claims");
        std::fs::create_dir_all(&folder).map_err(|source| FileError { path: folder.clone(), source })?;
        let host = kanrl_pipeline::run::provenance::host();
        let worker = format!("{host}, process {}", std::process::id());
        Ok(Self { folder, worker, lease, dealt: Mutex::new(vec![false; runs]), heard: Mutex::default() })
    }

    /// The next run that this process is to make, or whose end it has learned of; waits while others work on all that are left.
    pub fn next<'a>(&self, jobs: &'a [Job], cancelled: &AtomicBool) -> Option<(&'a Job, Turn)> {
        while !cancelled.load(Ordering::SeqCst) {
            let mut is_open = false;
            for (index, job) in jobs.iter().enumerate() {
                if lock(&self.dealt)[index] {
                    continue;
                }
                is_open = true;
                let turn = if job.done {
                    Some(Turn::Ended(Outcome::Done))
                } else {
                    self.turn(job)
                        .unwrap_or_else(|error| Some(Turn::Ended(Outcome::Failed(format!("its claim: {error}")))))
                };
                let Some(turn) = turn else { continue };
                // Two threads of this process may both have seen how it ended.
                if !std::mem::replace(&mut lock(&self.dealt)[index], true) {
                    return Some((job, turn));
                }
            }
            if !is_open {
                return None;
            }
            std::thread::sleep((self.lease / BEATS).min(Duration::from_secs(1)));
        }
        None
    }

    /// The run is up for somebody's next attempt.
    pub fn give_back(&self, index: usize) {
        lock(&self.dealt)[index] = false;
    }

    fn turn(&self, job: &Job) -> std::io::Result<Option<Turn>> {
        match self.standing(job)? {
            Standing::Busy => Ok(None),
            Standing::Ended(outcome) => Ok(Some(Turn::Ended(outcome))),
            Standing::Free(attempt) => {
                match OpenOptions::new().write(true).create_new(true).open(self.path(job, attempt)) {
                    Ok(_) => {
                        let mut claim = Claim {
                            path: self.path(job, attempt),
                            next: self.path(job, attempt + 1),
                            worker: self.worker.clone(),
                            interval: self.lease / BEATS,
                            beat: 0,
                            written: Instant::now(),
                        };
                        claim.write(State::Running)?;
                        Ok(Some(Turn::Make(claim)))
                    }
                    Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(None),
                    Err(error) => Err(error),
                }
            }
        }
    }

    fn path(&self, job: &Job, attempt: usize) -> PathBuf {
        let name = job.directory.file_name().unwrap_or_default().to_string_lossy();
        self.folder.join(format!("{name}.{}.{attempt}", job.digest))
    }

    fn standing(&self, job: &Job) -> std::io::Result<Standing> {
        let (mut attempt, mut tries, mut last) = (0, 0, None);
        loop {
            let path = self.path(job, attempt + 1);
            let text = match std::fs::read_to_string(&path) {
                Ok(text) => text,
                Err(error) if error.kind() == ErrorKind::NotFound => break,
                Err(error) => return Err(error),
            };
            // One that was created just now is still empty.
            let state = serde_json::from_str(&text).map_or(State::Running, |note: Note| note.state);
            attempt += 1;
            tries += usize::from(state != State::Released);
            last = Some((path, text, state));
        }
        let Some((path, text, state)) = last else { return Ok(Standing::Free(1)) };
        let is_lost = match state {
            State::Done => return Ok(Standing::Ended(Outcome::Done)),
            State::Failed(reason) => return Ok(Standing::Ended(Outcome::Failed(reason))),
            State::Released => return Ok(Standing::Free(attempt + 1)),
            State::Lost => true,
            // A silent owner's run may still go on, where only the owner is stopped.
            State::Running => {
                self.is_silent(path, text) && !RunStore::open(&job.directory).is_ok_and(|run| run.is_in_use())
            }
        };
        Ok(match is_lost {
            false => Standing::Busy,
            true if tries <= RETRIES => Standing::Free(attempt + 1),
            true => Standing::Ended(Outcome::Failed(format!("its process was lost {tries} times"))),
        })
    }

    /// Whether the file has been the same for the lease, by this process's own clock.
    fn is_silent(&self, path: PathBuf, text: String) -> bool {
        let mut heard = lock(&self.heard);
        let now = Instant::now();
        let (known, since) = heard.entry(path).or_insert_with(|| (text.clone(), now));
        if *known != text {
            (*known, *since) = (text, now);
        }
        now - *since > self.lease
    }
}

impl Claim {
    /// Says that this process is at work, when it is time to. Whether the run is still its own: another process takes over where
    /// nothing was heard for too long.
    pub fn keep(&mut self) -> bool {
        if self.written.elapsed() < self.interval {
            return true;
        }
        // A folder that cannot be reached for a while is not a reason to give up.
        if let Err(error) = self.write(State::Running) {
            tracing::warn!("{error}");
        }
        !self.next.exists()
    }

    /// Tells everybody how the run ended.
    pub fn end(mut self, outcome: &Outcome) {
        let state = match outcome {
            Outcome::Done => State::Done,
            Outcome::Failed(reason) | Outcome::Stopped(reason) => State::Failed(reason.clone()),
            Outcome::Cancelled => State::Released,
            Outcome::Lost => State::Lost,
        };
        if let Err(error) = self.write(state) {
            tracing::warn!("{error}");
        }
    }

    fn write(&mut self, state: State) -> std::io::Result<()> {
        self.beat += 1;
        self.written = Instant::now();
        let note = Note { worker: self.worker.clone(), beat: self.beat, state };
        files::write(&self.path, &serde_json::to_vec(&note)?).map_err(std::io::Error::other)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::{Claim, Claims, Turn};
    use crate::commands::sweep::workers::{Job, Outcome};
    use std::path::Path;
    use std::sync::atomic::AtomicBool;
    use std::time::Duration;

    const LEASE: Duration = Duration::from_millis(50);

    fn jobs(folder: &Path) -> [Job; 1] {
        [Job { directory: folder.join("runs/one"), digest: "abc".into(), ..Job::default() }]
    }

    fn claim(claims: &Claims, jobs: &[Job]) -> Option<Claim> {
        match claims.turn(&jobs[0]).unwrap() {
            Some(Turn::Make(claim)) => Some(claim),
            _ => None,
        }
    }

    #[test]
    fn a_run_has_one_owner_until_that_falls_silent() {
        let folder = tempfile::tempdir().unwrap();
        let jobs = jobs(folder.path());
        let [first, second] = [(); 2].map(|()| Claims::open(folder.path(), 1, LEASE).unwrap());
        let mut own = claim(&first, &jobs).unwrap();
        assert!(claim(&second, &jobs).is_none());
        std::thread::sleep(2 * LEASE);
        assert!(own.keep());
        assert!(claim(&second, &jobs).is_none(), "it was heard of");
        std::thread::sleep(2 * LEASE);
        let taken = claim(&second, &jobs).unwrap();
        assert!(!own.keep(), "somebody else has it now");
        own.end(&Outcome::Done);
        assert!(claim(&first, &jobs).is_none(), "what the first owner says does not count any more");
        taken.end(&Outcome::Failed("out of oil".into()));
        let (_, turn) = first.next(&jobs, &AtomicBool::new(false)).unwrap();
        assert!(matches!(turn, Turn::Ended(Outcome::Failed(reason)) if reason == "out of oil"));
        assert!(first.next(&jobs, &AtomicBool::new(false)).is_none());
    }

    #[test]
    fn a_run_that_is_lost_four_times_has_failed_and_one_that_is_given_back_has_not() {
        let folder = tempfile::tempdir().unwrap();
        let jobs = jobs(folder.path());
        let claims = Claims::open(folder.path(), 1, LEASE).unwrap();
        for _ in 0..3 {
            claim(&claims, &jobs).unwrap().end(&Outcome::Cancelled);
            claim(&claims, &jobs).unwrap().end(&Outcome::Lost);
        }
        drop(claim(&claims, &jobs).unwrap());
        assert!(claims.turn(&jobs[0]).unwrap().is_none());
        std::thread::sleep(2 * LEASE);
        let ended = claims.turn(&jobs[0]).unwrap();
        assert!(matches!(ended, Some(Turn::Ended(Outcome::Failed(reason))) if reason.contains("lost 4 times")));
    }
}
