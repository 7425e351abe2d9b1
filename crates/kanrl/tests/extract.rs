//! The main journey: from an expert to a formula that plays, with the same files every time.

mod common;

use common::{files, kanrl, metrics, provenance, store, text};
use kanrl_pipeline::run::Measure;
use kanrl_pipeline::run::PolicyRole::{self, Expert, Faithful, Headline, Network, Polished};
use kanrl_pipeline::run::RunFile;
use kanrl_pipeline::run::metrics::CandidateMetrics;
use std::path::{Path, PathBuf};

fn extract(arguments: &[&str], out: &Path) -> String {
    let output = kanrl(&["extract", "CartPole-v1", "--out"]).arg(out).args(arguments).output().expect("kanrl runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn assert_plays(run: &Path) {
    let metrics = metrics(run);
    for policy in [Expert, Network, Headline] {
        assert_eq!(metrics.returns[&policy].n, 100, "{policy}");
    }
    let mean = metrics.returns[&Headline].mean;
    assert!(mean >= 495.0, "the formula's mean return is {mean}");
    assert_eq!(metrics.agreement.measure, Some(Measure::SameAction));
    for policy in [Network, Faithful] {
        let agreement = metrics.agreement.expert_states[&policy];
        assert!((0.5..=1.0).contains(&agreement), "{policy} agrees in {agreement}");
    }
    assert!(metrics.headline().unwrap().operations > 0);
}

#[test]
fn the_bundled_expert_s_formula_plays_and_two_runs_make_the_same_files() {
    let folder = tempfile::tempdir().unwrap();
    let (first, second) = (folder.path().join("first"), folder.path().join("second"));
    let printed = extract(&[], &first);
    assert_plays(&first);
    assert!(printed.contains("θ"), "the formula is in the environment's own names:\n{printed}");
    let latex = text(&first, RunFile::Latex);
    assert!(latex.contains(r"\theta") && latex.contains("argmax"), "{latex}");
    let provenance = provenance(&first);
    assert_eq!(provenance.expert.files[0].sha256.len(), 64);
    assert_eq!(provenance.dataset[0].name, "stages/collect/dataset/dataset.safetensors");
    let execution = &provenance.executions[0];
    assert_eq!((execution.outcome.as_deref(), execution.command[1].as_str()), (Some("done"), "extract"));
    assert!(execution.build.rustc.as_deref().unwrap().starts_with("rustc"));
    let timings: serde_json::Value = store(&first).read_json(RunFile::Timings).unwrap();
    assert!(timings["seconds"]["fit"].as_f64().unwrap() > 0.0);

    extract(&[], &second);
    let (first, second) = (files(&first), files(&second));
    assert_eq!(first.keys().collect::<Vec<_>>(), second.keys().collect::<Vec<_>>());
    for (name, bytes) in &first {
        assert!(second[name] == *bytes, "{name} differs between two runs of the same seed");
    }
    assert_is_shared(&folder.path().join("second"));
}

/// The run's model card has the proof card, and its network is exported as what it computes.
fn assert_is_shared(run: &Path) {
    let policy = format!("run:{}", run.display());
    let network = format!("{policy}#network");
    for arguments in [
        &["verify", &policy, "--episodes", "200", "--boxes", "5", "--quiet"][..],
        &["card", run.to_str().unwrap(), "--out", "card"],
        &["export", &network, "--to", "onnx", "--dir", "network"],
        &["act", &network, "--observations", "states.csv", "--out", "expected.csv"],
        &["act", "network/policy.onnx", "--observations", "states.csv", "--out", "found.csv"],
    ] {
        let states: String = (0..50)
            .map(|row| format!("{0},{1},{2},{0}\n", row % 7 - 3, row % 5 - 2, 0.02 * f64::from(row % 9 - 4)))
            .collect();
        std::fs::write(run.join("../states.csv"), format!("x,x_dot,theta,theta_dot\n{states}")).unwrap();
        let output = kanrl(arguments).current_dir(run.parent().unwrap()).output().expect("kanrl runs");
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
    let read = |name: &str| std::fs::read_to_string(run.parent().unwrap().join(name)).unwrap();
    let card = read("card/README.md");
    assert!(card.contains("## Proof card") && card.contains("| proved | finite |"), "{card}");
    let contract: serde_json::Value = serde_json::from_str(&read("card/policy.contract.json")).unwrap();
    assert!(contract["proof"]["lines"].as_array().is_some_and(|lines| lines.len() > 3), "{contract}");
    assert_eq!(read("found.csv"), read("expected.csv"));
    assert!(read("network/policy.contract.json").contains("curve"));
}

#[test]
fn the_pendulum_s_headline_plays_as_well_as_the_expert_and_explains_it() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let output = kanrl(&["extract", "Pendulum-v1", "--out"]).arg(&run).output().expect("kanrl runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metrics = metrics(&run);
    let returns = &metrics.returns[&Headline];
    assert!(returns.mean >= -165.0, "{}", returns.mean);
    // As well as the expert: within 2 %, and some luck on other seeds.
    assert!(returns.mean >= 1.05 * metrics.returns[&Expert].mean, "{}", returns.mean);
    let (middle, interval) = (returns.interquartile_mean, returns.interquartile_mean_interval);
    assert!(interval.low <= middle && middle <= interval.high);
    let headline = metrics.candidates.iter().find(|candidate| candidate.roles.contains(&Headline));
    let fidelity = headline.and_then(|headline| headline.fidelity_own_states);
    assert!(fidelity.is_some_and(|fidelity| fidelity >= 0.95), "{fidelity:?}");
    assert!(metrics.headline().unwrap().operations <= 250, "{:?}", metrics.headline());
    // A wider network and two rivals, each faithful and polished, some between; the narrow networks play far worse.
    let candidates = &metrics.candidates;
    assert!(
        candidates.iter().all(|candidate| !["kan", "kan-2"].contains(&candidate.student.as_str())),
        "{candidates:?}"
    );
    for student in ["kan-4", "kan-4-short-1", "linear", "quadratic"] {
        for tuning in ["faithful", "polished"] {
            let is_it = |candidate: &&CandidateMetrics| candidate.student == student && candidate.tuning == tuning;
            let candidate = candidates.iter().find(is_it).unwrap_or_else(|| panic!("{student}, {tuning}"));
            assert!(candidate.fidelity_own_states.is_some() && candidate.worst_5_percent.is_some(), "{candidate:?}");
        }
    }
    assert!(candidates.iter().any(|candidate| candidate.lambda.is_some_and(|lambda| lambda > 0.0)));
    for role in [Headline, Faithful, Polished] {
        let has_it = |candidate: &&CandidateMetrics| candidate.roles.contains(&role);
        assert_eq!(candidates.iter().filter(has_it).count(), 1, "{role}: {candidates:?}");
    }
    let changes: Vec<&str> = metrics.robustness.iter().map(|row| row.change.as_str()).collect();
    assert_eq!(changes, ["time step × 0.5", "time step × 2", "masses × 0.9", "masses × 1.1"]);
    assert_eq!(metrics.agreement.measure, Some(Measure::RSquared));
    let compared: Vec<PolicyRole> = metrics.agreement.own_states.keys().copied().collect();
    assert_eq!(compared, [Network, Faithful, Polished, Headline]);
    assert_ne!(store(&run).formula(Polished).unwrap(), store(&run).formula(Faithful).unwrap());
    let output = kanrl(&["runs", "show"]).arg(&run).output().expect("kanrl runs");
    let shown = String::from_utf8_lossy(&output.stdout);
    let student = &metrics.headline().unwrap().student;
    assert!(shown.contains("R² ") && shown.contains(&format!("operations, from {student}")), "{shown}");
}

#[test]
fn a_formula_of_the_user_s_own_form_is_fitted_and_stands_on_the_front() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let form =
        ["--hidden", "", "--polish-steps", "200000", "--candidate", "k1*theta + k2*theta_dot", "--prefer", "brevity"];
    let printed = extract(&form, &run);
    let metrics = metrics(&run);
    let mut candidates = metrics.candidates.iter();
    let own = candidates.find(|candidate| candidate.student == "candidate-1").expect("the candidate");
    assert_eq!((own.tuning.as_str(), own.operations), ("faithful", 3), "{own:?}");
    assert_eq!(own.mean, Some(500.0), "{own:?}");
    assert!(metrics.headline().unwrap().operations <= 3, "{:?}", metrics.headline());
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
    assert!(!metrics.returns.contains_key(&Polished));
    assert_eq!(metrics.headline().unwrap().lambda, None);
    assert_eq!(text(&run, RunFile::Formula), text(&run, RunFile::Faithful));

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
    assert_eq!(metrics.returns[&Expert].mean, 500.0);
    assert!(metrics.returns[&Faithful].mean > 495.0, "{:?}", metrics.returns[&Faithful]);
    assert!(metrics.agreement.expert_states[&Faithful] > 0.95, "{:?}", metrics.agreement);
}

#[test]
fn a_run_that_is_repeated_in_its_folder_reuses_what_it_made() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    extract(&["--hidden", ""], &run);
    let before = files(&run);
    extract(&["--hidden", ""], &run);
    assert_eq!(before, files(&run));
    let log = text(&run, RunFile::Log);
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
        assert_eq!(metrics(&run).returns[&Expert].mean, 500.0);
    }
}
