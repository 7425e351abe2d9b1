//! Where a run's results come from: `provenance.json`.
//!
//! It holds what the results depend on (digests of the expert and of the dataset, seeds, plugins) and what happened
//! (each process that worked on the run: its command, build, host and times). It is the one result that differs between
//! two runs of the same config.

use crate::config::{PluginEntry, RunConfig};
use crate::digest::hexadecimal;
use crate::engine::{Artifact, code};
use crate::files::FileError;
use crate::run::files::RunFile;
use crate::run::locked::LockedRun;
use crate::run::log;
use crate::run::seeds::{self, Purpose};
use crate::run::store::{RunStore, RunStoreError};
use kanrl_core::config::ExpertSource;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

const FORMAT: u32 = 1;

/// What only the program knows about itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Build {
    /// kanrl's version.
    pub version: String,
    /// The commit that was checked out when it was built, if it was built in a repository.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub git_commit: Option<String>,
    /// The compiler, as `rustc --version` names it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rustc: Option<String>,
    /// The target triple.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// The cargo profile (`release`, `debug`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
}

/// Who runs a run: the program fills it in and gives it to [`OpenRun::set_origin`](crate::run::OpenRun::set_origin).
#[derive(Clone, Debug)]
pub struct Origin {
    /// The program.
    pub build: Build,
    /// Its command line.
    pub command: Vec<String>,
}

impl Default for Origin {
    /// This process's command line, and no more of the build than kanrl's version.
    fn default() -> Self {
        let build = Build { version: env!("CARGO_PKG_VERSION").to_owned(), ..Build::default() };
        Self { build, command: std::env::args().collect() }
    }
}

/// A file's content, as far as it matters for telling two apart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileDigest {
    /// Its path or name.
    pub name: String,
    /// Its length.
    pub bytes: u64,
    /// SHA-256 of its content, in hexadecimal digits.
    pub sha256: String,
}

impl FileDigest {
    /// The digest of a content that is at hand.
    pub fn of(name: impl Into<String>, content: &[u8]) -> Self {
        Self { name: name.into(), bytes: content.len() as u64, sha256: hexadecimal(&Sha256::digest(content)) }
    }
}

impl From<ExpertSource> for FileDigest {
    fn from(source: ExpertSource) -> Self {
        Self::of(source.name, &source.content)
    }
}

/// The policy that was explained.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExpertProvenance {
    /// Where it came from, as it says itself.
    pub source: String,
    /// What it was read from.
    pub files: Vec<FileDigest>,
}

/// One process that worked on the run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Execution {
    /// When it began, in UTC (`2026-01-31T12:34:56Z`).
    pub started: String,
    /// When it ended; absent where it was killed, or still runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended: Option<String>,
    /// `done`, `cancelled`, or why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
    /// Its command line.
    pub command: Vec<String>,
    /// The machine's name.
    pub host: String,
    /// Its operating system.
    pub os: String,
    /// Its processor architecture.
    pub architecture: String,
    /// Threads that may run at once.
    pub threads: usize,
    /// The program.
    pub build: Build,
    /// SHA-256 of the program's file, in hexadecimal digits.
    #[serde(default)]
    pub executable: String,
}

/// What `provenance.json` holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provenance {
    /// The file's format version.
    pub format: u32,
    /// Id of the environment that was played.
    pub environment: String,
    /// The policy that was explained.
    pub expert: ExpertProvenance,
    /// The run's seed, and the first seed of the episodes for each purpose.
    pub seeds: BTreeMap<String, u64>,
    /// The dataset's files, below the run directory; empty until it is collected.
    pub dataset: Vec<FileDigest>,
    /// The plugins that were used, with their digests.
    pub plugins: Vec<PluginEntry>,
    /// Every process that worked on the run, in order.
    pub executions: Vec<Execution>,
}

impl Provenance {
    /// Reads a run's provenance.
    ///
    /// # Errors
    /// Where there is none, or it is damaged.
    pub fn read(run: &RunStore) -> Result<Self, RunStoreError> {
        run.read_json(RunFile::Provenance)
    }

    /// What is known when a process begins to work on `run`, after the processes before it.
    pub(crate) fn begin(run: &LockedRun, config: &RunConfig, expert: ExpertProvenance, origin: Origin) -> Self {
        let seed = config.seed;
        let first =
            |purpose: Purpose| (format!("first_{}_episode", purpose.name()), seeds::episodes(seed, purpose, 1)[0]);
        let mut seeds: BTreeMap<String, u64> = Purpose::ALL.into_iter().map(first).collect();
        seeds.insert("run".to_owned(), seed);
        let execution = Execution {
            started: log::time(),
            ended: None,
            outcome: None,
            command: origin.command,
            host: host(),
            os: std::env::consts::OS.to_owned(),
            architecture: std::env::consts::ARCH.to_owned(),
            threads: std::thread::available_parallelism().map_or(1, usize::from),
            build: origin.build,
            executable: code::executable().to_owned(),
        };
        let mut executions = Self::read(run).map(|earlier| earlier.executions).unwrap_or_default();
        executions.push(execution);
        let (environment, plugins) = (config.environment.id.clone(), config.plugins.clone());
        Self { format: FORMAT, environment, expert, seeds, dataset: Vec::new(), plugins, executions }
    }

    /// Notes how the process ended.
    pub(crate) fn end(&mut self, outcome: String) {
        if let Some(execution) = self.executions.last_mut() {
            execution.ended = Some(log::time());
            execution.outcome = Some(outcome);
        }
    }

    /// Notes the dataset that stage `stage` left in the run directory.
    pub(crate) fn note_dataset(&mut self, run: &LockedRun, stage: &str) -> std::io::Result<()> {
        let folder = format!("{}/{stage}/{}/", RunFile::Stages, crate::stages::collect::ExpertData::NAME);
        self.dataset.clear();
        run.visit(&mut |name, mut file| {
            if name.starts_with(&folder) {
                let mut content = Vec::new();
                file.read_to_end(&mut content)?;
                self.dataset.push(FileDigest::of(name, &content));
            }
            Ok(())
        })
    }

    pub(crate) fn write(&self, run: &LockedRun) -> Result<(), FileError> {
        run.write_json(RunFile::Provenance, self)
    }
}

/// This machine's name.
pub fn host() -> String {
    gethostname::gethostname().to_string_lossy().into_owned()
}

/// Notes how the last process that worked on a run ended, where it could not do so itself. A run that another process works on,
/// or that has no provenance, is left as it is.
pub fn note_end(run: &Path, outcome: &str) {
    let Ok(run) = LockedRun::open(run) else { return };
    let Ok(mut provenance) = Provenance::read(&run) else { return };
    if provenance.executions.last().is_some_and(|execution| execution.outcome.is_none()) {
        provenance.end(outcome.to_owned());
        if let Err(error) = provenance.write(&run) {
            tracing::warn!("{error}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{ExpertProvenance, FileDigest, Origin, Provenance};
    use crate::config::{MergedConfig, RawConfig};
    use crate::run::LockedRun;

    #[test]
    fn digests_are_sha_256() {
        let digest = FileDigest::of("abc", b"abc");
        assert_eq!(digest.sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(digest.bytes, 3);
    }

    #[test]
    fn every_process_that_worked_on_a_run_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let run = LockedRun::open(folder.path().join("run")).unwrap();
        let raw = RawConfig::from_toml("test", "seed = 7").unwrap();
        let config = MergedConfig::new(raw).resolve().unwrap();
        let expert = ExpertProvenance { source: "a file".into(), files: vec![FileDigest::of("f", b"")] };
        let mut first = Provenance::begin(&run, &config, expert.clone(), Origin::default());
        first.write(&run).unwrap();
        first.end("cancelled".into());
        first.write(&run).unwrap();
        let second = Provenance::begin(&run, &config, expert, Origin::default());
        second.write(&run).unwrap();
        let read = Provenance::read(&run).unwrap();
        assert_eq!(read, second);
        let outcomes: Vec<_> = read.executions.iter().map(|execution| execution.outcome.as_deref()).collect();
        assert_eq!(outcomes, [Some("cancelled"), None]);
        assert_eq!((read.seeds["run"], read.seeds["first_report_episode"]), (7, 1_000_000_000));
        assert_eq!(read.seeds.len(), 7, "the run's, and one for each purpose: {:?}", read.seeds);
    }
}
