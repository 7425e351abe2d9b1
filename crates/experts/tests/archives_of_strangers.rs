//! Stable-Baselines3 archives with spaces, activations and normalizations of other kinds, each with the actions of
//! `model.predict(observation, deterministic=True)`.

use kanrl_core::action::ActionBatch;
use kanrl_core::policy::ExpertPolicy;
use kanrl_experts::data_files::read_observations;
use kanrl_experts::{PolicyOptions, PolicyReference};
use std::path::{Path, PathBuf};
use std::sync::Arc;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/archives").join(name)
}

fn load(path: &Path, normalization: Option<&str>) -> Result<Arc<dyn ExpertPolicy>, String> {
    let reference: PolicyReference = path.display().to_string().parse().expect("a policy");
    let options = PolicyOptions { normalization: normalization.map(PathBuf::from), ..PolicyOptions::default() };
    reference.standalone(&options).map(|policy| policy.policy).map_err(|error| error.to_string())
}

/// The actions for a table of observations, row by row.
fn actions(policy: &dyn ExpertPolicy, observations: &Path) -> Vec<f64> {
    let observations = read_observations(observations, &[]).expect("observations");
    let mut actions = ActionBatch::zeros(policy.action_space(), observations.rows());
    policy.act(&observations.values, &vec![0; observations.rows()], &mut actions).expect("actions");
    match actions {
        ActionBatch::Discrete(actions) => actions.into_iter().map(|action| action as f64).collect(),
        ActionBatch::Continuous { values, .. } => values.into_iter().map(f64::from).collect(),
    }
}

fn expected(name: &str) -> Vec<f64> {
    let text = std::fs::read_to_string(fixture(name)).expect("a fixture");
    text.split_whitespace().flat_map(|line| line.split(',')).map(|number| number.parse().expect("a number")).collect()
}

fn assert_close(found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len());
    for (row, (found, expected)) in found.iter().zip(expected).enumerate() {
        assert!((found - expected).abs() <= 2e-6, "number {row}: {found}, expected {expected}");
    }
}

#[test]
fn normalization_under_any_name_is_found_named_and_refused() {
    let archive = fixture("normalized/best_model.zip");
    let states = fixture("normalized/states.csv");
    let policy = load(&archive, None).expect("a policy");
    assert_close(&actions(&*policy, &states), &expected("normalized/actions.csv"));
    let note = &policy.notes()[0];
    assert!(
        note.starts_with("observations are normalized with `") && note.ends_with("best_model_vecnormalize.pkl`"),
        "{note}"
    );
    let named = fixture("normalized/best_model_vecnormalize.pkl");
    let policy = load(&archive, named.to_str()).expect("a policy");
    assert_close(&actions(&*policy, &states), &expected("normalized/actions.csv"));
    let policy = load(&archive, Some("none")).expect("a policy");
    assert_eq!(policy.notes()[0], "observations are not normalized, as requested");
    assert!((actions(&*policy, &states)[0] - 0.1227).abs() < 1e-3);
    let error = load(&archive, Some("absent.pkl")).err().expect("a refusal");
    assert!(error.starts_with("cannot read `absent.pkl`"), "{error}");
}

#[test]
fn discrete_observations_become_a_row_of_zeros_with_a_one() {
    let policy = load(&fixture("discrete/agent.zip"), None).expect("a policy");
    assert_eq!(policy.observation_size(), 1);
    assert_eq!(actions(&*policy, &fixture("discrete/states.csv")), expected("discrete/actions.csv"));
    let mut batch = ActionBatch::zeros(policy.action_space(), 1);
    let error = policy.act(&[16.0], &[0], &mut batch).expect_err("a refusal").to_string();
    assert!(error.contains("it takes integers from 0 to 15, not 16"), "{error}");
}

#[test]
fn a_dict_of_vectors_is_one_vector_in_its_order() {
    let policy = load(&fixture("dict/agent.zip"), None).expect("a policy");
    assert_eq!((policy.observation_size(), policy.action_space().outputs()), (5, 1));
    assert!(policy.notes().iter().any(|note| note == "an observation is goal (2 numbers), state (3 numbers)"));
    let mut batch = ActionBatch::zeros(policy.action_space(), 1);
    policy.act(&[0.1, -0.2, 0.3, 0.4, -0.5], &[0], &mut batch).expect("an action");
    let ActionBatch::Continuous { values, .. } = batch else { panic!("a vector") };
    assert!(values[0].is_finite() && values[0].abs() <= 1.0);
}

#[test]
fn other_activations() {
    let policy = load(&fixture("activations/gelu.zip"), None).expect("a policy");
    assert_close(&actions(&*policy, &fixture("activations/states.csv")), &expected("activations/actions_of_gelu.csv"));
    let silu = load(&fixture("activations/silu.zip"), None).expect("a policy");
    assert_ne!(actions(&*silu, &fixture("activations/states.csv")), expected("activations/actions_of_gelu.csv"));
}

#[test]
fn zips_of_other_kinds_are_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let refused = |members: &[&str]| {
        let path = folder.path().join("agent.zip");
        let mut writer = zip::ZipWriter::new(std::fs::File::create(&path).expect("a file"));
        for member in members {
            writer.start_file(*member, zip::write::SimpleFileOptions::default()).expect("a member");
        }
        writer.finish().expect("a zip");
        load(&path, None).err().expect("a refusal")
    };
    assert!(refused(&["data", "parameters", "parameter_list"]).contains("an agent of Stable-Baselines 2 (TensorFlow)"));
    assert!(refused(&["m/data.pkl", "m/constants.pkl", "m/code/x.py"]).contains("a TorchScript program"));
    assert!(refused(&["m/data.pkl", "m/data/0"]).contains("a torch file"));
}

#[cfg(unix)]
#[test]
fn what_could_keep_a_reader_waiting_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("agent.zip");
    let status = std::process::Command::new("mkfifo").arg(&path).status().expect("mkfifo runs");
    assert!(status.success());
    assert!(load(&path, None).err().expect("a refusal").contains("it is not a regular file"));
    assert!(load(Path::new("/dev/zero.zip"), None).is_err());
}
