//! What lies in a run directory, read back: for lists, comparisons and sweeps.

use crate::run::files::RunFile;
use crate::run::metrics::Metrics;
use crate::run::provenance::Provenance;
use crate::run::role::PolicyRole;
use crate::run::store::RunStore;
use serde::Serialize;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// A run on disk, finished or not. Parts that are missing or damaged are empty.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RunRecord {
    /// The run directory.
    pub directory: PathBuf,
    /// How far it is.
    pub state: RunState,
    /// Id of the environment.
    pub environment: Option<String>,
    /// Where the expert came from.
    pub expert: Option<String>,
    /// The run's seed.
    pub seed: Option<u64>,
    /// SHA-256 of the program that worked on it last.
    #[serde(skip)]
    pub executable: Option<String>,
    /// When its last process began, in UTC.
    pub started: Option<String>,
    /// Seconds that its stages took together, by the last process that computed any.
    pub seconds: Option<f64>,
    /// What each policy returned on the report seeds.
    pub policies: Vec<PolicyRecord>,
    /// The student that the headline formula comes from.
    pub student: Option<String>,
    /// Operations of the headline formula.
    pub operations: Option<usize>,
    /// The resolved config.
    #[serde(skip)]
    pub config: toml::Table,
    /// Everything that was measured; none before it is written.
    #[serde(skip)]
    pub metrics: Option<Metrics>,
}

/// How far a run is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    /// All stages are done.
    Done,
    /// It was cancelled; `kanrl resume` goes on.
    Cancelled,
    /// A stage failed.
    Failed(String),
    /// A process works on it, or was killed.
    Unfinished,
}

impl std::fmt::Display for RunState {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.pad(match self {
            Self::Done => "done",
            Self::Cancelled => "cancelled",
            Self::Failed(_) => "failed",
            Self::Unfinished => "unfinished",
        })
    }
}

/// What one of a run's policies is worth. Returns are missing where nothing is played.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PolicyRecord {
    /// What it is to the run.
    pub policy: PolicyRole,
    /// Mean return.
    pub mean: Option<f64>,
    /// Standard deviation over episodes.
    pub std: Option<f64>,
    /// Mean of the worst twentieth.
    pub worst_5_percent: Option<f64>,
    /// Mean of the middle half.
    pub interquartile_mean: Option<f64>,
    /// Agreement with the expert.
    pub agreement: Option<f64>,
    /// The return of each episode, in the order of the report seeds.
    #[serde(skip)]
    pub episodes: Vec<f64>,
}

impl RunRecord {
    /// The run in `directory`; `None` where there is no config that can be read.
    pub fn read(directory: &Path) -> Option<Self> {
        Self::of(&RunStore::open(directory).ok()?)
    }

    /// What is known about `run`; `None` where its config cannot be read.
    pub fn of(run: &RunStore) -> Option<Self> {
        let config: toml::Table = run.read_text(RunFile::Config).ok()?.parse().ok()?;
        let metrics = Metrics::read(run).ok();
        let timings: Value = run.read_json(RunFile::Timings).unwrap_or_default();
        let provenance = Provenance::read(run).ok();
        let execution = provenance.as_ref().and_then(|provenance| provenance.executions.last());
        let state = match execution.and_then(|execution| execution.outcome.as_deref()) {
            Some("done") => RunState::Done,
            Some("cancelled") => RunState::Cancelled,
            Some(reason) => RunState::Failed(reason.to_owned()),
            None => RunState::Unfinished,
        };
        let seconds = timings["seconds"].as_object();
        Some(Self {
            directory: run.path().to_owned(),
            state,
            environment: config.get("environment").and_then(|section| Some(section.get("id")?.as_str()?.to_owned())),
            expert: provenance.as_ref().map(|provenance| provenance.expert.source.clone()),
            seed: config.get("seed").and_then(toml::Value::as_integer).and_then(|seed| u64::try_from(seed).ok()),
            executable: execution.map(|execution| execution.executable.clone()),
            started: execution.map(|execution| execution.started.clone()),
            seconds: seconds.map(|stages| stages.values().filter_map(Value::as_f64).sum()),
            policies: metrics.as_ref().map(policies).unwrap_or_default(),
            student: metrics.as_ref().and_then(|metrics| Some(metrics.headline()?.student.clone())),
            operations: metrics.as_ref().and_then(|metrics| Some(metrics.headline()?.operations)),
            config,
            metrics,
        })
    }

    /// The runs below `folder`, down to `depth` levels, by their paths; a run is not looked into.
    pub fn list(folder: &Path, depth: usize) -> Vec<Self> {
        RunStore::list(folder, depth).iter().filter_map(Self::of).collect()
    }

    /// One policy's results.
    pub fn policy(&self, role: PolicyRole) -> Option<&PolicyRecord> {
        self.policies.iter().find(|record| record.policy == role)
    }

    /// A policy's agreement with the expert, in words: `98.5 %` or `R² 0.985`.
    pub fn agreement_text(&self, role: PolicyRole) -> Option<String> {
        self.metrics.as_ref()?.agreement_text(role)
    }

    /// Every setting of the config by its key path (`approximator.hidden`).
    pub fn settings(&self) -> std::collections::BTreeMap<String, String> {
        let mut settings = std::collections::BTreeMap::new();
        flatten("", &toml::Value::Table(self.config.clone()), &mut settings);
        settings
    }
}

fn policies(metrics: &Metrics) -> Vec<PolicyRecord> {
    let record = |policy: PolicyRole| {
        let (returns, agreement) = (metrics.returns.get(&policy), metrics.agreement.expert_states.get(&policy));
        (returns.is_some() || agreement.is_some()).then(|| PolicyRecord {
            policy,
            mean: returns.map(|returns| returns.mean),
            std: returns.map(|returns| returns.std),
            worst_5_percent: returns.map(|returns| returns.worst_5_percent),
            interquartile_mean: returns.map(|returns| returns.interquartile_mean),
            agreement: agreement.copied(),
            episodes: returns.map(|returns| returns.episodes.clone()).unwrap_or_default(),
        })
    };
    PolicyRole::ALL.into_iter().filter_map(record).collect()
}

fn flatten(path: &str, value: &toml::Value, settings: &mut std::collections::BTreeMap<String, String>) {
    match value {
        toml::Value::Table(table) => {
            for (key, value) in table {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                flatten(&path, value, settings);
            }
        }
        other => {
            settings.insert(path.to_owned(), other.to_string());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{RunRecord, RunState};
    use crate::run::{LockedRun, PolicyRole, RunFile};

    #[test]
    fn a_run_is_read_as_far_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let run = folder.path().join("sweep/one");
        std::fs::create_dir_all(&run).unwrap();
        assert!(RunRecord::read(&run).is_none());
        std::fs::write(run.join(RunFile::Config.name()), "seed = 3\n[environment]\nid = \"CartPole-v1\"\n").unwrap();
        let record = RunRecord::read(&run).unwrap();
        assert_eq!((record.state, record.seed, record.policies.len()), (RunState::Unfinished, Some(3), 0));
        let locked = LockedRun::open(&run).unwrap();
        locked.write(RunFile::Metrics, crate::run::metrics::tests::EXAMPLE.as_bytes()).unwrap();
        let records = RunRecord::list(folder.path(), 2);
        assert_eq!(records.len(), 1);
        let roles: Vec<PolicyRole> = records[0].policies.iter().map(|record| record.policy).collect();
        assert_eq!(roles, [PolicyRole::Headline]);
        assert_eq!(records[0].policy(PolicyRole::Headline).unwrap().agreement, Some(-3.13));
        assert_eq!(records[0].agreement_text(PolicyRole::Headline).as_deref(), Some("R² −3.130"));
        assert_eq!((records[0].student.as_deref(), records[0].operations), (Some("kan-2"), Some(7)));
        assert_eq!(records[0].settings()["environment.id"], "\"CartPole-v1\"");
        assert!(RunRecord::list(folder.path(), 1).is_empty());
    }
}
