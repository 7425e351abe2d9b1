use crate::engine::{Artefact, ArtefactError, LoadContext};
use crate::files;
use std::path::Path;
use symbolic::Formula;

/// The formula that explains the expert: fitted to what it would do, nothing tuned on return. Its constants are rounded:
/// what is printed is what is evaluated.
#[derive(Clone, Debug, PartialEq)]
pub struct FaithfulFormula(pub Formula);

impl Artefact for FaithfulFormula {
    const NAME: &'static str = "faithful";

    fn save(&self, folder: &Path) -> Result<(), ArtefactError> {
        Ok(files::write(&folder.join("formula.json"), self.0.to_json().as_bytes())?)
    }

    fn load(folder: &Path, _context: &LoadContext) -> Result<Self, ArtefactError> {
        let text = std::fs::read_to_string(folder.join("formula.json"))?;
        Formula::from_json(&text).map(Self).map_err(ArtefactError::damaged)
    }
}
