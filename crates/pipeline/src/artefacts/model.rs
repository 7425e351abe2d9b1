use crate::engine::{Artefact, ArtefactError, LoadContext};
use crate::files;
use kan_core::approximator::FunctionApproximator;
use std::path::Path;

/// The fitted approximator, before anything was cut off or named.
pub struct Model(pub Box<dyn FunctionApproximator>);

impl Artefact for Model {
    const NAME: &'static str = "model";

    fn save(&self, folder: &Path) -> Result<(), ArtefactError> {
        Ok(files::write(&folder.join("model.safetensors"), &self.0.save())?)
    }

    fn load(folder: &Path, context: &LoadContext) -> Result<Self, ArtefactError> {
        let bytes = std::fs::read(folder.join("model.safetensors"))?;
        context.config.approximator.load(&bytes).map(Self).map_err(ArtefactError::damaged)
    }
}
