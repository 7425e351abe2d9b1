//! The smallest program that checks plugins in a separate process: `plugin-host PATH [LIMIT_IN_SECONDS [ID …]]`.

use kanrl_plugin::{check_in_child, run_check};
use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::time::Duration;

/// What the program calls itself with.
const HIDDEN_SUBCOMMAND: &str = "check-plugin-in-this-process";

fn main() -> ExitCode {
    match run() {
        Ok(healthy) => ExitCode::from(u8::from(!healthy)),
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::from(2)
        }
    }
}

fn run() -> Result<bool, String> {
    let mut arguments = std::env::args_os().skip(1);
    let first = arguments.next().ok_or("usage: plugin-host PATH [LIMIT_IN_SECONDS [ID …]]")?;
    if first == HIDDEN_SUBCOMMAND {
        return run_check(arguments).map(|()| true);
    }
    let limit = arguments.next().and_then(|limit| limit.to_str()?.parse().ok()).unwrap_or(60.0);
    let ids: Vec<String> = arguments.map(|id| id.to_string_lossy().into_owned()).collect();
    let mut command = Command::new(std::env::current_exe().map_err(|error| error.to_string())?);
    command.arg(HIDDEN_SUBCOMMAND);
    let report = check_in_child(command, &PathBuf::from(first), &ids, Duration::from_secs_f64(limit))
        .map_err(|error| error.to_string())?;
    print!("{report}");
    Ok(report.is_ok())
}
