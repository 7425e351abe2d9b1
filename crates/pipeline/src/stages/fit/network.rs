use crate::engine::{Artifact, ArtifactError, LoadContext};
use crate::files;
use kanrl_core::graph::{GraphFile, UnivariateGraph};
use std::path::Path;

/// A student's network.
#[derive(Clone, Debug)]
pub struct Network(pub UnivariateGraph);

impl Artifact for Network {
    const NAME: &'static str = "network";

    fn save(&self, folder: &Path) -> Result<(), ArtifactError> {
        Ok(files::write_json(&folder.join("network.json"), &GraphFile::from(&self.0))?)
    }

    fn load(folder: &Path, context: &LoadContext) -> Result<Self, ArtifactError> {
        let bytes = std::fs::read(folder.join("network.json"))?;
        let file: GraphFile = serde_json::from_slice(&bytes).map_err(ArtifactError::damaged)?;
        file.graph(context.library.as_ref()).map(Self).map_err(ArtifactError::damaged)
    }
}
