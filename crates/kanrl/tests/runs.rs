//! Many runs: a sweep that survives a failure and an interruption, and what is said about runs.

mod common;

use common::{kanrl, text};
use kanrl_pipeline::run::RunFile;
use std::path::Path;
use std::process::Output;

/// Runs in `folder`.
fn run(folder: &Path, arguments: &[&str]) -> Output {
    kanrl(arguments).current_dir(folder).output().expect("kanrl runs")
}

fn stdout(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}

const SWEEP: &str = "\
seeds = [0, 1]

[base]
environment.id = 'CartPole-v1'
collect = { train_episodes = 2, validation_episodes = 1 }
dagger = { rounds = 1, steps = 100, validation_episodes = 2 }
polish = { environment_steps = 20_000, generations = 4 }
select.episodes = 4
evaluate = { episodes = 4, robustness_episodes = 2 }
students.rivals = false
record.videos = false

[grid]
approximator.kind = ['linear']
";

#[test]
fn a_sweep_makes_every_run_and_its_summary() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("grid.toml"), SWEEP).unwrap();
    let rows: serde_json::Value =
        serde_json::from_str(&stdout(&run(folder.path(), &["sweep", "grid.toml", "--json"]))).unwrap();
    let rows = rows.as_array().unwrap();
    assert_eq!(rows.len(), 2);
    assert_eq!((&rows[0]["seed"], &rows[1]["seed"]), (&0.0.into(), &1.0.into()));
    let out = folder.path().join("sweeps/grid");
    let csv = std::fs::read_to_string(out.join("summary.csv")).unwrap();
    let lines: Vec<&str> = csv.lines().collect();
    assert_eq!(lines.len(), 3);
    for column in
        ["run", "status", "approximator.kind", "seed", "headline_mean", "headline_agreement", "student", "operations"]
    {
        assert!(lines[0].split(',').any(|name| name == column), "{}", lines[0]);
    }
    assert!(lines[1].contains(",done,linear,0,"), "{csv}");
    let svg = std::fs::read_to_string(out.join("pareto.svg")).unwrap();
    assert_eq!(svg.matches("<circle").count(), 2, "{svg}");
    assert_eq!(out.join("summary.arrow").is_file(), cfg!(feature = "arrow"));
    assert!(rows[0]["seconds"].is_number(), "{rows:?}");
    let timings = std::fs::read_to_string(out.join("timings.csv")).unwrap();
    assert_eq!((timings.lines().count(), timings.lines().next()), (3, Some("run,seconds")));
    let page = std::fs::read_to_string(out.join("report.html")).unwrap();
    for part in ["The front", "Over seeds", "linear", &format!("runs/{}/report.html", rows[0]["run"].as_str().unwrap())]
    {
        assert!(page.contains(part), "{part} is not in {page}");
    }
    assert!(!page.contains("Failures"), "{page}");

    // Again: nothing is made twice.
    let logs = |name: &str| text(&out.join("runs").join(name), RunFile::Log);
    let name = rows[0]["run"].as_str().unwrap();
    let before = logs(name);
    let again = run(folder.path(), &["sweep", "grid.toml", "--workers", "2"]);
    assert!(stdout(&again).contains("Sweep directory: sweeps/grid"));
    assert_eq!(before, logs(name));

    let listed: serde_json::Value =
        serde_json::from_str(&stdout(&run(folder.path(), &["runs", "list", "sweeps", "--json"]))).unwrap();
    assert_eq!(listed.as_array().unwrap().len(), 2);
    assert_eq!(listed[0]["state"], "done");
    assert_eq!(listed[0]["policies"][0]["policy"], "expert");
    let table = stdout(&run(folder.path(), &["runs", "list", "sweeps"]));
    assert!(table.lines().next().unwrap().contains("operations"), "{table}");
    let paths: Vec<&str> = listed.as_array().unwrap().iter().map(|run| run["directory"].as_str().unwrap()).collect();
    let shown = stdout(&run(folder.path(), &["runs", "show", paths[0]]));
    assert!(shown.contains("θ") && shown.contains("evaluate") && shown.contains("done"), "{shown}");
    let compared = stdout(&run(folder.path(), &["runs", "compare", paths[0], paths[1]]));
    assert!(compared.lines().any(|line| line.starts_with("seed ")), "{compared}");
    assert!(compared.contains("headline − first's"), "{compared}");
    for row in ["network agreement", "headline agreement", "student "] {
        assert!(compared.lines().any(|line| line.starts_with(row)), "{row}: {compared}");
    }
    assert!(!compared.contains("approximator.kind"), "only what differs: {compared}");
    let compared = stdout(&run(folder.path(), &["runs", "compare", paths[0], paths[1], "--json"]));
    let compared: serde_json::Value = serde_json::from_str(&compared).unwrap();
    assert_eq!(compared[1]["difference"]["n"], 4);
    assert_eq!(compared[1]["settings"]["seed"], "1");
}

#[test]
fn a_run_that_fails_is_recorded_and_the_others_go_on() {
    let folder = tempfile::tempdir().unwrap();
    // A stage without what it needs is found when the run is prepared, in its own process.
    let grid = "stages = [['collect', 'evaluate'], ['collect', 'fit']]";
    let sweep = SWEEP.replace("seeds = [0, 1]\n", "").replace("approximator.kind = ['linear']", grid);
    std::fs::write(folder.path().join("grid.toml"), sweep).unwrap();
    let output = run(folder.path(), &["sweep", "grid.toml"]);
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
    let csv = std::fs::read_to_string(folder.path().join("sweeps/grid/summary.csv")).unwrap();
    assert_eq!((csv.matches(",failed,").count(), csv.matches(",done,").count()), (1, 1), "{csv}");
    assert!(csv.contains("stage `evaluate` needs"), "{csv}");
    let page = std::fs::read_to_string(folder.path().join("sweeps/grid/report.html")).unwrap();
    assert!(page.contains("Failures") && page.contains("stage `evaluate` needs"), "{page}");
}

#[test]
fn a_sweep_that_makes_no_sense_is_refused_before_anything_runs() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("grid.toml"), "[grid]\napproximator.hiden = [[2]]\n").unwrap();
    let output = run(folder.path(), &["sweep", "grid.toml"]);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(stderr.contains("did you mean `hidden`?") && stderr.contains("grid.toml"), "{stderr}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is written");
    let output = run(folder.path(), &["runs", "show", "absent"]);
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn completions_and_manual_pages_are_generated() {
    let folder = tempfile::tempdir().unwrap();
    for (shell, says) in [("bash", "complete -F"), ("zsh", "#compdef kanrl"), ("fish", "complete -c kanrl")] {
        assert!(stdout(&run(folder.path(), &["completions", shell])).contains(says), "{shell}");
    }
    assert!(stdout(&run(folder.path(), &["man"])).starts_with(".ie"));
    stdout(&run(folder.path(), &["man", "--out", "man"]));
    let page = std::fs::read_to_string(folder.path().join("man/kanrl-extract.1")).unwrap();
    assert!(page.contains("hidden"), "{page}");
}

#[test]
fn machines_read_json() {
    let folder = tempfile::tempdir().unwrap();
    let json = |arguments: &[&str]| -> serde_json::Value {
        serde_json::from_str(&stdout(&run(folder.path(), arguments))).unwrap()
    };
    let environments = json(&["env", "list", "--json"]);
    let cart_pole = environments.as_array().unwrap().iter().find(|entry| entry["id"] == "CartPole-v1").unwrap();
    assert_eq!(
        (&cart_pole["max_episode_steps"], cart_pole["observations"].as_array().unwrap().len()),
        (&500.into(), 4)
    );
    assert_eq!(json(&["config", "show", "CartPole-v1", "--json"])["environment"]["id"], "CartPole-v1");
    assert_eq!(json(&["config", "schema"])["title"], "kanrl run config");
    let kinds = json(&["config", "kinds", "--json"]);
    assert!(
        kinds.as_array().unwrap().iter().any(|kind| kind["kind"] == "kan" && kind["schema"]["properties"].is_object())
    );
    std::fs::write(
        folder.path().join("run.toml"),
        "environment.id = 'CartPole-v1'\nstages = ['collect']\ncollect.train_episodes = 1",
    )
    .unwrap();
    let made = json(&["--quiet", "extract", "--config", "run.toml", "--out", "run", "--json"]);
    assert_eq!(made["run"]["state"], "done");
    assert_eq!(json(&["resume", "run", "--json"])["run"]["seed"], 0);
    assert_eq!(json(&["config", "check", "run.toml", "--json"])["stages"], serde_json::json!(["collect"]));
    let checked = json(&["env", "check", "CartPole-v1", "--json"]);
    assert_eq!((&checked["environment"], &checked["violations"]), (&"CartPole-v1".into(), &serde_json::json!([])));
    let played = json(&["play", "CartPole-v1", "--policy", "formula:theta", "--out", "episode.png", "--json"]);
    assert!(played["steps"].as_u64().unwrap() > 5 && played["return"] == played["steps"].as_f64().unwrap(), "{played}");
    assert_eq!((&played["file"], folder.path().join("episode.png").is_file()), (&"episode.png".into(), true));
    let trained = ["train-expert", "CartPole-v1", "--timesteps", "512", "--json", "--out", "expert.safetensors"];
    let trained = json(&[&["--quiet"], &trained[..]].concat());
    assert!(trained["evaluation"]["mean_return"].as_f64().unwrap() > 5.0, "{trained}");
    assert!(trained["timesteps"].as_u64().unwrap() >= 512 && trained["file"] == "expert.safetensors", "{trained}");
}
