use crate::engine::{Artifact, ArtifactError, LoadContext};
use crate::files;
use crate::run::statistics::Interval;
use kanrl_symbolic::Formula;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// One formula on its merits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Candidate {
    /// The student it comes from: `kan-2`, `linear`, …
    pub student: String,
    /// Whether its constants were tuned on return.
    pub polished: bool,
    /// Its operations.
    pub operations: usize,
    /// Its mean return on the seeds that formulas are chosen by; its agreement with the log where nothing is played. None
    /// where it gives no finite action somewhere.
    pub mean: Option<f64>,
    /// The mean's 95 % interval.
    pub interval: Option<Interval>,
    /// Whether no other formula is both shorter and better (or as good).
    pub on_front: bool,
    /// It.
    pub formula: Formula,
}

/// All formulas of a run, and the one that is its result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Selection {
    format: u32,
    /// Every formula, students in the config's order, faithful before polished.
    pub candidates: Vec<Candidate>,
    /// Index of the chosen one.
    pub chosen: usize,
    /// Whose network stands beside it in the report: the chosen student, or the best one that has a network.
    pub network: String,
}

const FORMAT: u32 = 1;
const FILE: &str = "selection.json";

impl Selection {
    /// A selection of its parts.
    pub fn new(candidates: Vec<Candidate>, chosen: usize, network: String) -> Self {
        Self { format: FORMAT, candidates, chosen, network }
    }

    /// The formula that is the run's result.
    pub fn chosen(&self) -> &Candidate {
        &self.candidates[self.chosen]
    }

    /// The chosen student's formula that nothing was tuned on return in.
    pub fn faithful(&self) -> &Candidate {
        self.of_chosen(false).unwrap_or_else(|| self.chosen())
    }

    /// The chosen student's formula with constants tuned on return, if there is one.
    pub fn polished(&self) -> Option<&Candidate> {
        self.of_chosen(true)
    }

    fn of_chosen(&self, polished: bool) -> Option<&Candidate> {
        let student = &self.chosen().student;
        self.candidates.iter().find(|candidate| candidate.student == *student && candidate.polished == polished)
    }
}

impl Artifact for Selection {
    const NAME: &'static str = "selection";

    fn save(&self, folder: &Path) -> Result<(), ArtifactError> {
        Ok(files::write_json(&folder.join(FILE), self)?)
    }

    fn load(folder: &Path, _context: &LoadContext) -> Result<Self, ArtifactError> {
        let selection: Self =
            serde_json::from_slice(&std::fs::read(folder.join(FILE))?).map_err(ArtifactError::damaged)?;
        if selection.format != FORMAT || selection.chosen >= selection.candidates.len() {
            return Err(ArtifactError::damaged(format!("format {}, choice {}", selection.format, selection.chosen)));
        }
        Ok(selection)
    }
}
