//! Pipelines without one of the stages that may be left out.

use kanrl_core::environment::EnvironmentRegistry;
use kanrl_pipeline::config::{MergedConfig, RawConfig};
use kanrl_pipeline::run::{PreparedRun, RunFile, RunStore};
use kanrl_pipeline::stages;

const DROPPABLE: [&str; 7] = ["record_expert", "dagger", "prune", "rivals", "polish", "record_formula", "report"];

#[test]
fn a_pipeline_without_one_of_them_fits_together() {
    for name in DROPPABLE {
        let mut pipeline = stages::standard();
        pipeline.remove(name).unwrap();
        pipeline.check().unwrap_or_else(|error| panic!("without `{name}`: {error}"));
    }
    let mut pipeline = stages::standard();
    for name in DROPPABLE {
        pipeline.remove(name).unwrap();
    }
    pipeline.check().unwrap();
    let needed = pipeline.stages().iter().map(|stage| stage.name().to_owned());
    for name in needed.filter(|name| name != "evaluate") {
        let mut pipeline = stages::standard();
        pipeline.remove(&name).unwrap();
        assert!(pipeline.check().is_err(), "`{name}` may be left out too");
    }
}

#[test]
fn a_run_without_most_of_them_has_a_formula() {
    let text = "
        environment.id = 'CartPole-v1'
        stages = ['collect', 'fit', 'symbolify', 'refine', 'select', 'evaluate', 'report']
        collect = { train_episodes = 2, validation_episodes = 1 }
        students.widths = [[]]
        dagger.rounds = 0
        select.episodes = 5
        evaluate = { episodes = 5, robustness_episodes = 0 }
    ";
    let config = MergedConfig::new(RawConfig::from_toml("test", text).unwrap()).resolve().unwrap();
    let mut environments = EnvironmentRegistry::new();
    kanrl_envs_classic::register(&mut environments).unwrap();
    let run = PreparedRun::new(config, environments, stages::standard()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let summary = run.open(folder.path()).unwrap().execute().unwrap();
    assert_eq!((summary.student.as_str(), summary.network.as_str()), ("kan", "kan"));
    let store = RunStore::open(folder.path()).unwrap();
    assert!(store.has(RunFile::Formula) && store.has(RunFile::Report) && !store.has(RunFile::FormulaVideo));
}
