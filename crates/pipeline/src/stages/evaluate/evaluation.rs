use crate::engine::{Artifact, ArtifactError, LoadContext};
use crate::files;
use crate::run::metrics::{Measure, Robustness};
use crate::run::{PolicyRole, Returns};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// How often a policy does what the expert would do.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "measure", rename_all = "snake_case")]
pub enum Agreement {
    /// Share of states with the same discrete action.
    SameAction {
        /// Between 0 and 1.
        value: f64,
    },
    /// Coefficient of determination of the vector action, all coordinates together.
    RSquared {
        /// At most 1.
        value: f64,
    },
}

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
}

/// Everything measured about a run's policies.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// The expert where there is one, the network, the chosen student's faithful and polished formulas, and the formula that was chosen.
    pub policies: Vec<PolicyEvaluation>,
    /// Expert and formula where the environment's constants are changed.
    pub robustness: Vec<Robustness>,
}

impl Evaluation {
    /// The policy of that role.
    pub fn policy(&self, role: PolicyRole) -> Option<&PolicyEvaluation> {
        self.policies.iter().find(|evaluation| evaluation.policy == role)
    }
}

impl Agreement {
    /// The number alone.
    pub fn value(self) -> f64 {
        match self {
            Self::SameAction { value } | Self::RSquared { value } => value,
        }
    }

    /// What the number is.
    pub fn measure(self) -> Measure {
        match self {
            Self::SameAction { .. } => Measure::SameAction,
            Self::RSquared { .. } => Measure::RSquared,
        }
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
