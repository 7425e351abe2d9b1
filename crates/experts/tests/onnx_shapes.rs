//! ONNX files as other training stacks write them, built with Python's `onnx` and run by onnxruntime for comparison.
#![cfg(feature = "onnx")]

use kanrl_core::action::ActionBatch;
use kanrl_core::policy::Policy;
use kanrl_experts::onnx::OnnxPolicy;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Observations that each file is asked about.
const ROWS: usize = 20;

/// Python with onnx and onnxruntime: `$KANRL_PYTHON`, or the one that `cargo xtask setup` makes, or `python3`.
fn python() -> Option<PathBuf> {
    let set_up = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/python/bin/python");
    let mut candidates: Vec<PathBuf> = std::env::var_os("KANRL_PYTHON").map(PathBuf::from).into_iter().collect();
    candidates.extend([set_up, PathBuf::from("python3")]);
    let has = |python: &PathBuf| {
        let output = Command::new(python).args(["-c", "import onnx, onnxruntime"]).output();
        output.is_ok_and(|output| output.status.success())
    };
    let found = candidates.into_iter().find(has);
    if found.is_none() {
        println!("skipped: no Python with onnx and onnxruntime");
        assert!(std::env::var_os("CI").is_none(), "no onnxruntime on CI; `cargo xtask setup` installs it");
    }
    found
}

/// The folder with the files, their points and their actions, and what stands beside: see `onnx_shapes.py`.
fn files() -> Option<tempfile::TempDir> {
    let folder = tempfile::tempdir().expect("a folder");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/onnx_shapes.py");
    let output = Command::new(python()?).arg(script).arg(ROWS.to_string()).current_dir(folder.path()).output();
    let output = output.expect("Python runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(folder)
}

#[test]
fn files_of_other_stacks_act_as_in_onnxruntime() {
    let Some(folder) = files() else { return };
    for (name, allowed) in [
        ("rsl_rl", 1e-5),
        ("rsl_rl_normalizer", 1e-5),
        ("brax", 1e-5),
        ("rllib", 1e-5),
        ("skrl", 1e-5),
        ("unitree", 1e-5),
        ("unitree_float16", 3e-2),
        ("float16_inside", 3e-2),
    ] {
        let policy = OnnxPolicy::standalone(&folder.path().join(format!("{name}.onnx")))
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        let read = |kind: &str| -> Vec<f64> {
            let bytes = std::fs::read(folder.path().join(format!("{name}.{kind}"))).expect("numbers");
            bytes.chunks_exact(8).map(|bytes| f64::from_le_bytes(bytes.try_into().expect("8 bytes"))).collect()
        };
        let mut actions = ActionBatch::zeros(policy.action_space(), ROWS);
        policy.act(&read("points"), &[0; ROWS], &mut actions).expect("finite");
        let ActionBatch::Continuous { values, .. } = actions else { panic!("{name}: a vector") };
        let expected = read("actions");
        assert_eq!(values.len(), expected.len(), "{name}");
        for (value, expected) in values.iter().zip(expected) {
            assert!((f64::from(*value) - expected).abs() <= allowed, "{name}: {value}, not {expected}");
        }
    }
}

#[test]
fn what_needs_more_than_an_observation_is_refused_with_the_reason() {
    let Some(folder) = files() else { return };
    for (name, inputs) in [("dictionary", ["`joint_pos`", "`command`"]), ("recurrent", ["`obs`", "`h_in`"])] {
        let error = match OnnxPolicy::standalone(&folder.path().join(format!("{name}.onnx"))) {
            Ok(_) => panic!("{name} is accepted"),
            Err(error) => error.to_string(),
        };
        assert!(inputs.iter().all(|input| error.contains(input)), "{name}: {error}");
        assert!(error.contains("concatenate them inside of the network"), "{name}: {error}");
    }
}
