//! Runs in processes of their own, a few at a time.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// One run to be made.
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
    /// It was finished before.
    pub done: bool,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    Done,
    Failed(String),
    Cancelled,
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

/// Makes all runs; `finished` hears of each, on this thread, as it ends.
pub fn run(jobs: &[Job], options: &Options, cancelled: &AtomicBool, mut finished: impl FnMut(&Job, Outcome)) {
    let next = AtomicUsize::new(0);
    let (sender, receiver) = mpsc::channel();
    std::thread::scope(|scope| {
        for _ in 0..options.workers {
            let (sender, next) = (sender.clone(), &next);
            scope.spawn(move || {
                while let Some(job) = jobs.get(next.fetch_add(1, Ordering::SeqCst)) {
                    let outcome = if cancelled.load(Ordering::SeqCst) {
                        Outcome::Cancelled
                    } else if job.done {
                        Outcome::Done
                    } else {
                        make(job, options, cancelled).unwrap_or_else(|error| Outcome::Failed(error.to_string()))
                    };
                    if sender.send((job, outcome)).is_err() {
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

fn make(job: &Job, options: &Options, cancelled: &AtomicBool) -> std::io::Result<Outcome> {
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
                _ => Outcome::Failed(reason(&job.log).unwrap_or_else(|| status.to_string())),
            });
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
