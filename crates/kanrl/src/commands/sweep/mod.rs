//! `kanrl sweep`.

mod summary;
mod workers;

use crate::terminal::cancel_on_ctrl_c;
use crate::{Failure, Plugins, json};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use kanrl_pipeline::engine::code;
use kanrl_pipeline::run::record::{RunRecord, RunState};
use kanrl_pipeline::run::{RunFile, RunStore};
use kanrl_pipeline::sweep::{Sweep as SweepFile, SweepRun};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use summary::Row;
use workers::{Job, Outcome};

/// `kanrl sweep`.
#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub struct Sweep {
    /// Sweep file: a base config and lists of values.
    file: PathBuf,
    /// Output folder; finished runs of the same sweep in it are kept [default: sweeps/FILE].
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Number of runs at a time, each in a separate process [default: one for every 4 threads].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    workers: Option<u16>,
    /// Print the summary as JSON.
    #[arg(long)]
    json: bool,
}

const HELP: &str = "\
Example:
  seeds = 3                                  # 0, 1 and 2; or a list
  [base]                                     # a run's config
  environment.id = \"CartPole-v1\"
  [grid]                                     # lists of values for any of its fields
  approximator.hidden = [[], [2]]
  approximator.kind = [\"kan\"]

The output folder contains runs/, summary.csv, pareto.svg (return against operations), and, in builds with the feature
`arrow`, summary.arrow. A failing run is recorded and the others continue; run the same command again to resume.
Exit codes: 0 all runs succeeded, 1 some failed, 130 cancelled.";

impl Sweep {
    pub fn run(self, quiet: bool, plugins: &Plugins) -> Result<(), Failure> {
        let sweep = SweepFile::read(&self.file)?;
        let out = self
            .out
            .clone()
            .unwrap_or_else(|| Path::new("sweeps").join(self.file.file_stem().unwrap_or_else(|| "sweep".as_ref())));
        let jobs = jobs(&sweep, &out, plugins)?;
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let workers = self.workers.map_or((threads / 4).max(1), usize::from).min(jobs.len());
        let cancelled = Arc::new(AtomicBool::new(false));
        cancel_on_ctrl_c(Arc::clone(&cancelled));
        let bar = if quiet { ProgressBar::hidden() } else { ProgressBar::new(jobs.len() as u64) };
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} runs {msg}, {eta} left") {
            bar.set_style(style.progress_chars("━╸ "));
        }
        bar.tick();
        let mut rows: Vec<Row> = Vec::new();
        let mut written = Ok(());
        let options = workers::Options { workers, threads: (threads / workers).max(1), arguments: plugins.arguments() };
        workers::run(&jobs, &options, &cancelled, |job, outcome| {
            if outcome == Outcome::Cancelled {
                return;
            }
            let row = Row::new(job, outcome);
            if !quiet {
                bar.suspend(|| eprintln!("{}", row.line()));
            }
            bar.inc(1);
            rows.push(row);
            rows.sort_by_key(|row| row.index);
            written = summary::write(&out, &rows);
        });
        bar.finish_and_clear();
        written.map_err(Failure::run)?;
        if cancelled.load(Ordering::SeqCst) {
            let help = format!("to resume: kanrl sweep {} --out {}", self.file.display(), out.display());
            let message = format!("cancelled after {} of {} runs", rows.len(), jobs.len());
            return Err(Failure::cancelled(std::io::Error::other(message), help));
        }
        if self.json {
            json::print(&summary::json(&rows))?;
        } else {
            summary::print(&rows);
            println!("\nSweep directory: {}", out.display());
        }
        let failed = rows.iter().filter(|row| row.error.is_some()).count();
        if failed > 0 {
            let message = format!("{failed} of {} runs failed", rows.len());
            let help = format!("their output: {}", out.join("logs").display());
            return Err(Failure::run_with_help(std::io::Error::other(message), help));
        }
        Ok(())
    }
}

/// Writes each run's config; nothing is written where one of them is refused.
fn jobs(sweep: &SweepFile, out: &Path, plugins: &Plugins) -> Result<Vec<Job>, Failure> {
    let mut prepared: Vec<(&SweepRun, String)> = Vec::new();
    for run in sweep.runs() {
        let (config, registry) = plugins.resolve(|environments| sweep.config(run, environments))?;
        if config.is_played() {
            registry.get(&config.environment.id).map_err(Failure::input)?;
        }
        prepared.push((run, config.to_toml()));
    }
    for folder in ["configs", "logs", "runs"] {
        let folder = out.join(folder);
        std::fs::create_dir_all(&folder)
            .map_err(|source| Failure::run(kanrl_pipeline::files::FileError { path: folder, source }))?;
    }
    let job = |(index, (run, config)): (usize, (&SweepRun, String))| {
        let job = Job {
            index,
            settings: run.settings.clone(),
            config: out.join("configs").join(format!("{}.toml", run.name)),
            directory: out.join("runs").join(&run.name),
            log: out.join("logs").join(format!("{}.log", run.name)),
            done: is_done(&out.join("runs").join(&run.name), &config),
        };
        kanrl_pipeline::files::write(&job.config, config.as_bytes()).map_err(Failure::run)?;
        Ok(job)
    };
    prepared.into_iter().enumerate().map(job).collect()
}

/// Whether this very run is finished.
fn is_done(directory: &Path, config: &str) -> bool {
    let Ok(run) = RunStore::open(directory) else { return false };
    let is_same_code = |record: &RunRecord| record.executable.as_deref() == Some(code::executable());
    let is_finished = RunRecord::of(&run).is_some_and(|record| record.state == RunState::Done && is_same_code(&record));
    is_finished && run.read_text(RunFile::Config).is_ok_and(|text| text == config)
}
