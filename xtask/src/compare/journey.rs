//! The whole journey, from an expert's archive to an evaluated formula, here and in Python.

use super::{machine, read, save};
use crate::setup;
use crate::shell::{children_seconds, metrics, root, run, write};
use serde_json::{Value, json};
use std::process::{Command, Stdio};

/// Ours without its videos: the script makes none.
const CONFIG: &str = "record = { videos = false }\n";

/// Both journeys of one environment with the reference agent's archive, and the table.
pub fn journey(environment: &str) -> Result<(), String> {
    let archive = root().join(format!("../shared/reference/experts/ppo/{environment}.zip"));
    if !archive.exists() {
        return Err(format!("no reference agent: {} is missing", archive.display()));
    }
    let python = setup::peers("torch.txt")?;
    run("cargo", &["build", "--release", "--features", "full"])?;
    let machine = machine::describe();
    let folder = root().join("target/compare-run");
    let _ = std::fs::remove_dir_all(&folder);
    let program = root().join("target/release/kanrl");
    let mut extract = Command::new(program);
    let config = root().join("target/compare-run.toml");
    write(&config, CONFIG)?;
    extract
        .args(["extract", environment, "--expert"])
        .arg(&archive)
        .arg("--config")
        .arg(&config)
        .arg("--out")
        .arg(&folder);
    let (ours, _) = measure(&mut extract)?;
    let metrics = metrics(&folder)?;
    let mut script = Command::new(python);
    script.arg(root().join("benches/peers/pipeline_pykan.py")).arg(environment).arg(&archive);
    let (theirs, answer) = measure(&mut script)?;
    let answer: Value =
        serde_json::from_str(&answer).map_err(|error| format!("the script answered `{answer}`: {error}"))?;
    let mut data = read()?;
    data["journeys"][environment] = json!({
        "machine": machine,
        "versions": {"pykan": "0.2.8"},
        "ours": {
            "cpu_seconds": ours,
            "return": metrics["returns"]["headline"]["mean"],
            "operations": metrics["formulas"]["headline"]["operations"],
        },
        "theirs": {"cpu_seconds": theirs, "return": answer["return"], "operations": answer["operations"]},
    });
    save(&data)
}

/// Runs a program to its end: its CPU seconds, of all threads and children, and what it printed.
fn measure(command: &mut Command) -> Result<(f64, String), String> {
    eprintln!("$ {command:?}");
    let before = children_seconds()?;
    let output =
        command.stderr(Stdio::inherit()).output().map_err(|error| format!("cannot run {command:?}: {error}"))?;
    if !output.status.success() {
        return Err(format!("{command:?} failed ({})", output.status));
    }
    Ok((children_seconds()? - before, String::from_utf8_lossy(&output.stdout).into_owned()))
}
