//! The contract, for every environment of this crate.

use kanrl_core::environment::{EnvironmentRegistry, KeywordArguments};
use kanrl_core::testing::check_environment;

#[test]
fn every_environment_keeps_the_contract() {
    let mut registry = EnvironmentRegistry::new();
    kanrl_envs_classic::register(&mut registry).expect("distinct ids");
    for entry in registry.entries() {
        assert_eq!(check_environment(entry, &KeywordArguments::new()), [], "{}", entry.id);
    }
}

#[test]
fn keyword_arguments_are_gymnasiums() {
    let mut registry = EnvironmentRegistry::new();
    kanrl_envs_classic::register(&mut registry).expect("distinct ids");
    let make = |id: &str, arguments: &str| {
        let arguments: KeywordArguments = serde_json::from_str(arguments).expect("JSON");
        registry.make(id, &arguments).map(|_| ()).map_err(|error| error.to_string())
    };
    assert_eq!(make("CartPole-v1", r#"{"sutton_barto_reward": true}"#), Ok(()));
    assert_eq!(make("MountainCar-v0", r#"{"goal_velocity": 0.01}"#), Ok(()));
    assert_eq!(make("MountainCarContinuous-v0", r#"{"goal_velocity": 0}"#), Ok(()));
    assert_eq!(make("Pendulum-v1", r#"{"g": 9.81}"#), Ok(()));
    let error = make("Pendulum-v1", r#"{"gravity": 9.81}"#).expect_err("Gymnasium calls it g");
    assert!(error.contains("unknown field `gravity`, expected `g`"), "{error}");
}
