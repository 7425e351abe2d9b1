//! A run whose stored artifacts were damaged gives the same result, or an error, and always says what is damaged.

use kanrl_core::environment::EnvironmentRegistry;
use kanrl_pipeline::config::{MergedConfig, RawConfig};
use kanrl_pipeline::engine::PipelineError;
use kanrl_pipeline::events::Event;
use kanrl_pipeline::run::{PreparedRun, RunFile, RunStore, RunSummary};
use kanrl_pipeline::stages;
use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;
use std::sync::{Arc, Mutex};

const CONFIG: &str = "
    environment.id = 'CartPole-v1'
    collect = { train_episodes = 1, validation_episodes = 1 }
    students = { widths = [[]], rivals = false }
    approximator.steps = 3
    dagger.rounds = 0
    polish.enabled = false
    select.episodes = 2
    evaluate = { episodes = 2, robustness_episodes = 0 }
    record.videos = false
";

/// Runs in `folder`: the result, and what was said of damage.
fn run(folder: &Path, is_strict: bool) -> (Result<RunSummary, PipelineError>, Vec<String>) {
    let config = MergedConfig::new(RawConfig::from_toml("test", CONFIG).unwrap()).resolve().unwrap();
    let mut environments = EnvironmentRegistry::new();
    kanrl_envs_classic::register(&mut environments).unwrap();
    let run = PreparedRun::new(config, environments, stages::standard()).unwrap();
    let mut run = run.open(folder).unwrap();
    if is_strict {
        run.refuse_damage();
    }
    let said: Arc<Mutex<Vec<String>>> = Arc::default();
    let heard = Arc::clone(&said);
    run.reporter_mut().subscribe(move |event: &Event| match event {
        Event::Message { text, .. } if text.contains("is damaged") => heard.lock().unwrap().push(text.clone()),
        _ => {}
    });
    let result = run.execute();
    let said = said.lock().unwrap().clone();
    (result, said)
}

/// Everything in a run directory that is the same for the same config.
fn content(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let store = RunStore::open(folder).unwrap();
    let visited = store.visit(&mut |name, mut file| {
        if !RunFile::from_name(name.split('/').next().unwrap()).is_some_and(RunFile::differs_between_runs) {
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes)?;
            found.insert(name.to_owned(), bytes);
        }
        Ok(())
    });
    visited.unwrap();
    found
}

type Damage = fn(&mut Vec<u8>);

const DAMAGES: [(&str, Damage); 4] = [
    ("one bit", |bytes| {
        let middle = bytes.len() / 2;
        if let Some(byte) = bytes.get_mut(middle) {
            *byte ^= 4;
        }
    }),
    ("cut off", |bytes| bytes.truncate(bytes.len() / 2)),
    ("a block of zeros", |bytes| {
        let start = bytes.len() / 3;
        let end = (start + 64).min(bytes.len());
        bytes[start..end].fill(0);
    }),
    ("longer", |bytes| bytes.push(b' ')),
];

#[test]
fn no_damage_changes_a_result_and_every_damage_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let (first, said) = run(folder.path(), false);
    assert!(first.unwrap().reused.is_empty() && said.is_empty());
    let whole = content(folder.path());
    let (again, said) = run(folder.path(), true);
    let again = again.unwrap();
    assert!(again.reused.contains(&"fit".to_owned()) && said.is_empty(), "{:?} {said:?}", again.reused);
    assert!(whole == content(folder.path()), "a run that is repeated is the same");

    let stored: Vec<&String> = whole.keys().filter(|name| name.starts_with(RunFile::Stages.name())).collect();
    assert!(stored.len() > 15, "{stored:?}");
    let mut count = 0;
    for name in stored {
        for (what, damage) in DAMAGES {
            let path = folder.path().join(name);
            let mut bytes = whole[name].clone();
            damage(&mut bytes);
            if bytes == whole[name] {
                continue;
            }
            std::fs::write(&path, &bytes).unwrap();
            // What a stage without artifacts left is not looked at by anybody, but damage to it is named all the same.
            let (refused, _) = run(folder.path(), true);
            let error = refused.err().unwrap_or_else(|| panic!("{name}, {what}: it was used"));
            let cause = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
            assert!(error.is_damage() && cause.contains(name.as_str()), "{name}, {what}: {error}: {cause}");
            assert!(bytes == std::fs::read(&path).unwrap(), "{name}, {what}: a refused run changes nothing");
            let (repaired, said) = run(folder.path(), false);
            repaired.unwrap_or_else(|error| panic!("{name}, {what}: {error}"));
            assert!(said.len() == 1 && said[0].contains(name.as_str()), "{name}, {what}: {said:?}");
            assert!(whole == content(folder.path()), "{name}, {what}: another result");
            count += 1;
        }
    }
    println!("{count} damages");
}
