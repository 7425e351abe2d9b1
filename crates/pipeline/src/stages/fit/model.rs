use crate::engine::{Artifact, ArtifactError, LoadContext};
use crate::files;
use kanrl_core::approximator::FunctionApproximator;
use kanrl_core::config::ApproximatorConfig;
use std::path::Path;

/// A fitted approximator, before anything was cut off or named.
pub struct Model {
    /// What it was built from.
    pub config: Box<dyn ApproximatorConfig>,
    /// The fitted approximator.
    pub approximator: Box<dyn FunctionApproximator>,
}

const CONFIG: &str = "config.json";
const WEIGHTS: &str = "model.safetensors";

impl Artifact for Model {
    const NAME: &'static str = "model";

    fn save(&self, folder: &Path) -> Result<(), ArtifactError> {
        files::write_json(&folder.join(CONFIG), &self.config)?;
        Ok(files::write(&folder.join(WEIGHTS), &self.approximator.save())?)
    }

    fn load(folder: &Path, _context: &LoadContext) -> Result<Self, ArtifactError> {
        let config: Box<dyn ApproximatorConfig> =
            serde_json::from_slice(&std::fs::read(folder.join(CONFIG))?).map_err(ArtifactError::damaged)?;
        let approximator = config.load(&std::fs::read(folder.join(WEIGHTS))?).map_err(ArtifactError::damaged)?;
        Ok(Self { config, approximator })
    }
}
