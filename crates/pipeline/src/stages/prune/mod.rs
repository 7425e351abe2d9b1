//! Removing edges and nodes that matter little.

pub(crate) mod section;

pub use section::PruneSection;

use crate::engine::{Output, StageError};
use crate::stages::artifacts::{LatestData, LearnedNetworks, PrunedNetworks};
use crate::stages::context::StageContext;
use crate::stages::per_student::PerStudent;
use kanrl_core::approximator::ApproximatorError;
use kanrl_core::graph::{PruneThresholds, UnivariateGraph};

/// Thresholds are divided by this while pruning would cut an output off from all inputs.
const SOFTEN: f64 = 10.0;

/// Cuts off every network's edges and nodes by attribution score.
pub fn prune(
    setting: StageContext<'_>,
    data: LatestData,
    networks: LearnedNetworks,
    mut made: Output<PrunedNetworks>,
) -> Result<(), StageError> {
    let mut pruned = Vec::new();
    for (name, network) in networks.iter() {
        let mut network = network.clone();
        prune_one(&setting, name, &mut network.0, &data.of(name).train.observations)?;
        pruned.push((name.to_owned(), network));
    }
    made.set(PerStudent::new(pruned));
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
