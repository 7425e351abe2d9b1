use super::{Agreement, Measure, PolicyRole, Returns};
use crate::engine::made;
use crate::stages::evaluate::{Evaluation, PolicyEvaluation};
use crate::stages::select::Selection;
use bevy_ecs::world::World;
use kanrl_symbolic::Formula;

/// One row of the returns table.
#[derive(Clone, Debug)]
pub struct PolicyRow {
    /// What the policy is to the run.
    pub policy: PolicyRole,
    /// Its returns on the report seeds; of no episodes where nothing is played.
    pub returns: Returns,
    /// Its agreement with the expert.
    pub agreement: Option<Agreement>,
}

/// What a finished run prints. Parts that no stage made are empty.
#[derive(Clone, Debug, Default)]
pub struct RunSummary {
    /// The returns table.
    pub rows: Vec<PolicyRow>,
    /// What says less than its numbers seem to, in sentences.
    pub warnings: Vec<String>,
    /// The formula; none where no stage chose one.
    pub formula: Option<Formula>,
    /// Its operations, as SymPy's `count_ops` counts them.
    pub operations: usize,
    /// The student that it comes from.
    pub student: String,
    /// The network's student next to it.
    pub network: String,
    /// Why this formula, in a sentence.
    pub reason: String,
    /// Stages that were not computed, since nothing that they depend on has changed since an earlier run in the folder.
    pub reused: Vec<String>,
    /// What fidelity is measured as, where anything was compared.
    pub measure: Option<Measure>,
    /// Formulas that none is better than in return, fidelity and operations at once, the most faithful ones first.
    pub front: Vec<FrontRow>,
}

/// One row of the table of the front; all is measured where formulas are chosen, on other seeds than what is reported.
#[derive(Clone, Debug)]
pub struct FrontRow {
    /// The student, and how it was tuned.
    pub formula: String,
    /// What it is to the run: several roles or none.
    pub roles: Vec<PolicyRole>,
    /// Mean return.
    pub mean: f64,
    /// Mean of the worst twentieth.
    pub worst_5_percent: f64,
    /// Fidelity in its own states; none with a log.
    pub own_states: Option<f64>,
    /// Fidelity in the expert's states.
    pub expert_states: Option<f64>,
    /// Its operations.
    pub operations: usize,
}

impl RunSummary {
    pub(super) fn of(world: &World) -> Self {
        let mut summary = Self::default();
        if let Some(evaluation) = made::<Evaluation>(world) {
            let row = |evaluation: &PolicyEvaluation| PolicyRow {
                policy: evaluation.policy,
                returns: evaluation.returns.clone(),
                agreement: evaluation.agreement.clone(),
            };
            summary.rows = evaluation.policies.iter().map(row).collect();
            summary.warnings.clone_from(&evaluation.warnings);
            summary.measure = summary.rows.iter().find_map(|row| row.agreement.as_ref()).map(Agreement::measure);
        }
        if let Some(selection) = made::<Selection>(world) {
            let chosen = selection.chosen();
            summary.formula = Some(chosen.formula.clone());
            summary.operations = chosen.operations;
            summary.student = chosen.student.clone();
            summary.network = selection.network.clone();
            summary.reason = selection.reason.clone();
            let row = |index: usize| {
                let candidate = &selection.candidates[index];
                Some(FrontRow {
                    formula: format!("{}, {}", candidate.student, candidate.tuning()),
                    roles: selection.roles_of(index),
                    mean: candidate.mean?,
                    worst_5_percent: candidate.worst_5_percent?,
                    own_states: candidate.fidelity.own_states,
                    expert_states: candidate.fidelity.expert_states,
                    operations: candidate.operations,
                })
            };
            summary.front = selection.front().into_iter().filter_map(row).collect();
        }
        summary
    }
}
