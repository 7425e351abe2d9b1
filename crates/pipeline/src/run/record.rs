//! What lies in a run directory, read back: for lists, comparisons and sweeps.

use crate::run::files::RunFile;
use crate::run::provenance::Provenance;
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
    /// When its last process began, in UTC.
    pub started: Option<String>,
    /// Seconds that its stages took together, by the last process that computed any.
    pub seconds: Option<f64>,
    /// What each policy returned on the report seeds.
    pub policies: Vec<PolicyRecord>,
    /// Operations of the formula.
    pub operations: Option<u64>,
    /// The resolved config.
    #[serde(skip)]
    pub config: toml::Table,
    /// All of `metrics.json`; null before it is written.
    #[serde(skip)]
    pub metrics: Value,
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

/// Returns of one of a run's policies.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PolicyRecord {
    /// `expert`, `kan`, `formula`, …
    pub policy: String,
    /// Mean return.
    pub mean: f64,
    /// Standard deviation over episodes.
    pub std: f64,
    /// Mean of the worst twentieth.
    pub worst_5_percent: Option<f64>,
    /// Mean of the middle half, where it was computed.
    pub interquartile_mean: Option<f64>,
    /// Agreement with the expert.
    pub agreement: Option<f64>,
    /// The return of each episode, in the order of the report seeds.
    #[serde(skip)]
    pub episodes: Vec<f64>,
}

/// Policies in the order of lists; others follow.
const ORDER: [&str; 5] = ["expert", "kan", "faithful", "polished", "formula"];

impl RunRecord {
    /// The run in `directory`; `None` where there is no config that can be read.
    pub fn read(directory: &Path) -> Option<Self> {
        Self::of(&RunStore::open(directory).ok()?)
    }

    /// What is known about `run`; `None` where its config cannot be read.
    pub fn of(run: &RunStore) -> Option<Self> {
        let config: toml::Table = run.read_text(RunFile::Config).ok()?.parse().ok()?;
        let json = |file| run.read_json::<Value>(file).unwrap_or_default();
        let (metrics, timings) = (json(RunFile::Metrics), json(RunFile::Timings));
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
            started: execution.map(|execution| execution.started.clone()),
            seconds: seconds.map(|stages| stages.values().filter_map(Value::as_f64).sum()),
            policies: policies(&metrics),
            operations: metrics["formula"]["operations"].as_u64(),
            config,
            metrics,
        })
    }

    /// The runs below `folder`, down to `depth` levels, by their paths; a run is not looked into.
    pub fn list(folder: &Path, depth: usize) -> Vec<Self> {
        RunStore::list(folder, depth).iter().filter_map(Self::of).collect()
    }

    /// One policy's returns.
    pub fn policy(&self, name: &str) -> Option<&PolicyRecord> {
        self.policies.iter().find(|record| record.policy == name)
    }

    /// Every setting of the config by its key path (`approximator.hidden`).
    pub fn settings(&self) -> std::collections::BTreeMap<String, String> {
        let mut settings = std::collections::BTreeMap::new();
        flatten("", &toml::Value::Table(self.config.clone()), &mut settings);
        settings
    }
}

fn policies(metrics: &Value) -> Vec<PolicyRecord> {
    let record = |(policy, returns): (&String, &Value)| {
        Some(PolicyRecord {
            policy: policy.clone(),
            mean: returns["mean"].as_f64()?,
            std: returns["std"].as_f64()?,
            worst_5_percent: returns["worst_5_percent"].as_f64(),
            interquartile_mean: returns["interquartile_mean"].as_f64(),
            agreement: metrics["agreement"][policy.as_str()].as_f64(),
            episodes: returns["episodes"].as_array().into_iter().flatten().filter_map(Value::as_f64).collect(),
        })
    };
    let mut policies: Vec<PolicyRecord> =
        metrics["returns"].as_object().into_iter().flatten().filter_map(record).collect();
    let rank = |name: &str| ORDER.iter().position(|known| *known == name).unwrap_or(ORDER.len());
    policies.sort_by_key(|record| rank(&record.policy));
    policies
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

    #[test]
    fn a_run_is_read_as_far_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let run = folder.path().join("sweep/one");
        std::fs::create_dir_all(&run).unwrap();
        assert!(RunRecord::read(&run).is_none());
        std::fs::write(run.join("config.toml"), "seed = 3\n[environment]\nid = \"CartPole-v1\"\n").unwrap();
        let record = RunRecord::read(&run).unwrap();
        assert_eq!((record.state, record.seed, record.policies.len()), (RunState::Unfinished, Some(3), 0));
        let metrics = r#"{"returns": {"formula": {"mean": 1.5, "std": 0.5}, "expert": {"mean": 2, "std": 0}},
            "agreement": {"formula": 0.9}, "formula": {"operations": 7}}"#;
        std::fs::write(run.join("metrics.json"), metrics).unwrap();
        let records = RunRecord::list(folder.path(), 2);
        assert_eq!(records.len(), 1);
        let names: Vec<&str> = records[0].policies.iter().map(|record| record.policy.as_str()).collect();
        assert_eq!(names, ["expert", "formula"]);
        assert_eq!(records[0].policy("formula").unwrap().agreement, Some(0.9));
        assert_eq!(records[0].operations, Some(7));
        assert_eq!(records[0].settings()["environment.id"], "\"CartPole-v1\"");
        assert!(RunRecord::list(folder.path(), 1).is_empty());
    }
}
