//! Trained experts reach here what they reached in Gymnasium.

use kanrl_core::config::ExpertConfig;
use kanrl_core::environment::{EnvironmentRegistry, KeywordArguments};
use kanrl_core::rollout::{RolloutOptions, Rollouts};
use kanrl_experts::sb3::Sb3Config;

/// The difference of two means in units of its standard error.
fn distance(first: &[f64], second: &[f64]) -> f64 {
    let moments = |values: &[f64]| {
        let count = values.len() as f64;
        let mean = values.iter().sum::<f64>() / count;
        let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (count - 1.0);
        (mean, variance / count)
    };
    let ((first, first_error), (second, second_error)) = (moments(first), moments(second));
    println!("  {first:.1} ± {:.1} here, {second:.1} ± {:.1} recorded", first_error.sqrt(), second_error.sqrt());
    (first - second).abs() / (first_error + second_error).sqrt()
}

#[test]
fn experts_play_as_well_as_recorded() {
    let mut registry = EnvironmentRegistry::new();
    kanrl_envs_box2d::register(&mut registry).expect("distinct ids");
    let Some(folder) = kanrl_reference_data::folder("experts").filter(|folder| folder.join("experts.json").is_file())
    else {
        return;
    };
    let agents = &kanrl_reference_data::read_json(&folder.join("experts.json"))["agents"];
    for (name, agent) in agents.as_object().expect("agents by name") {
        let archive = folder.join(format!("{name}.zip"));
        if !name.starts_with("ppo/") || !archive.is_file() {
            continue;
        }
        for (id, evaluation) in agent["evals"].as_object().expect("evaluations by id") {
            let Ok(entry) = registry.get(id) else { continue };
            let rollouts = Rollouts::new(entry, &KeywordArguments::new()).expect("no arguments");
            let expert = Sb3Config { path: archive.clone(), vecnormalize: None }
                .build(rollouts.spec())
                .expect("an expert that fits");
            let seeds: Vec<u64> = (20_000..20_100).collect();
            let episodes = rollouts.run(&*expert, &seeds, &RolloutOptions::default()).expect("100 episodes");
            let returns: Vec<f64> = episodes.iter().map(|episode| episode.episode_return).collect();
            println!("{name} in {id}");
            let distance = distance(&returns, &kanrl_reference_data::numbers(&evaluation["returns"]));
            assert!(distance <= 3.0, "{name} in {id}: {distance} standard errors");
        }
    }
}
