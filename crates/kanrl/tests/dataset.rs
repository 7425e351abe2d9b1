//! Somebody's own log instead of an expert, with and without an environment.

mod common;

use common::{files, kanrl, metrics, provenance, store, text};
use kanrl_pipeline::run::PolicyRole::{Expert, Headline};
use kanrl_pipeline::run::RunFile;
use std::path::Path;
use std::process::Output;

/// Numbers between −1 and 1 that look random.
fn numbers() -> impl Iterator<Item = f64> {
    let next =
        |state: &u64| Some(state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407));
    std::iter::successors(Some(1_u64), next).skip(1).map(|state| (state >> 33) as f64 / f64::from(1_u32 << 30) - 1.0)
}

/// Writes a table of `rows` rows of random observations and what `action` says of each.
fn log(path: &Path, header: &str, width: usize, rows: usize, action: impl Fn(&[f64]) -> String) {
    let values: Vec<f64> = numbers().take(rows * width).collect();
    let line = |row: &[f64]| row.iter().map(f64::to_string).collect::<Vec<_>>().join(",") + "," + &action(row) + "\n";
    let text: String = std::iter::once(format!("{header}\n")).chain(values.chunks_exact(width).map(line)).collect();
    std::fs::write(path, text).unwrap();
}

fn extract(folder: &Path, arguments: &[&str]) -> Output {
    let output = kanrl(&["extract", "--hidden", "", "--out", "run"]).args(arguments).current_dir(folder).output();
    output.expect("kanrl runs")
}

fn succeed(output: Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_log_alone_becomes_a_formula_in_its_own_names() {
    let folder = tempfile::tempdir().unwrap();
    let action = |row: &[f64]| format!("{}", (1.5 * row[0] - 0.5 * row[1]).clamp(-1.0, 1.0));
    log(&folder.path().join("log.csv"), "pressure,flow,action_valve", 2, 600, action);
    let printed = succeed(extract(folder.path(), &["--dataset", "log.csv"]));
    assert!(printed.contains("pressure") && printed.contains("flow") && printed.contains("valve"), "{printed}");
    assert!(printed.contains("nothing was played") && !printed.contains("mean return"), "{printed}");
    let run = folder.path().join("run");
    let metrics = metrics(&run);
    assert!(metrics.agreement.expert_states[&Headline] > 0.999, "{:?}", metrics.agreement);
    assert_eq!((metrics.environment.as_str(), metrics.returns.len()), ("log.csv", 0));
    let log = metrics.log.as_ref().unwrap();
    assert_eq!((log.split_by.as_str(), log.test_rows), ("contiguous blocks", 120));
    assert!(metrics.candidates[0].agreement.is_some() && metrics.candidates[0].mean.is_none());
    let report = text(&run, RunFile::Report);
    assert!(report.contains("There was no environment, so nothing was played, filmed, or tuned on return."));
    for absent in [RunFile::ExpertVideo, RunFile::FormulaVideo, RunFile::Polished] {
        assert!(!store(&run).has(absent), "{absent}");
    }
    assert_eq!(provenance(&run).expert.files[0].name, "log.csv");

    let first = files(&run);
    let resume = kanrl(&["resume", "run"]).current_dir(folder.path()).output().unwrap();
    assert!(succeed(resume).contains("agreement"));
    assert_eq!(first, files(&run));
    let log = text(&run, RunFile::Log);
    assert!(log.contains("fit: reused from the earlier run"), "{log}");
}

#[test]
fn a_dead_zone_becomes_a_law_that_is_finite_everywhere() {
    let folder = tempfile::tempdir().unwrap();
    let action = |row: &[f64]| {
        let steer = 4.0 * row[0] + row[1];
        (steer.abs() - 0.5).max(0.0).copysign(steer).to_string()
    };
    log(&folder.path().join("log.csv"), "x,v,action_u", 2, 1500, action);
    let run = |arguments: &[&str]| succeed(kanrl(arguments).current_dir(folder.path()).output().unwrap());
    run(&["extract", "--hidden", "2", "--out", "run", "--dataset", "log.csv"]);
    let metrics = metrics(&folder.path().join("run"));
    assert!(metrics.agreement.expert_states[&Headline] > 0.99, "{:?}", metrics.agreement);
    std::fs::write(folder.path().join("states.csv"), "x,v\n0,-9.5\n0,-20\n1e6,-1e9\n-1e9,1e9\n").unwrap();
    run(&["act", "run:run", "--observations", "states.csv", "--out", "actions.csv"]);
    let actions = std::fs::read_to_string(folder.path().join("actions.csv")).unwrap();
    let actions: Vec<f64> = actions.lines().skip(1).map(|line| line.parse().unwrap()).collect();
    assert!(actions.len() == 4 && actions.iter().all(|action| action.is_finite()), "{actions:?}");
}

#[test]
fn a_log_of_discrete_actions_is_split_by_its_episodes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.csv");
    log(&path, "x,v,action", 2, 400, |row| u8::from(2.0 * row[0] + row[1] > 0.3).to_string());
    let text = std::fs::read_to_string(&path).unwrap();
    let mark = |(index, line): (usize, &str)| match index {
        0 => format!("episode,{line}\n"),
        _ => format!("{},{line}\n", (index - 1) / 40),
    };
    std::fs::write(&path, text.lines().enumerate().map(mark).collect::<String>()).unwrap();
    succeed(extract(folder.path(), &["--dataset", "log.csv"]));
    let run = folder.path().join("run");
    let metrics = metrics(&run);
    let log = metrics.log.as_ref().unwrap();
    assert_eq!((log.split_by.as_str(), log.test_rows), ("episodes", 80));
    assert!(metrics.agreement.expert_states[&Headline] > 0.9, "{:?}", metrics.agreement);
}

#[test]
fn a_log_with_its_environment_is_played_but_asks_no_expert() {
    let folder = tempfile::tempdir().unwrap();
    let action = |row: &[f64]| u8::from(3.0 * row[2] + row[3] > 0.0).to_string();
    log(&folder.path().join("log.csv"), "x,x_dot,theta,theta_dot,action", 4, 500, action);
    let arguments = ["CartPole-v1", "--dataset", "log.csv", "--polish-steps", "20000", "--episodes", "20"];
    let printed = succeed(extract(folder.path(), &arguments));
    assert!(printed.contains("mean return") && printed.contains('θ') && !printed.contains("expert "), "{printed}");
    let run = folder.path().join("run");
    let metrics = metrics(&run);
    let mean = metrics.returns[&Headline].mean;
    assert!(mean > 450.0, "the formula's mean return is {mean}");
    assert!(!metrics.returns.contains_key(&Expert) && metrics.agreement.own_states.is_empty());
    assert!(store(&run).has(RunFile::FormulaVideo) && !store(&run).has(RunFile::ExpertVideo));
    let log = text(&run, RunFile::Log);
    assert!(log.contains("skipped: DAgger needs an expert that can be queried"), "{log}");
}

#[test]
fn a_log_that_cannot_be_learned_from_is_refused_before_anything_is_written() {
    let refused = |rows: &str, arguments: &[&str], says: &str| {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("log.csv"), rows).unwrap();
        let output = extract(folder.path(), arguments);
        let error = String::from_utf8(output.stderr).unwrap();
        let text = error.split(|c: char| c.is_whitespace() || c == '│').filter(|word| !word.is_empty());
        let text = text.collect::<Vec<_>>().join(" ");
        assert_eq!(output.status.code(), Some(2), "{error}");
        assert!(text.contains(says), "{error}");
        assert!(!folder.path().join("run").exists());
    };
    let alone = ["--dataset", "log.csv"];
    refused("x,action\n1,0\n2,1\n", &alone, "it has 2 rows; at least 50 are needed");
    refused(&("x,action\n".to_owned() + &"1,0\n".repeat(60)), &alone, "there is nothing to explain");
    refused("x,action\n1,nan\n", &alone, "has no number in the column `action`");
    refused("x\n1\n", &alone, "has no column `action`");
    refused("x,action\n1,0\n", &["CartPole-v1", "--dataset", "log.csv"], "has no column `x_dot`");
    refused("", &["--dataset", "absent.csv"], "absent.csv");
    refused("", &["CartPole-v1", "--dataset", "log.csv", "--expert", "bundled"], "cannot be used with");
}
