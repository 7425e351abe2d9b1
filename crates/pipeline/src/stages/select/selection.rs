use super::choose::Choice;
use crate::engine::{Artifact, ArtifactError, LoadContext};
use crate::files;
use crate::run::PolicyRole;
use crate::run::statistics::Interval;
use crate::stages::artifacts::NamedNetworks;
use kanrl_symbolic::Formula;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// One formula on its merits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Candidate {
    /// The student it comes from: `kan-2`, `linear`, …
    pub student: String,
    /// How much disagreement with the expert counted, relative to return, while its constants were tuned; 0 for return alone, none where
    /// nothing was tuned on return.
    pub lambda: Option<f64>,
    /// Its operations.
    pub operations: usize,
    /// Its mean return on the seeds that formulas are chosen by; its agreement with the log where nothing is played. None
    /// where it gives no finite action somewhere.
    pub mean: Option<f64>,
    /// The mean's 95 % interval.
    pub interval: Option<Interval>,
    /// The mean of the worst twentieth.
    pub worst_5_percent: Option<f64>,
    /// How far it does what the expert does.
    pub fidelity: Fidelity,
    /// Whether no other formula is at least as good in return, fidelity and operations, and better in one of them.
    pub on_front: bool,
    /// The formula itself.
    pub formula: Formula,
}

/// How far a formula does what the expert does: the share of equal actions, or the coefficient of determination of vector
/// actions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Fidelity {
    /// In states that the expert visits.
    pub expert_states: Option<f64>,
    /// In states that the formula visits; none with a log, which cannot be asked about them.
    pub own_states: Option<f64>,
}

impl Fidelity {
    /// One number: the mean of what is known; −∞ where nothing is.
    pub fn value(self) -> f64 {
        match (self.expert_states, self.own_states) {
            (Some(expert), Some(own)) => (expert + own) / 2.0,
            (Some(one), None) | (None, Some(one)) => one,
            (None, None) => f64::NEG_INFINITY,
        }
    }
}

impl Candidate {
    /// A formula of a student that nothing was tuned on return in and that has not been compared with others.
    pub fn new(student: impl Into<String>, formula: Formula) -> Self {
        Self {
            student: student.into(),
            lambda: None,
            operations: formula.operations(),
            mean: None,
            interval: None,
            worst_5_percent: None,
            fidelity: Fidelity::default(),
            on_front: false,
            formula,
        }
    }

    /// Whether its constants were tuned on return alone.
    pub fn is_polished(&self) -> bool {
        self.lambda == Some(0.0)
    }

    /// Whether nothing was tuned on return.
    pub fn is_faithful(&self) -> bool {
        self.lambda.is_none()
    }

    /// `faithful`, `polished`, or `λ = 0.5` between them.
    pub fn tuning(&self) -> String {
        match self.lambda {
            None => "faithful".to_owned(),
            Some(0.0) => "polished".to_owned(),
            Some(lambda) => format!("λ = {lambda}"),
        }
    }
}

/// All formulas of a run, and the ones that have names.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Selection {
    format: u32,
    /// Every formula, students in the config's order, the faithful one first and the polished one last.
    pub candidates: Vec<Candidate>,
    /// Index of the headline formula: the run's result.
    pub chosen: usize,
    /// Index of the formula that explains the expert best of those that nothing was tuned on return in.
    pub faithful: usize,
    /// Index of the formula that plays best of those that were tuned on return alone.
    pub polished: Option<usize>,
    /// Whose network is shown next to it in the report: the chosen student, or the best one that has a network.
    pub network: String,
    /// Why this one, in a sentence.
    pub reason: String,
}

const FORMAT: u32 = 2;
const FILE: &str = "selection.json";

impl Selection {
    /// A selection of its parts.
    pub fn new(candidates: Vec<Candidate>, choice: Choice, network: String) -> Self {
        let Choice { headline, faithful, polished, reason } = choice;
        Self { format: FORMAT, candidates, chosen: headline, faithful, polished, network, reason }
    }

    /// A selection by a rule of one's own: `headline` is the index of the run's result, and of the formula that explains the
    /// expert. The network next to it is its own student's, or that of the first student that has one.
    ///
    /// # Panics
    /// If there is no candidate of that index.
    pub fn of(
        candidates: Vec<Candidate>,
        headline: usize,
        reason: impl Into<String>,
        networks: &NamedNetworks,
    ) -> Self {
        let own = std::iter::once(&candidates[headline]).chain(&candidates);
        let with_network = own.map(|candidate| &candidate.student).find(|student| networks.get(student).is_some());
        let network = with_network.cloned().unwrap_or_default();
        let choice = Choice { headline, faithful: headline, polished: None, reason: reason.into() };
        Self::new(candidates, choice, network)
    }

    /// The formula that is the run's result.
    pub fn chosen(&self) -> &Candidate {
        &self.candidates[self.chosen]
    }

    /// The formula that explains the expert.
    pub fn faithful(&self) -> &Candidate {
        &self.candidates[self.faithful]
    }

    /// What a formula is to the run: headline, faithful and polished, as many as it is.
    pub fn roles_of(&self, index: usize) -> Vec<PolicyRole> {
        let roles = [
            (PolicyRole::Headline, self.chosen == index),
            (PolicyRole::Faithful, self.faithful == index),
            (PolicyRole::Polished, self.polished == Some(index)),
        ];
        roles.into_iter().filter(|(_, is_it)| *is_it).map(|(role, _)| role).collect()
    }

    /// Indices of the formulas on the front and of those that have roles, the most faithful ones first.
    pub fn front(&self) -> Vec<usize> {
        let is_shown = |index: &usize| self.candidates[*index].on_front || !self.roles_of(*index).is_empty();
        let mut front: Vec<usize> = (0..self.candidates.len()).filter(is_shown).collect();
        let fidelity = |index: &usize| self.candidates[*index].fidelity.value();
        front.sort_by(|first, second| fidelity(second).total_cmp(&fidelity(first)));
        front
    }

    /// The formula that plays best, if any was tuned on return.
    pub fn polished(&self) -> Option<&Candidate> {
        self.polished.map(|index| &self.candidates[index])
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
        let Self { format, chosen, faithful, polished, candidates, .. } = &selection;
        let named = [*chosen, *faithful].into_iter().chain(*polished);
        if *format != FORMAT || named.clone().any(|index| index >= candidates.len()) {
            let choices: Vec<usize> = named.collect();
            return Err(ArtifactError::damaged(format!("format {format}, choices {choices:?}")));
        }
        Ok(selection)
    }
}
