//! Logs and observations in every supported form.

use experts::data_files::{DatasetOptions, Observations, read_dataset, read_observations};
use kan_core::dataset::Dataset;
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

/// Writes a table into a temporary file and reads it.
fn table(text: &str, options: &DatasetOptions) -> Result<Dataset, String> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("log.csv");
    std::fs::write(&path, text).expect("a file");
    read_dataset(&path, options).map_err(|error| error.to_string().replace(&*path.display().to_string(), "log.csv"))
}

#[test]
fn the_same_log_in_every_form_gives_the_same_dataset() {
    let options = DatasetOptions { observation_names: Some(names(&NAMES)), output_names: None };
    for name in ["stored.npz", "deflated.npz", "log.safetensors", "log.csv"] {
        assert_eq!(read_dataset(&fixture(name), &options).expect("a dataset"), dataset(), "{name}");
    }
    let unnamed = read_dataset(&fixture("stored.npz"), &DatasetOptions::default()).expect("a dataset");
    assert_eq!(unnamed.input_names, ["x_0", "x_1", "x_2", "x_3"]);
}

#[test]
fn observations_are_read_from_every_form() {
    let expected = Observations { values: observations(), size: 4 };
    for name in ["observations.npy", "stored.npz", "deflated.npz", "log.safetensors", "log.csv"] {
        assert_eq!(read_observations(&fixture(name), &names(&NAMES)).expect("observations"), expected, "{name}");
    }
    assert_eq!(expected.rows(), 6);
}

#[test]
fn vector_actions_weights_and_flags_are_read() {
    let log = table(
        "theta,action_torque,weight,terminated,truncated\n0.5,-1.5,1,0,0\n0.25,2,3,0,1\n-1,0,1,1,0\n0,0,1,0,0\n",
        &DatasetOptions::default(),
    );
    let mut expected = Dataset::new(names(&["theta"]), names(&["torque"]), None);
    expected.push_episode(&[0.5, 0.25], &[-1.5, 2.0], &[1.0, 3.0]);
    expected.push_episode(&[-1.0], &[0.0], &[1.0]);
    expected.push_episode(&[0.0], &[0.0], &[1.0]);
    assert_eq!(log, Ok(expected));
}

#[test]
fn what_does_not_fit_is_refused_with_what_would() {
    let error = |text: &str| table(text, &DatasetOptions::default()).expect_err("a refusal");
    assert_eq!(error("x,y\n1,2\n"), "`log.csv` has no column `action`; it has x, y");
    assert_eq!(error("x,actoin\n1,2\n"), "`log.csv` has no column `action`, did you mean `actoin`?; it has x, actoin");
    assert_eq!(error("x,action\n1,0\nhigh,1\n"), "`log.csv` has \"high\" in line 3, column `x`; expected a number");
    assert_eq!(error("x,action\nnan,0\n"), "`log.csv` has NaN in `x`, row 0; expected finite numbers");
    assert_eq!(error("1,0\n2,1\n"), "`log.csv` has no header; expected the columns' names in the first line");
    assert_eq!(error("x,x,action\n1,1,0\n"), "`log.csv` has two columns `x`");
    assert_eq!(error("x,action\n"), "`log.csv` has no rows; expected observations and actions");
    assert_eq!(
        error("pole angle,action\n1,0\n"),
        "`log.csv` has the name `pole angle`; expected letters, digits and underscores, as in `theta_dot`"
    );
    assert!(error("x,action\n1,0,5\n").starts_with("`log.csv` is not a table of commas and lines: "));
    let three = DatasetOptions { observation_names: None, output_names: Some(names(&["left", "right"])) };
    assert_eq!(
        table("x,action\n1,0\n2,2\n", &three),
        Err("`log.csv` has an action in `action` that is not among 0 to 1".into())
    );
    let message = read_dataset(Path::new("log.txt"), &three).expect_err("a refusal").to_string();
    assert_eq!(message, "`log.txt` is of no known type; expected .safetensors, .npz, .npy or .csv");
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
