//! Stable-Baselines3 archives: a zip with JSON options and a torch state dict, and the `vecnormalize.pkl` next to it.
//!
//! Read without Python; nothing in the archive is run. Deterministic actions are those of
//! `model.predict(observation, deterministic=True)`.

mod data;
mod layout;
mod normalization;
mod space;
pub mod vecnormalize;

use crate::ExpertError;
use crate::archive::{Archive, MAX_FILE, read_file, sources};
use crate::inputs::InputPart;
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
use space::Observations;
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
    /// The pickled `VecNormalize`; `none` for none. Default: `NAME.vecnormalize.pkl`, `vecnormalize.pkl`,
    /// `vec_normalize.pkl` or the only other `*vec*normalize*.pkl` beside `NAME.zip`, where there is one.
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
        let normalization = self.normalization_file().map_err(ExpertError::into_build_error)?;
        let paths: Vec<&Path> = std::iter::once(self.path.as_path()).chain(normalization.as_deref()).collect();
        sources(&paths)
    }
}

impl Sb3Config {
    /// The pickled `VecNormalize`, where there is one.
    fn normalization_file(&self) -> Result<Option<PathBuf>, ExpertError> {
        match &self.vecnormalize {
            Some(path) if path == Path::new("none") => Ok(None),
            Some(path) => Ok(Some(path.clone())),
            None => normalization::beside(&self.path),
        }
    }
}

/// An archive that was read: its acting network and the spaces it was trained for.
#[derive(Clone, Debug)]
pub struct Sb3Archive {
    source: String,
    observations: Observations,
    action_space: Actions,
    network: Mlp,
    head: Head,
    normalization: Option<ObservationNormalization>,
    /// Why the agent seems to have been trained with normalized observations, where it does.
    seems_normalized: Option<&'static str>,
    notes: Vec<String>,
}

impl Sb3Archive {
    /// Reads the archive and its `vecnormalize.pkl`; which one that was stands in the policy's notes.
    ///
    /// # Errors
    /// [`ExpertError`], naming the file, what is wrong and how to fix it.
    pub fn open(config: &Sb3Config) -> Result<Self, ExpertError> {
        let file = config.path.display().to_string();
        // First the archive: what is none needs no normalization.
        let bytes = read_file(&config.path, MAX_FILE)?;
        let path = config.normalization_file()?;
        let normalization = match &path {
            Some(path) => vecnormalize::read(&path.display().to_string(), &read_file(path, MAX_NORMALIZATION)?)?,
            None => None,
        };
        let is_used = normalization.is_some();
        let archive = Self::read(&file, bytes, normalization)?;
        let record = normalization::zoo_says_so(&config.path).then_some("its config.yml says so");
        let note = match (path, archive.seems_normalized.or(record)) {
            (Some(path), _) if is_used => format!("observations are normalized with `{}`", path.display()),
            (Some(path), _) => {
                format!("`{}` normalizes only rewards: observations are used unchanged", path.display())
            }
            (None, _) if config.vecnormalize.is_some() => "observations are not normalized, as requested".to_owned(),
            (None, Some(reason)) => format!(
                "warning: `{file}` was trained with normalized observations ({reason}), but no *vec*normalize*.pkl lies \
                 next to it: its actions will not be those of the trained agent; name the file with --normalization FILE, \
                 or say --normalization none"
            ),
            (None, None) => "observations are not normalized: no *vec*normalize*.pkl lies next to the archive \
                             (--normalization FILE names one)"
                .to_owned(),
        };
        Ok(archive.with_note(note))
    }

    /// The same with something to say about how it was read.
    #[must_use]
    pub(crate) fn with_note(mut self, note: String) -> Self {
        self.notes.insert(0, note);
        self
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
        check_kind(file, &archive)?;
        let data = Data::read(&format!("{file}/data"), &archive.read("data", MAX_DATA)?)?;
        let policy = format!("{file}/policy.pth");
        let mut state = StateDict::read(&policy, archive.read("policy.pth", MAX_POLICY)?)?;
        let (network, head) = layout::network(&policy, &data, &mut state)?;
        let observations = data.observation_space;
        let size = observations.low.len();
        let inputs: usize = observations.parts.iter().map(InputPart::inputs).sum();
        if network.inputs() != inputs {
            let reason = format!("has a network of {} inputs for observations of {inputs} numbers", network.inputs());
            return Err(ExpertError::malformed(file, reason));
        }
        if let Some(normalization) = &normalization {
            normalization.check(size).map_err(|reason| {
                ExpertError::malformed(file, format!("goes with another vecnormalize.pkl: {reason}"))
            })?;
        }
        let mut notes = Vec::new();
        notes.extend(observations.order.as_ref().map(|order| format!("an observation is {order}")));
        if data.policy_class.1.starts_with("Maskable") {
            notes.push(
                "warning: the agent was trained with action masks, which are not applied: it may choose actions that \
                        its environment does not allow"
                    .to_owned(),
            );
        }
        if data.first_action != 0 {
            let first = data.first_action;
            notes.push(format!(
                "actions are counted from 0, as Stable-Baselines3 does; the environment's begin with {first}"
            ));
        }
        if matches!(data.action_space, Actions::Choices { .. }) {
            notes.push("an action is a vector of whole numbers, one for each choice".to_owned());
        }
        Ok(Self {
            source: file.to_owned(),
            observations,
            action_space: data.action_space,
            network,
            head,
            normalization,
            seems_normalized: data.normalized,
            notes,
        })
    }

    /// The policy in `environment`, whose observations may lack the time feature that the agent was trained with.
    ///
    /// # Errors
    /// [`ExpertError::Mismatch`] where the spaces differ.
    pub fn for_environment(self, environment: &EnvironmentSpec) -> Result<NetworkPolicy, ExpertError> {
        let size = self.observations.low.len();
        let time_feature = (size == environment.observation_space.len() + 1 && self.last_observation_is_time())
            .then(|| TimeFeature { max_steps: environment.max_episode_steps.unwrap_or(DEFAULT_HORIZON) });
        let observations = size - usize::from(time_feature.is_some());
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
        let parts = Some(self.observations.parts);
        NetworkPolicy::with_parts(self.network, self.head, action_space, self.normalization, time, parts, self.source)
            .map(|policy| policy.with_notes(self.notes))
            .map_err(|reason| ExpertError::malformed(&file, format!("cannot be used: {reason}")))
    }

    /// `TimeFeatureWrapper` appends a coordinate in `[0, 1]` to a vector.
    fn last_observation_is_time(&self) -> bool {
        let Observations { parts, low, high, .. } = &self.observations;
        matches!(parts[..], [InputPart::Numbers(_)]) && low.last() == Some(&0.0) && high.last() == Some(&1.0)
    }
}

/// Refuses zips of other kinds by their names.
fn check_kind(file: &str, archive: &Archive) -> Result<(), ExpertError> {
    if !archive.is_whole() {
        return Ok(());
    }
    let names = archive.names();
    let has = |name: &str| names.iter().any(|other| other == name);
    let ends = |end: &str| names.iter().any(|other| other == end || other.ends_with(&format!("/{end}")));
    let (what, supported) = if has("parameters") || has("parameter_list") {
        (
            "an agent of Stable-Baselines 2 (TensorFlow)",
            "Stable-Baselines3 archives are; load it with Stable-Baselines 2 and export its policy network as FILE.onnx, or \
             record what it does and use --dataset log.csv",
        )
    } else if !has("data") && ends("constants.pkl") {
        (
            "a TorchScript program",
            "it is code, which is not run; save the module's state_dict() as FILE.pt, or export it as FILE.onnx",
        )
    } else if !has("data") && ends("data.pkl") {
        (
            "a torch file, and no Stable-Baselines3 archive",
            "name it FILE.pt for its layers to be read, or use the whole .zip of model.save",
        )
    } else {
        return Ok(());
    };
    Err(ExpertError::Unsupported { file: file.to_owned(), what: what.to_owned(), supported: supported.to_owned() })
}
