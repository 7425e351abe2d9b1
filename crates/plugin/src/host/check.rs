//! Whether a plugin's environments keep their contract, found out in a separate process.

use super::error::PluginError;
use super::exit::exit_at_once;
use super::last_call;
use super::library::{Plugin, PluginDescription};
use super::trial::trial;
use super::watchdog::{CallLimit, HangError};
#[cfg(doc)]
use kanrl_core::environment::EnvironmentError;
use kanrl_core::environment::EnvironmentRegistry;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

/// What a check found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CheckReport {
    /// What the plugin offers.
    pub plugin: PluginDescription,
    /// One report for each environment that was checked.
    pub environments: Vec<EnvironmentReport>,
}

/// What a check of one environment found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EnvironmentReport {
    /// The environment.
    pub id: String,
    /// What is wrong with it; empty where nothing is.
    pub problems: Vec<String>,
    /// Why it could not be checked, if it could not: what it needs is not there.
    pub skipped: Option<String>,
    /// What may be meant.
    pub notes: Vec<String>,
}

impl CheckReport {
    /// Whether nothing is wrong.
    pub fn is_ok(&self) -> bool {
        self.environments.iter().all(|environment| environment.problems.is_empty())
    }
}

/// A line for each environment, and one below it for each problem.
impl fmt::Display for CheckReport {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let PluginDescription { name, version, path, .. } = &self.plugin;
        writeln!(formatter, "{name} {version} ({})", path.display())?;
        for environment in &self.environments {
            match &environment.skipped {
                Some(reason) => writeln!(formatter, "  {}: skipped: {reason}", environment.id)?,
                None if environment.problems.is_empty() => writeln!(formatter, "  {}: ok", environment.id)?,
                None => writeln!(formatter, "  {}: FAILED", environment.id)?,
            }
            for problem in &environment.problems {
                writeln!(formatter, "    - {problem}")?;
            }
            for note in &environment.notes {
                writeln!(formatter, "    note: {note}")?;
            }
        }
        Ok(())
    }
}

/// Files in the folder that the child process gets: its report, and its last call.
const REPORT: &str = "report.json";
const CALLS: &str = "last-call";

/// What the child process leaves in the report's file.
#[derive(Debug, Serialize, Deserialize)]
enum Outcome {
    /// It is still at this environment, or at loading.
    Checking(String),
    /// It could not go on.
    Failed(String),
    Finished(CheckReport),
}

/// Loads a plugin **into this process** and checks its environments: all of them, or those of the given ids. Runs the
/// plugin's code: see [`check_in_child`].
///
/// For each environment: it keeps the contract ([`check_environment`](kanrl_core::testing::check_environment)); it can be
/// made from no arguments and from its default ones, with the same spec, and refuses an argument that it does not have;
/// instances on two threads at once do not disturb each other. One that [cannot be used here](EnvironmentError::Unavailable)
/// is skipped.
///
/// # Errors
/// [`PluginError`] for a plugin that cannot be loaded, or an id that it does not have.
pub fn check(path: &Path, ids: &[String], limit: CallLimit) -> Result<CheckReport, PluginError> {
    check_with(path, ids, limit, |_| {})
}

fn check_with(
    path: &Path,
    ids: &[String],
    limit: CallLimit,
    mut before: impl FnMut(&str),
) -> Result<CheckReport, PluginError> {
    let plugin = Plugin::open(path, limit)?;
    let description = plugin.description();
    let mut registry = EnvironmentRegistry::new();
    plugin.register(&mut registry)?;
    let known = || description.environments.iter().map(|environment| environment.id.clone());
    if let Some(unknown) = ids.iter().find(|id| !known().any(|known| known == **id)) {
        let path = description.path.clone();
        return Err(PluginError::UnknownEnvironment { path, id: unknown.clone(), known: known().collect() });
    }
    let mut environments = Vec::new();
    for environment in &description.environments {
        if ids.is_empty() || ids.contains(&environment.id) {
            before(&environment.id);
            let entry = registry
                .get(&environment.id)
                .map_err(|source| PluginError::Environment { path: description.path.clone(), source })?;
            environments.push(trial(entry, &environment.default_arguments));
        }
    }
    Ok(CheckReport { plugin: description, environments })
}

/// Checks a plugin in a separate process, so that a crash or a hang of the plugin does not reach this one.
///
/// `command` runs a program that calls [`run_check`] with the arguments that are added here; usually this very program
/// with a hidden subcommand. `limit` is the longest that one call into the plugin may take.
///
/// # Errors
/// [`PluginError::Check`] where the process cannot be started, crashes, or hangs, or says that the plugin cannot be
/// checked.
pub fn check_in_child(
    mut command: Command,
    path: &Path,
    ids: &[String],
    limit: Duration,
) -> Result<CheckReport, PluginError> {
    let failed = |reason: String| PluginError::Check { path: path.to_owned(), reason };
    let cannot = |what: &'static str| move |error: std::io::Error| failed(format!("cannot {what}: {error}"));
    let folder = tempfile::tempdir().map_err(cannot("make a folder for its report"))?;
    let status = command
        .arg(path)
        .arg(folder.path())
        .arg(limit.as_millis().to_string())
        .args(ids)
        .stdin(Stdio::null())
        .status()
        .map_err(cannot("start its process"))?;
    let text = std::fs::read_to_string(folder.path().join(REPORT)).unwrap_or_default();
    match serde_json::from_str(&text) {
        Ok(Outcome::Finished(report)) => Ok(report),
        Ok(Outcome::Failed(reason)) => Err(failed(format!("failed: {reason}"))),
        Ok(Outcome::Checking(what)) => {
            let last = last_call::read(&folder.path().join(CALLS));
            let last = last.map_or_else(String::new, |function| format!(" (last call: `{}`)", function.name()));
            Err(failed(format!("crashed while {what}{last}: {}", ending(status))))
        }
        Err(_) => Err(failed(format!("left no report: {}", ending(status)))),
    }
}

fn ending(status: ExitStatus) -> String {
    format!("its process ended with {status}")
}

/// The inside of [`check_in_child`]: takes the arguments that it adds and leaves the report where it reads it.
///
/// # Errors
/// A message for arguments that it did not add, or a report that cannot be written.
pub fn run_check(arguments: impl IntoIterator<Item = std::ffi::OsString>) -> Result<(), String> {
    let mut arguments = arguments.into_iter();
    let (Some(path), Some(folder), Some(limit)) = (arguments.next(), arguments.next(), arguments.next()) else {
        return Err("expected a plugin, a folder for the report and a limit in milliseconds".into());
    };
    let folder = PathBuf::from(folder);
    last_call::note_in(&folder.join(CALLS)).map_err(|error| format!("{}: {error}", folder.display()))?;
    let file = folder.join(REPORT);
    let limit =
        limit.to_str().and_then(|limit| limit.parse().ok()).ok_or("the limit is not a number of milliseconds")?;
    let ids: Vec<String> = arguments.map(|id| id.to_string_lossy().into_owned()).collect();

    let hang_file = file.clone();
    let on_hang = move |error: &HangError| {
        // Nobody is left to tell if this fails, too.
        let _ = leave(&hang_file, &Outcome::Failed(error.to_string()));
        exit_at_once(CallLimit::EXIT_STATUS);
    };
    let limit = CallLimit { duration: Some(Duration::from_millis(limit)), on_hang: Arc::new(on_hang) };
    leave(&file, &Outcome::Checking("loading it".into()))?;
    let report = check_with(Path::new(&path), &ids, limit, |id| {
        let _ = leave(&file, &Outcome::Checking(format!("checking `{id}`")));
    });
    leave(&file, &report.map_or_else(|error| Outcome::Failed(error.to_string()), Outcome::Finished))
}

fn leave(file: &Path, outcome: &Outcome) -> Result<(), String> {
    let text = serde_json::to_string(outcome).map_err(|error| error.to_string())?;
    std::fs::write(file, text).map_err(|error| format!("{}: {error}", file.display()))
}
