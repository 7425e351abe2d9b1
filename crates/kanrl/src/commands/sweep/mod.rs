//! `kanrl sweep`.

mod claims;
mod ray;
mod summary;
mod trials;
mod workers;

use crate::terminal::cancel_on_ctrl_c;
use crate::{Failure, Plugins, json};
use claims::Claims;
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use kanrl_pipeline::files::FileError;
use kanrl_pipeline::sweep::Sweep as SweepFile;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use summary::Row;
use workers::{Job, Outcome, Queue};

/// `kanrl sweep`.
#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub struct Sweep {
    /// Sweep file: a base config and lists of values.
    file: PathBuf,
    /// Output folder; finished runs of the same sweep in it are kept [default: sweeps/FILE].
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Share the sweep with every other process that is started with the same file and folder, on any number of machines.
    #[arg(long, value_name = "DIR", conflicts_with = "out")]
    join: Option<PathBuf>,
    /// With --join, seconds of silence after which a process counts as lost and its runs are resumed by others.
    #[arg(long, value_name = "SECONDS", default_value_t = 30, requires = "join", value_parser = clap::value_parser!(u32).range(1..))]
    lease: u32,
    /// Make the runs on a Ray cluster; requires the Python package `kanrl[ray]` in the active Python.
    #[arg(long, conflicts_with = "join")]
    ray: bool,
    /// Instead of the file's seeds, how many from 0 on (`3`), or which (`5,`; `0,4,7`).
    #[arg(long, value_name = "SEEDS", value_parser = seeds)]
    seeds: Option<toml::Value>,
    /// With --ray, the cluster's address: `auto` for the one that this machine is a node of [default: start one on this machine].
    #[arg(long, requires = "ray")]
    address: Option<String>,
    /// With --ray, processors of each run [default: 4, or as many as the largest node has].
    #[arg(long, value_name = "N", requires = "ray", value_parser = clap::value_parser!(u16).range(1..))]
    cpus: Option<u16>,
    /// With --ray, stop runs early whose networks are among the worse two thirds after `dagger`, by validation return and fidelity
    /// (ASHA).
    #[arg(long, requires = "ray")]
    asha: bool,
    /// Number of runs at a time, each in a separate process [default: one for every 4 threads].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024), conflicts_with = "ray")]
    workers: Option<u16>,
    /// Print the summary as JSON.
    #[arg(long)]
    json: bool,
    /// Write the runs' configs and print what is to be done, for programs that make the runs themselves.
    #[arg(long, hide = true, conflicts_with_all = ["join", "ray"])]
    plan: bool,
    /// Write the summary of runs that another program made. The file has a JSON object: for each run that has ended, null or
    /// why it failed.
    #[arg(long, hide = true, value_name = "FILE", conflicts_with_all = ["join", "ray", "plan"])]
    gather: Option<PathBuf>,
}

const HELP: &str = "\
Example:
  seeds = 3                                  # 0, 1 and 2; or a list
  [base]                                     # a run's config
  environment.id = \"CartPole-v1\"
  [grid]                                     # lists of values for any of its fields
  approximator.hidden = [[], [2]]
  approximator.kind = [\"kan\"]

The output folder contains runs/, report.html (the front over all runs, intervals over seeds, failures), summary.csv,
timings.csv, pareto.svg (return against operations), and, in builds with the feature `arrow`, summary.arrow. A failing run is
recorded and the others continue; run the same command again to resume.

On several machines that share a folder, run this on each of them, such as in a Slurm job array:
  kanrl sweep grid.toml --join /shared/sweep
Each run belongs to the process that claims it in claims/. If that process is lost, another one resumes the run, at most three
times. A run that failed is not repeated; delete claims/ to try again.

Exit codes: 0 all runs succeeded, 1 some failed, 130 cancelled.";

/// A number of seeds, or a list of them.
fn seeds(text: &str) -> Result<toml::Value, String> {
    let number = |text: &str| text.trim().parse::<i64>().map_err(|_| format!("`{text}` is not a seed"));
    if !text.contains(',') {
        return number(text).map(toml::Value::Integer);
    }
    let seeds = text.split(',').filter(|seed| !seed.trim().is_empty()).map(number);
    seeds.map(|seed| seed.map(toml::Value::Integer)).collect::<Result<Vec<_>, _>>().map(toml::Value::Array)
}

impl Sweep {
    pub fn run(self, quiet: bool, plugins: &Plugins) -> Result<(), Failure> {
        if self.ray {
            return self.on_ray(quiet, plugins);
        }
        let mut sweep = SweepFile::read(&self.file)?;
        if let Some(seeds) = &self.seeds {
            sweep = sweep.with_seeds(seeds.clone())?;
        }
        let out = self.folder();
        let trials = trials::prepare(&sweep, &out, plugins)?;
        if self.plan {
            return json::print(&trials::plan(&trials, &out, plugins)?);
        }
        let jobs: Vec<Job> = trials.into_iter().map(|trial| trial.job).collect();
        match &self.gather {
            Some(ended) => self.conclude(&out, &trials::gather(&jobs, ended)?),
            None => self.make(&out, &jobs, quiet, plugins),
        }
    }

    /// The output folder.
    fn folder(&self) -> PathBuf {
        let default = || Path::new("sweeps").join(self.file.file_stem().unwrap_or_else(|| "sweep".as_ref()));
        self.join.clone().or_else(|| self.out.clone()).unwrap_or_else(default)
    }

    /// Makes the runs on this machine.
    fn make(&self, out: &Path, jobs: &[Job], quiet: bool, plugins: &Plugins) -> Result<(), Failure> {
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
        let claims = |_: &PathBuf| Claims::open(out, jobs.len(), Duration::from_secs(self.lease.into()));
        let queue = match self.join.as_ref().map(claims).transpose().map_err(Failure::run)? {
            Some(claims) => Queue::Shared(claims),
            None => Queue::Own(Default::default()),
        };
        workers::run(jobs, &queue, &options, &cancelled, |job, outcome| {
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
            // Of several processes only one that knows how all runs ended has something to say.
            if self.join.is_none() || rows.len() == jobs.len() {
                written = self.write(out, &rows);
            }
        });
        bar.finish_and_clear();
        written.map_err(Failure::run)?;
        if cancelled.load(Ordering::SeqCst) {
            let flag = if self.join.is_some() { "--join" } else { "--out" };
            let help = format!("to resume: kanrl sweep {} {flag} {}", self.file.display(), out.display());
            let message = format!("cancelled after {} of {} runs", rows.len(), jobs.len());
            return Err(Failure::cancelled(std::io::Error::other(message), help));
        }
        self.say(out, &rows)
    }

    /// Writes and says how all runs ended.
    fn conclude(&self, out: &Path, rows: &[Row]) -> Result<(), Failure> {
        self.write(out, rows).map_err(Failure::run)?;
        self.say(out, rows)
    }

    fn write(&self, out: &Path, rows: &[Row]) -> Result<(), FileError> {
        let title = self.file.file_stem().unwrap_or_default().to_string_lossy();
        summary::write(out, &title, rows)
    }

    fn say(&self, out: &Path, rows: &[Row]) -> Result<(), Failure> {
        if self.json {
            json::print(&summary::json(rows))?;
        } else {
            summary::print(rows);
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
