//! A training run as bytes: everything that the next update depends on.

use super::lanes::Episode;
use super::normalization::Normalization;
use super::trainer::{Identity, State, Trainer};
use super::{PpoConfig, TrainingError};
use kanrl_core::environment::EnvironmentRegistry;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::path::Path;

/// The metadata's key.
const KEY: &str = "kanrl.training";
const FORMAT_VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    format_version: u32,
    identity: Identity,
    config: PpoConfig,
    state: State,
    normalization: Option<Normalization>,
    optimizer_steps: u64,
    /// Number of each lane's running episode.
    episodes: Vec<u32>,
}

impl Trainer {
    /// The run as safetensors bytes. A run resumed from them goes on as if it had never stopped, bit for bit.
    pub fn checkpoint(&self) -> Vec<u8> {
        let header = Header {
            format_version: FORMAT_VERSION,
            identity: self.identity.clone(),
            config: self.config.clone(),
            state: self.state.clone(),
            normalization: self.normalization.clone(),
            optimizer_steps: self.learner.adam.steps,
            episodes: self.lanes.episodes().map(|episode| episode.index).collect(),
        };
        let floats = |values: &[f32]| -> Vec<u8> { values.iter().flat_map(|value| value.to_le_bytes()).collect() };
        let observations = self.lanes.steps().flat_map(|step| &step.observation);
        let mut tensors = vec![
            ("parameters".to_owned(), Dtype::F32, floats(&self.learner.parameters)),
            ("first_moment".to_owned(), Dtype::F32, floats(&self.learner.adam.first_moment)),
            ("second_moment".to_owned(), Dtype::F32, floats(&self.learner.adam.second_moment)),
            ("observations".to_owned(), Dtype::F64, observations.flat_map(|value| value.to_le_bytes()).collect()),
        ];
        let episodes = self.lanes.episodes().enumerate();
        tensors
            .extend(episodes.map(|(lane, episode)| (format!("actions.{lane}"), Dtype::F32, floats(&episode.actions))));
        let views = tensors.iter().map(|(name, dtype, data)| {
            let count = data.len() * 8 / dtype.bitsize();
            (name.as_str(), TensorView::new(*dtype, vec![count], data).expect("the count is the data's"))
        });
        let header = serde_json::to_string(&header).expect("a header is plain data");
        let metadata = HashMap::from([(KEY.to_owned(), header)]);
        safetensors::serialize(views, Some(metadata)).expect("every tensor has its own name and enough bytes")
    }

    /// Writes [`Self::checkpoint`] to a file, whole or not at all.
    ///
    /// # Errors
    /// [`TrainingError::File`].
    pub fn save_checkpoint(&self, path: &Path) -> Result<(), TrainingError> {
        kanrl_core::files::write(path, &self.checkpoint()).map_err(TrainingError::File)
    }

    /// Resumes a run from [`Self::checkpoint`]'s bytes. The environments are brought back to where they were by
    /// their episodes' seeds and actions, so an environment whose seeded episodes are not reproducible is refused.
    ///
    /// # Errors
    /// [`TrainingError::BadCheckpoint`], or the environment's own.
    pub fn resume(registry: &EnvironmentRegistry, bytes: &[u8]) -> Result<Self, TrainingError> {
        let bad = |reason: String| TrainingError::BadCheckpoint { reason };
        let not_safetensors = |error| bad(format!("no safetensors file: {error}"));
        let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(not_safetensors)?;
        let tensors = SafeTensors::deserialize(bytes).map_err(not_safetensors)?;
        let header = metadata.metadata().as_ref().and_then(|metadata| metadata.get(KEY));
        let header = header.ok_or_else(|| bad(format!("no entry `{KEY}` in the file's metadata")))?;
        let header: Header = serde_json::from_str(header).map_err(|error| bad(error.to_string()))?;
        if header.format_version != FORMAT_VERSION {
            let version = header.format_version;
            return Err(bad(format!("format version {version}, and this build reads {FORMAT_VERSION}")));
        }
        let tensor = |name: &str, dtype: Dtype| -> Result<&[u8], TrainingError> {
            let view = tensors.tensor(name).map_err(|_| bad(format!("no tensor `{name}`")))?;
            if view.dtype() == dtype { Ok(view.data()) } else { Err(bad(format!("`{name}` is not {dtype:?}"))) }
        };
        let floats = |name: &str| -> Result<Vec<f32>, TrainingError> {
            let bytes = tensor(name, Dtype::F32)?.as_chunks::<4>().0;
            let values: Vec<f32> = bytes.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
            match values.iter().find(|value| !value.is_finite()) {
                Some(value) => Err(bad(format!("`{name}` holds {value}"))),
                None => Ok(values),
            }
        };

        let mut trainer = Self::without_episodes(registry, header.identity, header.config)?;
        let learner = &mut trainer.learner;
        let parts = [
            ("parameters", &mut learner.parameters),
            ("first_moment", &mut learner.adam.first_moment),
            ("second_moment", &mut learner.adam.second_moment),
        ];
        for (name, target) in parts {
            let values = floats(name)?;
            if values.len() != target.len() {
                return Err(bad(format!("`{name}` holds {} numbers, expected {}", values.len(), target.len())));
            }
            *target = values;
        }
        learner.adam.steps = header.optimizer_steps;
        let lanes = trainer.lanes.count();
        let normalization_fits = match (&header.normalization, &trainer.normalization) {
            (Some(saved), Some(fresh)) => saved.has_shape_of(fresh),
            (None, None) => true,
            _ => false,
        };
        if header.episodes.len() != lanes || header.state.running.len() != lanes || !normalization_fits {
            return Err(bad(format!("its parts do not fit {lanes} environments of this kind")));
        }
        trainer.normalization = header.normalization;
        trainer.state = header.state;
        let indices = header.episodes.into_iter().enumerate();
        let episodes = indices
            .map(|(lane, index)| Ok(Episode { index, actions: floats(&format!("actions.{lane}"))? }))
            .collect::<Result<Vec<_>, TrainingError>>()?;
        trainer.lanes.restore(&episodes)?;
        let saved = tensor("observations", Dtype::F64)?.as_chunks::<8>().0;
        let restored = trainer.lanes.steps().flat_map(|step| &step.observation);
        if !restored.copied().eq(saved.iter().map(|bytes| f64::from_le_bytes(*bytes))) {
            return Err(bad(format!(
                "`{}` does not come back to the saved observations with the same seeds and actions; either the \
                 environment has changed or its episodes are not reproducible",
                trainer.environment()
            )));
        }
        Ok(trainer)
    }
}
