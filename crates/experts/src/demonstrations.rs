//! `kind = "dataset"`: somebody's log of observations and actions instead of an expert.

use crate::ExpertError;
use crate::archive::sources;
use crate::data_files::{ActionKind, read_log};
use kanrl_core::config::{BuildError, DemonstrationConfig, ExpertConfig, ExpertSource};
use kanrl_core::dataset::Demonstrations;
use kanrl_core::environment::EnvironmentSpec;
use kanrl_core::policy::ExpertPolicy;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::sync::Arc;

/// `kind = "dataset"`: a log; see [`data_files`](crate::data_files) for what may stand in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DatasetConfig {
    /// The file: `.safetensors`, `.npz`, `.hdf5` or `.csv`.
    pub path: PathBuf,
    /// What a single column of actions holds: `labels` of discrete actions or `numbers`. Default: found out from its values.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actions: Option<ActionKind>,
}

#[typetag::serde(name = "dataset")]
impl ExpertConfig for DatasetConfig {
    fn build(&self, _environment: &EnvironmentSpec) -> Result<Arc<dyn ExpertPolicy>, BuildError> {
        let error = ExpertError::Unsupported {
            file: self.path.display().to_string(),
            what: "a log, which cannot be queried,".to_owned(),
            supported: "`kanrl extract --dataset` learns from it".to_owned(),
        };
        Err(error.into_build_error())
    }

    fn sources(&self, _environment: &EnvironmentSpec) -> Result<Vec<ExpertSource>, BuildError> {
        sources(&[&self.path])
    }

    fn demonstrations(&self) -> Option<&dyn DemonstrationConfig> {
        Some(self)
    }
}

impl DemonstrationConfig for DatasetConfig {
    fn read(&self, environment: Option<&EnvironmentSpec>) -> Result<Demonstrations, BuildError> {
        read_log(&self.path, environment, self.actions).map_err(ExpertError::into_build_error)
    }
}
