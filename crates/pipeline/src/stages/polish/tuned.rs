use crate::engine::{Artifact, ArtifactError, LoadContext};
use crate::files;
use kanrl_symbolic::Formula;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// A formula whose constants were tuned.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TunedFormula {
    /// What disagreement with the expert counted; 0 for return alone.
    pub lambda: f64,
    /// The formula. Its constants are rounded: what is printed is what is evaluated.
    pub formula: Formula,
}

/// A formula's constants tuned for return less λ times the disagreement with the expert, the largest λ first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TunedFormulas(pub Vec<TunedFormula>);

const FILE: &str = "tuned.json";

impl Artifact for TunedFormulas {
    const NAME: &'static str = "tuned";

    fn save(&self, folder: &Path) -> Result<(), ArtifactError> {
        Ok(files::write_json(&folder.join(FILE), self)?)
    }

    fn load(folder: &Path, _context: &LoadContext) -> Result<Self, ArtifactError> {
        serde_json::from_slice(&std::fs::read(folder.join(FILE))?).map_err(ArtifactError::damaged)
    }
}
