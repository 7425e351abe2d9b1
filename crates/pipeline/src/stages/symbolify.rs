use super::fit::losses;
use crate::artefacts::{ExpertData, Network};
use crate::engine::{Get, Make, StageError};
use crate::run::Setting;
use crate::symbolify::{self, SymbolifyTask};
use kan_core::approximator::FitTask;

/// Names every edge.
pub fn symbolify(
    setting: Setting<'_>,
    data: Get<'_, ExpertData>,
    mut network: Make<'_, Network>,
) -> Result<(), StageError> {
    let (reporter, graph) = (&setting.reporter, network.get_mut());
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
    let Some(outcome) = symbolify::symbolify(&graph.0, &task, &mut progress)? else {
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
    graph.0 = outcome.graph;
    Ok(())
}
