//! Stable-Baselines3 archives: a zip with JSON options and a torch state dict, and the `vecnormalize.pkl` beside it.
//!
//! Read without Python; nothing in the archive is run. Deterministic actions are those of
//! `model.predict(observation, deterministic=True)`.

mod data;
mod layout;
pub mod vecnormalize;

use crate::ExpertError;
use crate::archive::{Archive, MAX_FILE, read_file, sources};
use crate::network::Mlp;
use crate::normalization::ObservationNormalization;
use crate::policy::{Head, NetworkPolicy, TimeFeature};
use crate::spaces::{Actions, check_fit};
use crate::torch::StateDict;
use data::Data;
use kanrl_core::config::{BuildError, ExpertConfig, ExpertSource};
use kanrl_core::environment::EnvironmentSpec;
use kanrl_core::policy::ExpertPolicy;
use kanrl_core::space::ActionSpace;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Largest member `data`, in bytes.
const MAX_DATA: u64 = 64 << 20;
/// Largest member `policy.pth`, in bytes.
const MAX_POLICY: u64 = 256 << 20;
/// Largest `vecnormalize.pkl`, in bytes.
pub(crate) const MAX_NORMALIZATION: u64 = crate::pickle::MAX_BYTES as u64;
/// `TimeFeatureWrapper`'s horizon for an environment without a time limit.
const DEFAULT_HORIZON: u32 = 1000;

/// `kind = "sb3"`: an archive written by `model.save`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sb3Config {
    /// The `.zip`.
    pub path: PathBuf,
    /// The pickled `VecNormalize`; `none` for none. Default: `NAME.vecnormalize.pkl`, `vecnormalize.pkl` or
    /// `vec_normalize.pkl` beside `NAME.zip`, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vecnormalize: Option<PathBuf>,
}

#[typetag::serde(name = "sb3")]
impl ExpertConfig for Sb3Config {
    fn build(&self, environment: &EnvironmentSpec) -> Result<Arc<dyn ExpertPolicy>, BuildError> {
        let expert = Sb3Archive::open(self).and_then(|archive| archive.for_environment(environment));
        Ok(Arc::new(expert.map_err(ExpertError::into_build_error)?))
    }

    fn sources(&self, _environment: &EnvironmentSpec) -> Result<Vec<ExpertSource>, BuildError> {
        let normalization = self.normalization_file();
        let paths: Vec<&Path> = std::iter::once(self.path.as_path()).chain(normalization.as_deref()).collect();
        sources(&paths)
    }
}

impl Sb3Config {
    /// The pickled `VecNormalize`, where there is one.
    fn normalization_file(&self) -> Option<PathBuf> {
        let named = self.vecnormalize.clone().or_else(|| neighbor(&self.path));
        named.filter(|path| path != Path::new("none"))
    }
}

/// An archive that was read: its acting network and the spaces it was trained for.
#[derive(Clone, Debug)]
pub struct Sb3Archive {
    source: String,
    observation_low: Vec<f64>,
    observation_high: Vec<f64>,
    action_space: Actions,
    network: Mlp,
    head: Head,
    normalization: Option<ObservationNormalization>,
}

impl Sb3Archive {
    /// Reads the archive and its `vecnormalize.pkl`.
    ///
    /// # Errors
    /// [`ExpertError`], naming the file, what is wrong and what would be right.
    pub fn open(config: &Sb3Config) -> Result<Self, ExpertError> {
        let file = config.path.display().to_string();
        let normalization = match config.normalization_file() {
            Some(path) => vecnormalize::read(&path.display().to_string(), &read_file(&path, MAX_NORMALIZATION)?)?,
            None => None,
        };
        Self::read(&file, read_file(&config.path, MAX_FILE)?, normalization)
    }

    /// Reads an archive's bytes; `file` names it in errors and reports.
    ///
    /// # Errors
    /// [`ExpertError`].
    pub fn read(
        file: &str,
        bytes: Vec<u8>,
        normalization: Option<ObservationNormalization>,
    ) -> Result<Self, ExpertError> {
        let mut archive = Archive::new(file.to_owned(), bytes)?;
        let data = Data::read(&format!("{file}/data"), &archive.read("data", MAX_DATA)?)?;
        let Actions::Box { low: observation_low, high: observation_high } = data.observation_space.clone() else {
            return Err(ExpertError::Unsupported {
                file: file.to_owned(),
                what: "a policy for discrete observations".to_owned(),
                supported: "supported are observations in a one-dimensional Box".to_owned(),
            });
        };
        let policy = format!("{file}/policy.pth");
        let mut state = StateDict::read(&policy, archive.read("policy.pth", MAX_POLICY)?)?;
        let (network, head) = layout::network(&policy, &data, &mut state)?;
        let size = observation_low.len();
        if network.inputs() != size {
            let reason = format!("has a network of {} inputs for observations of {size} numbers", network.inputs());
            return Err(ExpertError::malformed(file, reason));
        }
        if let Some(normalization) = &normalization {
            normalization.check(size).map_err(|reason| {
                ExpertError::malformed(file, format!("goes with another vecnormalize.pkl: {reason}"))
            })?;
        }
        let (action_space, source) = (data.action_space, file.to_owned());
        Ok(Self { source, observation_low, observation_high, action_space, network, head, normalization })
    }

    /// The policy in `environment`, whose observations may lack the time feature that the agent was trained with.
    ///
    /// # Errors
    /// [`ExpertError::Mismatch`] where the spaces differ.
    pub fn for_environment(self, environment: &EnvironmentSpec) -> Result<NetworkPolicy, ExpertError> {
        let time_feature = (self.observation_low.len() == environment.observation_space.len() + 1
            && self.last_observation_is_time())
        .then(|| TimeFeature { max_steps: environment.max_episode_steps.unwrap_or(DEFAULT_HORIZON) });
        let observations = self.observation_low.len() - usize::from(time_feature.is_some());
        check_fit(&self.source, observations, &self.action_space, environment)?;
        self.policy(environment.action_space.clone(), time_feature)
    }

    /// The policy without an environment: its action space is the archive's own, with plain names (`a_0`, …).
    ///
    /// # Errors
    /// [`ExpertError::Malformed`] where the network does not fit the archive's own spaces.
    pub fn standalone(self, time_feature: Option<TimeFeature>) -> Result<NetworkPolicy, ExpertError> {
        let action_space = self.action_space.to_space();
        self.policy(action_space, time_feature)
    }

    fn policy(self, action_space: ActionSpace, time: Option<TimeFeature>) -> Result<NetworkPolicy, ExpertError> {
        let file = self.source.clone();
        NetworkPolicy::new(self.network, self.head, action_space, self.normalization, time, self.source)
            .map_err(|reason| ExpertError::malformed(&file, format!("cannot be used: {reason}")))
    }

    /// `TimeFeatureWrapper` appends a coordinate in `[0, 1]`.
    fn last_observation_is_time(&self) -> bool {
        self.observation_low.last() == Some(&0.0) && self.observation_high.last() == Some(&1.0)
    }
}

/// The `vecnormalize.pkl` that belongs to an archive, where there is one.
fn neighbor(archive: &Path) -> Option<PathBuf> {
    let stem = archive.file_stem()?.to_str()?;
    let names = [format!("{stem}.vecnormalize.pkl"), "vecnormalize.pkl".to_owned(), "vec_normalize.pkl".to_owned()];
    names.into_iter().map(|name| archive.with_file_name(name)).find(|path| path.is_file())
}
