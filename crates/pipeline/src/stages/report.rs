use crate::artefacts::{
    Agreement, Evaluation, ExpertData, ExpertVideo, FaithfulFormula, FormulaVideo, Model, Network, Returns,
};
use crate::engine::{Artefact, Get, LoadContext, StageError};
use crate::report::{self, ReportContent, ReportedFormula, ReportedVideo};
use crate::run::Expert;
use crate::run_directory::RunDirectory;
use bevy_ecs::prelude::*;
use bevy_ecs::system::SystemParam;
use experts::formula::run_files;
use serde_json::{Value, json};
use symbolic::{Format, export};

/// Everything that is reported.
#[derive(SystemParam)]
pub struct Results<'w> {
    data: Get<'w, ExpertData>,
    model: Get<'w, Model>,
    network: Get<'w, Network>,
    formula: Get<'w, FaithfulFormula>,
    evaluation: Get<'w, Evaluation>,
    expert_video: Get<'w, ExpertVideo>,
    formula_video: Get<'w, FormulaVideo>,
}

/// Writes `formula.json`, `faithful.json`, `kan.safetensors`, `formula.tex`, `kan.svg`, `metrics.json`, `report.html` and
/// the videos.
pub fn report(
    context: Res<LoadContext>,
    directory: Res<RunDirectory>,
    expert: Res<Expert>,
    results: Results<'_>,
) -> Result<(), StageError> {
    let Results { data, model, network, formula, evaluation, expert_video, formula_video } = results;
    let formula = &formula.0;
    let latex = export(formula, Format::Latex).map_err(|error| StageError::Other(Box::new(error)))?;
    directory.write(run_files::FORMULA, formula.to_json().as_bytes())?;
    directory.write(run_files::FAITHFUL, formula.to_json().as_bytes())?;
    directory.write(run_files::KAN, &model.0.save())?;
    for (name, video) in [("expert.mp4", &expert_video.0), ("formula.mp4", &formula_video.0)] {
        if let Some(bytes) = video {
            directory.write(name, bytes)?;
        }
    }
    directory.write("formula.tex", latex.as_bytes())?;
    let diagram = kan_core::graph::diagram::svg(&network.0, &data.train.observations, &data.train.output_names);
    directory.write("kan.svg", diagram.as_bytes())?;
    let metrics = metrics(&context, formula.operations(), &evaluation);
    directory.write_json("metrics.json", &metrics)?;
    let videos = [("Expert", "expert.mp4", &expert_video.0), ("Formula", "formula.mp4", &formula_video.0)];
    let videos: Vec<ReportedVideo<'_>> = videos
        .into_iter()
        .filter_map(|(title, file, video)| Some(ReportedVideo { title, file, bytes: video.as_deref()? }))
        .collect();
    // Naming edges replaces the network in the world; its splines are still where the stage before left them.
    let splines = Network::load(&directory.stage_folder("prune").join(Network::NAME), &context).ok();
    let note = "It explains the expert: fitted to what the expert would do, nothing tuned on return.";
    let content = ReportContent {
        metrics: &metrics,
        config: &context.config.to_toml(),
        expert: expert.0.source(),
        formulas: &[ReportedFormula { title: "The formula", note, formula }],
        data: &data,
        splines: splines.as_ref().map(|network| &network.0),
        network: &network.0,
        diagram: &diagram,
        videos: &videos,
    };
    let page = report::html(&content).map_err(|error| StageError::Other(Box::new(error)))?;
    directory.write(report::FILE, page.as_bytes())?;
    Ok(())
}

fn metrics(context: &LoadContext, operations: usize, evaluation: &Evaluation) -> Value {
    let returns = |returns: &Returns| {
        json!({
            "mean": returns.mean,
            "std": returns.std,
            "n": returns.n,
            "worst_5_percent": returns.worst_5_percent,
            "episodes": returns.episodes,
        })
    };
    let agreement = |agreement: &Agreement| match agreement {
        Agreement::SameAction { value } | Agreement::RSquared { value } => json!(value),
    };
    let measure = match evaluation.formula_agreement {
        Agreement::SameAction { .. } => "share of states with the same action",
        Agreement::RSquared { .. } => "coefficient of determination of the action",
    };
    json!({
        "format": 1,
        "environment": context.config.environment.id,
        "seed": context.config.seed,
        "returns": {
            "expert": returns(&evaluation.expert),
            "kan": returns(&evaluation.kan),
            "formula": returns(&evaluation.formula),
        },
        "agreement": {
            "kan": agreement(&evaluation.kan_agreement),
            "formula": agreement(&evaluation.formula_agreement),
            "measure": measure,
        },
        "formula": { "operations": operations },
    })
}
