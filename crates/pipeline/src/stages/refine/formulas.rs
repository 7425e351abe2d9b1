use crate::engine::{Artifact, ArtifactError, LoadContext};
use crate::files;
use crate::stages::per_student::StudentPart;
use kanrl_symbolic::Formula;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// A student's formulas. Their constants are rounded: what is printed is what is evaluated.
#[derive(Clone, Debug, PartialEq)]
pub struct Formulas {
    /// It explains the expert: fitted to what it would do, nothing tuned on return.
    pub faithful: Formula,
    /// Its constants tuned for return less λ times the disagreement with the expert, the largest λ first.
    pub tuned: Vec<TunedFormula>,
}

/// A formula whose constants were tuned.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TunedFormula {
    /// What disagreement with the expert counted; 0 for return alone.
    pub lambda: f64,
    /// It.
    pub formula: Formula,
}

const FAITHFUL: &str = "faithful.json";
const TUNED: &str = "tuned.json";

impl Artifact for Formulas {
    const NAME: &'static str = "formula";

    fn save(&self, folder: &Path) -> Result<(), ArtifactError> {
        files::write(&folder.join(FAITHFUL), self.faithful.to_json().as_bytes())?;
        Ok(files::write_json(&folder.join(TUNED), &self.tuned)?)
    }

    fn load(folder: &Path, _context: &LoadContext) -> Result<Self, ArtifactError> {
        let text = std::fs::read_to_string(folder.join(FAITHFUL))?;
        let faithful = Formula::from_json(&text).map_err(ArtifactError::damaged)?;
        let tuned = serde_json::from_slice(&std::fs::read(folder.join(TUNED))?).map_err(ArtifactError::damaged)?;
        Ok(Self { faithful, tuned })
    }
}

impl StudentPart for Formulas {
    const PLURAL: &'static str = "formulas";
}
