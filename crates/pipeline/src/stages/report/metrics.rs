//! Everything that was measured, gathered from the artifacts that hold it.

use crate::engine::LoadContext;
use crate::run::metrics::{AgreementMetrics, CandidateMetrics, FidelityMetrics, FormulaMetrics, LogMetrics};
use crate::run::{Agreement, Metrics, PolicyRole};
use crate::stages::context::Task;
use crate::stages::evaluate::{Evaluation, PolicyEvaluation};
use crate::stages::select::{Candidate, Selection};
use crate::stages::teacher::{Log, Teacher};
use std::collections::BTreeMap;

/// What `selection` and `evaluation` say about a run of this config on this task.
pub(super) fn of(
    context: &LoadContext,
    task: &Task,
    teacher: &Teacher,
    selection: &Selection,
    evaluation: &Evaluation,
) -> Metrics {
    let is_played = context.config.is_played();
    let played = evaluation.policies.iter().filter(|policy| policy.returns.n > 0);
    let formulas = [
        (PolicyRole::Headline, Some(selection.chosen())),
        (PolicyRole::Faithful, Some(selection.faithful())),
        (PolicyRole::Polished, selection.polished()),
    ];
    let candidates = selection.candidates.iter().enumerate();
    Metrics {
        format: Metrics::FORMAT,
        environment: if is_played { context.config.environment.id.clone() } else { task.0.id.clone() },
        seed: context.config.seed,
        returns: played.map(|policy| (policy.policy, policy.returns.clone())).collect(),
        agreement: agreement(evaluation),
        fidelity: evaluation.policies.iter().filter_map(|one| Some((one.policy, fidelity(one)?))).collect(),
        warnings: evaluation.warnings.clone(),
        formulas: formulas.into_iter().filter_map(|(role, candidate)| Some((role, formula(candidate?)))).collect(),
        reason: selection.reason.clone(),
        network: selection.network.clone(),
        candidates: candidates.map(|(index, one)| candidate(one, selection.roles_of(index), is_played)).collect(),
        ladder: evaluation.ladder.clone(),
        robustness: evaluation.robustness.clone(),
        log: match teacher {
            Teacher::Expert(_) => None,
            Teacher::Log(log) => Some(of_log(log, is_played)),
        },
    }
}

fn agreement(evaluation: &Evaluation) -> AgreementMetrics {
    let each = |value: fn(&PolicyEvaluation) -> Option<&Agreement>| -> BTreeMap<PolicyRole, f64> {
        let policies = evaluation.policies.iter();
        policies.filter_map(|policy| Some((policy.policy, value(policy)?.value()))).collect()
    };
    AgreementMetrics {
        measure: evaluation.policies.iter().find_map(|policy| policy.agreement.as_ref()).map(Agreement::measure),
        expert_states: each(|policy| policy.agreement.as_ref()),
        own_states: each(|policy| policy.own_states_agreement.as_ref()),
    }
}

fn fidelity(evaluation: &PolicyEvaluation) -> Option<FidelityMetrics> {
    Some(FidelityMetrics {
        expert_states: evaluation.agreement.clone()?,
        own_states: evaluation.own_states_agreement.clone(),
        with_expert: evaluation.with_expert,
    })
}

fn formula(candidate: &Candidate) -> FormulaMetrics {
    let Candidate { student, operations, lambda, .. } = candidate;
    FormulaMetrics { student: student.clone(), operations: *operations, lambda: *lambda }
}

fn candidate(candidate: &Candidate, roles: Vec<PolicyRole>, is_played: bool) -> CandidateMetrics {
    CandidateMetrics {
        student: candidate.student.clone(),
        tuning: candidate.tuning(),
        lambda: candidate.lambda,
        roles,
        operations: candidate.operations,
        curves: candidate.formula.curves().len(),
        mean: candidate.mean.filter(|_| is_played),
        agreement: candidate.mean.filter(|_| !is_played),
        interval: candidate.interval,
        worst_5_percent: candidate.worst_5_percent,
        fidelity_own_states: candidate.fidelity.own_states,
        fidelity_expert_states: candidate.fidelity.expert_states,
        on_front: candidate.on_front,
        text: candidate.formula.to_string(),
    }
}

fn of_log(log: &Log, is_played: bool) -> LogMetrics {
    LogMetrics {
        file: log.source.clone(),
        split_by: if log.by_episode { "episodes" } else { "contiguous blocks" }.to_owned(),
        train_rows: log.train.rows(),
        validation_rows: log.validation.rows(),
        test_rows: log.test.rows(),
        is_played,
    }
}
