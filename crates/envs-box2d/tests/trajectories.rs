//! Equal to Gymnasium's recordings, to the last bit, contacts with the ground included.

use kanrl_core::environment::{Discrete, Environment, EnvironmentRegistry};
use kanrl_core::testing::check_trajectories;
use kanrl_envs_box2d::{BipedalWalker, LunarLander, LunarLanderConfig, LunarLanderVersion};
use kanrl_reference_data::Tensors;
use serde_json::Value;

fn registry() -> EnvironmentRegistry {
    let mut registry = EnvironmentRegistry::new();
    kanrl_envs_box2d::register(&mut registry).expect("distinct ids");
    registry
}

#[test]
fn equal_to_every_recording() {
    for folder in kanrl_reference_data::folders("envs") {
        let reports = check_trajectories(&registry(), None, &folder, 0.0).expect("readable recordings");
        assert!(!reports.is_empty(), "no recordings in {}", folder.display());
        for report in &reports {
            if let Some((part, deviation)) = report.first_deviation() {
                panic!("{}, {} (after {} equal numbers): {deviation}", report.id, part.name, part.compared);
            }
        }
        kanrl_reference_data::say(&format!("{}: {} environments are equal", folder.display(), reports.len()));
    }
}

#[test]
fn terrains_equal_the_recorded_ones() {
    for path in kanrl_reference_data::files("envs", "json") {
        let recording = kanrl_reference_data::read_json(&path);
        let id = recording["id"].as_str().expect("an id");
        if registry().get(id).is_err() {
            continue;
        }
        let tensors = Tensors::read(&path.with_extension("safetensors"));
        for (index, episode) in recording["episodes"].as_array().expect("episodes").iter().enumerate() {
            let values = |name: &str| tensors.find(&format!("ep{index}/{name}")).map(|tensor| &tensor.values);
            let seed = episode["seed"].as_u64();
            if let Some(vertices) = values("moon_vertices") {
                assert_eq!(lander_vertices(&episode["kwargs"], seed), vertices[4..], "{id}, episode {index}");
            }
            if let (Some(x), Some(y)) = (values("terrain_x"), values("terrain_y")) {
                let expected: Vec<[f64; 2]> = x.iter().zip(y).map(|(x, y)| [*x, *y]).collect();
                let hardcore = id.contains("Hardcore") || episode["kwargs"]["hardcore"] == true;
                let mut walker = BipedalWalker::new(id, hardcore).expect("no arguments");
                walker.reset(seed, &mut [0.0; 24]).expect("a reset");
                assert_eq!(walker.terrain(), Some(&expected[..]), "{id}, episode {index}");
            }
        }
    }
}

/// The ends of every edge, rounded to f32 as Box2D holds them.
fn lander_vertices(arguments: &Value, seed: Option<u64>) -> Vec<f64> {
    let config: LunarLanderConfig = serde_json::from_value(arguments.clone()).expect("Gymnasium's arguments");
    let mut lander = LunarLander::<Discrete>::new(LunarLanderVersion::V3, "", config).expect("good arguments");
    lander.reset(seed, &mut [0.0; 8]).expect("a reset");
    let points = lander.terrain().expect("an episode");
    points.windows(2).flatten().flatten().map(|value| f64::from(*value as f32)).collect()
}
