//! The whole journey, from an expert to an evaluated formula, here and in Python.

use super::{machine, read, save};
use crate::setup;
use crate::shell::{children_seconds, metrics, root, run, write};
use serde_json::{Value, json};
use std::path::Path;
use std::process::{Command, Stdio};

/// Ours without its videos: the script makes none.
const CONFIG: &str = "record = { videos = false }\n";

/// Both journeys of one environment, with the bundled expert or with the archive among the whole recordings, and the table.
pub fn journey(environment: &str, reference: Option<&Path>) -> Result<(), String> {
    let expert = match reference {
        Some(folder) => folder.join(format!("experts/ppo/{environment}.zip")),
        None => root().join(format!("crates/experts/bundled/{environment}.safetensors")),
    };
    if !expert.exists() {
        return Err(format!("no expert for {environment}: {} is missing", expert.display()));
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
        .arg(&expert)
        .arg("--config")
        .arg(&config)
        .arg("--out")
        .arg(&folder);
    let (ours, _) = measure(&mut extract)?;
    let metrics = metrics(&folder)?;
    let mut script = Command::new(python);
    script.arg(root().join("benches/peers/pipeline_pykan.py")).arg(environment).arg(&expert);
    let (theirs, answer) = measure(&mut script)?;
    let answer: Value =
        serde_json::from_str(&answer).map_err(|error| format!("the script answered `{answer}`: {error}"))?;
    let mut data = read()?;
    data["journeys"][environment] = json!({
        "machine": machine,
        "versions": {"pykan": "0.2.8"},
        "expert": if reference.is_some() { "reference" } else { "bundled" },
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
