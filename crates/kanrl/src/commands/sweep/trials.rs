//! A sweep's runs, before and after they are made.

use super::summary::Row;
use super::workers::{Job, Outcome};
use crate::{Failure, Plugins};
use kanrl_core::environment::EnvironmentRegistry;
use kanrl_pipeline::config::{PluginEntry, RunConfig};
use kanrl_pipeline::engine::code;
use kanrl_pipeline::files::FileError;
use kanrl_pipeline::run::provenance::FileDigest;
use kanrl_pipeline::run::record::{RunRecord, RunState};
use kanrl_pipeline::run::{RunFile, RunStore};
use kanrl_pipeline::sweep::{Sweep, SweepRun};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// A run to be made, with what it reads.
pub struct Trial {
    pub job: Job,
    config: RunConfig,
    registry: EnvironmentRegistry,
}

/// Writes each run's config; nothing is written where one of them is refused.
pub fn prepare(sweep: &Sweep, out: &Path, plugins: &Plugins) -> Result<Vec<Trial>, Failure> {
    let mut prepared: Vec<(&SweepRun, RunConfig, EnvironmentRegistry)> = Vec::new();
    for run in sweep.runs() {
        let (config, registry) = plugins.resolve(|environments| sweep.config(run, environments))?;
        if config.is_played() {
            registry.get(&config.environment.id).map_err(Failure::input)?;
        }
        prepared.push((run, config, registry));
    }
    for folder in ["configs", "logs", "runs"] {
        let folder = out.join(folder);
        std::fs::create_dir_all(&folder).map_err(|source| Failure::run(FileError { path: folder, source }))?;
    }
    let trial = |(index, (run, config, registry)): (usize, (&SweepRun, RunConfig, EnvironmentRegistry))| {
        let text = config.to_toml();
        let digest = FileDigest::of("", format!("{}\n{text}", code::executable()).as_bytes()).sha256;
        let job = Job {
            index,
            settings: run.settings.clone(),
            config: out.join("configs").join(format!("{}.toml", run.name)),
            directory: out.join("runs").join(&run.name),
            log: out.join("logs").join(format!("{}.log", run.name)),
            digest: digest[..8].to_owned(),
            done: is_done(&out.join("runs").join(&run.name), &text),
        };
        kanrl_pipeline::files::write(&job.config, text.as_bytes()).map_err(Failure::run)?;
        Ok(Trial { job, config, registry })
    };
    prepared.into_iter().enumerate().map(trial).collect()
}

/// Whether this very run is finished.
fn is_done(directory: &Path, config: &str) -> bool {
    let Ok(run) = RunStore::open(directory) else { return false };
    let is_same_code = |record: &RunRecord| record.executable.as_deref() == Some(code::executable());
    let is_finished = RunRecord::of(&run).is_some_and(|record| record.state == RunState::Done && is_same_code(&record));
    is_finished && run.read_text(RunFile::Config).is_ok_and(|text| text == config)
}

/// What another program needs to know to make the runs.
pub fn plan(trials: &[Trial], out: &Path, plugins: &Plugins) -> Result<Value, Failure> {
    let mut described = Vec::new();
    for Trial { job, config, registry } in trials {
        described.push(json!({
            "name": job.directory.file_name().unwrap_or_default().to_string_lossy(),
            "settings": job.settings,
            "config": job.config,
            "directory": job.directory,
            "log": job.log,
            "done": job.done,
            "files": files(config, registry)?,
            "plugins": libraries(config)?,
        }));
    }
    let program = crate::processes::program().map_err(Failure::run)?;
    let sha256 = kanrl_plugin::sha256(&program).map_err(Failure::input)?;
    Ok(json!({
        "format": 1,
        "out": out,
        // The code lies elsewhere where the program is the Python package's script.
        "program": { "path": program, "sha256": sha256, "code": code::executable() },
        // A run is given its own plugin only, which it was seen above that the user consents to.
        "arguments": plugins.limit_argument(),
        "trials": described,
    }))
}

/// The plugins that a run loads.
fn libraries(config: &RunConfig) -> Result<Vec<Value>, Failure> {
    let library = |plugin: &PluginEntry| {
        let sha256 = kanrl_plugin::sha256(&plugin.path).map_err(Failure::input)?;
        Ok(json!({ "path": plugin.path.display().to_string(), "sha256": sha256 }))
    };
    config.plugins.iter().map(library).collect()
}

/// The local files that a run reads: its expert's or its log.
fn files(config: &RunConfig, registry: &EnvironmentRegistry) -> Result<Vec<Value>, Failure> {
    let mut files: BTreeSet<(String, String)> = BTreeSet::new();
    if config.is_played() {
        let environment =
            registry.make(&config.environment.id, &config.environment.arguments).map_err(Failure::input)?;
        for source in config.expert.sources(environment.spec()).map_err(Failure::input)? {
            if Path::new(&source.name).is_file() {
                let digest = FileDigest::from(source);
                files.insert((digest.name, digest.sha256));
            }
        }
    }
    Ok(files.into_iter().map(|(path, sha256)| json!({ "path": path, "sha256": sha256 })).collect())
}

/// How runs that another program made have ended.
pub fn gather(jobs: &[Job], ended: &Path) -> Result<Vec<Row>, Failure> {
    let failed = |source| Failure::input(FileError { path: ended.to_owned(), source });
    let text = std::fs::read_to_string(ended).map_err(failed)?;
    let reasons: BTreeMap<String, Option<Ended>> =
        serde_json::from_str(&text).map_err(|error| failed(std::io::Error::other(error)))?;
    let row = |job: &Job| {
        let name = job.directory.file_name()?.to_string_lossy();
        let outcome = match reasons.get(name.as_ref())? {
            None if job.done => Outcome::Done,
            None => Outcome::Failed("its run directory is not that of a finished run".to_owned()),
            Some(Ended::Failed(reason)) => Outcome::Failed(reason.clone()),
            Some(Ended::Stopped(reason)) => Outcome::Stopped(reason.clone()),
        };
        Some(Row::new(job, outcome))
    };
    Ok(jobs.iter().filter_map(row).collect())
}

/// How a run ended that is not done.
#[derive(Debug, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
enum Ended {
    Failed(String),
    Stopped(String),
}
