//! Exported networks against what they did where they come from, and damaged ones.
#![cfg(feature = "onnx")]

use kanrl_core::action::ActionBatch;
use kanrl_core::environment::{EnvironmentRegistry, EnvironmentSpec, KeywordArguments};
use kanrl_core::policy::{Policy, ScoreKind};
use kanrl_experts::onnx::OnnxPolicy;
use kanrl_experts::{PolicyOptions, PolicyReference};
use kanrl_reference_data::Tensors;
use proptest::prelude::*;
use std::path::{Path, PathBuf};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/onnx").join(name)
}

fn environment(id: &str) -> EnvironmentSpec {
    let mut registry = EnvironmentRegistry::new();
    kanrl_envs_classic::register(&mut registry).expect("a registry");
    registry.make(id, &KeywordArguments::new()).expect("an environment").spec().clone()
}

/// Actions and, where there are some, scores of an export in the recorded observations.
fn asked(name: &str, id: &str) -> (ActionBatch, Option<(ScoreKind, Vec<f64>)>, Tensors) {
    let spec = environment(id);
    let reference: PolicyReference = fixture(name).display().to_string().parse().expect("a reference");
    let policy = reference.config(&PolicyOptions::default()).expect("a config").build(&spec).expect("a policy");
    let recorded = Tensors::read(&fixture(&format!("{id}.safetensors")));
    let observations = recorded.values("observations");
    let rows = observations.len() / policy.observation_size();
    let mut actions = ActionBatch::zeros(policy.action_space(), 0);
    policy.act(observations, &vec![0; rows], &mut actions).expect("actions");
    let scores = policy.score_kind().map(|kind| {
        let mut scores = vec![0.0; rows * policy.action_space().outputs()];
        policy.scores(observations, &vec![0; rows], &mut scores).expect("scores");
        (kind, scores)
    });
    (actions, scores, recorded)
}

fn assert_close(own: &[f64], recorded: &[f64]) {
    assert_eq!(own.len(), recorded.len());
    for (own, recorded) in own.iter().zip(recorded) {
        assert!((own - recorded).abs() <= 1e-5, "{own} is not {recorded}");
    }
}

#[test]
fn discrete_actions_and_logits_are_those_of_torch() {
    for (name, has_scores) in [("CartPole-v1.actions.onnx", false), ("CartPole-v1.scores.onnx", true)] {
        let (actions, scores, recorded) = asked(name, "CartPole-v1");
        let wanted: Vec<usize> = recorded.values("actions").iter().map(|action| *action as usize).collect();
        assert_eq!(actions, ActionBatch::Discrete(wanted), "{name}");
        assert_eq!(scores.as_ref().map(|(kind, _)| *kind), has_scores.then_some(ScoreKind::Logits), "{name}");
        if let Some((_, scores)) = scores {
            assert_close(&scores, recorded.values("scores"));
        }
    }
}

#[test]
fn vector_actions_and_means_are_those_of_torch() {
    for name in ["Pendulum-v1.actions.onnx", "Pendulum-v1.scores.onnx"] {
        let (actions, scores, recorded) = asked(name, "Pendulum-v1");
        let ActionBatch::Continuous { values, .. } = actions else { panic!("a vector") };
        assert_close(&values.into_iter().map(f64::from).collect::<Vec<_>>(), recorded.values("actions"));
        let (kind, scores) = scores.expect("means");
        assert_eq!(kind, ScoreKind::Means);
        assert_close(&scores, recorded.values("scores"));
    }
}

#[test]
fn a_network_for_another_environment_is_refused() {
    let error =
        |name: &str, id: &str| OnnxPolicy::open(&fixture(name), &environment(id)).err().expect("a refusal").to_string();
    let text = error("CartPole-v1.scores.onnx", "Pendulum-v1");
    assert!(text.contains("takes 4 observations") && text.contains("`Pendulum-v1` has 3 observations"), "{text}");
    let text = error("absent.onnx", "Pendulum-v1");
    assert!(text.contains("absent.onnx"), "{text}");
    let text = OnnxPolicy::read("text.onnx", b"hello".to_vec(), &environment("CartPole-v1")).err().unwrap().to_string();
    assert!(text.starts_with("`text.onnx` "), "{text}");
}

/// A damaged file gives a policy or an error, and the policy an action or an error.
fn survives(bytes: Vec<u8>, spec: &EnvironmentSpec) {
    if let Ok(policy) = OnnxPolicy::read("damaged.onnx", bytes, spec) {
        let mut actions = ActionBatch::zeros(&spec.action_space, 1);
        let _ = policy.act(&vec![0.5; spec.observation_space.len()], &[0], &mut actions);
    }
}

#[test]
fn a_truncation_at_any_byte_does_not_panic() {
    let spec = environment("CartPole-v1");
    let bytes = std::fs::read(fixture("CartPole-v1.scores.onnx")).expect("a fixture");
    for length in 0..bytes.len() {
        survives(bytes[..length].to_vec(), &spec);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn changed_bytes_do_not_panic(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)) {
        let spec = environment("CartPole-v1");
        for name in ["CartPole-v1.scores.onnx", "CartPole-v1.actions.onnx"] {
            let mut bytes = std::fs::read(fixture(name)).expect("a fixture");
            for (place, value) in &changes {
                let place = place.index(bytes.len());
                bytes[place] = *value;
            }
            survives(bytes, &spec);
        }
    }
}

/// `tanh(x W)` of an observation `[3]`, without an axis for a batch.
#[test]
fn an_observation_without_a_batch() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/onnx/one_dimensional.onnx");
    let policy = kanrl_experts::onnx::OnnxPolicy::standalone(&path).expect("a policy");
    let mut actions = ActionBatch::zeros(policy.action_space(), 2);
    policy.act(&[0.1, 0.2, 0.3, -1.0, 0.5, 2.0], &[0; 2], &mut actions).expect("actions");
    let ActionBatch::Continuous { values, size } = actions else { panic!("a vector") };
    let expected = [-0.0200406_f32, 0.1157272_f32, -0.7048416_f32, 0.7200482_f32];
    assert_eq!(size, 2);
    assert!(values.iter().zip(expected).all(|(value, expected)| (value - expected).abs() < 1e-6), "{values:?}");
}
