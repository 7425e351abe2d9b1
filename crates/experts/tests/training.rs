//! PPO as a whole: it learns, it is reproducible, and it can be interrupted.

use kanrl_core::environment::{EnvironmentRegistry, KeywordArguments};
use kanrl_core::rollout::{RolloutOptions, Rollouts};
use kanrl_experts::training::{Actor, EvaluationRecord, PpoConfig, Schedule, Trainer, TrainingError};
use std::ops::ControlFlow;

fn registry() -> EnvironmentRegistry {
    let mut registry = EnvironmentRegistry::new();
    kanrl_envs_classic::register(&mut registry).expect("each id once");
    registry
}

fn trainer(environment: &str, config: &PpoConfig, seed: u64) -> Trainer {
    Trainer::new(&registry(), environment, &KeywordArguments::new(), config.clone(), seed).expect("a trainer")
}

fn finish(trainer: &mut Trainer) -> Vec<u8> {
    assert!(trainer.run(|_, _| ControlFlow::Continue(())).expect("a run"));
    trainer.checkpoint()
}

/// Small runs that between them use everything: both kinds of action, gSDE, normalization, truncated episodes, an
/// uneven last minibatch and more rows than one task takes.
fn small_runs() -> Vec<(&'static str, PpoConfig)> {
    let discrete =
        PpoConfig { n_timesteps: 2_000, n_steps: 32, n_epochs: 2, ..PpoConfig::for_environment("CartPole-v1") };
    let gsde = PpoConfig { n_timesteps: 3_000, n_steps: 250, n_epochs: 2, ..PpoConfig::for_environment("Pendulum-v1") };
    let gaussian = PpoConfig {
        n_timesteps: 3_000,
        n_envs: 3,
        n_steps: 330,
        batch_size: 200,
        n_epochs: 2,
        learning_rate: Schedule::Linear(1e-3),
        normalize: true,
        net_arch: vec![16, 12],
        ..PpoConfig::default()
    };
    let kan = PpoConfig { actor: Actor::Kan, grid: 6, ..gaussian.clone() };
    vec![("CartPole-v1", discrete), ("Pendulum-v1", gsde), ("Pendulum-v1", gaussian), ("Pendulum-v1", kan)]
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    for (environment, config) in small_runs() {
        let results: Vec<Vec<u8>> = [1, 2, 3]
            .map(|threads| {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
                pool.install(|| finish(&mut trainer(environment, &config, 7)))
            })
            .into();
        assert!(results[0] == results[1] && results[0] == results[2], "{environment}");
        assert_ne!(results[0], finish(&mut trainer(environment, &config, 8)), "{environment}: another seed");
    }
}

/// A Kolmogorov-Arnold network learns to balance, and its file is a network that anything reads.
#[test]
fn a_kan_learns_by_itself() {
    let config = PpoConfig {
        actor: Actor::Kan,
        normalize: true,
        n_timesteps: 50_000,
        ..PpoConfig::for_environment("CartPole-v1")
    };
    let mut trainer = trainer("CartPole-v1", &config, 0);
    finish(&mut trainer);
    let policy = trainer.policy();
    let layers = policy.network().layers();
    assert_eq!(layers.len(), 2);
    // Each unit looks at one observation: the policy is a sum of curves.
    let weight = layers[0].weight();
    assert!(weight.chunks_exact(4).all(|row| row.iter().filter(|value| **value != 0.0).count() == 1));
    let environments = registry();
    let rollouts = Rollouts::new(environments.get("CartPole-v1").unwrap(), &KeywordArguments::new()).unwrap();
    let seeds: Vec<u64> = (500..520).collect();
    let episodes = rollouts.run(&policy, &seeds, &RolloutOptions::default()).unwrap();
    let mean = episodes.iter().map(|episode| episode.episode_return).sum::<f64>() / 20.0;
    assert!(mean > 400.0, "{mean}");
}

#[test]
fn a_resumed_run_ends_as_an_uninterrupted_one() {
    for (environment, config) in small_runs() {
        let whole = finish(&mut trainer(environment, &config, 3));
        let mut first_half = trainer(environment, &config, 3);
        let mut updates = 0;
        let finished = first_half.run(|_, _| {
            updates += 1;
            if updates == 2 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        assert!(!finished.expect("a run"), "{environment}: it broke off");
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("checkpoint.safetensors");
        first_half.save_checkpoint(&path).expect("a checkpoint");
        drop(first_half);
        let bytes = std::fs::read(&path).expect("the checkpoint");
        assert_eq!(std::fs::read_dir(folder.path()).expect("the folder").count(), 1, "no temporary file is left");
        let mut resumed = Trainer::resume(&registry(), &bytes).expect("a resumed run");
        assert!(finish(&mut resumed) == whole, "{environment}");
    }
}

#[test]
fn a_damaged_checkpoint_is_refused() {
    let (environment, config) = small_runs().remove(0);
    let bytes = trainer(environment, &config, 0).checkpoint();
    for length in (0..bytes.len()).step_by(97) {
        assert!(matches!(
            Trainer::resume(&registry(), &bytes[..length]),
            Err(TrainingError::BadCheckpoint { .. } | TrainingError::Environment(_))
        ));
    }
}

/// Half of rl-zoo's budget is enough to stand for nearly the whole episode.
#[test]
fn cart_pole_is_learned() {
    let config = PpoConfig { n_timesteps: 50_000, ..PpoConfig::for_environment("CartPole-v1") };
    let mut trainer = trainer("CartPole-v1", &config, 0);
    finish(&mut trainer);
    let rollouts =
        Rollouts::new(registry().get("CartPole-v1").expect("an entry"), &KeywordArguments::new()).expect("rollouts");
    let seeds: Vec<u64> = (0..50).collect();
    let episodes = rollouts.run(&trainer.policy(), &seeds, &RolloutOptions::default()).expect("episodes");
    let evaluation = EvaluationRecord::new(&episodes).expect("some episodes");
    assert!(evaluation.mean_return >= 450.0, "{evaluation:?}");
}

#[test]
fn bad_hyper_parameters_are_named() {
    let cases = [
        (PpoConfig { batch_size: 0, ..PpoConfig::default() }, "`batch_size` is 0"),
        (PpoConfig { gamma: 1.5, ..PpoConfig::default() }, "`gamma` is 1.5"),
        (PpoConfig { learning_rate: Schedule::Constant(f64::NAN), ..PpoConfig::default() }, "`learning_rate` is NaN"),
        (PpoConfig { net_arch: vec![], ..PpoConfig::default() }, "`net_arch` is []"),
        (PpoConfig { actor: Actor::Kan, ..PpoConfig::default() }, "`normalize` is false"),
        (PpoConfig { actor: Actor::Kan, normalize: true, grid: 1, ..PpoConfig::default() }, "`grid` is 1"),
        (PpoConfig { use_sde: true, ..PpoConfig::default() }, "`use_sde` needs vector actions"),
    ];
    for (config, expected) in cases {
        let result = Trainer::new(&registry(), "CartPole-v1", &KeywordArguments::new(), config, 0);
        let message = result.err().expect("a refusal").to_string();
        assert!(message.contains(expected), "{message}");
    }
    let unknown = Trainer::new(&registry(), "CartPole-v9", &KeywordArguments::new(), PpoConfig::default(), 0);
    assert!(unknown.err().expect("a refusal").to_string().contains("did you mean `CartPole-v1`"));
}
