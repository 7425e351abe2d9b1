use crate::engine::{Artifact, ArtifactError, LoadContext};
use crate::files;
use crate::run::metrics::{Robustness, Rung};
use crate::run::{Agreement, Companionship, PolicyRole, Returns};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// Everything measured about one policy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PolicyEvaluation {
    /// What the policy is to the run.
    pub policy: PolicyRole,
    /// Its returns on the report seeds; of no episodes where nothing is played.
    pub returns: Returns,
    /// Its agreement with the expert in the states that the expert visits, or in the test rows of a log; none for the expert
    /// itself.
    pub agreement: Option<Agreement>,
    /// Its agreement with the expert in the states that it visits itself; none with a log.
    pub own_states_agreement: Option<Agreement>,
    /// How long its trajectories stay with the expert's from the same starts; none for the expert itself, or with a log.
    pub with_expert: Option<Companionship>,
}

/// Everything measured about a run's policies.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// The expert where there is one, the network, the chosen student's faithful and polished formulas, and the formula that was chosen.
    pub policies: Vec<PolicyEvaluation>,
    /// Every student after every step from the expert to its formula.
    pub ladder: Vec<Rung>,
    /// Expert and formula where the environment's constants are changed.
    pub robustness: Vec<Robustness>,
    /// What says less than its numbers seem to, in sentences.
    pub warnings: Vec<String>,
}

impl Evaluation {
    /// The policy of that role.
    pub fn policy(&self, role: PolicyRole) -> Option<&PolicyEvaluation> {
        self.policies.iter().find(|evaluation| evaluation.policy == role)
    }
}

impl Artifact for Evaluation {
    const NAME: &'static str = "evaluation";

    fn save(&self, folder: &Path) -> Result<(), ArtifactError> {
        Ok(files::write_json(&folder.join("evaluation.json"), self)?)
    }

    fn load(folder: &Path, _context: &LoadContext) -> Result<Self, ArtifactError> {
        let bytes = std::fs::read(folder.join("evaluation.json"))?;
        serde_json::from_slice(&bytes).map_err(ArtifactError::damaged)
    }
}
