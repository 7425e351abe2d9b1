//! The folder of runs.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

/// Folder inside the runs folder that is the studio's own.
const OWN: &str = ".studio";
/// Most runs that a list shows, the newest ones.
const MOST_LISTED: usize = 500;
/// Largest file that is read whole into memory.
const LARGEST: u64 = 64 << 20;

/// Files of a run that are served, with their media types. No other name reaches the file system.
const FILES: [(&str, &str); 18] = [
    ("config.toml", "text/plain; charset=utf-8"),
    ("events.jsonl", "text/plain; charset=utf-8"),
    ("expert.mp4", "video/mp4"),
    ("faithful.json", "application/json"),
    ("faithful.mp4", "video/mp4"),
    ("faithful.tex", "text/plain; charset=utf-8"),
    ("formula.json", "application/json"),
    ("formula.mp4", "video/mp4"),
    ("formula.tex", "text/plain; charset=utf-8"),
    ("kan.mp4", "video/mp4"),
    ("kan.safetensors", "application/octet-stream"),
    ("kan.svg", "image/svg+xml"),
    ("metrics.json", "application/json"),
    ("pareto.json", "application/json"),
    ("provenance.json", "application/json"),
    ("report.html", "text/html; charset=utf-8"),
    ("run.log", "text/plain; charset=utf-8"),
    ("timings.json", "application/json"),
];

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
        let stem = format!("{}-{}", &name[..name.len().min(80)], jiff::Timestamp::now().strftime("%Y%m%d-%H%M%S"));
        for attempt in 1..1000 {
            let name = if attempt == 1 { stem.clone() } else { format!("{stem}-{attempt}") };
            match std::fs::create_dir(self.root.join(&name)) {
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
                Ok(()) => {
                    std::fs::write(self.root.join(&name).join("config.toml"), config)?;
                    return Ok(RunId::new(&name).expect("made of letters, digits and dashes"));
                }
            }
        }
        Err(std::io::Error::other("a thousand runs in one second"))
    }

    /// Takes away a run that never began.
    pub fn remove(&self, id: &RunId) {
        if let Some(folder) = self.folder(id)
            && let Err(error) = std::fs::remove_dir_all(&folder)
        {
            tracing::warn!("{}: {error}", folder.display());
        }
    }

    /// A run's folder, if there is such a run. Links are no runs: they could lead anywhere.
    pub fn folder(&self, id: &RunId) -> Option<PathBuf> {
        let folder = self.root.join(&id.0);
        let is_folder = std::fs::symlink_metadata(&folder).is_ok_and(|data| data.is_dir());
        (is_folder && is_plain_file(&folder.join("config.toml"))).then_some(folder)
    }

    /// A file of a run and its media type, if that file is one that is served and it exists.
    pub fn file(&self, id: &RunId, name: &str) -> Option<(PathBuf, &'static str)> {
        let (name, media_type) = FILES.into_iter().find(|(known, _)| *known == name)?;
        let path = self.folder(id)?.join(name);
        is_plain_file(&path).then_some((path, media_type))
    }

    /// Names of the served files that a run has.
    pub fn files(&self, id: &RunId) -> Vec<&'static str> {
        FILES.into_iter().map(|(name, _)| name).filter(|name| self.file(id, name).is_some()).collect()
    }

    /// A served file's text.
    pub fn read(&self, id: &RunId, name: &str) -> Option<String> {
        let (path, _) = self.file(id, name)?;
        let small = std::fs::metadata(&path).is_ok_and(|data| data.len() <= LARGEST);
        if small { std::fs::read_to_string(path).ok() } else { None }
    }

    /// All runs, the newest first.
    pub fn list(&self) -> Vec<RunId> {
        let Ok(entries) = std::fs::read_dir(&self.root) else { return Vec::new() };
        let ids = entries.filter_map(|entry| RunId::new(entry.ok()?.file_name().to_str()?));
        let mut dated: Vec<(u64, RunId)> =
            ids.filter(|id| self.folder(id).is_some()).map(|id| (self.created(&id), id)).collect();
        dated.sort_unstable_by(|first, second| second.cmp(first));
        dated.into_iter().take(MOST_LISTED).map(|(_, id)| id).collect()
    }

    /// When its config was written, in seconds since 1970.
    fn created(&self, id: &RunId) -> u64 {
        let modified = std::fs::metadata(self.root.join(&id.0).join("config.toml")).and_then(|data| data.modified());
        modified.ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok()).map_or(0, |time| time.as_secs())
    }

    /// How a run stands by what lies in its folder.
    pub fn state_on_disk(&self, id: &RunId) -> State {
        let outcome = std::fs::read_to_string(self.outcome_path(id)).ok();
        if let Some(state) = outcome.and_then(|text| serde_json::from_str(&text).ok()) {
            return state;
        }
        if self.file(id, "metrics.json").is_some() {
            return State::Finished;
        }
        let locked = File::open(self.root.join(&id.0).join(".lock"))
            .is_ok_and(|file| matches!(file.try_lock_shared(), Err(std::fs::TryLockError::WouldBlock)));
        if locked { State::Running { here: false } } else { State::Interrupted }
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

    /// What a list shows about a run.
    pub fn summary(&self, id: &RunId) -> Value {
        let config: toml::Table = self.read(id, "config.toml").and_then(|text| text.parse().ok()).unwrap_or_default();
        let text = |section: &str, key: &str| config.get(section)?.get(key).cloned();
        let metrics: Value =
            self.read(id, "metrics.json").and_then(|text| serde_json::from_str(&text).ok()).unwrap_or(Value::Null);
        json!({
            "id": id,
            "created": self.created(id),
            "environment": text("environment", "id"),
            "expert": text("expert", "kind"),
            "hidden": text("approximator", "hidden"),
            "seed": config.get("seed"),
            "returns": without_episodes(&metrics["returns"]),
            "operations": metrics["formula"]["operations"],
        })
    }
}

/// The returns of each policy without their long lists.
fn without_episodes(returns: &Value) -> Value {
    let Some(policies) = returns.as_object() else { return Value::Null };
    let short = |value: &Value| {
        let numbers = value.as_object().into_iter().flatten().filter(|(_, value)| !value.is_array() || is_pair(value));
        Value::Object(numbers.map(|(name, value)| (name.clone(), value.clone())).collect())
    };
    Value::Object(policies.iter().map(|(policy, value)| (policy.clone(), short(value))).collect())
}

fn is_pair(value: &Value) -> bool {
    value.as_array().is_some_and(|values| values.len() == 2)
}

fn is_plain_file(path: &Path) -> bool {
    std::fs::symlink_metadata(path).is_ok_and(|data| data.is_file())
}

#[cfg(test)]
mod tests {
    use super::{RunId, Runs, State};

    #[test]
    fn names_that_could_lead_elsewhere_are_no_runs() {
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
        let lock = std::fs::File::create(runs.folder(&id).unwrap().join(".lock")).unwrap();
        lock.lock().unwrap();
        assert_eq!(runs.state_on_disk(&id), State::Running { here: false });
        drop(lock);
        let failed = State::Failed { error: "no".to_owned() };
        runs.set_outcome(&id, Some(&failed));
        assert_eq!(Runs::open(folder.path()).unwrap().state_on_disk(&id), failed);
        runs.set_outcome(&id, None);
        std::fs::write(runs.folder(&id).unwrap().join("metrics.json"), "{}").unwrap();
        assert_eq!(runs.state_on_disk(&id), State::Finished);
        assert_eq!(runs.summary(&id)["seed"], 3);
    }

    #[test]
    fn only_known_names_and_no_links_are_served() {
        let folder = tempfile::tempdir().unwrap();
        let runs = Runs::open(&folder.path().join("runs")).unwrap();
        let id = runs.create("CartPole-v1", "").unwrap();
        let own = runs.folder(&id).unwrap();
        for name in ["secret.txt", "run.log"] {
            std::fs::write(own.join(name), "x").unwrap();
        }
        assert_eq!(runs.files(&id), ["config.toml", "run.log"]);
        assert!(runs.file(&id, "secret.txt").is_none());
        #[cfg(unix)]
        {
            std::fs::write(folder.path().join("outside"), "x").unwrap();
            std::os::unix::fs::symlink(folder.path().join("outside"), own.join("formula.tex")).unwrap();
            assert!(runs.file(&id, "formula.tex").is_none());
            std::os::unix::fs::symlink(&own, folder.path().join("runs/link")).unwrap();
            assert!(runs.folder(&RunId::new("link").unwrap()).is_none());
            assert_eq!(runs.list(), [id]);
        }
    }
}
