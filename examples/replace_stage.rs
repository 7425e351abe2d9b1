//! A stage of one's own instead of one of kanrl's: pruning to a number of edges instead of by importance.
//!
//! ```sh
//! cargo run --release --example replace_stage
//! ```

use kanrl::pipeline::stages::artifacts::{LatestData, LearnedNetworks, PrunedNetworks};
use kanrl::pipeline::stages::per_student::PerStudent;
use kanrl::prelude::*;

/// Edges that a network may keep.
const EDGES: usize = 3;

/// Takes the least important edge away, as long as there are too many and the output still depends on an input.
fn prune_to_a_number(
    context: StageContext,
    data: LatestData,
    networks: LearnedNetworks,
    mut made: Output<PrunedNetworks>,
) -> Result<(), StageError> {
    let mut pruned = Vec::new();
    for (name, network) in networks.iter() {
        let mut network = network.clone();
        let graph = &mut network.0;
        while graph.edges.len() > EDGES {
            graph.set_importances(&data.of(name).train.observations);
            let importance = |edge: &usize| graph.edges[*edge].importance;
            let weakest = (0..graph.edges.len()).min_by(|one, other| importance(one).total_cmp(&importance(other)));
            match weakest.map(|edge| graph.without_edge(edge)) {
                Some(Ok(smaller)) => *graph = smaller,
                _ => break,
            }
        }
        context.reporter.message("prune", format!("{name}: {} edges left", graph.edges.len()));
        pruned.push((name.to_owned(), network));
    }
    made.set(PerStudent::new(pruned));
    Ok(())
}

const CONFIG: &str = "
collect = { train_episodes = 3, validation_episodes = 1 }
students = { widths = [[]], rivals = false }
dagger = { rounds = 1, steps = 100, validation_episodes = 2 }
polish.enabled = false
select.episodes = 10
evaluate = { episodes = 10, robustness_episodes = 0 }
record.videos = false
";

#[cfg_attr(test, test)]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let stage = Stage::new("prune", "keeps a number of edges", prune_to_a_number);
    examples::execute(Run::from_text(CONFIG)?.replace("prune", stage)?).map(drop)
}
