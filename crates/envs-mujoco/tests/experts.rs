//! Trained experts reach here what they reached in Gymnasium: the same returns on the same seeds, and as good ones on
//! fresh seeds.
#![cfg(feature = "mujoco")]

use kanrl_core::config::ExpertConfig;
use kanrl_core::environment::{EnvironmentEntry, EnvironmentRegistry, KeywordArguments};
use kanrl_core::rollout::{RolloutOptions, Rollouts};
use kanrl_experts::sb3::Sb3Config;
use serde_json::Value;
use std::path::Path;

/// Calls `check` with every recorded evaluation of a PPO agent in one of these environments.
fn for_each_evaluation(check: impl Fn(&str, &Path, &EnvironmentEntry, &Value)) {
    let mut registry = EnvironmentRegistry::new();
    kanrl_envs_mujoco::register(&mut registry).expect("distinct ids");
    let Some(folder) = kanrl_reference_data::folder("experts").filter(|folder| folder.join("experts.json").is_file())
    else {
        return;
    };
    let agents = &kanrl_reference_data::read_json(&folder.join("experts.json"))["agents"];
    for (name, agent) in agents.as_object().expect("agents by name") {
        let archive = folder.join(format!("{name}.zip"));
        if name.starts_with("ppo/") && archive.is_file() {
            for (id, evaluation) in agent["evals"].as_object().expect("evaluations by id") {
                // Evaluations with another MuJoCo have it in their id.
                if let Ok(entry) = registry.get(id) {
                    check(&format!("{name} in {id}"), &archive, entry, evaluation);
                }
            }
        }
    }
}

fn returns(archive: &Path, entry: &EnvironmentEntry, seeds: &[u64]) -> Vec<f64> {
    let rollouts = Rollouts::new(entry, &KeywordArguments::new()).expect("MuJoCo");
    let expert =
        Sb3Config { path: archive.to_owned(), vecnormalize: None }.build(rollouts.spec()).expect("an expert that fits");
    let episodes = rollouts.run(&*expert, seeds, &RolloutOptions::default()).expect("whole episodes");
    episodes.iter().map(|episode| episode.episode_return).collect()
}

/// Mean and squared standard error.
fn moments(values: &[f64]) -> (f64, f64) {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (count - 1.0);
    (mean, variance / count)
}

fn compare(name: &str, found: &[f64], evaluation: &Value) {
    let (found, found_error) = moments(found);
    let (recorded, recorded_error) = moments(&kanrl_reference_data::numbers(&evaluation["returns"]));
    let distance = (found - recorded).abs() / (found_error + recorded_error).sqrt();
    let [found_error, recorded_error] = [found_error.sqrt(), recorded_error.sqrt()];
    println!("{name}: {found:.1} ± {found_error:.1} here, {recorded:.1} ± {recorded_error:.1} recorded");
    assert!(distance <= 3.0, "{name}: {distance} standard errors");
}

/// Two networks whose sums round differently drift apart where the motion is chaotic (HalfCheetah and Walker2d); that
/// the same actions give the same returns is for the trajectories' test.
#[test]
fn equal_returns_on_the_recorded_seeds() {
    for_each_evaluation(|name, archive, entry, evaluation| {
        let recorded = kanrl_reference_data::numbers(&evaluation["returns"]);
        let first = evaluation["seeds"][0].as_u64().expect("the first seed of a range");
        let seeds: Vec<u64> = (first..first + recorded.len() as u64).collect();
        let found = returns(archive, entry, &seeds);
        let close = |(found, recorded): &(&f64, &f64)| (*found - *recorded).abs() <= 1e-4 * recorded.abs();
        let equal = found.iter().zip(&recorded).filter(close).count();
        println!("{name}: {equal} of {} returns equal to four digits", recorded.len());
        compare(name, &found, evaluation);
    });
}

#[test]
fn as_good_on_fresh_seeds() {
    for_each_evaluation(|name, archive, entry, evaluation| {
        let fresh: Vec<u64> = (50_000..50_100).collect();
        compare(name, &returns(archive, entry, &fresh), evaluation);
    });
}
