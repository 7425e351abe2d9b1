//! What a measurement was made on.

use serde_json::{Value, json};
use std::process::Command;

/// Processor, cores, load, and the compiler's and kanrl's versions.
pub fn describe() -> Value {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let information = read("/proc/cpuinfo");
    let processor = information.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    let load = read("/proc/loadavg");
    json!({
        "processor": processor.map_or("unknown", |(_, name)| name.trim()),
        "cores": std::thread::available_parallelism().map_or(0, usize::from),
        "load": load.split_whitespace().next().unwrap_or("unknown"),
        "rustc": first_line("rustc", &["--version"]),
        "kanrl": format!("{} ({})", env!("CARGO_PKG_VERSION"), first_line("git", &["describe", "--always", "--dirty"])),
    })
}

fn first_line(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).current_dir(crate::shell::root()).output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    text.lines().next().unwrap_or("unknown").to_owned()
}
