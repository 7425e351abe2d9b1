//! The main journey: from an expert to a formula that plays, with the same files every time.

mod common;

use common::{files, kanrl};
use std::path::{Path, PathBuf};

fn extract(arguments: &[&str], out: &Path) -> String {
    let output = kanrl(&["extract", "CartPole-v1", "--out"]).arg(out).args(arguments).output().expect("kanrl runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn metrics(run: &Path) -> serde_json::Value {
    serde_json::from_slice(&std::fs::read(run.join("metrics.json")).unwrap()).unwrap()
}

fn assert_plays(run: &Path) {
    let metrics = metrics(run);
    for policy in ["expert", "kan", "formula"] {
        assert_eq!(metrics["returns"][policy]["n"], 100, "{policy}");
        assert!(metrics["returns"][policy]["std"].is_number(), "{policy}");
    }
    let formula = metrics["returns"]["formula"]["mean"].as_f64().unwrap();
    assert!(formula >= 495.0, "the formula's mean return is {formula}");
    for policy in ["kan", "faithful"] {
        let agreement = metrics["agreement"][policy].as_f64().unwrap();
        assert!((0.5..=1.0).contains(&agreement), "{policy} agrees in {agreement}");
    }
    assert!(metrics["formula"]["operations"].as_u64().unwrap() > 0);
}

#[test]
fn the_bundled_expert_s_formula_plays_and_two_runs_make_the_same_files() {
    let folder = tempfile::tempdir().unwrap();
    let (first, second) = (folder.path().join("first"), folder.path().join("second"));
    let printed = extract(&[], &first);
    assert_plays(&first);
    assert!(printed.contains("θ"), "the formula is in the environment's own names:\n{printed}");
    let latex = std::fs::read_to_string(first.join("formula.tex")).unwrap();
    assert!(latex.contains(r"\theta") && latex.contains("argmax"), "{latex}");
    for name in ["config.toml", "metrics.json", "formula.json", "formula.tex", "kan.svg"] {
        assert!(first.join(name).is_file(), "{name}");
    }
    let provenance: serde_json::Value =
        serde_json::from_slice(&std::fs::read(first.join("provenance.json")).unwrap()).unwrap();
    assert_eq!(provenance["expert"]["files"][0]["sha256"].as_str().unwrap().len(), 64);
    assert_eq!(provenance["dataset"][0]["name"], "stages/collect/dataset/dataset.safetensors");
    assert_eq!(provenance["executions"][0]["outcome"], "done");
    assert_eq!(provenance["executions"][0]["command"][1], "extract");
    assert!(provenance["executions"][0]["build"]["rustc"].as_str().unwrap().starts_with("rustc"));
    let timings: serde_json::Value =
        serde_json::from_slice(&std::fs::read(first.join("timings.json")).unwrap()).unwrap();
    assert!(timings["seconds"]["fit"].as_f64().unwrap() > 0.0);

    extract(&[], &second);
    let (first, second) = (files(&first), files(&second));
    assert_eq!(first.keys().collect::<Vec<_>>(), second.keys().collect::<Vec<_>>());
    for (name, bytes) in &first {
        assert!(second[name] == *bytes, "{} differs between two runs of the same seed", name.display());
    }
}

#[test]
fn a_polished_formula_swings_the_pendulum_up_as_well_as_the_expert() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let output = kanrl(&["extract", "Pendulum-v1", "--out"]).arg(&run).output().expect("kanrl runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metrics = metrics(&run);
    let mean = |policy: &str| metrics["returns"][policy]["mean"].as_f64().unwrap();
    assert!(mean("formula") >= -165.0, "{}", metrics["returns"]["formula"]["mean"]);
    assert!(mean("formula") >= mean("faithful"));
    let interval = &metrics["returns"]["formula"]["interquartile_mean_interval"];
    let middle = metrics["returns"]["formula"]["interquartile_mean"].as_f64().unwrap();
    assert!(interval[0].as_f64().unwrap() <= middle && middle <= interval[1].as_f64().unwrap());
    assert!(metrics["formula"]["operations"].as_u64().unwrap() <= 40);
    // Two networks and two rivals, each faithful and polished, some between.
    let candidates = metrics["candidates"].as_array().unwrap();
    for student in ["kan", "kan-2", "linear", "quadratic"] {
        for tuning in ["faithful", "polished"] {
            let is_it =
                |candidate: &&serde_json::Value| candidate["student"] == student && candidate["tuning"] == tuning;
            let candidate = candidates.iter().find(is_it).unwrap_or_else(|| panic!("{student}, {tuning}"));
            assert!(
                candidate["fidelity_own_states"].is_number() && candidate["worst_5_percent"].is_number(),
                "{candidate}"
            );
        }
    }
    assert!(candidates.iter().any(|candidate| candidate["lambda"].as_f64().is_some_and(|lambda| lambda > 0.0)));
    for name in ["headline", "faithful", "polished"] {
        let has_it =
            |candidate: &&serde_json::Value| candidate["names"].as_array().unwrap().iter().any(|own| own == name);
        assert_eq!(candidates.iter().filter(has_it).count(), 1, "{name}: {candidates:?}");
    }
    let changes: Vec<&str> =
        metrics["robustness"].as_array().unwrap().iter().map(|row| row["change"].as_str().unwrap()).collect();
    assert_eq!(changes, ["time step × 0.5", "time step × 2", "masses × 0.9", "masses × 1.1"]);
    for policy in ["kan", "faithful", "polished"] {
        assert!(metrics["agreement"]["own_states"][policy].is_number(), "{policy}");
    }
    let (formula, faithful) = (run.join("formula.json"), run.join("faithful.json"));
    assert_ne!(std::fs::read(formula).unwrap(), std::fs::read(faithful).unwrap());
}

#[test]
fn a_formula_of_the_user_s_own_form_is_fitted_and_stands_on_the_front() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let form =
        ["--hidden", "", "--polish-steps", "200000", "--candidate", "k1*theta + k2*theta_dot", "--prefer", "brevity"];
    let printed = extract(&form, &run);
    let metrics = metrics(&run);
    let candidates = metrics["candidates"].as_array().unwrap();
    let own = candidates.iter().find(|candidate| candidate["student"] == "candidate-1").expect("the candidate");
    assert_eq!((&own["tuning"], &own["operations"]), (&serde_json::json!("faithful"), &serde_json::json!(3)), "{own}");
    assert_eq!(own["mean"], 500.0, "{own}");
    assert!(metrics["formula"]["operations"].as_u64().unwrap() <= 3, "{}", metrics["formula"]);
    assert!(printed.contains("the shortest formula that plays as well as the expert"), "{printed}");

    let output = kanrl(&["extract", "CartPole-v1", "--candidate", "k1*thetta"]).output().expect("kanrl runs");
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && error.contains("did you mean `theta`"), "{error}");
}

#[test]
fn a_faithful_run_tunes_nothing_on_return() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    extract(&["--faithful", "--hidden", ""], &run);
    let metrics = metrics(&run);
    assert!(metrics["returns"]["polished"].is_null());
    assert_eq!(metrics["formula"]["polished"], false);
    assert_eq!(std::fs::read(run.join("formula.json")).unwrap(), std::fs::read(run.join("faithful.json")).unwrap());

    let export = |more: &[&str]| -> serde_json::Value {
        let policy = format!("run:{}", run.display());
        let output = kanrl(&[&["export", &policy, "--to", "c", "--json"], more].concat()).output().expect("kanrl runs");
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let exported = export(&[]);
    assert!(exported["text"].as_str().unwrap().contains("int policy_action(") && exported["file"].is_null());
    let file = folder.path().join("policy.c").display().to_string();
    let exported = export(&["--out", &file]);
    assert!(exported["text"].is_null() && exported["file"] == *file && exported["format"] == "c", "{exported}");
}

#[test]
fn a_term_that_is_small_but_decides_is_kept() {
    // Angles are much smaller than angular velocities here, yet without its term the pole falls.
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    extract(&["--faithful", "--hidden", "", "--expert", "formula:3*theta + theta_dot"], &run);
    let metrics = metrics(&run);
    assert_eq!(metrics["returns"]["expert"]["mean"], 500.0);
    assert!(metrics["returns"]["faithful"]["mean"].as_f64().unwrap() > 495.0, "{}", metrics["returns"]["faithful"]);
    assert!(metrics["agreement"]["faithful"].as_f64().unwrap() > 0.95, "{}", metrics["agreement"]);
}

#[test]
fn a_run_that_is_repeated_in_its_folder_reuses_what_it_made() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    extract(&["--hidden", ""], &run);
    let before = files(&run);
    extract(&["--hidden", ""], &run);
    assert_eq!(before, files(&run));
    let log = std::fs::read_to_string(run.join("run.log")).unwrap();
    assert!(log.contains("fit: reused from the earlier run"), "{log}");
}

#[test]
fn reference_archives_become_formulas_that_play() {
    let Some(folder) = kanrl_reference_data::folder("experts") else { return };
    let mut archives: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|algorithm| algorithm.unwrap().path().join("CartPole-v1.zip"))
        .filter(|archive| archive.parent().is_some_and(|folder| folder.ends_with("ppo")) && archive.is_file())
        .collect();
    archives.sort();
    for archive in archives {
        let folder = tempfile::tempdir().unwrap();
        let run = folder.path().join("run");
        extract(&["--expert", archive.to_str().unwrap()], &run);
        assert_plays(&run);
        assert_eq!(metrics(&run)["returns"]["expert"]["mean"], 500.0);
    }
}
