//! Augmented random search as a whole: it learns, it is reproducible, and it can be interrupted.

use kanrl_core::environment::{EnvironmentRegistry, KeywordArguments};
use kanrl_core::rollout::{RolloutOptions, Rollouts};
use kanrl_experts::training::{
    AlgorithmConfig, ArsConfig, ArsTrainer, BestPolicy, EvaluationRecord, PpoConfig, TrainingError, resume,
};
use std::ops::ControlFlow;

fn registry() -> EnvironmentRegistry {
    let mut registry = EnvironmentRegistry::new();
    kanrl_envs_classic::register(&mut registry).expect("each id once");
    registry
}

fn small() -> ArsConfig {
    ArsConfig { n_timesteps: 2_000, n_delta: 4, n_top: 2, net_arch: vec![3], ..ArsConfig::default() }
}

fn trainer(environment: &str, config: ArsConfig, seed: u64) -> ArsTrainer {
    ArsTrainer::new(&registry(), environment, &KeywordArguments::new(), config, seed).expect("a trainer")
}

fn finish(trainer: &mut ArsTrainer) -> Vec<u8> {
    assert!(trainer.run(|_, _| ControlFlow::Continue(())).expect("a run"));
    trainer.checkpoint()
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    let results = [1, 2, 3].map(|threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
        pool.install(|| finish(&mut trainer("Pendulum-v1", small(), 7)))
    });
    assert!(results[0] == results[1] && results[0] == results[2]);
    assert_ne!(results[0], finish(&mut trainer("Pendulum-v1", small(), 8)));
}

#[test]
fn a_resumed_run_ends_as_an_uninterrupted_one() {
    let whole = finish(&mut trainer("CartPole-v1", small(), 3));
    let mut first = trainer("CartPole-v1", small(), 3);
    first.update().expect("an iteration");
    let mut second = resume(&registry(), &first.checkpoint()).expect("a checkpoint");
    while !second.is_finished() {
        second.update().expect("an iteration");
    }
    assert!(second.checkpoint() == whole);
}

#[test]
fn a_linear_policy_learns_to_balance_the_pole_and_the_best_one_is_kept() {
    let config = ArsConfig { n_timesteps: 60_000, ..ArsConfig::default() };
    let mut trainer = trainer("CartPole-v1", config.clone(), 0);
    let registry = registry();
    let entry = registry.get("CartPole-v1").expect("classic control");
    let mut best = BestPolicy::new(entry, &KeywordArguments::new()).expect("rollouts");
    while !trainer.is_finished() {
        trainer.update().expect("an iteration");
        best.consider(&trainer).expect("validation episodes");
    }
    let (policy, file) = best.choose(&trainer).expect("validation episodes");
    let rollouts = Rollouts::new(entry, &KeywordArguments::new()).expect("rollouts");
    let seeds: Vec<u64> = (0..50).collect();
    let episodes = rollouts.run(&policy, &seeds, &RolloutOptions::default()).expect("episodes");
    let record = EvaluationRecord::new(&episodes).expect("some episodes");
    assert!(record.worst_5_percent.is_some_and(|worst| worst > 475.0), "{record:?}");
    let training = file.with_evaluation(record).description().training.clone().expect("a record");
    assert_eq!((training.algorithm.as_str(), training.config), ("ars", AlgorithmConfig::Ars(config)));
    assert_eq!(training.evaluation, Some(record));
}

#[test]
fn what_makes_no_sense_is_refused() {
    let bad = |config: ArsConfig| match ArsTrainer::new(&registry(), "CartPole-v1", &KeywordArguments::new(), config, 0)
    {
        Err(TrainingError::BadConfig { reason }) => reason,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("taken"),
    };
    let reason = bad(ArsConfig { n_top: 9, ..ArsConfig::default() });
    assert_eq!(reason, "`n_top` is 9, expected 1 to `n_delta` directions");
    assert!(bad(ArsConfig { delta_std: 0.0, ..ArsConfig::default() }).starts_with("`delta_std` is 0"));
    let damaged = br#"{"algorithm":"ars"}"#;
    assert!(matches!(resume(&registry(), damaged), Err(TrainingError::BadCheckpoint { .. })));
}

#[test]
fn a_record_knows_the_algorithm_by_its_fields() {
    let written = serde_json::to_string(&AlgorithmConfig::Ars(small())).expect("plain data");
    assert_eq!(serde_json::from_str::<AlgorithmConfig>(&written).expect("a config"), AlgorithmConfig::Ars(small()));
    let written = serde_json::to_string(&AlgorithmConfig::Ppo(PpoConfig::default())).expect("plain data");
    let read: AlgorithmConfig = serde_json::from_str(&written).expect("a config");
    assert_eq!(read, AlgorithmConfig::Ppo(PpoConfig::default()));
}
