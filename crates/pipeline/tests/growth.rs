//! Many runs in one process: whatever a run takes it gives back.
#![cfg(target_os = "linux")]

use kanrl_core::environment::EnvironmentRegistry;
use kanrl_pipeline::config::{MergedConfig, RawConfig};
use kanrl_pipeline::run::PreparedRun;
use kanrl_pipeline::stages;
use std::path::Path;

const CONFIG: &str = "\
students = { widths = [[1]], rivals = false }
collect = { train_episodes = 1, validation_episodes = 1 }
approximator.steps = 5
dagger.rounds = 0
symbolify = { refit_steps = 2, episodes = 2 }
polish.environment_steps = 3000
select.episodes = 2
evaluate = { episodes = 2, robustness_episodes = 0 }
record.videos = false
";

fn run(folder: &Path) {
    let mut environments = EnvironmentRegistry::new();
    kanrl_envs_classic::register(&mut environments).unwrap();
    let config = MergedConfig::new(RawConfig::from_toml("growth", CONFIG).unwrap()).resolve().unwrap();
    let run = PreparedRun::new(config, environments, stages::standard()).unwrap();
    assert!(run.open(folder).unwrap().execute().unwrap().operations > 0);
}

/// What the process holds of the machine's memory, in KiB, and how many files it has open.
fn held() -> (i64, usize) {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("Linux says it");
    let memory = line.trim().trim_end_matches(" kB").parse().unwrap();
    (memory, std::fs::read_dir("/proc/self/fd").unwrap().count())
}

/// Runs `count` times, and asserts that the last nine tenths hold no more than `allowed` KiB that the first did not.
fn does_not_grow(count: usize, allowed: i64) {
    let folder = tempfile::tempdir().unwrap();
    let (mut before, mut after) = ((0, 0), (0, 0));
    for number in 1..=count {
        let path = folder.path().join(number.to_string());
        run(&path);
        std::fs::remove_dir_all(path).unwrap();
        after = held();
        if number == count.div_ceil(10) {
            before = after;
        }
        if number % count.div_ceil(10) == 0 {
            println!("after {number} runs: {} KiB, {} files open", after.0, after.1);
        }
    }
    assert!(after.0 - before.0 <= allowed, "from {} to {} KiB in {count} runs", before.0, after.0);
    assert!(after.1 <= before.1, "from {} to {} open files", before.1, after.1);
}

#[test]
fn a_few_runs_in_one_process_leave_nothing_behind() {
    does_not_grow(20, 16 << 10);
}

#[test]
#[ignore = "takes many minutes: cargo test --release -p kanrl-pipeline --test growth -- --ignored --nocapture"]
fn a_thousand_runs_in_one_process_leave_nothing_behind() {
    does_not_grow(1000, 16 << 10);
}
