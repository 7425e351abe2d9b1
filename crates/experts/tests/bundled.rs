//! The bundled experts are all there, small, documented, and play as well as they say.

use kanrl_core::config::ExpertConfig;
use kanrl_core::environment::{EnvironmentError, EnvironmentRegistry, KeywordArguments};
use kanrl_core::rollout::{RolloutOptions, Rollouts};
use kanrl_experts::bundled::{self, BundledConfig, BundledExpert};
use kanrl_experts::training::{AlgorithmConfig, EvaluationRecord};
use std::path::Path;

/// Largest file, in bytes.
const LARGEST: usize = 300_000;

fn registry() -> EnvironmentRegistry {
    let mut registry = EnvironmentRegistry::new();
    kanrl_envs_classic::register(&mut registry).expect("each id once");
    kanrl_envs_mujoco::register(&mut registry).expect("each id once");
    #[cfg(feature = "box2d")]
    kanrl_envs_box2d::register(&mut registry).expect("each id once");
    registry
}

#[test]
fn the_list_is_sorted_and_complete() {
    let environments: Vec<&str> = bundled::list().iter().map(BundledExpert::environment).collect();
    assert!(environments.is_sorted(), "{environments:?}");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("bundled");
    let mut weights: Vec<String> = std::fs::read_dir(&folder)
        .expect("the folder of the weights")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "safetensors"))
        .map(|path| path.file_stem().expect("a name").to_string_lossy().into_owned())
        .collect();
    weights.sort();
    assert_eq!(environments, weights);
    for expert in bundled::list() {
        let id = expert.environment();
        assert_eq!(bundled::find(id), Some(expert));
        assert!(expert.also_for().iter().all(|other| bundled::find(other) == Some(expert)));
        assert!(expert.bytes().len() <= LARGEST, "{id}: {} bytes", expert.bytes().len());
        for extension in ["json", "csv"] {
            assert!(folder.join(format!("{id}.{extension}")).exists(), "{id}.{extension}");
        }
    }
    assert_eq!(bundled::find("NoSuch-v0"), None);
}

#[test]
fn the_summary_beside_the_weights_is_the_record_inside_them() {
    for expert in bundled::list() {
        let (id, record) = (expert.environment(), expert.record());
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("bundled").join(format!("{id}.json"));
        let text = std::fs::read_to_string(path).expect("a readable summary");
        let summary: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        let config: AlgorithmConfig = serde_json::from_value(summary["config"].clone()).expect("a configuration");
        assert_eq!((config, summary["kept_seed"].as_u64()), (record.config, Some(record.seed)), "{id}");
        let seeds = summary["seeds"].as_array().expect("a list of seeds");
        assert!((1..=5).contains(&seeds.len()), "{id}: at most five training seeds");
        let kept = seeds.iter().find(|seed| seed["seed"] == record.seed).expect("the kept seed");
        let report: EvaluationRecord = serde_json::from_value(kept["report"].clone()).expect("an evaluation");
        assert_eq!(Some(report), record.evaluation, "{id}");
    }
}

/// The same seeds give the same return where the arithmetic is the same; elsewhere rounding may turn an episode.
#[test]
fn every_expert_plays_as_well_as_it_says() {
    let registry = registry();
    for expert in bundled::list() {
        let id = expert.environment();
        let entry = match registry.get(id) {
            Ok(entry) => entry,
            Err(EnvironmentError::UnknownId { .. } | EnvironmentError::NotBuilt { .. }) => {
                eprintln!("skipped {id}: this test is built without its engine");
                continue;
            }
            Err(error) => panic!("{id}: {error}"),
        };
        let rollouts = match Rollouts::new(entry, &KeywordArguments::new()) {
            Ok(rollouts) => rollouts,
            Err(error) => {
                eprintln!("skipped {id}: {error}");
                continue;
            }
        };
        let policy = BundledConfig::default().build(rollouts.spec()).expect("a policy");
        let stated = expert.record().evaluation.expect("a stated return");
        let seeds: Vec<u64> = (stated.first_seed..stated.first_seed + stated.episodes).collect();
        let episodes = rollouts.run(&*policy, &seeds, &RolloutOptions::default()).expect("episodes");
        let measured = EvaluationRecord::new(&episodes).expect("some episodes");
        let difference = (measured.mean_return - stated.mean_return).abs();
        assert!(difference <= 3.0 * stated.standard_error() + 1e-9, "{id}: {measured:?}, stated {stated:?}");
    }
}

#[test]
fn an_environment_without_one_is_refused_with_what_there_is() {
    let mut spec = registry().spec("CartPole-v1").expect("a spec");
    spec.id = "MyOwn-v0".to_owned();
    let message = BundledConfig::default().build(&spec).err().expect("a refusal").to_string();
    assert!(message.contains("`MyOwn-v0`") && message.contains("CartPole-v1"), "{message}");
    assert!(message.contains("kanrl train-expert MyOwn-v0"), "{message}");
}
