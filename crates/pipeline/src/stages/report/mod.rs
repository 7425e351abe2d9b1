//! The files a finished run shows: formula, metrics, diagram and page.

use crate::engine::{Input, LoadContext, OptionalInput, StageError};
use crate::events::Reporter;
use crate::report::{self, ReportContent, ReportedFormula, ReportedVideo};
use crate::run::{LockedRun, RunFile};
use crate::stages::artifacts::{LatestModels, NamedNetworks, UnnamedNetworks};
use crate::stages::collect::ExpertData;
use crate::stages::context::Task;
use crate::stages::evaluate::PolicyEvaluation;
use crate::stages::evaluate::{Agreement, Evaluation, Returns};
use crate::stages::record::{ExpertVideo, FormulaVideo};
use crate::stages::select::{Candidate, Selection};
use crate::stages::teacher::{Log, Teacher};
use bevy_ecs::prelude::*;
use bevy_ecs::system::SystemParam;
use kanrl_symbolic::{Format, export};
use serde_json::{Map, Value, json};

/// Everything that is reported.
#[derive(SystemParam)]
pub struct Results<'w, 's> {
    data: Input<'w, 's, ExpertData>,
    models: LatestModels<'w, 's>,
    unnamed: UnnamedNetworks<'w, 's>,
    networks: Input<'w, 's, NamedNetworks>,
    selection: Input<'w, 's, Selection>,
    evaluation: Input<'w, 's, Evaluation>,
    expert_video: OptionalInput<'w, 's, ExpertVideo>,
    formula_video: OptionalInput<'w, 's, FormulaVideo>,
}

/// Writes the formulas, the network and its diagram, the videos, the metrics and the report.
pub fn report(
    context: Res<LoadContext>,
    run: Res<LockedRun>,
    task: Res<Task>,
    teacher: Res<Teacher>,
    reporter: Res<Reporter>,
    results: Results,
) -> Result<(), StageError> {
    let Results { data, models, unnamed, networks, selection, evaluation, .. } = &results;
    let expert_video = results.expert_video.get().and_then(|video| video.0.as_ref());
    let formula_video = results.formula_video.get().and_then(|video| video.0.as_ref());
    let missing = || StageError::Unsupported { reason: format!("there is no network `{}`", selection.network) };
    let network = &networks.get(&selection.network).ok_or_else(missing)?.0;
    let model = models.get(&selection.network).ok_or_else(missing)?;
    let formula = &selection.chosen().formula;
    let latex = export(formula, Format::Latex).map_err(|error| StageError::Other(Box::new(error)))?;
    run.write(RunFile::Formula, formula.to_json().as_bytes())?;
    run.write(RunFile::Faithful, selection.faithful().formula.to_json().as_bytes())?;
    if let Some(polished) = selection.polished() {
        run.write(RunFile::Polished, polished.formula.to_json().as_bytes())?;
    }
    run.write(RunFile::Network, &model.approximator.save())?;
    for (file, video) in [(RunFile::ExpertVideo, expert_video), (RunFile::FormulaVideo, formula_video)] {
        if let Some(bytes) = video {
            run.write(file, bytes)?;
        }
    }
    run.write(RunFile::Latex, latex.as_bytes())?;
    let diagram = kanrl_core::graph::diagram::svg(network, &data.train.observations, &data.train.output_names);
    run.write(RunFile::Diagram, diagram.as_bytes())?;
    let mut metrics = metrics(&context, selection, evaluation);
    if let Teacher::Log(log) = &*teacher {
        add_log(&mut metrics, log, &task.0.id, context.config.is_played());
    }
    run.write_json(RunFile::Metrics, &metrics)?;
    for (policy, returns) in metrics["returns"].as_object().into_iter().flatten() {
        if let Some(mean) = returns["mean"].as_f64() {
            reporter.metric("evaluate", &format!("mean return of {policy}"), 0, mean);
        }
    }
    let videos = [
        ("Expert", RunFile::ExpertVideo.name(), expert_video),
        ("Formula", RunFile::FormulaVideo.name(), formula_video),
    ];
    let videos: Vec<ReportedVideo<'_>> = videos
        .into_iter()
        .filter_map(|(title, file, video)| Some(ReportedVideo { title, file, bytes: video? }))
        .collect();
    let splines = unnamed.iter().find(|(name, _)| *name == selection.network).map(|(_, network)| &network.0);
    let content = ReportContent {
        metrics: &metrics,
        config: &context.config.to_toml(),
        expert: teacher.source(),
        formulas: &formulas(selection),
        data,
        splines,
        network,
        diagram: &diagram,
        videos: &videos,
    };
    let page = report::html(&content).map_err(|error| StageError::Other(Box::new(error)))?;
    run.write(RunFile::Report, page.as_bytes())?;
    Ok(())
}

/// The headline formula, and those at the ends of the front where they are others.
fn formulas(selection: &Selection) -> Vec<ReportedFormula<'_>> {
    const FAITHFUL: &str = "It explains the expert: fitted to what the expert would do, nothing tuned on return.";
    const POLISHED: &str =
        "It plays best: fitted to what the expert would do, then its constants tuned on return alone.";
    const BETWEEN: &str = "It explains the expert and plays: its constants are tuned for return and for fidelity.";
    let chosen = selection.chosen();
    let note = match chosen.lambda {
        None => FAITHFUL,
        Some(0.0) => POLISHED,
        Some(_) => BETWEEN,
    };
    let mut formulas = vec![ReportedFormula { title: "The formula", note, formula: &chosen.formula }];
    if selection.faithful != selection.chosen {
        let formula = &selection.faithful().formula;
        formulas.push(ReportedFormula { title: "The faithful formula", note: FAITHFUL, formula });
    }
    if let Some(polished) = selection.polished().filter(|_| selection.polished != Some(selection.chosen)) {
        formulas.push(ReportedFormula { title: "The polished formula", note: POLISHED, formula: &polished.formula });
    }
    formulas
}

/// What is different where students learn from a log.
fn add_log(metrics: &mut Value, log: &Log, name: &str, is_played: bool) {
    metrics["log"] = json!({
        "file": log.source,
        "split_by": if log.by_episode { "episodes" } else { "contiguous blocks" },
        "train_rows": log.train.rows(),
        "validation_rows": log.validation.rows(),
        "test_rows": log.test.rows(),
        "is_played": is_played,
    });
    if is_played {
        return;
    }
    metrics["environment"] = json!(name);
    for candidate in metrics["candidates"].as_array_mut().into_iter().flatten().filter_map(Value::as_object_mut) {
        let agreement = candidate.remove("mean").unwrap_or_default();
        candidate.insert("agreement".to_owned(), agreement);
    }
}

fn metrics(context: &LoadContext, selection: &Selection, evaluation: &Evaluation) -> Value {
    let returns = |returns: &Returns| {
        json!({
            "mean": returns.mean,
            "std": returns.std,
            "n": returns.n,
            "worst_5_percent": returns.worst_5_percent,
            "interquartile_mean": returns.interquartile_mean,
            "interquartile_mean_interval": [returns.interval.low, returns.interval.high],
            "episodes": returns.episodes,
        })
    };
    let each = |value: &dyn Fn(&PolicyEvaluation) -> Option<Value>| -> Map<String, Value> {
        let policies = evaluation.policies.iter();
        policies.filter_map(|policy| Some((policy.policy.clone(), value(policy)?))).collect()
    };
    let agreement = |agreement: Option<Agreement>| agreement.map(|agreement| json!(agreement.value()));
    let measure = evaluation.policies.iter().find_map(|policy| policy.agreement).map(Agreement::measure);
    let candidate = |(index, candidate): (usize, &Candidate)| {
        json!({
            "student": candidate.student,
            "tuning": candidate.tuning(),
            "lambda": candidate.lambda,
            "polished": candidate.is_polished(),
            "names": selection.names_of(index),
            "operations": candidate.operations,
            "mean": candidate.mean,
            "interval": candidate.interval.map(|interval| [interval.low, interval.high]),
            "worst_5_percent": candidate.worst_5_percent,
            "fidelity_own_states": candidate.fidelity.own_states,
            "fidelity_expert_states": candidate.fidelity.expert_states,
            "on_front": candidate.on_front,
            "text": candidate.formula.to_string(),
        })
    };
    let chosen = selection.chosen();
    let mut agreements = each(&|policy| agreement(policy.agreement));
    agreements.insert("measure".to_owned(), json!(measure));
    agreements.insert("own_states".to_owned(), each(&|policy| agreement(policy.own_states_agreement)).into());
    json!({
        "format": 2,
        "environment": context.config.environment.id,
        "seed": context.config.seed,
        "returns": each(&|policy| (policy.returns.n > 0).then(|| returns(&policy.returns))),
        "agreement": agreements,
        "formula": {
            "operations": chosen.operations,
            "student": chosen.student,
            "polished": chosen.is_polished(),
            "lambda": chosen.lambda,
            "reason": selection.reason,
            "network": selection.network,
        },
        "faithful": { "operations": selection.faithful().operations },
        "polished": selection.polished().map(|polished| json!({ "operations": polished.operations })),
        "candidates": selection.candidates.iter().enumerate().map(candidate).collect::<Vec<_>>(),
        "robustness": evaluation.robustness,
    })
}
