use crate::engine::{Artifact, ArtifactError, LoadContext};
use crate::files;
use crate::stages::per_student::StudentPart;
use kanrl_symbolic::Formula;
use std::path::Path;

/// A student's formulas. Their constants are rounded: what is printed is what is evaluated.
#[derive(Clone, Debug, PartialEq)]
pub struct Formulas {
    /// It explains the expert: fitted to what it would do, nothing tuned on return.
    pub faithful: Formula,
    /// Its constants tuned on return, if they were.
    pub polished: Option<Formula>,
}

const FAITHFUL: &str = "faithful.json";
const POLISHED: &str = "polished.json";

impl Artifact for Formulas {
    const NAME: &'static str = "formula";

    fn save(&self, folder: &Path) -> Result<(), ArtifactError> {
        files::write(&folder.join(FAITHFUL), self.faithful.to_json().as_bytes())?;
        if let Some(polished) = &self.polished {
            files::write(&folder.join(POLISHED), polished.to_json().as_bytes())?;
        }
        Ok(())
    }

    fn load(folder: &Path, _context: &LoadContext) -> Result<Self, ArtifactError> {
        let read = |name: &str| {
            let text = std::fs::read_to_string(folder.join(name))?;
            Formula::from_json(&text).map_err(ArtifactError::damaged)
        };
        let polished = folder.join(POLISHED).exists().then(|| read(POLISHED)).transpose()?;
        Ok(Self { faithful: read(FAITHFUL)?, polished })
    }
}

impl StudentPart for Formulas {
    const PLURAL: &'static str = "formulas";
}
