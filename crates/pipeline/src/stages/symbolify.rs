use super::fit::losses;
use crate::artefacts::{ExpertData, Network};
use crate::engine::StageError;
use crate::run::Setting;
use crate::symbolify::{self, SymbolifyTask};
use bevy_ecs::prelude::*;
use kan_core::approximator::FitTask;

/// Names every edge.
pub fn symbolify(setting: Setting<'_>, data: Res<ExpertData>, mut network: ResMut<Network>) -> Result<(), StageError> {
    let reporter = &setting.reporter;
    let loss = setting.head().loss();
    let task = SymbolifyTask {
        fit: FitTask { train: data.train.samples(), validation: Some(data.validation.samples()), loss: &loss },
        library: setting.library(),
        section: &setting.config().symbolify,
    };
    let mut progress = |done: usize, total: usize, text: String| {
        reporter.progress("symbolify", done as u64, total as u64, "edges");
        if !text.is_empty() {
            reporter.message("symbolify", text);
        }
        !reporter.is_cancelled()
    };
    let Some(outcome) = symbolify::symbolify(&network.0, &task, &mut progress)? else {
        return Err(StageError::Cancelled);
    };
    reporter.message(
        "symbolify",
        format!(
            "{} named edges: {}",
            outcome.graph.edges.len(),
            losses(outcome.report.train_loss, outcome.report.validation_loss)
        ),
    );
    network.0 = outcome.graph;
    Ok(())
}
