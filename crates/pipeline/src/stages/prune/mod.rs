//! Removing edges and nodes that matter little.

use crate::engine::{Get, Make, StageError};
use crate::stages::collect::ExpertData;
use crate::stages::context::StageContext;
use crate::stages::fit::Network;
use crate::stages::per_student::PerStudent;
use kanrl_core::approximator::ApproximatorError;
use kanrl_core::graph::{PruneThresholds, UnivariateGraph};

/// Thresholds are divided by this while pruning would cut an output off from all inputs.
const SOFTEN: f64 = 10.0;

/// Cuts off every network's edges and nodes by attribution score.
pub fn prune(
    setting: StageContext<'_>,
    data: Get<'_, PerStudent<ExpertData>>,
    mut networks: Make<'_, PerStudent<Network>>,
) -> Result<(), StageError> {
    for ((name, network), (_, data)) in networks.get_mut().0.iter_mut().zip(&data.0) {
        prune_one(&setting, name, &mut network.0, &data.train.observations)?;
    }
    Ok(())
}

fn prune_one(
    setting: &StageContext<'_>,
    name: &str,
    graph: &mut UnivariateGraph,
    observations: &[f64],
) -> Result<(), StageError> {
    let (section, reporter) = (&setting.config().prune, &setting.reporter);
    let before = graph.edges.len();
    let mut thresholds =
        PruneThresholds { node: section.node_threshold, edge: section.edge_threshold, ..PruneThresholds::default() };
    let mut pruned = graph.prune(observations, &thresholds);
    for _ in 0..3 {
        let Err(ApproximatorError::Disconnected { reason }) = &pruned else { break };
        reporter.message("prune", format!("{name}: thresholds lowered tenfold: {reason}"));
        thresholds.node /= SOFTEN;
        thresholds.edge /= SOFTEN;
        pruned = graph.prune(observations, &thresholds);
    }
    match pruned {
        Ok(pruned) => *graph = pruned,
        Err(ApproximatorError::Disconnected { reason }) => {
            reporter.message("prune", format!("{name}: nothing pruned: {reason}"));
            graph.set_importances(observations);
        }
        Err(error) => return Err(error.into()),
    }
    reporter.message("prune", format!("{name}: {} of {before} edges kept", graph.edges.len()));
    Ok(())
}
