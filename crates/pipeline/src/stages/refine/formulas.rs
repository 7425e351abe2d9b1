use crate::engine::{Artifact, ArtifactError, LoadContext};
use crate::files;
use kanrl_symbolic::Formula;
use std::path::Path;

const FILE: &str = "formula.json";

/// Its constants are rounded: what is printed is what is evaluated.
impl Artifact for Formula {
    const NAME: &'static str = "formula";

    fn save(&self, folder: &Path) -> Result<(), ArtifactError> {
        Ok(files::write(&folder.join(FILE), self.to_json().as_bytes())?)
    }

    fn load(folder: &Path, _context: &LoadContext) -> Result<Self, ArtifactError> {
        let text = std::fs::read_to_string(folder.join(FILE))?;
        Self::from_json(&text).map_err(ArtifactError::damaged)
    }
}
