//! Exports held against their contracts.

use crate::{Failure, json};
use clap::Args;
use kanrl_export::replay::Outcome;
use kanrl_export::{Checked, FolderError, ROWS, check};
use serde_json::{Value, json};
use std::io::Error;
use std::path::PathBuf;

/// `kanrl check-export`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kanrl export run:runs/first --to c --scalar q15 --dir controller
  kanrl check-export controller

Every export in the folder is compiled or interpreted in its own language, run at 10,000 observations that fill
the contract's ranges, and compared with the contract's formula: outputs within the proved bound (fixed point), or
within what the rounding of its numbers explains; actions equal except where two outputs are as near to each
other as that. What is not installed is skipped and named.

This runs the code in the folder. Do not check a folder that you do not trust.")]
pub struct CheckExport {
    /// Folder of exports and their contract, written by `kanrl export --dir` or --out.
    dir: PathBuf,
    /// Treat exports that cannot be run here as failures.
    #[arg(long)]
    strict: bool,
    /// Print JSON: for each export its file, format, and result.
    #[arg(long)]
    json: bool,
}

impl CheckExport {
    pub fn run(self) -> Result<(), Failure> {
        let checked = check(&self.dir).map_err(|error| match error {
            FolderError::NoContract { .. } => {
                Failure::input_with_help(error, "export with --dir DIR or --out FILE first")
            }
            error => Failure::input(error),
        })?;
        if checked.is_empty() {
            let message = Error::other(format!("{} has a contract, but no export", self.dir.display()));
            return Err(Failure::input_with_help(message, "run `kanrl export` with --dir"));
        }
        if self.json {
            json::print(&Value::Array(checked.iter().map(as_json).collect()))?;
        } else {
            checked.iter().for_each(print);
        }
        let failed = checked.iter().filter(|checked| match &checked.result {
            Ok(Outcome::Missing(_)) => self.strict,
            result => result.is_err(),
        });
        match failed.count() {
            0 => Ok(()),
            count => Err(Failure::run(Error::other(format!("{count} of {} exports failed", checked.len())))),
        }
    }
}

fn name(checked: &Checked) -> String {
    format!("{} ({}, {})", checked.file, checked.target.format.name(), checked.target.scalar.name())
}

fn print(checked: &Checked) {
    let name = name(checked);
    match &checked.result {
        Ok(Outcome::Replayed(replayed)) if replayed.rows == 0 => {
            println!("ok      {name}: it is the contract's formula")
        }
        Ok(Outcome::Replayed(replayed)) => {
            let share = 100.0 * replayed.share;
            let mut line = format!(
                "ok      {name}: {} of {ROWS} observations, largest error {:.2e}, {share:.0} % of what is allowed",
                replayed.rows, replayed.largest_error
            );
            if replayed.switching > 0 {
                line += &format!("; {} too near to a switch of the formula", replayed.switching);
            }
            if replayed.ties > 0 {
                line += &format!("; {} ties decided otherwise", replayed.ties);
            }
            println!("{line}");
        }
        Ok(Outcome::Missing(what)) => println!("skipped {name}: {what}"),
        Ok(Outcome::NotCode) => println!("ok      {name}: made under this contract; nothing replays this format"),
        Err(error) => println!("FAILED  {name}: {error}"),
    }
}

fn as_json(checked: &Checked) -> Value {
    let (outcome, details) = match &checked.result {
        Ok(Outcome::Replayed(replayed)) => (
            "replayed",
            json!({
                "rows": replayed.rows, "switching": replayed.switching, "largest_error": replayed.largest_error,
                "share_of_bound": replayed.share, "ties": replayed.ties,
            }),
        ),
        Ok(Outcome::Missing(what)) => ("skipped", json!({ "missing": what })),
        Ok(Outcome::NotCode) => ("not_replayed", Value::Null),
        Err(error) => ("failed", json!({ "error": error.to_string() })),
    };
    json!({
        "file": checked.file, "format": checked.target.format.name(), "scalar": checked.target.scalar.name(),
        "result": outcome, "details": details,
    })
}
