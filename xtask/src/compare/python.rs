//! The Python package beside pykan, Gymnasium, EnvPool and NumPy, all in one interpreter.

use super::{machine, read, row, save};
use crate::setup;
use crate::shell::{root, run};
use serde_json::{Value, json};
use std::process::{Command, Stdio};

/// The area's rows; those of cases that are not measured stay.
pub fn python(rounds: usize, only: Option<&str>) -> Result<(), String> {
    let wheel = crate::python::wheel()?;
    let interpreter = setup::peers("python.txt")?;
    let program = interpreter.to_str().ok_or("the workspace's path is not valid UTF-8")?;
    let wheel = wheel.to_str().ok_or("the workspace's path is not valid UTF-8")?;
    run(program, &["-m", "pip", "install", "--quiet", "--no-deps", "--force-reinstall", wheel])?;
    let mut command = Command::new(&interpreter);
    command.arg(root().join("benches/peers/python_package.py")).args(["--rounds", &rounds.to_string()]);
    command.args(["--case", only.unwrap_or_default()]).env("PYTHONSAFEPATH", "1").stderr(Stdio::inherit());
    let output = command.output().map_err(|error| format!("cannot run {command:?}: {error}"))?;
    let answer: Value = serde_json::from_slice(&output.stdout)
        .map_err(|error| format!("{command:?} failed ({}): {error}", output.status))?;
    let mut data = read()?;
    let machine = machine::describe();
    let measured = answer["rows"].as_array().cloned().unwrap_or_default();
    let mut rows: Vec<Value> = data["python"]["rows"].as_array().cloned().unwrap_or_default();
    rows.retain(|old| !measured.iter().any(|new| (&new["case"], &new["peer"]) == (&old["case"], &old["peer"])));
    rows.extend(measured.iter().map(|new| {
        let seconds =
            |side: &str| -> Vec<f64> { new[side].as_array().into_iter().flatten().filter_map(Value::as_f64).collect() };
        let name = |key: &str| new[key].as_str().unwrap_or_default().to_owned();
        let mut row = row(&name("case"), &name("peer"), &seconds("ours"), &seconds("theirs"));
        row["kanrl"] = machine["kanrl"].clone();
        row
    }));
    data["python"] = json!({"machine": machine, "versions": answer["versions"], "rows": rows});
    save(&data)
}
