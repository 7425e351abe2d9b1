//! A run that is killed, cancelled or shared ends with the same files as one that is left alone.
#![cfg(unix)]

mod common;

use common::{files, kanrl, provenance, store, text};
use kanrl_pipeline::run::{RunFile, RunStore};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// Small, with a hidden layer, so that every stage has something to do.
const CONFIG: &str = "\
environment.id = 'CartPole-v1'
approximator.hidden = [1]
approximator.steps = 10
symbolify.refit_steps = 3
[collect]
train_episodes = 2
validation_episodes = 1
[dagger]
rounds = 1
steps = 100
validation_episodes = 2
[polish]
environment_steps = 30000
[select]
episodes = 4
[evaluate]
episodes = 4
robustness_episodes = 1
";

fn run(arguments: &[&str]) -> Output {
    kanrl(arguments).output().expect("kanrl runs")
}

fn succeeds(arguments: &[&str]) {
    let output = run(arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// `kanrl extract` in the background.
fn start(config: &str, out: &str) -> Child {
    let mut command = kanrl(&["extract", "--config", config, "--out", out]);
    command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("kanrl starts")
}

/// The stages of a finished run, in the order in which they began.
fn stages(run: &Path) -> Vec<String> {
    let events = text(run, RunFile::Events);
    let events = events.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    events
        .filter(|event| event["event"] == "stage_started")
        .map(|event| event["stage"].as_str().unwrap().to_owned())
        .collect()
}

/// How a process that worked on a run ended.
fn outcome(run: &Path, process: usize) -> String {
    provenance(run).executions[process].outcome.clone().unwrap_or_default()
}

/// Waits until a stage has begun or ended, or the process has.
fn wait_for(child: &mut Child, run: &Path, event: &str, stage: &str) {
    let deadline = Instant::now() + Duration::from_secs(300);
    let wanted = [format!("\"event\":\"{event}\""), format!("\"stage\":\"{stage}\"")];
    while Instant::now() < deadline {
        let store = RunStore::open(run).ok();
        let events = store.and_then(|store| store.read_text(RunFile::Events).ok()).unwrap_or_default();
        let seen = events.lines().any(|line| wanted.iter().all(|part| line.contains(part)));
        if seen || child.try_wait().unwrap().is_some() {
            return;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    panic!("no {event} of {stage}");
}

#[test]
fn a_run_killed_at_any_stage_is_resumed_to_the_same_files() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    std::fs::write(path("run.toml"), CONFIG).unwrap();
    succeeds(&["extract", "--config", &path("run.toml"), "--out", &path("whole")]);
    let whole = files(&folder.path().join("whole"));
    for stage in stages(&folder.path().join("whole")) {
        for event in ["stage_started", "stage_finished"] {
            let name = format!("{event}-{stage}");
            let run = folder.path().join(&name);
            let mut child = start(&path("run.toml"), &path(&name));
            wait_for(&mut child, &run, event, &stage);
            // `Child::kill` sends SIGKILL.
            child.kill().unwrap();
            child.wait().unwrap();
            succeeds(&["resume", &path(&name)]);
            assert_same(&whole, &files(&run), &format!("killed when {event} of {stage} was written"));
        }
    }
}

fn assert_same(whole: &BTreeMap<String, Vec<u8>>, resumed: &BTreeMap<String, Vec<u8>>, when: &str) {
    assert_eq!(whole.keys().collect::<Vec<_>>(), resumed.keys().collect::<Vec<_>>(), "{when}");
    for (name, bytes) in whole {
        assert!(resumed[name] == *bytes, "{name} differs: {when}");
    }
}

#[test]
fn ctrl_c_ends_the_run_cleanly_and_says_how_to_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    std::fs::write(path("run.toml"), CONFIG).unwrap();
    let mut child = start(&path("run.toml"), &path("run"));
    wait_for(&mut child, &folder.path().join("run"), "stage_started", "fit");
    let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill runs");
    assert!(sent.success());
    let output = child.wait_with_output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(130), "{stderr}");
    let unwrapped = stderr.split(|c: char| c.is_whitespace() || c == '│').filter(|word| !word.is_empty());
    assert!(unwrapped.collect::<Vec<_>>().join(" ").contains("kanrl resume"), "{stderr}");
    assert_eq!(outcome(&folder.path().join("run"), 0), "cancelled");

    succeeds(&["resume", &path("run")]);
    succeeds(&["extract", "--config", &path("run.toml"), "--out", &path("whole")]);
    let (whole, resumed) = (folder.path().join("whole"), folder.path().join("run"));
    assert_same(&files(&whole), &files(&resumed), "cancelled in fit");
    assert_eq!(outcome(&resumed, 1), "done");
}

#[test]
fn ctrl_c_ends_a_sweep_and_its_runs_and_it_goes_on_later() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let base = CONFIG.replace("[collect]", "[base.collect]").replace("[dagger]", "[base.dagger]");
    let base = base.replace("[polish]", "[base.polish]").replace("[select]", "[base.select]");
    let base = base.replace("[evaluate]", "[base.evaluate]");
    std::fs::write(path("grid.toml"), format!("seeds = 3\n[base]\nrecord.videos = false\n{base}")).unwrap();
    let sweep = |out: &str| kanrl(&["sweep", &path("grid.toml"), "--workers", "1", "--out", &path(out)]);

    // As from a terminal: to the whole process group.
    let mut command = sweep("sweep");
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("kanrl starts");
    let names = || {
        let entries = std::fs::read_dir(folder.path().join("sweep/runs")).into_iter().flatten();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
        names.sort();
        names
    };
    let deadline = Instant::now() + Duration::from_secs(300);
    while names().len() < 2 && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(1));
    }
    let second = names()[1].clone();
    wait_for(&mut child, &second, "stage_started", "fit");
    let group = format!("-{}", child.id());
    assert!(Command::new("kill").args(["-INT", "--", &group]).status().expect("kill runs").success());
    let output = child.wait_with_output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(130), "{stderr}");
    assert!(stderr.contains("to resume: kanrl sweep"), "{stderr}");
    // Nobody writes into its runs any more, the one that was cut off says so, and what was done is in the summary.
    for run in names() {
        assert!(!store(&run).is_in_use(), "{} is in use", run.display());
    }
    assert_eq!((outcome(&names()[0], 0), outcome(&second, 0)), ("done".into(), "cancelled".into()));
    let summary = || std::fs::read_to_string(folder.path().join("sweep/summary.csv")).unwrap();
    assert_eq!(summary().matches(",done,").count(), 1, "{}", summary());

    // The same command again does the rest, and everything is as if it had been left alone.
    let log = text(&names()[0], RunFile::Log);
    assert!(sweep("sweep").output().expect("kanrl runs").status.success());
    assert_eq!(summary().matches(",done,").count(), 3, "{}", summary());
    assert_eq!(text(&names()[0], RunFile::Log), log, "what was done is not done again");
    assert!(sweep("whole").output().expect("kanrl runs").status.success());
    for run in names() {
        let whole = folder.path().join("whole/runs").join(run.file_name().unwrap());
        assert_same(&files(&whole), &files(&run), "a sweep that was cancelled");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_sweep_that_is_killed_leaves_nothing_that_its_rerun_waits_for() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let grid = "[base]\nenvironment.id = 'CartPole-v1'\npolish.environment_steps = 1000000000\n[grid]\nseed = [0]\n";
    std::fs::write(path("grid.toml"), grid).unwrap();
    let mut sweep = kanrl(&["sweep", &path("grid.toml"), "--out", &path("sweep")]);
    let mut sweep = sweep.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("kanrl starts");
    let in_use = || {
        let runs = std::fs::read_dir(folder.path().join("sweep/runs")).into_iter().flatten();
        runs.flatten().any(|run| RunStore::open(run.path()).is_ok_and(|run| run.is_in_use()))
    };
    let wait = |wanted: bool, patience: u64| {
        let begin = Instant::now();
        while in_use() != wanted {
            assert!(begin.elapsed() < Duration::from_secs(patience), "its run is in use: {}", !wanted);
            std::thread::sleep(Duration::from_millis(10));
        }
    };
    wait(true, 60);
    sweep.kill().unwrap();
    sweep.wait().unwrap();
    wait(false, 2);
}

#[test]
fn a_second_process_on_a_run_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    std::fs::write(path("run.toml"), CONFIG).unwrap();
    let mut child = start(&path("run.toml"), &path("run"));
    wait_for(&mut child, &folder.path().join("run"), "stage_started", "collect");
    // Stopped, so that it cannot end before the second process has looked.
    let signal = |name: &str| Command::new("kill").args([name, &child.id().to_string()]).status().expect("kill runs");
    assert!(signal("-STOP").success());
    let second = run(&["resume", &path("run")]);
    assert!(signal("-CONT").success());
    let stderr = String::from_utf8(second.stderr).unwrap();
    assert_eq!(second.status.code(), Some(2), "{stderr}");
    assert!(stderr.contains("another process is using"), "{stderr}");
    assert!(child.wait().unwrap().success(), "the first one is not disturbed");
}

#[test]
fn of_two_processes_that_share_a_sweep_one_takes_over_what_the_other_leaves_when_it_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let base = CONFIG.replace("[collect]", "[base.collect]").replace("[dagger]", "[base.dagger]");
    let base = base.replace("[polish]", "[base.polish]").replace("[select]", "[base.select]");
    let base = base.replace("[evaluate]", "[base.evaluate]");
    let grid = "[grid]\nstages = [['collect', 'evaluate']]\n";
    std::fs::write(path("fails.toml"), grid).unwrap();
    std::fs::write(path("grid.toml"), format!("seeds = 3\n[base]\nrecord.videos = false\n{base}")).unwrap();
    let join = |file: &str, out: &str| {
        let flags = ["sweep", &path(file), "--join", &path(out), "--workers", "1", "--lease", "5", "--json"];
        let mut command = kanrl(&flags);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("kanrl starts")
    };
    let mut first = join("grid.toml", "shared");
    let claims = || std::fs::read_dir(folder.path().join("shared/claims")).into_iter().flatten().count();
    let begin = Instant::now();
    while claims() == 0 {
        assert!(begin.elapsed() < Duration::from_secs(300), "nothing is claimed");
        std::thread::sleep(Duration::from_millis(1));
    }
    let second = join("grid.toml", "shared");
    // Seed 0's run is the first one that is claimed.
    let plan = run(&["sweep", &path("grid.toml"), "--out", &path("local"), "--plan"]);
    let plan: serde_json::Value = serde_json::from_slice(&plan.stdout).unwrap();
    let own = folder.path().join("shared/runs").join(plan["trials"][0]["name"].as_str().unwrap());
    wait_for(&mut first, &own, "stage_finished", "dagger");
    first.kill().unwrap();
    assert!(!first.wait().unwrap().success(), "it was still at work");
    let second = second.wait_with_output().unwrap();
    assert!(second.status.success(), "{}", String::from_utf8_lossy(&second.stderr));

    // Everything is as if one process had done it all, and no finished stage was computed again.
    let local = run(&["sweep", &path("grid.toml"), "--out", &path("local")]);
    assert!(local.status.success(), "{}", String::from_utf8_lossy(&local.stderr));
    for name in ["summary.csv", "report.html", "pareto.svg"] {
        let read = |out: &str| std::fs::read(folder.path().join(out).join(name)).unwrap();
        assert!(read("local") == read("shared"), "{name} differs");
    }
    let events = text(&own, RunFile::Events);
    let dagger = |line: &&str| line.contains("stage_finished") && line.contains("\"dagger\"");
    let reused: Vec<bool> = events.lines().filter(dagger).map(|line| line.contains("\"reused\":true")).collect();
    assert_eq!(reused, [false, true], "{events}");
    assert_eq!((provenance(&own).executions.len(), claims()), (2, 4), "one run was claimed twice");

    // A run that fails by itself is not repeated.
    for _ in 0..2 {
        let failed = join("fails.toml", "failing").wait_with_output().unwrap();
        assert_eq!(failed.status.code(), Some(1));
        let rows: serde_json::Value = serde_json::from_slice(&failed.stdout).unwrap();
        assert!(rows[0]["error"].as_str().unwrap().contains("stage `evaluate` needs"), "{rows}");
        let claims = std::fs::read_dir(folder.path().join("failing/claims")).unwrap().count();
        assert_eq!(claims, 1);
    }
}
