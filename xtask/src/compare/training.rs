//! PPO here and in Stable-Baselines3: the same environment, hyper-parameters, budget and cores, seed by seed in turn.

use super::{machine, median, read, save};
use crate::setup;
use crate::shell::{root, run};
use serde_json::{Value, json};
use std::path::Path;
use std::process::{Command, Stdio};

/// Environments and steps: long enough to be timed and to learn something, short enough for a peer.
const CASES: [(&str, u64); 3] = [("CartPole-v1", 50_000), ("Pendulum-v1", 50_000), ("Swimmer-v4", 30_000)];

/// Both trainings of every case with that many seeds each; what is there is saved after each case.
pub fn training(seeds: usize, only: Option<&str>) -> Result<(), String> {
    setup::full()?;
    let python = setup::peers("training.txt")?;
    run("cargo", &["build", "--release", "-p", "kanrl-experts", "--features", "mujoco", "--example", "train"])?;
    let program = root().join("target/release/examples/train");
    let script = root().join("benches/peers/ppo_sb3.py");
    let machine = machine::describe();
    let mut data = read()?;
    for (environment, timesteps) in CASES.iter().filter(|(id, _)| only.is_none_or(|part| id.contains(part))) {
        let config = config(environment)?;
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for seed in 0..seeds {
            let arguments = |command: &mut Command| {
                command.arg(environment).arg("--config").arg(&config);
                command.args(["--timesteps", &timesteps.to_string(), "--seed", &seed.to_string()]);
            };
            let mut command = Command::new(&program);
            arguments(&mut command);
            ours.push(answer(command.arg("--json"))?);
            let mut command = Command::new(&python);
            arguments(command.arg(&script));
            theirs.push(answer(&mut command)?);
        }
        data["training"]["machine"] = machine.clone();
        data["training"]["versions"] = theirs[0]["versions"].clone();
        data["training"]["cases"][environment] = case(&ours, &theirs);
        save(&data)?;
    }
    Ok(())
}

/// The bundled expert's hyper-parameters, as a file of their own.
fn config(environment: &str) -> Result<std::path::PathBuf, String> {
    let path = root().join(format!("crates/experts/bundled/{environment}.json"));
    let error = |error: &dyn std::fmt::Display, path: &Path| format!("{}: {error}", path.display());
    let text = std::fs::read_to_string(&path).map_err(|reason| error(&reason, &path))?;
    let summary: Value = serde_json::from_str(&text).map_err(|reason| error(&reason, &path))?;
    let file = root().join(format!("target/compare-training-{environment}.json"));
    std::fs::write(&file, summary["config"].to_string()).map_err(|reason| error(&reason, &file))?;
    Ok(file)
}

/// The line of JSON that a training prints.
fn answer(command: &mut Command) -> Result<Value, String> {
    eprintln!("$ {command:?}");
    let output = command.stderr(Stdio::null()).output().map_err(|error| format!("cannot run {command:?}: {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    eprint!("{text}");
    serde_json::from_str(&text).map_err(|error| format!("{command:?} failed ({}): {error}", output.status))
}

fn case(ours: &[Value], theirs: &[Value]) -> Value {
    let side = |lines: &[Value]| {
        let numbers = |of: &dyn Fn(&Value) -> Option<f64>| lines.iter().filter_map(of).collect::<Vec<f64>>();
        let rates = |unit: &str| numbers(&|line| Some(line["timesteps"].as_f64()? / line[unit].as_f64()?));
        (rates("seconds"), rates("cpu_seconds"), numbers(&|line| line["return"].as_f64()))
    };
    let (ours_clock, ours_cpu, ours_returns) = side(ours);
    let (theirs_clock, theirs_cpu, theirs_returns) = side(theirs);
    let ratios = |ours: &[f64], theirs: &[f64]| -> Vec<f64> {
        ours.iter().zip(theirs).map(|(ours, theirs)| ours / theirs).collect()
    };
    json!({
        "timesteps": ours[0]["timesteps"],
        "ours": {
            "steps_per_second": median(&ours_clock), "steps_per_cpu_second": median(&ours_cpu), "returns": ours_returns,
        },
        "theirs": {
            "steps_per_second": median(&theirs_clock), "steps_per_cpu_second": median(&theirs_cpu),
            "returns": theirs_returns,
        },
        "ratios": ratios(&ours_clock, &theirs_clock),
        "cpu_ratios": ratios(&ours_cpu, &theirs_cpu),
    })
}
