//! Running other programs, visibly.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The workspace's root.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the workspace").to_owned()
}

/// The folder of the whole recordings, where `--reference` or `KANRL_REFERENCE` names one; relative to the workspace's root.
pub fn reference(named: Option<&str>) -> Result<Option<PathBuf>, String> {
    let variable = std::env::var("KANRL_REFERENCE").ok().filter(|value| !value.is_empty() && value != "require");
    let Some(folder) = named.map(str::to_owned).or(variable).map(|folder| root().join(folder)) else { return Ok(None) };
    if folder.is_dir() { Ok(Some(folder)) } else { Err(format!("no folder {}", folder.display())) }
}

/// Prints and runs a command in the workspace's root.
pub fn run(program: &str, arguments: &[&str]) -> Result<(), String> {
    run_with(program, arguments, &[])
}

/// As [`run`], with environment variables set.
pub fn run_with(program: &str, arguments: &[&str], variables: &[(&str, &str)]) -> Result<(), String> {
    eprintln!("$ {program} {}", arguments.join(" "));
    let status = Command::new(program)
        .args(arguments)
        .envs(variables.iter().copied())
        .current_dir(root())
        .status()
        .map_err(|error| format!("cannot run {program}: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("`{program} {}` failed ({status})", arguments.join(" "))) }
}

/// Everything that a run measured, as the built program says it.
pub fn metrics(run: &Path) -> Result<serde_json::Value, String> {
    let program = root().join("target/release/kanrl");
    let output = Command::new(&program)
        .args(["runs", "show", "--json"])
        .arg(run)
        .output()
        .map_err(|error| format!("cannot run {}: {error}", program.display()))?;
    let mut shown: serde_json::Value =
        serde_json::from_slice(&output.stdout).map_err(|error| format!("{}: {error}", run.display()))?;
    Ok(shown["metrics"].take())
}

/// Whether a program is on the path.
pub fn has(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

/// CPU seconds of all children that have ended, from `/proc/self/stat` (proc(5): fields 16 and 17, in hundredths).
pub fn children_seconds() -> Result<f64, String> {
    let text =
        std::fs::read_to_string("/proc/self/stat").map_err(|error| format!("cannot read /proc/self/stat: {error}"))?;
    let fields = text.rsplit_once(')').map_or("", |(_, fields)| fields);
    let ticks = |place: usize| fields.split_whitespace().nth(place).and_then(|field| field.parse::<f64>().ok());
    // The fields after the name begin with the third.
    ticks(13)
        .zip(ticks(14))
        .map(|(user, system)| (user + system) / 100.0)
        .ok_or_else(|| "/proc/self/stat is not as in proc(5)".to_owned())
}

/// Writes a file in whole or not at all.
pub fn write(path: &Path, text: &str) -> Result<(), String> {
    let temporary = path.with_extension("new");
    let attempt = || {
        std::fs::write(&temporary, text)?;
        std::fs::rename(&temporary, path)
    };
    attempt().map_err(|error| format!("cannot write {}: {error}", path.display()))
}
