//! Exports with their contracts, from the command line.

mod common;

use common::kanrl;
use serde_json::Value;
use std::path::Path;
use std::process::Output;

const LAW: &str = "formula:3*theta + theta_dot";

fn run(folder: &Path, arguments: &[&str]) -> Output {
    kanrl(arguments).current_dir(folder).output().expect("kanrl runs")
}

fn succeeds(folder: &Path, arguments: &[&str]) -> String {
    let output = run(folder, arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// What it says that is wrong.
fn refuses(folder: &Path, arguments: &[&str]) -> String {
    let output = run(folder, arguments);
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {output:?}");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_folder_of_exports_has_a_contract_and_passes_its_check_until_something_is_changed() {
    let folder = tempfile::tempdir().unwrap();
    let export = ["export", LAW, "--environment", "CartPole-v1", "--extent", "theta_dot=-4:4", "--dir", "out"];
    for more in [
        &["--to", "c", "--scalar", "q15"][..],
        &["--to", "onnx"],
        &["--to", "json"],
        &["--to", "javascript"],
        &["--to", "julia"],
        &["--to", "structured-text"],
    ] {
        succeeds(folder.path(), &[&export[..], more].concat());
    }
    let text = std::fs::read_to_string(folder.path().join("out/policy.contract.json")).unwrap();
    let contract: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(contract["environment"], "CartPole-v1");
    assert_eq!(contract["control_period"], 0.02);
    assert_eq!(contract["observations"][3]["high"], 4.0);
    assert_eq!(contract["observations"][3]["bounds"], "given");
    assert_eq!(contract["observations"][2]["unit"], "rad");
    assert_eq!(contract["observations"][2]["bounds"], "declared");
    assert_eq!(contract["action"]["actions"].as_array().map(Vec::len), Some(2));
    let checked = |strict: bool| {
        let output = run(folder.path(), &["check-export", "out", "--json"]);
        let results: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        let results: Vec<(String, String)> = results
            .as_array()
            .expect("a list")
            .iter()
            .map(|result| (result["file"].as_str().unwrap().to_owned(), result["result"].as_str().unwrap().to_owned()))
            .collect();
        assert_eq!(output.status.success(), strict, "{results:?}");
        results
    };
    let results = checked(true);
    let names: Vec<&str> = results.iter().map(|(file, _)| file.as_str()).collect();
    assert_eq!(names, ["formula.json", "policy.c", "policy.jl", "policy.mjs", "policy.onnx", "policy.st"]);
    assert!(results.iter().all(|(_, result)| result == "replayed" || result == "skipped"), "{results:?}");

    // Another contract than the one that the exports were made under.
    std::fs::write(folder.path().join("out/policy.contract.json"), text.replace("0.02", "0.05")).unwrap();
    let results = checked(false);
    assert!(results.iter().all(|(file, result)| file == "formula.json" || result == "failed"), "{results:?}");
}

#[test]
fn what_has_no_range_or_does_not_fit_is_refused_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let export = ["export", LAW, "--environment", "CartPole-v1", "--to"];
    let said = refuses(folder.path(), &[&export[..], &["c", "--scalar", "q15", "--dir", "out"]].concat());
    assert!(said.contains("--extent theta_dot=LOW:HIGH"), "{said}");
    let said = refuses(folder.path(), &[&export[..], &["rust", "--scalar", "q15", "--dir", "out"]].concat());
    assert!(said.contains("q31 are for c and verilog"), "{said}");
    let said = refuses(folder.path(), &[&export[..], &["c", "--scalar", "float"]].concat());
    assert!(said.contains("--dir"), "{said}");
    let said = refuses(folder.path(), &["check-export", "."]);
    assert!(said.contains("--dir"), "{said}");
    assert!(!folder.path().join("out").join("policy.c").exists());
}

#[test]
fn a_file_has_its_contract_beside_it_and_standard_output_has_none() {
    let folder = tempfile::tempdir().unwrap();
    let text = succeeds(folder.path(), &["export", LAW, "--environment", "CartPole-v1", "--to", "c"]);
    assert!(!text.contains("contract"), "{text}");
    succeeds(folder.path(), &["export", LAW, "--environment", "CartPole-v1", "--to", "c", "--out", "left.c"]);
    let code = std::fs::read_to_string(folder.path().join("left.c")).unwrap();
    assert!(code.starts_with("/* kanrl ") && code.contains("contract sha256 "), "{code}");
    assert!(folder.path().join("left.contract.json").is_file());
    succeeds(folder.path(), &["check-export", "."]);
    let krate = ["export", LAW, "--environment", "CartPole-v1", "--to", "rust", "--crate", "policy"];
    succeeds(folder.path(), &krate);
    let source = std::fs::read_to_string(folder.path().join("policy/src/lib.rs")).unwrap();
    assert!(source.contains("#![no_std]") && folder.path().join("policy/Cargo.toml").is_file(), "{source}");
    succeeds(folder.path(), &["check-export", "policy"]);
}

#[test]
fn an_expert_s_network_is_exported_and_acts_as_before() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("states.csv"), "x,x_dot,theta,theta_dot\n0.1,-0.2,0.03,0.4\n0,0.5,-0.1,-0.6\n")
        .unwrap();
    let export = ["export", "bundled", "--environment", "CartPole-v1", "--to", "onnx"];
    succeeds(folder.path(), &[&export[..], &["--out", "expert.onnx"]].concat());
    succeeds(folder.path(), &[&export[..], &["--scalar", "double", "--dir", "doubles"]].concat());
    assert!(folder.path().join("doubles/policy.onnx").is_file());
    for (policy, out) in [("bundled:CartPole-v1", "expected.csv"), ("expert.onnx", "found.csv")] {
        succeeds(folder.path(), &["act", policy, "--observations", "states.csv", "--out", out]);
    }
    let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
    assert_eq!(read("found.csv"), read("expected.csv"));
    let said = refuses(folder.path(), &[&export[..5], &["c", "--dir", "out"]].concat());
    assert!(said.contains("is not a formula"), "{said}");
    let said = refuses(folder.path(), &export);
    assert!(said.contains("--out"), "{said}");
}
