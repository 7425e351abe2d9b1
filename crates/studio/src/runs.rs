//! The folder of runs.

use kanrl_pipeline::run::metrics::FormulaMetrics;
use kanrl_pipeline::run::{LockedRun, Metrics, PolicyRole, RunFile, RunStore, compact_time};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Folder inside the runs folder that is the studio's own.
const OWN: &str = ".studio";
/// Most runs that a list shows, the newest ones.
const MOST_LISTED: usize = 500;
/// How long a deleted run can be brought back, at least.
const KEPT: Duration = Duration::from_secs(24 * 60 * 60);
/// The name of a run's folder: letters, digits, `-`, `_` and `.`, not beginning with a dot, at most 120 of them.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct RunId(String);

impl RunId {
    /// The name, if it is one.
    pub fn new(name: &str) -> Option<Self> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        let fits = (1..=120).contains(&name.len()) && name.bytes().all(allowed) && !name.starts_with('.');
        fits.then(|| Self(name.to_owned()))
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// How things stand with a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum State {
    /// It waits for its turn.
    Queued {
        /// Its place, from 1.
        position: usize,
    },
    /// It is being extracted.
    Running {
        /// By this studio, which can stop it.
        here: bool,
    },
    /// It is done.
    Finished,
    /// It stopped with an error.
    Failed {
        /// Why, in words.
        error: String,
    },
    /// Somebody stopped it.
    Cancelled,
    /// It stopped on the way, and nobody knows why: the power went, or the studio was killed.
    Interrupted,
}

impl State {
    /// Whether nothing more will happen by itself.
    pub fn is_over(&self) -> bool {
        !matches!(self, Self::Queued { .. } | Self::Running { .. })
    }
}

/// What people call a run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Label {
    /// Its name; its folder's name stands in for an empty one.
    #[serde(default)]
    pub name: String,
    /// Words to find it by.
    #[serde(default)]
    pub tags: Vec<String>,
}

/// Longest name or tag, in characters, and most tags.
const LONGEST_LABEL: usize = 80;
const MOST_TAGS: usize = 12;

impl Label {
    /// Without what does no good: control characters, empty and repeated tags, more than fits a page.
    #[must_use]
    pub fn tidied(self) -> Self {
        let tidy = |text: &str| -> String {
            let kept = text.trim().chars().filter(|character| !character.is_control()).take(LONGEST_LABEL);
            kept.collect()
        };
        let mut tags: Vec<String> = Vec::new();
        for tag in self.tags.iter().map(|tag| tidy(tag)).filter(|tag| !tag.is_empty()) {
            if !tags.contains(&tag) && tags.len() < MOST_TAGS {
                tags.push(tag);
            }
        }
        Self { name: tidy(&self.name), tags }
    }
}

/// The folder of runs.
#[derive(Debug)]
pub struct Runs {
    root: PathBuf,
}

impl Runs {
    /// Opens it, and makes it where it does not exist.
    pub fn open(root: &Path) -> std::io::Result<Self> {
        std::fs::create_dir_all(root.join(OWN).join("outcomes"))?;
        std::fs::create_dir_all(root.join(OWN).join("uploads"))?;
        std::fs::create_dir_all(root.join(OWN).join("videos"))?;
        std::fs::create_dir_all(root.join(OWN).join("labels"))?;
        std::fs::create_dir_all(root.join(OWN).join("trash"))?;
        Ok(Self { root: root.canonicalize()? })
    }

    /// The folder of what the studio itself keeps.
    pub fn own_folder(&self) -> PathBuf {
        self.root.join(OWN)
    }

    /// Makes the folder of a new run, with its config in it.
    pub fn create(&self, environment: &str, config: &str) -> std::io::Result<RunId> {
        let name: String =
            environment.chars().map(|c| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '-' }).collect();
        let name = name.trim_start_matches('.');
        let stem = format!("{}-{}", &name[..name.len().min(80)], compact_time());
        for attempt in 1..1000 {
            let name = if attempt == 1 { stem.clone() } else { format!("{stem}-{attempt}") };
            match std::fs::create_dir(self.root.join(&name)) {
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
                Ok(()) => {
                    let run = LockedRun::open(self.root.join(&name)).map_err(std::io::Error::other)?;
                    run.write(RunFile::Config, config.as_bytes()).map_err(std::io::Error::other)?;
                    return Ok(RunId::new(&name).expect("made of letters, digits and dashes"));
                }
            }
        }
        Err(std::io::Error::other("a thousand runs in one second"))
    }

    /// Makes the folder of a new run with another config and what `other`'s stages left.
    pub fn create_from(&self, environment: &str, config: &str, other: &RunStore) -> std::io::Result<RunId> {
        let id = self.create(environment, config)?;
        let copied = LockedRun::open(self.root.join(&id.0)).map_err(std::io::Error::other);
        let copied = copied.and_then(|run| run.copy_stages(other).map_err(std::io::Error::other));
        copied.map(|()| id.clone()).inspect_err(|_| self.remove(&id))
    }

    /// Puts a run aside, from where it can be brought back until [`Self::tidy`] empties the place.
    pub fn trash(&self, id: &RunId) -> std::io::Result<()> {
        if self.find(id).is_none() {
            return Err(std::io::ErrorKind::NotFound.into());
        }
        let place = self.trash_path(id);
        if place.exists() {
            std::fs::remove_dir_all(&place)?;
        }
        std::fs::rename(self.root.join(&id.0), &place)?;
        // From now on it is kept for a while, however old it is.
        std::fs::File::open(&place)?.set_modified(SystemTime::now())
    }

    /// Brings back a run that was put aside.
    pub fn restore(&self, id: &RunId) -> std::io::Result<()> {
        let (place, folder) = (self.trash_path(id), self.root.join(&id.0));
        if folder.exists() {
            return Err(std::io::ErrorKind::AlreadyExists.into());
        }
        std::fs::rename(place, folder)
    }

    /// Removes for good what was put aside more than [`KEPT`] ago.
    pub fn tidy(&self) {
        let Ok(entries) = std::fs::read_dir(self.root.join(OWN).join("trash")) else { return };
        for entry in entries.flatten() {
            let age = entry.metadata().and_then(|data| data.modified()).ok().and_then(|time| time.elapsed().ok());
            if age.is_some_and(|age| age > KEPT)
                && let Err(error) = std::fs::remove_dir_all(entry.path())
            {
                tracing::warn!("{}: {error}", entry.path().display());
            }
        }
    }

    fn trash_path(&self, id: &RunId) -> PathBuf {
        self.root.join(OWN).join("trash").join(&id.0)
    }

    /// What people call a run.
    pub fn label(&self, id: &RunId) -> Label {
        let text = std::fs::read_to_string(self.label_path(id)).unwrap_or_default();
        serde_json::from_str(&text).unwrap_or_default()
    }

    /// Notes what people call a run.
    pub fn set_label(&self, id: &RunId, label: &Label) -> std::io::Result<()> {
        kanrl_pipeline::files::write_json(&self.label_path(id), label).map_err(std::io::Error::other)
    }

    fn label_path(&self, id: &RunId) -> PathBuf {
        self.root.join(OWN).join("labels").join(format!("{}.json", id.0))
    }

    /// Takes away a run that never began.
    pub fn remove(&self, id: &RunId) {
        if let Some(run) = self.find(id)
            && let Err(error) = std::fs::remove_dir_all(run.path())
        {
            tracing::warn!("{}: {error}", run.path().display());
        }
    }

    /// The run of that name, if there is one. Links are not runs: they could lead anywhere.
    pub fn find(&self, id: &RunId) -> Option<RunStore> {
        let folder = self.root.join(&id.0);
        let is_folder = std::fs::symlink_metadata(&folder).is_ok_and(|data| data.is_dir());
        is_folder.then(|| RunStore::open(&folder).ok()).flatten()
    }

    /// All runs, the newest first.
    pub fn list(&self) -> Vec<RunId> {
        let Ok(entries) = std::fs::read_dir(&self.root) else { return Vec::new() };
        let ids = entries.filter_map(|entry| RunId::new(entry.ok()?.file_name().to_str()?));
        let mut dated: Vec<(u64, RunId)> = ids.filter_map(|id| Some((created(&self.find(&id)?), id))).collect();
        dated.sort_unstable_by(|first, second| second.cmp(first));
        dated.into_iter().take(MOST_LISTED).map(|(_, id)| id).collect()
    }

    /// How a run stands by what lies in its folder.
    pub fn state_on_disk(&self, id: &RunId) -> State {
        let outcome = std::fs::read_to_string(self.outcome_path(id)).ok();
        if let Some(state) = outcome.and_then(|text| serde_json::from_str(&text).ok()) {
            return state;
        }
        let Some(run) = self.find(id) else { return State::Interrupted };
        if run.has(RunFile::Metrics) {
            return State::Finished;
        }
        if run.is_in_use() { State::Running { here: false } } else { State::Interrupted }
    }

    /// Remembers how a run of this studio ended; `None` while it goes on, or when it ended well.
    pub fn set_outcome(&self, id: &RunId, outcome: Option<&State>) {
        let path = self.outcome_path(id);
        let written = match outcome {
            Some(state) => kanrl_pipeline::files::write_json(&path, state).map_err(std::io::Error::other),
            None => match std::fs::remove_file(&path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
                _ => Ok(()),
            },
        };
        if let Err(error) = written {
            tracing::warn!("{}: {error}", path.display());
        }
    }

    fn outcome_path(&self, id: &RunId) -> PathBuf {
        self.root.join(OWN).join("outcomes").join(format!("{}.json", id.0))
    }
}

/// When a run's config was written, in seconds since 1970.
fn created(run: &RunStore) -> u64 {
    let time = run.modified(RunFile::Config).and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    time.map_or(0, |time| time.as_secs())
}

/// What a list shows about a run.
pub fn summary(id: &RunId, run: &RunStore) -> Value {
    let config = run.read_text(RunFile::Config).ok().and_then(|text| text.parse::<toml::Table>().ok());
    let config = config.unwrap_or_default();
    let text = |section: &str, key: &str| config.get(section)?.get(key).cloned();
    let metrics = Metrics::read(run).ok();
    let mean = |role| metrics.as_ref().and_then(|metrics| Some(metrics.returns.get(&role)?.mean));
    let formula = metrics.as_ref().and_then(Metrics::headline);
    json!({
        "id": id,
        "created": created(run),
        "environment": text("environment", "id"),
        "expert": text("expert", "kind"),
        "widths": text("students", "widths"),
        "seed": config.get("seed"),
        "mean_returns": {
            "expert": mean(PolicyRole::Expert),
            "headline": mean(PolicyRole::Headline),
        },
        "operations": formula.map(|FormulaMetrics { operations, .. }| operations),
    })
}

/// The run's proof card, if it is one of today's formula.
pub fn proof(run: &RunStore) -> Value {
    let card = run.has(RunFile::Proof).then(|| run.read_json::<Value>(RunFile::Proof).ok()).flatten();
    let formula = run.formula(PolicyRole::Headline).ok().map(|formula| formula.to_string());
    card.filter(|card| card["formula"].as_str() == formula.as_deref()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{Label, RunId, Runs, State, summary};
    use kanrl_pipeline::run::{LockedRun, RunFile};

    #[test]
    fn names_that_could_lead_elsewhere_are_not_runs() {
        for name in ["", ".", "..", ".studio", "a/b", "a\\b", "a b", "ä", "a\0", &"x".repeat(121)] {
            assert_eq!(RunId::new(name), None, "{name:?}");
        }
        assert!(RunId::new("CartPole-v1-20260131-120000").is_some());
    }

    #[test]
    fn a_run_s_state_survives_in_its_folder() {
        let folder = tempfile::tempdir().unwrap();
        let runs = Runs::open(folder.path()).unwrap();
        let id = runs.create("ALE/Pong-v5", "seed = 3\n").unwrap();
        assert!(id.as_str().starts_with("ALE-Pong-v5-"), "{id:?}");
        assert_ne!(id, runs.create("ALE/Pong-v5", "").unwrap());
        assert_eq!(runs.state_on_disk(&id), State::Interrupted);
        let lock = LockedRun::open(runs.find(&id).unwrap().path()).unwrap();
        assert_eq!(runs.state_on_disk(&id), State::Running { here: false });
        drop(lock);
        let failed = State::Failed { error: "no".to_owned() };
        runs.set_outcome(&id, Some(&failed));
        assert_eq!(Runs::open(folder.path()).unwrap().state_on_disk(&id), failed);
        runs.set_outcome(&id, None);
        let run = LockedRun::open(runs.find(&id).unwrap().path()).unwrap();
        run.write(RunFile::Metrics, b"{}").unwrap();
        assert_eq!(runs.state_on_disk(&id), State::Finished);
        assert_eq!(summary(&id, &run)["seed"], 3);
    }

    #[test]
    fn a_deleted_run_can_be_brought_back_and_has_a_name_of_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let runs = Runs::open(folder.path()).unwrap();
        let id = runs.create("CartPole-v1", "seed = 5\n").unwrap();
        let tags = ["good", " good ", "", "a\u{7}b"].map(str::to_owned).to_vec();
        let label = Label { name: " My run ".to_owned(), tags }.tidied();
        assert_eq!(label, Label { name: "My run".to_owned(), tags: vec!["good".to_owned(), "ab".to_owned()] });
        runs.set_label(&id, &label).unwrap();
        runs.trash(&id).unwrap();
        assert_eq!(runs.list(), []);
        assert!(runs.trash(&id).is_err());
        runs.tidy();
        runs.restore(&id).unwrap();
        assert!(runs.restore(&id).is_err());
        assert_eq!((runs.list(), runs.label(&id)), (vec![id], label));
    }

    #[cfg(unix)]
    #[test]
    fn a_link_is_not_a_run() {
        let folder = tempfile::tempdir().unwrap();
        let runs = Runs::open(&folder.path().join("runs")).unwrap();
        let id = runs.create("CartPole-v1", "").unwrap();
        std::os::unix::fs::symlink(runs.find(&id).unwrap().path(), folder.path().join("runs/link")).unwrap();
        assert!(runs.find(&RunId::new("link").unwrap()).is_none());
        assert_eq!(runs.list(), [id]);
    }
}
