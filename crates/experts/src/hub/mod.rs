//! Policies on the Hugging Face hub: Stable-Baselines3 archives, such as `hub:sb3/ppo-CartPole-v1`, and formulas that `kanrl push`
//! uploaded.
//!
//! A repository is asked for once; after that the files in the cache are used without any network, and the same
//! revision gives the same policy. The cache has the layout of Hugging Face's own tools and is shared with them. The
//! usual variables count: `HF_ENDPOINT`, `HF_TOKEN` (or the file `token`), `HF_HOME`, `HF_HUB_CACHE`, `HF_HUB_OFFLINE`.

mod upload;

pub use upload::Upload;

use crate::archive::{read_file, sources};
use crate::sb3::{MAX_NORMALIZATION, Sb3Archive, vecnormalize};
use crate::{ExpertError, FunctionPolicy, formula};
use kanrl_core::config::{BuildError, ExpertConfig, ExpertSource};
use kanrl_core::environment::EnvironmentSpec;
use kanrl_core::files::{self, FileError};
use kanrl_core::policy::ExpertPolicy;
use kanrl_symbolic::Formula;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Largest file that is downloaded, in bytes.
const MAX_DOWNLOAD: u64 = 512 << 20;
/// Largest list of a repository's files, in bytes.
const MAX_LISTING: u64 = 16 << 20;
/// What a repository without an archive is read as.
const FORMULA: &str = "formula.json";
const NORMALIZATIONS: [&str; 2] = ["vec_normalize.pkl", "vecnormalize.pkl"];

fn default_revision() -> String {
    "main".to_owned()
}

/// `kind = "hub"`: an archive or a formula on the Hugging Face hub.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HubConfig {
    /// `ORG/REPO`.
    pub repository: String,
    /// Branch, tag or commit.
    #[serde(default = "default_revision")]
    pub revision: String,
    /// The archive in the repository; default: `REPO.zip`, or the only `.zip` there is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
}

impl HubConfig {
    /// The archive of a repository's main branch.
    pub fn new(repository: impl Into<String>) -> Self {
        Self { repository: repository.into(), revision: default_revision(), file: None }
    }
}

#[typetag::serde(name = "hub")]
impl ExpertConfig for HubConfig {
    fn build(&self, environment: &EnvironmentSpec) -> Result<Arc<dyn ExpertPolicy>, BuildError> {
        let hub = Hub::from_environment().map_err(ExpertError::into_build_error)?;
        let formula = hub.formula(self).map_err(ExpertError::into_build_error)?;
        if let Some(formula) = formula {
            let source = format!("hub:{}", self.repository);
            let policy = FunctionPolicy::from_formula(&formula, environment, source);
            return Ok(Arc::new(policy.map_err(ExpertError::into_build_error)?));
        }
        let policy = hub.archive(self).and_then(|archive| archive.for_environment(environment));
        Ok(Arc::new(policy.map_err(ExpertError::into_build_error)?))
    }

    fn sources(&self, _environment: &EnvironmentSpec) -> Result<Vec<ExpertSource>, BuildError> {
        let hub = Hub::from_environment().map_err(ExpertError::into_build_error)?;
        let cached = Repository::new(&hub, self).map_err(ExpertError::into_build_error)?.cached();
        let Some((_, archive)) = cached else { return Ok(Vec::new()) };
        let normalization = normalization_beside(&archive);
        let paths: Vec<&Path> = std::iter::once(archive.as_path()).chain(normalization.as_deref()).collect();
        sources(&paths)
    }
}

/// A hub and the cache of what was taken from it.
#[derive(Clone, Debug)]
pub struct Hub {
    /// `https://huggingface.co`, or a mirror.
    pub endpoint: String,
    /// Folder of the cached repositories.
    pub cache: PathBuf,
    /// For private repositories.
    pub token: Option<String>,
    /// Use the cache only.
    pub offline: bool,
}

#[derive(Deserialize)]
struct Listing {
    sha: String,
    siblings: Vec<Sibling>,
}

#[derive(Deserialize)]
struct Sibling {
    rfilename: String,
}

impl Hub {
    /// The hub that the environment variables name.
    ///
    /// # Errors
    /// [`ExpertError::Reference`] where no home directory can be found for the cache.
    pub fn from_environment() -> Result<Self, ExpertError> {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let home = variable("HF_HOME").map(PathBuf::from).or_else(|| {
            let cache = variable("XDG_CACHE_HOME").map(PathBuf::from);
            Some(cache.or_else(|| Some(std::env::home_dir()?.join(".cache")))?.join("huggingface"))
        });
        let home = home.ok_or_else(|| ExpertError::Reference {
            reference: "hub".to_owned(),
            reason: "no home directory for the cache was found; set HF_HOME".to_owned(),
        })?;
        let token = variable("HF_TOKEN").or_else(|| std::fs::read_to_string(home.join("token")).ok());
        Ok(Self {
            endpoint: variable("HF_ENDPOINT").unwrap_or_else(|| "https://huggingface.co".to_owned()),
            cache: variable("HF_HUB_CACHE").map_or_else(|| home.join("hub"), PathBuf::from),
            token: token.map(|token| token.trim().to_owned()).filter(|token| !token.is_empty()),
            offline: variable("HF_HUB_OFFLINE").is_some_and(|value| !matches!(&*value, "0" | "false" | "no")),
        })
    }

    /// The repository's formula, from the cache or else from the hub; `None` where it has an archive.
    ///
    /// # Errors
    /// [`ExpertError`] where it is neither cached nor to be had, or unreadable.
    pub fn formula(&self, config: &HubConfig) -> Result<Option<Formula>, ExpertError> {
        let repository = Repository::new(self, config)?;
        let (_, file) = match repository.cached() {
            Some(cached) => cached,
            None => repository.download()?,
        };
        if file.ends_with(FORMULA) { formula::read(&file).map(Some) } else { Ok(None) }
    }

    /// The archive, from the cache or else from the hub, with the normalization next to it.
    ///
    /// # Errors
    /// [`ExpertError`] where it is neither cached nor to be had, or unreadable.
    pub fn archive(&self, config: &HubConfig) -> Result<Sb3Archive, ExpertError> {
        let repository = Repository::new(self, config)?;
        let (commit, archive) = match repository.cached() {
            Some(cached) => cached,
            None => repository.download()?,
        };
        if archive.ends_with(FORMULA) {
            return Err(repository.error("it has a formula, not an archive".to_owned()));
        }
        let path = normalization_beside(&archive);
        let normalization = match &path {
            Some(path) => vecnormalize::read(&path.display().to_string(), &read_file(path, MAX_NORMALIZATION)?)?,
            None => None,
        };
        let note = match path.as_deref().and_then(Path::file_name).filter(|_| normalization.is_some()) {
            Some(name) => format!("observations are normalized with the repository's `{}`", name.display()),
            None => "observations are not normalized: the repository has no statistics of them".to_owned(),
        };
        let source = format!("{}@{commit}", repository.reference);
        Ok(Sb3Archive::read(&source, read_file(&archive, MAX_DOWNLOAD)?, normalization)?.with_note(note))
    }
}

fn normalization_beside(archive: &Path) -> Option<PathBuf> {
    NORMALIZATIONS.iter().map(|name| archive.with_file_name(name)).find(|path| path.is_file())
}

struct Repository<'a> {
    hub: &'a Hub,
    config: &'a HubConfig,
    /// `hub:ORG/REPO`, for messages.
    reference: String,
    /// Its folder in the cache.
    folder: PathBuf,
}

impl<'a> Repository<'a> {
    fn new(hub: &'a Hub, config: &'a HubConfig) -> Result<Self, ExpertError> {
        let reference = format!("hub:{}", config.repository);
        let well_formed = config.repository.split('/').count() == 2
            && config.repository.split('/').all(is_plain_name)
            && is_plain_name(&config.revision);
        if !well_formed {
            let reason = "expected ORG/REPO and a plain revision, such as sb3/ppo-CartPole-v1 and main".to_owned();
            return Err(ExpertError::Reference { reference, reason });
        }
        let folder = hub.cache.join(format!("models--{}", config.repository.replace('/', "--")));
        Ok(Self { hub, config, reference, folder })
    }

    fn error(&self, reason: String) -> ExpertError {
        ExpertError::Reference { reference: self.reference.clone(), reason }
    }

    /// Commit and archive, where the cache has them.
    fn cached(&self) -> Option<(String, PathBuf)> {
        let reference = self.folder.join("refs").join(&self.config.revision);
        let commit = match std::fs::read_to_string(reference) {
            Ok(commit) => commit.trim().to_owned(),
            Err(_) => self.config.revision.clone(),
        };
        let snapshot = self.folder.join("snapshots").join(&commit);
        let names = std::fs::read_dir(&snapshot).ok()?;
        let names: Vec<String> = names.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
        // A repository that another tool cached may lack the file next to the archive; ours are complete.
        let archive = self.choose(&names).ok()?;
        is_plain_name(&commit).then(|| (commit, snapshot.join(archive)))
    }

    /// The archive among a repository's files.
    fn choose(&self, names: &[String]) -> Result<String, String> {
        let zips: Vec<&String> = names.iter().filter(|name| name.ends_with(".zip") && is_plain_name(name)).collect();
        let usual = format!("{}.zip", self.config.repository.rsplit('/').next().unwrap_or_default());
        let wanted = self.config.file.as_ref().unwrap_or(&usual);
        match zips.iter().find(|name| **name == wanted) {
            Some(name) => Ok((*name).clone()),
            None => match (&zips[..], &self.config.file) {
                ([only], None) => Ok((*only).clone()),
                ([], None) if names.iter().any(|name| name == FORMULA) => Ok(FORMULA.to_owned()),
                ([], _) => Err(format!(
                    "it has neither a .zip nor a {FORMULA}; expected a Stable-Baselines3 archive or a formula"
                )),
                (_, Some(file)) => Err(format!("it has no `{file}`")),
                (_, None) => Err(format!("it has {} archives and no `{usual}`; name one with `file`", zips.len())),
            },
        }
    }

    fn download(&self) -> Result<(String, PathBuf), ExpertError> {
        if self.hub.offline {
            let reason = format!("it is not in the cache ({}) and HF_HUB_OFFLINE is set", self.folder.display());
            return Err(self.error(reason));
        }
        let revision = &self.config.revision;
        let url = format!("{}/api/models/{}/revision/{revision}", self.endpoint(), self.config.repository);
        let listing: Listing = serde_json::from_slice(&self.get(&url, MAX_LISTING)?)
            .map_err(|error| self.error(format!("the hub's answer is not a list of files ({error})")))?;
        if !is_plain_name(&listing.sha) {
            return Err(self.error(format!("the hub's answer has the unusable commit {:?}", listing.sha)));
        }
        let names: Vec<String> = listing.siblings.into_iter().map(|sibling| sibling.rfilename).collect();
        let archive = self.choose(&names).map_err(|reason| self.error(reason))?;
        let normalization = NORMALIZATIONS.iter().map(|name| (*name).to_owned()).find(|name| names.contains(name));
        let snapshot = self.folder.join("snapshots").join(&listing.sha);
        // The archive comes last: where it is there, everything is.
        for name in normalization.iter().chain([&archive]) {
            let url = format!("{}/{}/resolve/{}/{name}", self.endpoint(), self.config.repository, listing.sha);
            self.store(&snapshot.join(name), &self.get(&url, MAX_DOWNLOAD)?)?;
        }
        self.store(&self.folder.join("refs").join(revision), listing.sha.as_bytes())?;
        Ok((listing.sha, snapshot.join(archive)))
    }

    fn endpoint(&self) -> &str {
        self.hub.endpoint.trim_end_matches('/')
    }

    fn agent(&self) -> ureq::Agent {
        ureq::Agent::config_builder()
            .user_agent(concat!("kanrl/", env!("CARGO_PKG_VERSION")))
            .timeout_connect(Some(Duration::from_secs(20)))
            .timeout_global(Some(Duration::from_secs(600)))
            .build()
            .into()
    }

    fn get(&self, url: &str, limit: u64) -> Result<Vec<u8>, ExpertError> {
        // Redirects to another host (the file store) do not carry the token.
        let mut request = self.agent().get(url);
        if let Some(token) = &self.hub.token {
            request = request.header("Authorization", format!("Bearer {token}"));
        }
        let mut response = request.call().map_err(|error| match error {
            ureq::Error::StatusCode(401 | 403 | 404) => self.error(format!(
                "the hub does not show {url}; check the name and, for a private repository, set HF_TOKEN"
            )),
            ureq::Error::StatusCode(status) => self.error(format!("the hub answered with status {status} to {url}")),
            error => self.error(format!(
                "cannot reach {url} ({error}), and it is not in the cache; connect once, or download the archive and \
                 use FILE.zip"
            )),
        })?;
        response.body_mut().with_config().limit(limit).read_to_vec().map_err(|error| {
            self.error(format!("the download of {url} failed ({error}); at most {limit} bytes are accepted"))
        })
    }

    /// Writes a file whole or not at all.
    fn store(&self, path: &Path, bytes: &[u8]) -> Result<(), ExpertError> {
        let folder = path.parent().unwrap_or(Path::new("."));
        std::fs::create_dir_all(folder)
            .map_err(|source| FileError { path: folder.to_owned(), source })
            .and_then(|()| files::write(path, bytes))
            .map_err(ExpertError::Store)
    }
}

/// A name that stays inside its folder and its URL.
fn is_plain_name(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    !name.is_empty() && name.len() < 200 && !name.starts_with('.') && name.bytes().all(allowed)
}
