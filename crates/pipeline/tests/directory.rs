//! What a run leaves on disk.

use kanrl_core::environment::EnvironmentRegistry;
use kanrl_pipeline::config::{MergedConfig, RawConfig};
use kanrl_pipeline::run::{PreparedRun, RunFile};
use kanrl_pipeline::stages;
use std::collections::BTreeSet;
use std::path::Path;

/// Everything that a run can do, as little of it as possible.
const CONFIG: &str = "
    environment.id = 'CartPole-v1'
    collect = { train_episodes = 2, validation_episodes = 1 }
    students = { widths = [[]], rivals = false }
    dagger = { rounds = 1, steps = 500, validation_episodes = 1 }
    polish = { environment_steps = 5000, generations = 2 }
    select.episodes = 4
    evaluate = { episodes = 4, robustness_episodes = 1 }
";

fn names(folder: &Path) -> BTreeSet<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn a_finished_run_holds_every_run_file_and_nothing_else() {
    let config = MergedConfig::new(RawConfig::from_toml("test", CONFIG).unwrap()).resolve().unwrap();
    let mut environments = EnvironmentRegistry::new();
    kanrl_envs_classic::register(&mut environments).unwrap();
    let run = PreparedRun::new(config, environments, stages::standard()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    run.open(folder.path()).unwrap().execute().unwrap();

    // `kanrl verify` adds the proof card.
    let files = || RunFile::ALL.iter().filter(|file| **file != RunFile::Proof);
    let expected: BTreeSet<String> = files().map(|file| file.name().to_owned()).collect();
    assert_eq!(names(folder.path()), expected);
    for file in files() {
        assert_eq!(folder.path().join(file.name()).is_dir(), file.is_folder(), "{file}");
    }
    let stages_folder = folder.path().join(RunFile::Stages.name());
    let standard = stages::standard();
    assert_eq!(names(&stages_folder), standard.stages().iter().map(|stage| stage.name().to_owned()).collect());
    for stage in standard.stages() {
        let mut expected: BTreeSet<String> = stage.provided().map(str::to_owned).collect();
        expected.insert("stage.json".to_owned());
        assert_eq!(names(&stages_folder.join(stage.name())), expected, "{}", stage.name());
    }
    let tensorboard = names(&folder.path().join(RunFile::TensorBoard.name()));
    assert!(tensorboard.iter().all(|name| name.starts_with("events.out.tfevents.")), "{tensorboard:?}");
}
