//! State dicts under the names of other trainers (`fixtures/make_state_dicts.py`).

use kanrl_core::action::ActionBatch;
use kanrl_core::policy::{ExpertPolicy, Policy};
use kanrl_core::space::ActionSpace;
use kanrl_experts::network::Activation;
use kanrl_experts::torch::agent::{TorchAgent, TorchConfig};
use kanrl_experts::{ExpertError, NetworkPolicy, PolicyReference};
use serde_json::Value;
use std::path::{Path, PathBuf};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/torch").join(name)
}

fn load(name: &str, activation: Option<Activation>) -> Result<NetworkPolicy, ExpertError> {
    TorchAgent::open(&TorchConfig { path: fixture(name), activation })?.standalone()
}

fn numbers(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(values) => values.iter().flat_map(numbers).collect(),
        value => vec![value.as_f64().expect("a number")],
    }
}

#[test]
fn the_acting_network_of_each_trainer() {
    let expected: Value =
        serde_json::from_slice(&std::fs::read(fixture("expected.json")).expect("a fixture")).expect("JSON");
    let observations = numbers(&expected["observations"]);
    for (name, activation, layers) in [
        ("cleanrl_ppo_continuous.pt", Activation::Tanh, 3),
        ("cleanrl_ppo.pt", Activation::Tanh, 2),
        ("cleanrl_td3.pt", Activation::Relu, 3),
        ("rsl_rl.pt", Activation::Elu, 3),
        ("rl_games.pth", Activation::Elu, 3),
        ("skrl.pt", Activation::Elu, 3),
        ("spinning_up_ppo.pt", Activation::Tanh, 2),
    ] {
        let policy = load(name, Some(activation)).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(policy.network().layers().len(), layers, "{name}");
        let outputs = numbers(&expected["outputs"][name]);
        let mut scores = vec![0.0; outputs.len()];
        policy.scores(&observations, &[0; 2], &mut scores).expect("scores");
        for (score, output) in scores.iter().zip(&outputs) {
            assert!((score - output).abs() < 2e-5, "{name}: {score}, expected {output}");
        }
        let is_normalized = ["rsl_rl.pt", "rl_games.pth", "skrl.pt"].contains(&name);
        assert_eq!(policy.normalization().is_some(), is_normalized, "{name}");
        let is_discrete = matches!(policy.action_space(), ActionSpace::Discrete(_));
        assert_eq!(is_discrete, name == "cleanrl_ppo.pt", "{name}");
    }
}

#[test]
fn bounds_that_are_among_the_tensors_are_the_action_s() {
    let policy = load("cleanrl_td3.pt", Some(Activation::Relu)).expect("a policy");
    let ActionSpace::Box(space) = policy.action_space() else { panic!("a vector") };
    assert_eq!((space.coordinates[0].low, space.coordinates[0].high), (-1.5, 2.5));
    let mut actions = ActionBatch::zeros(policy.action_space(), 1);
    policy.act(&[100.0, -100.0, 100.0], &[0], &mut actions).expect("an action");
    let ActionBatch::Continuous { values, .. } = actions else { panic!("a vector") };
    assert!((-1.5..=2.5).contains(&values[0]));
}

#[test]
fn what_the_file_does_not_say_is_asked_for() {
    let error = load("cleanrl_ppo.pt", None).expect_err("a refusal").to_string();
    assert!(error.contains("the layers `actor.0`, `actor.2`") && error.contains("--activation"), "{error}");
    let reference: PolicyReference = "policy.pth".parse().expect("a policy");
    assert_eq!(reference, PolicyReference::Torch("policy.pth".into()));
}

#[test]
fn programs_are_refused_by_name() {
    let folder = tempfile::tempdir().expect("a folder");
    let refused = |members: &[(&str, &[u8])]| {
        let path = folder.path().join("policy.pt");
        let mut writer = zip::ZipWriter::new(std::fs::File::create(&path).expect("a file"));
        for (name, bytes) in members {
            writer.start_file(*name, zip::write::SimpleFileOptions::default()).expect("a member");
            std::io::Write::write_all(&mut writer, bytes).expect("its bytes");
        }
        writer.finish().expect("a zip");
        let config = TorchConfig { path, activation: Some(Activation::Tanh) };
        TorchAgent::open(&config).err().expect("a refusal").to_string()
    };
    let error = refused(&[("m/data.pkl", b"\x80\x02}."), ("m/constants.pkl", b"\x80\x02).")]);
    assert!(error.contains("holds a TorchScript program"), "{error}");
    // `Agent()` of `__main__`.
    let error = refused(&[("m/data.pkl", b"\x80\x02c__main__\nAgent\n)\x81.")]);
    assert!(error.contains("a whole Python object of the class `__main__.Agent`"), "{error}");
    let error = refused(&[("m/data.pkl", b"\x80\x02}.")]);
    assert!(error.contains("has no dense layer"), "{error}");
}
