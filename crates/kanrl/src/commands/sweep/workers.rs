//! Runs in processes of their own, a few at a time.

use super::claims::{Claim, Claims, Turn};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// One run to be made.
#[derive(Clone, Debug, Default)]
pub struct Job {
    /// Its place in the sweep.
    pub index: usize,
    /// What sets it apart.
    pub settings: BTreeMap<String, toml::Value>,
    /// Its config.
    pub config: PathBuf,
    /// Its run directory.
    pub directory: PathBuf,
    /// What its process says.
    pub log: PathBuf,
    /// Stands for its config and for this program, among processes that share a folder.
    pub digest: String,
    /// It was finished before.
    pub done: bool,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    Done,
    Failed(String),
    /// It was given up as one of the worse ones.
    Stopped(String),
    Cancelled,
    /// Its process was killed, or another one has taken the run over.
    Lost,
}

/// Who deals out the runs.
pub enum Queue {
    /// This process has them all; the number is the next one's.
    Own(AtomicUsize),
    /// Whoever claims them.
    Shared(Claims),
}

impl Queue {
    fn next<'a>(&self, jobs: &'a [Job], cancelled: &AtomicBool) -> Option<(&'a Job, Step)> {
        match self {
            Self::Own(next) => {
                let job = jobs.get(next.fetch_add(1, Ordering::SeqCst))?;
                let step = if cancelled.load(Ordering::SeqCst) {
                    Step::Ended(Outcome::Cancelled)
                } else if job.done {
                    Step::Ended(Outcome::Done)
                } else {
                    Step::Make(None)
                };
                Some((job, step))
            }
            Self::Shared(claims) => claims.next(jobs, cancelled).map(|(job, turn)| match turn {
                Turn::Ended(outcome) => (job, Step::Ended(outcome)),
                Turn::Make(claim) => (job, Step::Make(Some(claim))),
            }),
        }
    }
}

/// What to do about a run.
enum Step {
    Make(Option<Claim>),
    Ended(Outcome),
}

/// How runs are made.
pub struct Options {
    /// So many at once.
    pub workers: usize,
    /// Threads of each.
    pub threads: usize,
    /// The program's flags for all commands.
    pub arguments: Vec<OsString>,
}

/// Makes all runs; `finished` hears of each, on this thread, as it ends, whoever made it.
pub fn run(
    jobs: &[Job],
    queue: &Queue,
    options: &Options,
    cancelled: &AtomicBool,
    mut finished: impl FnMut(&Job, Outcome),
) {
    let (sender, receiver) = mpsc::channel();
    std::thread::scope(|scope| {
        for _ in 0..options.workers {
            let sender = sender.clone();
            scope.spawn(move || {
                while let Some((job, step)) = queue.next(jobs, cancelled) {
                    let outcome = match step {
                        Step::Ended(outcome) => outcome,
                        Step::Make(claim) => claimed(job, claim, options, cancelled),
                    };
                    if let (Outcome::Lost, Queue::Shared(claims)) = (&outcome, queue) {
                        claims.give_back(job.index);
                    } else if sender.send((job, outcome)).is_err() {
                        return;
                    }
                }
            });
        }
        drop(sender);
        for (job, outcome) in receiver {
            finished(job, outcome);
        }
    });
}

fn claimed(job: &Job, mut claim: Option<Claim>, options: &Options, cancelled: &AtomicBool) -> Outcome {
    let made = make(job, claim.as_mut(), options, cancelled);
    let outcome = made.unwrap_or_else(|error| Outcome::Failed(error.to_string()));
    if let Some(claim) = claim {
        claim.end(&outcome);
    }
    outcome
}

fn make(
    job: &Job,
    mut claim: Option<&mut Claim>,
    options: &Options,
    cancelled: &AtomicBool,
) -> std::io::Result<Outcome> {
    let log = std::fs::File::create(&job.log)?;
    let mut command = crate::processes::this_program()?;
    // The terminal sends Ctrl-C to its whole process group, but a run that hears of it twice ends without a word.
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    let mut child = command
        .args(&options.arguments)
        .args(["--quiet", "extract", "--config"])
        .arg(&job.config)
        .arg("--out")
        .arg(&job.directory)
        .env("RAYON_NUM_THREADS", options.threads.to_string())
        .env("NO_COLOR", "1")
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .spawn()?;
    let mut asked: Option<Instant> = None;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(match status.code() {
                Some(0) => Outcome::Done,
                _ if cancelled.load(Ordering::SeqCst) => Outcome::Cancelled,
                // By a signal: a machine that gave out, or its memory.
                None if claim.is_some() => Outcome::Lost,
                _ => Outcome::Failed(reason(&job.log).unwrap_or_else(|| status.to_string())),
            });
        }
        if claim.as_mut().is_some_and(|claim| !claim.keep()) {
            child.kill()?;
            child.wait()?;
            return Ok(Outcome::Lost);
        }
        if cancelled.load(Ordering::SeqCst) {
            match asked {
                None => {
                    interrupt(&mut child);
                    asked = Some(Instant::now());
                }
                // A killed run goes on from its last finished stage.
                Some(since) if since.elapsed() > Duration::from_secs(30) => child.kill()?,
                Some(_) => {}
            }
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[cfg(unix)]
fn interrupt(child: &mut Child) {
    use nix::sys::signal::{Signal, kill};
    let process = i32::try_from(child.id()).map(nix::unistd::Pid::from_raw);
    if let Ok(process) = process {
        // It may have ended.
        let _ = kill(process, Signal::SIGINT);
    }
}

#[cfg(not(unix))]
fn interrupt(child: &mut Child) {
    let _ = child.kill();
}

/// The error that a process printed, on one line.
fn reason(log: &std::path::Path) -> Option<String> {
    let text = std::fs::read_to_string(log).ok()?;
    let marks = |c: char| c.is_whitespace() || "│×╰─▶├".contains(c);
    let words: Vec<&str> = text.split(marks).filter(|word| !word.is_empty()).collect();
    (!words.is_empty()).then(|| words.join(" ").chars().take(500).collect())
}
