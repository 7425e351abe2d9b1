//! The files a finished run shows: formula, metrics, diagram and page.

mod metrics;

use crate::engine::{Input, LoadContext, OptionalInput, StageError};
use crate::events::Reporter;
use crate::report::{self, ReportContent, ReportedFormula, ReportedVideo};
use crate::run::{LockedRun, RunFile};
use crate::stages::artifacts::{LatestModels, NamedNetworks, UnnamedNetworks};
use crate::stages::collect::ExpertData;
use crate::stages::context::Task;
use crate::stages::evaluate::Evaluation;
use crate::stages::record::{ExpertVideo, FormulaVideo};
use crate::stages::select::Selection;
use crate::stages::teacher::Teacher;
use crate::students::network_of;
use bevy_ecs::prelude::*;
use bevy_ecs::system::SystemParam;
use kanrl_symbolic::{Format, export};

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
    let missing = || StageError::Unsupported { reason: format!("no network `{}`", selection.network) };
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
    let metrics = metrics::of(&context, &task, &teacher, selection, evaluation);
    run.write_json(RunFile::Metrics, &metrics)?;
    for (role, returns) in &metrics.returns {
        reporter.metric("evaluate", &format!("mean return of {role}"), 0, returns.mean);
    }
    let videos = [
        ("Expert", RunFile::ExpertVideo.name(), expert_video),
        ("Formula", RunFile::FormulaVideo.name(), formula_video),
    ];
    let videos: Vec<ReportedVideo<'_>> = videos
        .into_iter()
        .filter_map(|(title, file, video)| Some(ReportedVideo { title, file, bytes: video? }))
        .collect();
    let splines =
        unnamed.iter().find(|(name, _)| *name == network_of(&selection.network)).map(|(_, network)| &network.0);
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
    const FAITHFUL: &str =
        "It explains the expert: it was fitted to the expert's outputs, and nothing was tuned on return.";
    const POLISHED: &str =
        "It plays best: it was fitted to the expert's outputs, then its constants were tuned on return alone.";
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
