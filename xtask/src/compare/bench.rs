//! One of our criterion benches, case by case.

use crate::shell::root;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A bench's executable.
pub struct Bench {
    executable: PathBuf,
    recordings: PathBuf,
}

impl Bench {
    /// Builds the bench target of the crate `benches`, to be run on the recordings in a folder.
    pub fn build(name: &str, features: &[&str], recordings: &Path) -> Result<Self, String> {
        let features = features.join(",");
        let arguments = ["bench", "-p", "benches", "--bench", name, "--no-run", "--message-format=json"];
        eprintln!("$ cargo {} --features \"{features}\"", arguments.join(" "));
        let mut command = Command::new("cargo");
        command
            .args(arguments)
            .args(["--features", &features])
            .current_dir(root())
            .stderr(std::process::Stdio::inherit());
        let output = checked(&mut command)?;
        let messages = String::from_utf8_lossy(&output.stdout);
        let executable =
            messages.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()).find_map(|message| {
                let wanted = message["target"]["name"] == name && message["target"]["kind"][0] == "bench";
                wanted.then(|| message["executable"].as_str().map(PathBuf::from)).flatten()
            });
        let executable = executable.ok_or_else(|| format!("cargo built no bench `{name}`"))?;
        Ok(Self { executable, recordings: recordings.to_owned() })
    }

    /// The names of all its cases.
    pub fn cases(&self) -> Result<Vec<String>, String> {
        let output = checked(self.command().args(["--list", "--format", "terse"]))?;
        let text = String::from_utf8_lossy(&output.stdout);
        Ok(text.lines().filter_map(|line| line.strip_suffix(": benchmark")).map(str::to_owned).collect())
    }

    /// Seconds per element of the fastest of criterion's samples of a case, on one thread.
    pub fn seconds(&self, case: &str) -> Result<f64, String> {
        let folder = root().join("target/compare");
        let _ = std::fs::remove_dir_all(&folder);
        let exactly = format!("^{}$", case.replace('.', "\\."));
        let timing = ["--noplot", "--warm-up-time", "0.3", "--measurement-time", "1"];
        checked(self.command().args(timing).arg(&exactly).env("CRITERION_HOME", &folder))?;
        let sample = find(&folder, "sample.json").ok_or_else(|| format!("the bench has no case `{case}`"))?;
        let benchmark =
            find(&folder, "benchmark.json").ok_or_else(|| format!("{case}: criterion wrote no benchmark.json"))?;
        let (sample, benchmark) = (json(&sample)?, json(&benchmark)?);
        let numbers = |name: &str| sample[name].as_array().into_iter().flatten().filter_map(Value::as_f64);
        let nanoseconds =
            numbers("times").zip(numbers("iters")).map(|(time, count)| time / count).fold(f64::INFINITY, f64::min);
        let elements = benchmark["throughput"]["Elements"].as_f64().unwrap_or(1.0);
        Ok(nanoseconds / 1e9 / elements)
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.executable);
        // As cargo runs it: in the package's folder.
        command.arg("--bench").current_dir(root().join("benches")).env("RAYON_NUM_THREADS", "1");
        command.env("KANRL_REFERENCE", &self.recordings);
        command
    }
}

fn checked(command: &mut Command) -> Result<Output, String> {
    let output = command.output().map_err(|error| format!("cannot run {command:?}: {error}"))?;
    if output.status.success() {
        Ok(output)
    } else {
        Err(format!("{command:?} failed: {}", String::from_utf8_lossy(&output.stderr)))
    }
}

fn json(path: &Path) -> Result<Value, String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))
}

/// The file of that name in a folder called `new`, where criterion puts a run's.
fn find(folder: &Path, name: &str) -> Option<PathBuf> {
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).ok()?.flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.ends_with(Path::new("new").join(name)) {
                return Some(path);
            }
        }
    }
    None
}
