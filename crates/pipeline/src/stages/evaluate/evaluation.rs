use crate::engine::{Artifact, ArtifactError, LoadContext};
use crate::files;
use crate::run::statistics::{Interval, interquartile_mean, interquartile_mean_interval, lowest_part_mean, mean};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// Returns of one policy over the report seeds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Returns {
    /// Mean.
    pub mean: f64,
    /// Standard deviation over episodes (of the population, as `numpy.std`).
    pub std: f64,
    /// Number of episodes.
    pub n: usize,
    /// Mean of the worst twentieth of the episodes (at least one).
    pub worst_5_percent: f64,
    /// Mean of the middle half.
    pub interquartile_mean: f64,
    /// Bootstrap 95 % interval of the interquartile mean.
    pub interval: Interval,
    /// The return of each episode, in the order of the seeds.
    pub episodes: Vec<f64>,
}

impl Returns {
    /// The summary of a list of returns.
    pub fn new(episodes: Vec<f64>) -> Self {
        let n = episodes.len();
        if n == 0 {
            return Self::default();
        }
        let mean = mean(&episodes);
        let variance = episodes.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / n as f64;
        Self {
            mean,
            std: variance.sqrt(),
            n,
            worst_5_percent: lowest_part_mean(&episodes, 20),
            interquartile_mean: interquartile_mean(&episodes),
            interval: interquartile_mean_interval(&episodes),
            episodes,
        }
    }
}

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
    /// `expert`, `kan`, `faithful`, `polished` or `formula`.
    pub policy: String,
    /// Its returns on the report seeds; of no episodes where nothing is played.
    pub returns: Returns,
    /// Its agreement with the expert in the states that the expert visits, or in the test rows of a log; none for the expert
    /// itself.
    pub agreement: Option<Agreement>,
    /// Its agreement with the expert in the states that it visits itself; none with a log.
    pub own_states_agreement: Option<Agreement>,
}

/// A policy in a changed environment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Robustness {
    /// What was changed, in words: `time step × 0.5`, `masses × 1.1`.
    pub change: String,
    /// The expert's mean return; none where it or the environment failed.
    pub expert: Option<f64>,
    /// The formula's mean return on the same seeds.
    pub formula: Option<f64>,
    /// Number of episodes of each.
    pub episodes: usize,
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
    /// The policy of that name.
    pub fn policy(&self, name: &str) -> Option<&PolicyEvaluation> {
        self.policies.iter().find(|evaluation| evaluation.policy == name)
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
    pub fn measure(self) -> &'static str {
        match self {
            Self::SameAction { .. } => "share of states with the same action",
            Self::RSquared { .. } => "coefficient of determination of the action",
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

#[cfg(test)]
mod tests {
    use super::Returns;

    #[test]
    fn returns_are_summarised_as_numpy_does() {
        let returns = Returns::new((1..=40).map(f64::from).collect());
        assert_eq!((returns.mean, returns.n, returns.worst_5_percent), (20.5, 40, 1.5));
        assert!((returns.std - 11.543_396_380_615_196).abs() < 1e-12);
    }
}
