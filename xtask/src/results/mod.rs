//! `cargo xtask results`: `kanrl extract` at its defaults on every environment, expert and pipeline seed, as a table.
//!
//! Every row is kept in `docs/results.json` as soon as it is there, so the command can be interrupted and run again; a row
//! is measured anew only where its command line or kanrl's version has changed, or with `--again`.

mod goals;
mod table;

use crate::setup;
use crate::shell::{children_seconds, root, run, write};
use goals::{GOALS, Goal};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

const DATA: &str = "docs/results.json";
const TABLE: &str = "docs/results.md";
/// What a run of a full build is made by, below the workspace.
const PROGRAM: &str = "target/release/kanrl";

/// What the command line asks for.
#[derive(Default)]
pub struct Options {
    /// One environment only.
    pub only: Option<String>,
    /// At most so many pipeline seeds.
    pub seeds: Option<u32>,
    /// Measure again what is there.
    pub again: bool,
    /// Only write the table.
    pub table: bool,
    /// A kanrl that is built already, instead of a release build.
    pub program: Option<PathBuf>,
    /// The folder of the whole recordings, for the archives among them.
    pub reference: Option<PathBuf>,
}

/// Runs what is missing, then writes the table.
pub fn results(options: &Options) -> Result<(), String> {
    let only = options.only.as_deref();
    if let Some(unknown) = only.filter(|only| GOALS.iter().all(|goal| goal.environment != *only)) {
        let known: Vec<&str> = GOALS.iter().map(|goal| goal.environment).collect();
        return Err(format!("no row of `{unknown}`: there are {}", known.join(", ")));
    }
    let most = options.seeds.unwrap_or(u32::MAX);
    let mut rows = read()?;
    if !options.table {
        setup::full()?;
        if options.program.is_none() {
            run("cargo", &["build", "--release", "--features", "full"])?;
        }
        for goal in GOALS.iter().filter(|goal| only.is_none_or(|only| only == goal.environment)) {
            for seed in 0..goal.seeds.0.min(most) {
                measure(&mut rows, goal, None, seed, options)?;
            }
            for seed in 0..goal.seeds.1.min(most) {
                match &options.reference {
                    Some(folder) => measure(&mut rows, goal, Some(folder), seed, options)?,
                    None => eprintln!("skipped: {} with a recorded agent (needs --reference DIR)", goal.environment),
                }
            }
        }
    }
    write(&root().join(TABLE), &table::table(&rows))
}

/// One row with the bundled expert, or with the archive among the recordings in a folder, unless it is there already.
fn measure(
    rows: &mut Vec<Value>,
    goal: &Goal,
    reference: Option<&Path>,
    seed: u32,
    options: &Options,
) -> Result<(), String> {
    let (seed_text, episodes) = (seed.to_string(), goal.episodes.to_string());
    let mut arguments = vec!["extract", goal.environment, "--seed", &seed_text, "--episodes", &episodes];
    let inside = format!("experts/ppo/{}.zip", goal.archive);
    let (mut command, mut source) = (format!("kanrl {}", arguments.join(" ")), "bundled".to_owned());
    let archive = reference.map(|folder| folder.join(&inside).display().to_string());
    if let Some(archive) = &archive {
        source = format!("$KANRL_REFERENCE/{inside}");
        command += &format!(" --expert {source}");
        arguments.extend(["--expert", archive]);
    }
    let version = env!("CARGO_PKG_VERSION");
    let same = |row: &Value| row["command"] == command.as_str() && row["version"] == version;
    if !options.again && rows.iter().any(same) {
        return Ok(());
    }
    let folder = PathBuf::from("target/results").join(format!("{}-{seed}-{}", goal.environment, reference.is_none()));
    let _ = std::fs::remove_dir_all(root().join(&folder));
    let out = folder.to_str().ok_or("the workspace's path is not valid UTF-8")?;
    eprintln!("$ {command}");
    let (started, children) = (Instant::now(), children_seconds()?);
    let program = options.program.clone().unwrap_or_else(|| root().join(PROGRAM));
    let run = |arguments: &[&str]| {
        let output = Command::new(&program).args(arguments).current_dir(root()).output();
        let output = output.map_err(|error| format!("cannot run {}: {error}", program.display()))?;
        if !output.status.success() {
            return Err(format!("`{command}` failed: {}", String::from_utf8_lossy(&output.stderr)));
        }
        Ok(output.stdout)
    };
    run(&[&arguments[..], &["--out", out]].concat())?;
    let minutes = started.elapsed().as_secs_f64() / 60.0;
    let cpu_minutes = (children_seconds()? - children) / 60.0;
    let shown: Value = serde_json::from_slice(&run(&["runs", "show", "--json", out])?)
        .map_err(|error| format!("{}: {error}", folder.display()))?;
    let row = json!({
        "environment": goal.environment,
        "expert_source": source,
        "seed": seed,
        "episodes": goal.episodes,
        "command": command,
        "version": version,
        "commit": commit()?,
        "minutes": (minutes * 100.0).round() / 100.0,
        "cpu_minutes": (cpu_minutes * 100.0).round() / 100.0,
        "expert": policy(&shown["metrics"], "expert"),
        "network": policy(&shown["metrics"], "network"),
        "faithful": policy(&shown["metrics"], "faithful"),
        "headline": policy(&shown["metrics"], "headline"),
        "polished": policy(&shown["metrics"], "polished"),
    });
    rows.retain(|other| other["command"] != command.as_str());
    rows.push(row);
    let text = serde_json::to_string_pretty(&rows).map_err(|error| error.to_string())?;
    write(&root().join(DATA), &(text + "\n"))?;
    write(&root().join(TABLE), &table::table(rows))
}

/// What a run says of a policy; null for one that it does not have.
fn policy(metrics: &Value, role: &str) -> Value {
    let returns = &metrics["returns"][role];
    if returns.is_null() {
        return Value::Null;
    }
    let formula = &metrics["formulas"][role];
    let candidates = metrics["candidates"].as_array().map_or(&[][..], Vec::as_slice);
    let has_role =
        |candidate: &&Value| candidate["roles"].as_array().is_some_and(|roles| roles.iter().any(|own| own == role));
    let curves = candidates.iter().find(has_role).map_or(Value::Null, |candidate| candidate["curves"].clone());
    json!({
        "mean": returns["mean"],
        "std": returns["std"],
        "interval": returns["interquartile_mean_interval"],
        "interquartile_mean": returns["interquartile_mean"],
        "worst_5_percent": returns["worst_5_percent"],
        "measure": metrics["agreement"]["measure"],
        "fidelity_expert_states": metrics["agreement"]["expert_states"][role],
        "fidelity_own_states": metrics["agreement"]["own_states"][role],
        "student": formula["student"],
        "operations": formula["operations"],
        "curves": curves,
    })
}

/// The commit that is checked out, with `+` where files differ from it.
fn commit() -> Result<String, String> {
    let output = Command::new("git").args(["describe", "--always", "--dirty=+"]).current_dir(root()).output();
    let output = output.map_err(|error| format!("cannot run git: {error}"))?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn read() -> Result<Vec<Value>, String> {
    match std::fs::read_to_string(root().join(DATA)) {
        Ok(text) => serde_json::from_str(&text).map_err(|error| format!("{DATA}: {error}")),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(format!("cannot read {DATA}: {error}")),
    }
}
