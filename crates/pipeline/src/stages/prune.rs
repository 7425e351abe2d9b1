use crate::artefacts::{ExpertData, Network};
use crate::engine::{Get, Make, StageError};
use crate::run::Setting;
use kan_core::approximator::ApproximatorError;
use kan_core::graph::PruneThresholds;

/// Thresholds are divided by this while pruning would cut an output off from all inputs.
const SOFTEN: f64 = 10.0;

/// Cuts off edges and nodes by attribution score.
pub fn prune(
    setting: Setting<'_>,
    data: Get<'_, ExpertData>,
    mut network: Make<'_, Network>,
) -> Result<(), StageError> {
    let (section, reporter) = (&setting.config().prune, &setting.reporter);
    let graph = &mut network.get_mut().0;
    let before = graph.edges.len();
    let mut thresholds =
        PruneThresholds { node: section.node_threshold, edge: section.edge_threshold, ..PruneThresholds::default() };
    let mut pruned = graph.prune(&data.train.observations, &thresholds);
    for _ in 0..3 {
        let Err(ApproximatorError::Disconnected { reason }) = &pruned else { break };
        reporter.message("prune", format!("thresholds lowered tenfold: {reason}"));
        thresholds.node /= SOFTEN;
        thresholds.edge /= SOFTEN;
        pruned = graph.prune(&data.train.observations, &thresholds);
    }
    match pruned {
        Ok(pruned) => *graph = pruned,
        Err(ApproximatorError::Disconnected { reason }) => {
            reporter.message("prune", format!("nothing pruned: {reason}"));
            graph.set_importances(&data.train.observations);
        }
        Err(error) => return Err(error.into()),
    }
    reporter.message("prune", format!("{} of {before} edges kept", graph.edges.len()));
    Ok(())
}
