use crate::artefacts::{ExpertData, Network};
use crate::engine::StageError;
use crate::run::Setting;
use bevy_ecs::prelude::*;
use kan_core::approximator::ApproximatorError;
use kan_core::graph::PruneThresholds;

/// Thresholds are divided by this while pruning would cut an output off from all inputs.
const SOFTEN: f64 = 10.0;

/// Cuts off edges and nodes by attribution score.
pub fn prune(setting: Setting<'_>, data: Res<ExpertData>, mut network: ResMut<Network>) -> Result<(), StageError> {
    let (section, reporter) = (&setting.config().prune, &setting.reporter);
    let before = network.0.edges.len();
    let mut thresholds =
        PruneThresholds { node: section.node_threshold, edge: section.edge_threshold, ..PruneThresholds::default() };
    let mut pruned = network.0.prune(&data.train.observations, &thresholds);
    for _ in 0..3 {
        let Err(ApproximatorError::Disconnected { reason }) = &pruned else { break };
        reporter.message("prune", format!("thresholds lowered tenfold: {reason}"));
        thresholds.node /= SOFTEN;
        thresholds.edge /= SOFTEN;
        pruned = network.0.prune(&data.train.observations, &thresholds);
    }
    match pruned {
        Ok(graph) => network.0 = graph,
        Err(ApproximatorError::Disconnected { reason }) => {
            reporter.message("prune", format!("nothing pruned: {reason}"));
            network.0.set_importances(&data.train.observations);
        }
        Err(error) => return Err(error.into()),
    }
    reporter.message("prune", format!("{} of {before} edges kept", network.0.edges.len()));
    Ok(())
}
