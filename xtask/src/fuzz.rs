//! `cargo xtask fuzz`: every fuzz target for a while, as a table of executions and crashes.
//!
//! What a run finds worth keeping goes to `fuzz/target/corpus`, not into the repository's corpora: those are small, and
//! ordinary tests replay them. To add to them, copy the input in; to shrink one, `cargo +nightly fuzz cmin TARGET`.

use crate::shell::{has, root, run};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// How long each target runs.
#[derive(Clone, Copy)]
pub enum Budget {
    Runs(u64),
    Seconds(u64),
}

/// What came of one target.
struct Outcome {
    target: String,
    executions: u64,
    /// Inputs that made it fail.
    failures: Vec<PathBuf>,
}

/// Runs the targets of these names, or all; an error names those that failed.
pub fn fuzz(names: &[String], budget: Budget) -> Result<(), String> {
    let known = targets()?;
    if let Some(unknown) = names.iter().find(|name| !known.contains(name)) {
        return Err(format!("no fuzz target `{unknown}`: there are {}", known.join(", ")));
    }
    if !has("cargo-fuzz") {
        return Err("cargo-fuzz is missing: cargo install cargo-fuzz --locked".to_owned());
    }
    // One build for all, visibly; the runs find it done.
    run("cargo", &["+nightly", "fuzz", "build"])?;
    let chosen = known.iter().filter(|target| names.is_empty() || names.contains(target));
    let outcomes = chosen.map(|target| run_target(target, budget)).collect::<Result<Vec<_>, String>>()?;
    println!("{:<16} {:>12} {:>8}", "target", "executions", "crashes");
    for Outcome { target, executions, failures } in &outcomes {
        println!("{target:<16} {executions:>12} {:>8}", failures.len());
        failures.iter().for_each(|input| println!("    {}", input.display()));
    }
    let failed = |outcome: &Outcome| !outcome.failures.is_empty();
    match outcomes.iter().filter(|outcome| failed(outcome)).map(|outcome| &*outcome.target).collect::<Vec<_>>() {
        failed if failed.is_empty() => Ok(()),
        failed => Err(format!("found something in {}: see the inputs above", failed.join(", "))),
    }
}

/// Names of the targets, which are those of the files.
fn targets() -> Result<Vec<String>, String> {
    let mut names: Vec<String> = entries(&root().join("fuzz/fuzz_targets"))?
        .iter()
        .filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned()))
        .collect();
    names.sort();
    Ok(names)
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let read = || std::fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<std::io::Result<Vec<PathBuf>>>();
    read().map_err(|error| format!("cannot read {}: {error}", folder.display()))
}

fn run_target(target: &str, budget: Budget) -> Result<Outcome, String> {
    let [found, corpus, artifacts] =
        ["target/corpus", "corpus", "artifacts"].map(|folder| root().join("fuzz").join(folder).join(target));
    for folder in [&found, &corpus, &artifacts] {
        std::fs::create_dir_all(folder).map_err(|error| format!("cannot make {}: {error}", folder.display()))?;
    }
    let before = entries(&artifacts)?;
    let limit = match budget {
        Budget::Runs(count) => format!("-runs={count}"),
        Budget::Seconds(count) => format!("-max_total_time={count}"),
    };
    // Longer inputs than the seeds are tried as well; what takes ten seconds or 2 GiB is a finding.
    let options = [&*limit, "-print_final_stats=1", "-timeout=10", "-rss_limit_mb=2048", "-max_len=65536"];
    eprintln!("$ cargo +nightly fuzz run {target} -- {}", options.join(" "));
    let output = Command::new("cargo")
        .args(["+nightly", "fuzz", "run", target])
        .args([&found, &corpus])
        .arg("--")
        .args(options)
        .current_dir(root())
        .stdout(Stdio::null())
        .output()
        .map_err(|error| format!("cannot run cargo: {error}"))?;
    let log = String::from_utf8_lossy(&output.stderr);
    let executions = log
        .lines()
        .find_map(|line| line.strip_prefix("stat::number_of_executed_units:"))
        .and_then(|count| count.trim().parse().ok());
    let failures: Vec<PathBuf> = entries(&artifacts)?.into_iter().filter(|path| !before.contains(path)).collect();
    if failures.is_empty() && (executions.is_none() || !output.status.success()) {
        return Err(format!("`{target}` could not be run ({}):\n{log}", output.status));
    }
    if !failures.is_empty() {
        eprintln!("{log}");
    }
    Ok(Outcome { target: target.to_owned(), executions: executions.unwrap_or(0), failures })
}
