use crate::artefacts::{Agreement, Evaluation, ExpertData, FaithfulFormula, Network, Returns};
use crate::engine::{LoadContext, StageError};
use crate::run_directory::RunDirectory;
use bevy_ecs::prelude::*;
use serde_json::{Value, json};
use symbolic::{Format, export};

/// Writes `formula.json`, `formula.tex`, `kan.svg` and `metrics.json`.
pub fn report(
    context: Res<LoadContext>,
    directory: Res<RunDirectory>,
    data: Res<ExpertData>,
    network: Res<Network>,
    formula: Res<FaithfulFormula>,
    evaluation: Res<Evaluation>,
) -> Result<(), StageError> {
    let formula = &formula.0;
    let latex = export(formula, Format::Latex).map_err(|error| StageError::Other(Box::new(error)))?;
    directory.write("formula.json", formula.to_json().as_bytes())?;
    directory.write("formula.tex", latex.as_bytes())?;
    let diagram = kan_core::graph::diagram::svg(&network.0, &data.train.observations, &data.train.output_names);
    directory.write("kan.svg", diagram.as_bytes())?;
    directory.write_json("metrics.json", &metrics(&context, formula.operations(), &evaluation))?;
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
