//! Actions for a file of observations.

mod common;

use common::kanrl;
use kanrl_pipeline::run::RunFile;
use std::path::{Path, PathBuf};
use std::process::Output;

const STATES: &str = "x,x_dot,theta,theta_dot\n0.1,-0.2,0.03,0.4\n0,0.5,-0.1,-0.6\n";
/// Of `3*theta + theta_dot` in these states.
const ACTIONS: &str = "action\n1\n0\n";

fn folder(files: &[(&str, &[u8])]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in files {
        std::fs::write(folder.path().join(name), content).unwrap();
    }
    folder
}

fn act(folder: &Path, arguments: &[&str]) -> Output {
    kanrl(&["act"]).args(arguments).current_dir(folder).output().expect("kanrl runs")
}

/// What was written into `out`.
fn written(folder: &Path, policy: &str, observations: &str, out: &str, more: &[&str]) -> Vec<u8> {
    let output = act(folder, &[&[policy, "--observations", observations, "--out", out], more].concat());
    assert!(output.status.success(), "{policy}: {}", String::from_utf8_lossy(&output.stderr));
    std::fs::read(folder.join(out)).unwrap()
}

/// Refused in one screen that says all of this, with nothing written.
fn refused(files: &[(&str, &[u8])], arguments: &[&str], says: &[&str]) {
    let folder = folder(files);
    let output = act(folder.path(), arguments);
    let error = String::from_utf8(output.stderr).unwrap();
    let words = error.split(|c: char| c.is_whitespace() || c == '│').filter(|word| !word.is_empty());
    let text = words.collect::<Vec<_>>().join(" ");
    assert_eq!(output.status.code(), Some(2), "{error}");
    for part in says {
        assert!(text.contains(part), "{arguments:?} should say {part:?}:\n{error}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), files.len(), "{arguments:?} wrote something");
}

fn npy(shape: &str, values: &[f32]) -> Vec<u8> {
    let header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}\n");
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.bytes());
    bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
    bytes
}

fn threshold() -> String {
    let inputs: Vec<String> = ["x", "x_dot", "theta", "theta_dot"].map(str::to_owned).into();
    let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
    let formula =
        kanrl_symbolic::Formula::parse(&inputs, &[("a", "3*theta + theta_dot")], kanrl_symbolic::ActionRule::Threshold);
    formula.unwrap().to_json()
}

/// Files of experts' tests, made by Stable-Baselines3 and torch.
fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../experts/tests/fixtures").join(name)
}

#[test]
fn a_formula_file_needs_no_environment() {
    let states = npy("(2, 4)", &[0.1, -0.2, 0.03, 0.4, 0.0, 0.5, -0.1, -0.6]);
    // Other columns beside, and in another order.
    let reordered = "theta_dot,reward,theta,x_dot,x\n0.4,1,0.03,-0.2,0.1\n-0.6,1,-0.1,0.5,0\n";
    let folder = folder(&[
        ("formula.json", threshold().as_bytes()),
        ("s.csv", STATES.as_bytes()),
        ("r.csv", reordered.as_bytes()),
        ("s.npy", &states),
    ]);
    for observations in ["s.csv", "r.csv", "s.npy"] {
        let table = written(folder.path(), "formula.json", observations, "a.csv", &[]);
        assert_eq!(String::from_utf8(table).unwrap(), ACTIONS, "{observations}");
        let array = written(folder.path(), "formula.json", observations, "a.npy", &[]);
        assert_eq!((array.len(), &array[128..]), (144, &[1_i64.to_le_bytes(), 0_i64.to_le_bytes()].concat()[..]));
        let tensors = written(folder.path(), "formula.json", observations, "a.safetensors", &[]);
        assert!(tensors.ends_with(&[1_i64.to_le_bytes(), 0_i64.to_le_bytes()].concat()));
        assert!(String::from_utf8_lossy(&tensors).contains(r#""actions":{"dtype":"I64","shape":[2],"#));
    }
}

#[test]
fn a_run_needs_no_environment() {
    let folder = folder(&[]);
    let arguments = ["extract", "Pendulum-v1", "--out", "run", "--faithful", "--hidden", "", "--episodes", "2"];
    let output = kanrl(&arguments).current_dir(folder.path()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    std::fs::write(folder.path().join("s.csv"), "theta_dot,sin_theta,cos_theta\n0.5,0,1\n-8,1,0\n").unwrap();
    for policy in ["run:run", "run:run#headline", "run:run#faithful", "run:run#network", "run/formula.json"] {
        let alone = written(folder.path(), policy, "s.csv", "a.csv", &[]);
        let with_environment = written(folder.path(), policy, "s.csv", "b.csv", &["--environment", "Pendulum-v1"]);
        assert_eq!(alone, with_environment, "{policy}");
        let text = String::from_utf8(alone).unwrap();
        let mut lines = text.lines();
        assert_eq!(lines.next(), Some("action_torque"), "{policy}");
        let torques: Vec<f64> = lines.map(|line| line.parse().unwrap()).collect();
        assert!(torques.len() == 2 && torques.iter().all(|torque| torque.abs() <= 2.0), "{policy}: {torques:?}");
    }
    std::fs::remove_file(folder.path().join("run").join(RunFile::Formula.name())).unwrap();
    let output = act(folder.path(), &["run:run#network", "--observations", "s.csv", "--out", "c.csv"]);
    assert!(String::from_utf8_lossy(&output.stderr).contains("name the environment"));
}

#[test]
fn bundled_experts_and_archives_need_no_environment() {
    let folder = folder(&[("s.csv", STATES.as_bytes())]);
    let named = written(folder.path(), "bundled:CartPole-v1", "s.csv", "a.csv", &[]);
    assert_eq!(named, written(folder.path(), "bundled", "s.csv", "b.csv", &["--environment", "CartPole-v1"]));
    let archive = fixture("agents/ppo/CartPole-v1.zip");
    if archive.is_file() {
        let archive = archive.display().to_string();
        let alone = written(folder.path(), &archive, "s.csv", "c.npy", &[]);
        assert_eq!(alone, written(folder.path(), &archive, "s.csv", "d.npy", &["--environment", "CartPole-v1"]));
    }
}

#[test]
fn onnx_needs_no_environment() {
    if !cfg!(feature = "onnx") {
        let network = fixture("onnx/CartPole-v1.actions.onnx").display().to_string();
        let arguments = [&network, "--observations", "s.csv", "--out", "a.csv"];
        return refused(&[("s.csv", STATES.as_bytes())], &arguments, &["this build cannot run ONNX", "feature `onnx`"]);
    }
    let folder = folder(&[("s.csv", STATES.as_bytes())]);
    let network = fixture("onnx/CartPole-v1.actions.onnx").display().to_string();
    let alone = written(folder.path(), &network, "s.csv", "a.csv", &[]);
    assert_eq!(alone, written(folder.path(), &network, "s.csv", "b.csv", &["--environment", "CartPole-v1"]));
    let network = fixture("onnx/CartPole-v1.scores.onnx").display().to_string();
    let scores = written(folder.path(), &network, "s.csv", "c.csv", &[]);
    assert!(String::from_utf8(scores).unwrap().starts_with("action_0,action_1\n"));
}

#[test]
fn a_formulas_text_gives_its_values() {
    let folder = folder(&[("s.csv", STATES.as_bytes())]);
    let values = written(folder.path(), "formula:x_dot + 2; 100*theta", "s.csv", "a.csv", &[]);
    assert_eq!(String::from_utf8(values).unwrap(), "action_0,action_1\n1.8,3\n2.5,-10\n");
    let actions =
        written(folder.path(), "formula:3*theta + theta_dot", "s.csv", "b.csv", &["--environment", "CartPole-v1"]);
    assert_eq!(String::from_utf8(actions).unwrap(), ACTIONS);
}

#[test]
fn no_rows_give_no_actions() {
    let folder = folder(&[("s.csv", b"theta,theta_dot\n"), ("s.npy", &npy("(0, 4)", &[]))]);
    assert_eq!(written(folder.path(), "formula:theta + theta_dot", "s.csv", "a.csv", &[]), b"action_0\n");
    assert_eq!(written(folder.path(), "bundled:CartPole-v1", "s.npy", "a.csv", &[]), b"action\n");
}

#[test]
fn the_summary_as_json() {
    let folder = folder(&[("s.csv", STATES.as_bytes())]);
    let arguments = ["bundled:CartPole-v1", "--observations", "s.csv", "--out", "a.csv", "--json"];
    let output = act(folder.path(), &arguments);
    let summary: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let expected = serde_json::json!({
        "policy": "bundled:CartPole-v1", "environment": "CartPole-v1", "rows": 2, "observation_size": 4,
        "actions": "discrete", "action_size": 1, "out": "a.csv",
    });
    assert_eq!(summary, expected);
}

#[test]
fn what_cannot_be_done_is_refused_with_what_can() {
    let files = [("s.csv", STATES.as_bytes())];
    let states = ["--observations", "s.csv", "--out", "a.csv"];
    let with = |policy| [&[policy], &states[..]].concat();
    refused(&files, &with("bundled"), &["does not name an environment", "bundled:CartPole-v1"]);
    refused(&files, &with("bundled:CartPol"), &["no expert for `CartPol`", "CartPole-v1"]);
    refused(&files, &with("bundled:"), &["expected bundled:ENVIRONMENT"]);
    refused(&files, &with("run:absent"), &["cannot read absent"]);
    refused(&files, &with("formula:x_dott"), &["has no column `x_dott`", "did you mean `x_dot`?"]);
    refused(&files, &with("formula:3"), &["uses no observation"]);
    let out = |name| ["formula:x", "--observations", "s.csv", "--out", name];
    refused(&files, &out("a.txt"), &["`a.txt` is not a supported file of actions", ".npy, .safetensors, or .csv"]);
    refused(&files, &out("actions"), &["expected .npy, .safetensors, or .csv"]);
    let array = npy("(1, 2)", &[1.0, 2.0]);
    let wide = ["bundled:CartPole-v1", "--observations", "s.npy", "--out", "a.csv"];
    refused(&[("s.npy", &array)], &wide, &["`s.npy` has 2 numbers in a row", "takes 4: x, x_dot, theta, theta_dot"]);
    let text = ["formula:x", "--observations", "s.npy", "--out", "a.csv"];
    refused(&[("s.npy", &array)], &text, &["does not define the order", "--environment ID"]);
    let few = [("s.csv", &b"x,theta\n1,2\n"[..])];
    refused(&few, &with("bundled:CartPole-v1"), &["has no column `x_dot`", "it has x, theta"]);
    refused(&[("s.csv", b"x\nnan\n")], &with("formula:x"), &["finite numbers"]);
    refused(&[], &with("formula:x"), &["cannot read `s.csv`"]);
}

#[test]
fn observations_are_never_written_over() {
    let folder = folder(&[("s.csv", STATES.as_bytes())]);
    let output = act(folder.path(), &["bundled:CartPole-v1", "--observations", "s.csv", "--out", "./s.csv"]);
    assert_eq!(output.status.code(), Some(2));
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.contains("holds the observations"), "{error}");
    assert_eq!(std::fs::read(folder.path().join("s.csv")).unwrap(), STATES.as_bytes());
}

#[test]
fn a_policy_that_fails_on_a_row_writes_nothing() {
    let folder = folder(&[("s.csv", b"x\n1\n-1\n")]);
    let output = act(folder.path(), &["formula:log(x)", "--observations", "s.csv", "--out", "a.csv"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("for the observation [-1.0]"));
    assert!(!folder.path().join("a.csv").exists());
}
