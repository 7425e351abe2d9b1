//! Everything that a run measured.

use super::agreement::{Agreement, Companionship, Measure};
use super::files::RunFile;
use super::returns::Returns;
use super::role::PolicyRole;
use super::statistics::Interval;
use super::store::{RunStore, RunStoreError};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Everything that a run measured. [`RunFile::Metrics`] is its serialization as JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Metrics {
    /// [`Metrics::FORMAT`].
    pub format: u32,
    /// Id of the environment; a log's name where nothing is played.
    pub environment: String,
    /// The run's seed.
    pub seed: u64,
    /// What each policy returned on the report seeds; empty where nothing is played.
    pub returns: BTreeMap<PolicyRole, Returns>,
    /// How far each policy does what the expert does.
    pub agreement: AgreementMetrics,
    /// The same with what a constant would reach and with every action or coordinate apart.
    #[serde(default)]
    pub fidelity: BTreeMap<PolicyRole, FidelityMetrics>,
    /// What says less than its numbers seem to, in sentences.
    #[serde(default)]
    pub warnings: Vec<String>,
    /// The formulas that have roles: headline, faithful and, where one was tuned on return, polished.
    pub formulas: BTreeMap<PolicyRole, FormulaMetrics>,
    /// Why the headline formula is the result, in a sentence.
    pub reason: String,
    /// Name of the student whose network is reported.
    pub network: String,
    /// Every student after every step from the expert to its formula: what was lost where.
    #[serde(default)]
    pub ladder: Vec<Rung>,
    /// Every formula that could have been chosen, with what it was chosen by.
    pub candidates: Vec<CandidateMetrics>,
    /// Expert and headline formula where the environment's constants are changed.
    pub robustness: Vec<Robustness>,
    /// The log that students learned from, where there was one in an expert's place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log: Option<LogMetrics>,
}

/// How far each policy but the expert does what the expert does.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AgreementMetrics {
    /// What the numbers are; none where nothing was compared.
    pub measure: Option<Measure>,
    /// In the states that the expert visits, or in the test rows of a log.
    pub expert_states: BTreeMap<PolicyRole, f64>,
    /// In the states that the policy visits itself; empty with a log.
    pub own_states: BTreeMap<PolicyRole, f64>,
}

/// How far a policy does what the expert does, in detail.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FidelityMetrics {
    /// In the states that the expert visits, or in the test rows of a log.
    pub expert_states: Agreement,
    /// In the states that the policy visits itself; null with a log.
    pub own_states: Option<Agreement>,
    /// How long its trajectories stay with the expert's from the same starts; null with a log.
    pub with_expert: Option<Companionship>,
}

/// A formula that has a role.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FormulaMetrics {
    /// The student that it comes from: `kan-2`, `linear`, …
    pub student: String,
    /// Its operations, as SymPy's `count_ops` counts them.
    pub operations: usize,
    /// How much disagreement with the expert counted, relative to return, while its constants were tuned; 0 for return alone, null
    /// where nothing was tuned on return.
    pub lambda: Option<f64>,
}

/// A formula that could have been chosen; all is measured on seeds that formulas are chosen by.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CandidateMetrics {
    /// The student that it comes from.
    pub student: String,
    /// `faithful`, `polished`, or `λ = 0.5` between them.
    pub tuning: String,
    /// As in [`FormulaMetrics`].
    pub lambda: Option<f64>,
    /// What it is to the run.
    pub roles: Vec<PolicyRole>,
    /// Its operations.
    pub operations: usize,
    /// Parts that remain curves because no name fits.
    #[serde(default)]
    pub curves: usize,
    /// Its mean return; null where it gives no finite action somewhere, or nothing is played.
    pub mean: Option<f64>,
    /// Where nothing is played, what it is chosen by instead: its mean agreement with the log's validation episodes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agreement: Option<f64>,
    /// The 95 % interval of either.
    pub interval: Option<Interval>,
    /// Mean of the worst twentieth.
    pub worst_5_percent: Option<f64>,
    /// Fidelity in the states that it visits itself; null with a log.
    pub fidelity_own_states: Option<f64>,
    /// Fidelity in the states that the expert visits.
    pub fidelity_expert_states: Option<f64>,
    /// Whether no other formula is at least as good in return, fidelity and operations, and better in one of them.
    pub on_front: bool,
    /// The formula.
    pub text: String,
}

/// What a student is after one of the steps from the expert to a formula.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Rung {
    /// The student.
    pub student: String,
    /// The step.
    pub step: Step,
    /// Mean return on the first report seeds; null where it gives no finite action somewhere, or nothing is played.
    pub mean: Option<f64>,
    /// Fidelity in the states that the expert visits, or in the test rows of a log.
    pub expert_states: Option<f64>,
    /// Fidelity in the states that it visits itself; null with a log.
    pub own_states: Option<f64>,
    /// Its operations, where it is a formula.
    pub operations: Option<usize>,
}

/// A step from the expert to a formula.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// The expert itself.
    Expert,
    /// The network after all learning.
    Network,
    /// Without edges and nodes that matter little.
    Pruned,
    /// Its edges named.
    Named,
    /// The formula: needless terms left out, constants fitted together and rounded.
    Formula,
}

/// A policy in a changed environment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Robustness {
    /// What was changed, in words: `time step × 0.5`, `masses × 1.1`.
    pub change: String,
    /// The expert's mean return; null where it or the environment failed.
    pub expert: Option<f64>,
    /// The headline formula's mean return on the same seeds.
    pub headline: Option<f64>,
    /// Number of episodes of each.
    pub episodes: usize,
}

/// A log in an expert's place.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LogMetrics {
    /// The file.
    pub file: String,
    /// How it was split: `episodes` or `contiguous blocks`.
    pub split_by: String,
    /// Rows that were fitted to.
    pub train_rows: usize,
    /// Rows that formulas are chosen by.
    pub validation_rows: usize,
    /// Rows that nothing was fitted to or chosen by.
    pub test_rows: usize,
    /// Whether there is an environment in which formulas are played.
    pub is_played: bool,
}

impl Metrics {
    /// The format that this version writes and reads.
    pub const FORMAT: u32 = 3;

    /// A run's metrics.
    ///
    /// # Errors
    /// [`RunStoreError::Read`] before they are written, [`RunStoreError::Damaged`] where they are not what this version
    /// writes.
    pub fn read(run: &RunStore) -> Result<Self, RunStoreError> {
        #[derive(Deserialize)]
        struct Header {
            format: u32,
        }
        let Header { format } = run.read_json(RunFile::Metrics)?;
        if format != Self::FORMAT {
            let reason = format!("its format is {format}, and this version of kanrl reads {}", Self::FORMAT);
            return Err(RunStoreError::Damaged { path: run.path_of(RunFile::Metrics), reason });
        }
        run.read_json(RunFile::Metrics)
    }

    /// The JSON schema of what is written (draft 2020-12).
    pub fn schema() -> Schema {
        SchemaGenerator::default().into_root_schema_for::<Self>()
    }

    /// The formula that is the run's result.
    pub fn headline(&self) -> Option<&FormulaMetrics> {
        self.formulas.get(&PolicyRole::Headline)
    }

    /// A policy's agreement with the expert, in words: `98.5 %` or `R² 0.985`.
    pub fn agreement_text(&self, role: PolicyRole) -> Option<String> {
        Some(self.agreement.measure?.text(*self.agreement.expert_states.get(&role)?))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::{Measure, Metrics};
    use crate::run::{LockedRun, PolicyRole, RunFile, RunStoreError};

    pub(in crate::run) const EXAMPLE: &str = r#"{"format": 3, "environment": "CartPole-v1", "seed": 3,
        "returns": {"headline": {"mean": 1.5, "std": 0.5, "n": 2, "worst_5_percent": 1, "interquartile_mean": 1.5,
            "interquartile_mean_interval": {"low": 1, "high": 2}, "episodes": [1, 2]}},
        "agreement": {"measure": "r_squared", "expert_states": {"headline": -3.13}, "own_states": {}},
        "formulas": {"headline": {"student": "kan-2", "operations": 7, "lambda": null}}, "reason": "it is short",
        "network": "kan-2", "candidates": [], "robustness": []}"#;

    #[test]
    fn metrics_are_read_as_they_are_written_and_no_other_format_is() {
        let folder = tempfile::tempdir().unwrap();
        let run = LockedRun::open(folder.path()).unwrap();
        assert!(matches!(Metrics::read(&run), Err(RunStoreError::Read { .. })));
        let metrics: Metrics = serde_json::from_str(EXAMPLE).unwrap();
        run.write_json(RunFile::Metrics, &metrics).unwrap();
        assert_eq!(Metrics::read(&run).unwrap(), metrics);
        assert_eq!((metrics.headline().unwrap().operations, metrics.returns[&PolicyRole::Headline].n), (7, 2));
        for older in [r#"{"format": 2}"#, r#"{"format": 4, "seed": 1}"#, "{}", r#"{"format": 3}"#] {
            run.write(RunFile::Metrics, older.as_bytes()).unwrap();
            assert!(matches!(Metrics::read(&run), Err(RunStoreError::Damaged { .. })), "{older}");
        }
    }

    #[test]
    fn the_schema_names_every_field() {
        let schema = Metrics::schema();
        let written = serde_json::from_str::<serde_json::Value>(EXAMPLE).unwrap();
        for field in written.as_object().unwrap().keys() {
            assert!(schema.pointer(&format!("/properties/{field}")).is_some(), "{field}");
        }
    }

    #[test]
    fn a_coefficient_of_determination_is_not_a_percentage() {
        let metrics: Metrics = serde_json::from_str(EXAMPLE).unwrap();
        assert_eq!(metrics.agreement_text(PolicyRole::Headline).as_deref(), Some("R² −3.130"));
        assert_eq!(metrics.agreement_text(PolicyRole::Network), None);
        assert_eq!(Measure::SameAction.text(0.9847), "98.5 %");
    }
}
