use crate::engine::{Artefact, ArtefactError, LoadContext};
use crate::files;
use kanrl_core::graph::{GraphFile, UnivariateGraph};
use std::path::Path;

/// The network as it stands: fitted, then pruned, then named, edge by edge.
#[derive(Clone, Debug)]
pub struct Network(pub UnivariateGraph);

impl Artefact for Network {
    const NAME: &'static str = "network";

    fn save(&self, folder: &Path) -> Result<(), ArtefactError> {
        Ok(files::write_json(&folder.join("network.json"), &GraphFile::from(&self.0))?)
    }

    fn load(folder: &Path, context: &LoadContext) -> Result<Self, ArtefactError> {
        let bytes = std::fs::read(folder.join("network.json"))?;
        let file: GraphFile = serde_json::from_slice(&bytes).map_err(ArtefactError::damaged)?;
        file.graph(context.library.as_ref()).map(Self).map_err(ArtefactError::damaged)
    }
}

impl super::StudentPart for Network {
    const PLURAL: &'static str = "networks";
}
