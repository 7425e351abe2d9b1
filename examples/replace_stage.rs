//! A stage of one's own in the place of one of kanrl's: pruning to a number of edges instead of by importance.
//!
//! ```sh
//! cargo run --release --example replace_stage
//! ```

use kanrl_core::environment::EnvironmentRegistry;
use kanrl_pipeline::config::{MergedConfig, RawConfig};
use kanrl_pipeline::engine::{Get, Make, Stage, StageError};
use kanrl_pipeline::run::Run;
use kanrl_pipeline::stages;
use kanrl_pipeline::stages::collect::ExpertData;
use kanrl_pipeline::stages::context::StageContext;
use kanrl_pipeline::stages::fit::Network;
use kanrl_pipeline::stages::per_student::PerStudent;

/// Edges that a network may keep.
const EDGES: usize = 3;

/// Takes the least important edge away, as long as there are too many and the output still depends on an input.
fn prune_to_a_number(
    setting: StageContext,
    data: Get<PerStudent<ExpertData>>,
    mut networks: Make<PerStudent<Network>>,
) -> Result<(), StageError> {
    for ((name, network), (_, data)) in networks.get_mut().0.iter_mut().zip(&data.0) {
        let graph = &mut network.0;
        while graph.edges.len() > EDGES {
            graph.set_importances(&data.train.observations);
            let importance = |edge: &usize| graph.edges[*edge].importance;
            let weakest = (0..graph.edges.len()).min_by(|one, other| importance(one).total_cmp(&importance(other)));
            match weakest.map(|edge| graph.without_edge(edge)) {
                Some(Ok(smaller)) => *graph = smaller,
                _ => break,
            }
        }
        setting.reporter.message("prune", format!("{name}: {} edges left", graph.edges.len()));
    }
    Ok(())
}

const CONFIG: &str = "
collect = { train_episodes = 3, validation_episodes = 1 }
students = { widths = [[]], rivals = false }
dagger = { rounds = 1, episodes = 2, validation_episodes = 2 }
polish.enabled = false
select.episodes = 10
evaluate = { episodes = 10, robustness_episodes = 0 }
record.videos = false
";

#[cfg_attr(test, test)]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut stages = stages::standard();
    let stage = Stage::new("prune", "keeps a number of edges", prune_to_a_number)
        .needs::<PerStudent<ExpertData>>()
        .needs::<PerStudent<Network>>()
        .provides::<PerStudent<Network>>();
    stages.replace("prune", stage)?;

    let mut environments = EnvironmentRegistry::new();
    kanrl_envs_classic::register(&mut environments)?;
    let config = MergedConfig::new(RawConfig::from_toml("this example", CONFIG)?).resolve()?;
    let mut run = Run::with_pipeline(config, environments, stages)?;
    let folder = tempfile::tempdir()?;
    run.open(folder.path())?;
    println!("{}", run.execute()?.formula);
    Ok(())
}
