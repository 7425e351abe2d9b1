//! Logs and observations in every supported form.

use kanrl_core::dataset::{Dataset, Demonstrations};
use kanrl_core::environment::{EnvironmentRegistry, EnvironmentSpec, KeywordArguments};
use kanrl_core::space::ActionSpace;
use kanrl_experts::data_files::{read_log, read_observations};
use std::path::{Path, PathBuf};

const NAMES: [&str; 4] = ["x", "x_dot", "theta", "theta_dot"];

/// Files that NumPy wrote, all with the same rows.
fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/logs").join(name)
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn observations() -> Vec<f64> {
    (0..24).map(|index| f64::from(index) / 8.0).collect()
}

fn dataset() -> Dataset {
    let mut dataset = Dataset::new(names(&NAMES), names(&["a_0", "a_1"]), None);
    let targets: Vec<f64> =
        [0, 1, 1, 0, 0, 1].iter().flat_map(|action| [1.0 - f64::from(*action), f64::from(*action)]).collect();
    dataset.push_episode(&observations()[..16], &targets[..8], &[1.0; 4]);
    dataset.push_episode(&observations()[16..], &targets[8..], &[1.0; 2]);
    dataset
}

fn environment(id: &str) -> EnvironmentSpec {
    let mut registry = EnvironmentRegistry::new();
    kanrl_envs_classic::register(&mut registry).expect("a registry");
    registry.make(id, &KeywordArguments::new()).expect("an environment").spec().clone()
}

/// Writes a table into a temporary file and reads it.
fn table(text: &str, environment: Option<&EnvironmentSpec>) -> Result<Demonstrations, String> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("log.csv");
    std::fs::write(&path, text).expect("a file");
    read_log(&path, environment, None)
        .map_err(|error| error.to_string().replace(&*path.display().to_string(), "log.csv"))
}

#[test]
fn the_same_log_in_every_form_gives_the_same_dataset() {
    let cart_pole = environment("CartPole-v1");
    for name in ["stored.npz", "deflated.npz", "log.safetensors", "log.csv"] {
        let log = read_log(&fixture(name), Some(&cart_pole), None).expect("a log");
        assert_eq!((&log.rows, &log.spec, log.marked), (&dataset(), &cart_pole, true), "{name}");
    }
    let unnamed = read_log(&fixture("stored.npz"), None, None).expect("a log");
    assert_eq!(unnamed.rows.input_names, ["x_0", "x_1", "x_2", "x_3"]);
    assert_eq!((unnamed.spec.id.as_str(), unnamed.spec.action_space.outputs()), ("stored.npz", 2));
    assert_eq!(read_log(&fixture("log.csv"), None, None).expect("a log").rows.input_names, NAMES);
}

#[test]
fn observations_are_read_from_every_form() {
    for name in ["observations.npy", "stored.npz", "deflated.npz", "log.safetensors", "log.csv"] {
        let read = read_observations(&fixture(name), &names(&NAMES)).expect("observations");
        assert_eq!((&read.values, read.size, read.rows()), (&observations(), 4, 6), "{name}");
        assert_eq!(read.names, if name == "log.csv" { names(&NAMES) } else { Vec::new() });
    }
}

#[test]
fn vector_actions_weights_and_flags_are_read() {
    let log = table(
        "theta,action_torque,weight,reward,terminated,truncated\n\
         0.5,-1.5,1,9,0,0\n0.25,2,3,9,0,1\n-1,0,1,9,1,0\n0,0,1,9,0,0\n",
        None,
    )
    .expect("a log");
    let mut expected = Dataset::new(names(&["theta"]), names(&["torque"]), None);
    expected.push_episode(&[0.5, 0.25], &[-1.5, 2.0], &[1.0, 3.0]);
    expected.push_episode(&[-1.0], &[0.0], &[1.0]);
    expected.push_episode(&[0.0], &[0.0], &[1.0]);
    assert_eq!(log.rows, expected);
    let ActionSpace::Box(space) = log.spec.action_space else { panic!("a vector") };
    assert_eq!((space.coordinates[0].low, space.coordinates[0].high), (-1.5, 2.0));
}

#[test]
fn the_environment_decides_what_an_action_is() {
    let cart_pole = environment("CartPole-v1");
    let row = "theta_dot,theta,x_dot,x,action\n4,3,2,1,1.0\n4,3,2,1,0.0\n";
    let log = table(row, Some(&cart_pole)).expect("a log");
    assert_eq!(log.rows.observations[..4], [1.0, 2.0, 3.0, 4.0], "in the environment's order");
    assert_eq!(log.rows.targets, [0.0, 1.0, 1.0, 0.0]);
    let alone = table(row, None).expect("a log");
    assert!(matches!(alone.spec.action_space, ActionSpace::Discrete(_)));
    assert_eq!(alone.notes, ["`action` holds 2 labels: action 0 is 0, action 1 is 1"]);
    let pendulum = environment("Pendulum-v1");
    let log = table("cos_theta,sin_theta,theta_dot,action\n1,0,2,-1\n0,1,2,2\n", Some(&pendulum)).expect("a log");
    assert_eq!((log.rows.targets, log.spec), (vec![-1.0, 2.0], pendulum));
}

#[test]
fn what_does_not_fit_is_refused_with_what_would() {
    let error = |text: &str| table(text, None).expect_err("a refusal");
    assert_eq!(error("x,y\n1,2\n"), "`log.csv` has no column `action`; it has x, y");
    assert_eq!(error("x,actoin\n1,2\n"), "`log.csv` has no column `action`, did you mean `actoin`?; it has x, actoin");
    assert_eq!(error("x,action\n1,0\nhigh,1\n"), "`log.csv` has \"high\" in line 3, column `x`; expected a number");
    assert_eq!(error("x,action\nnan,0\n,1\n"), "`log.csv` has no columns of observations");
    assert_eq!(error("1,0\n2,1\n"), "`log.csv` has no header; expected the columns' names in the first line");
    assert_eq!(error("x,x,action\n1,1,0\n"), "`log.csv` has two columns `x`");
    assert_eq!(error("x,action\n"), "`log.csv` has no rows; expected observations and actions");
    assert!(error("x,action\n1,0,5\n").starts_with("`log.csv` is not a table of commas and lines: "));
    assert_eq!(
        error("x,action\n1,-1\n"),
        "`log.csv` has the action -1 in every row of `action`; there is nothing to explain"
    );
    assert_eq!(
        error("x,action_force\n1,0.5\n2,0.5\n"),
        "`log.csv` has the action 0.5 in every row of `force`; there is nothing to explain"
    );
    let cart_pole = environment("CartPole-v1");
    let error = |text: &str| table(text, Some(&cart_pole)).expect_err("a refusal");
    assert_eq!(
        error("x,x_dot,theta,theta_dot,action\n1,2,3,4,0.5\n"),
        "`log.csv` has the action 0.5 in `action`; expected whole numbers from 0 to 1"
    );
    assert_eq!(
        error("x,x_dot,theta,theta_dot,action_0,action_1\n1,2,3,4,0.5,1\n"),
        "`log.csv` has vector actions of 2 in `action_…`, but `CartPole-v1` takes 2 discrete actions"
    );
    assert_eq!(
        error("x,x_dot,theta,action\n1,2,3,1\n"),
        "`log.csv` has no column `theta_dot`, did you mean `theta`?; it has x, x_dot, theta, action"
    );
    let message = read_log(Path::new("log.doc"), None, None).expect_err("a refusal").to_string();
    assert_eq!(
        message,
        "`log.doc` is not a supported file type; expected .safetensors, .npz, .npy, .hdf5, .csv, .tsv, or .txt"
    );
}

#[test]
fn a_truncation_at_any_byte_is_an_error() {
    let folder = tempfile::tempdir().expect("a folder");
    for name in ["stored.npz", "deflated.npz", "log.safetensors", "observations.npy"] {
        let bytes = std::fs::read(fixture(name)).expect("a fixture");
        let path = folder.path().join(name);
        for length in 0..bytes.len() {
            std::fs::write(&path, &bytes[..length]).expect("a file");
            assert!(read_observations(&path, &[]).is_err(), "{name} cut at {length}");
        }
    }
}
