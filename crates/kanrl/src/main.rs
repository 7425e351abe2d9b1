//! The `kanrl` command.
//!
//! Exit codes: 0 success; 1 a run failed; 2 invalid command line, config, or input file; 124 a plugin hung; 130 cancelled by Ctrl-C.

#[macro_use]
mod output;

mod commands;
mod failure;
mod isolation;
mod json;
mod origin;
mod plugins;
mod processes;
mod terminal;

use clap::{CommandFactory, FromArgMatches, Parser};
use commands::Command;
use failure::Failure;
use plugins::Plugins;
use std::process::ExitCode;

/// Turns a trained reinforcement-learning policy into a formula people can read, check, and ship.
#[derive(Debug, Parser)]
#[command(name = "kanrl", version, arg_required_else_help = true, after_help = EXAMPLES)]
struct Arguments {
    /// Print more: -v for progress, -vv for details.
    #[arg(short, long, global = true, action = clap::ArgAction::Count, help_heading = EVERYWHERE)]
    verbose: u8,
    /// Print only the result.
    #[arg(short, long, global = true, help_heading = EVERYWHERE)]
    quiet: bool,
    #[command(flatten)]
    plugins: Plugins,
    #[command(subcommand)]
    command: Command,
}

/// Above the flags that every command has.
const EVERYWHERE: &str = "Global options";

const EXAMPLES: &str = "\
Examples:
  kanrl extract CartPole-v1                          explain the bundled expert
  kanrl extract CartPole-v1 --expert agent.zip       explain a Stable-Baselines3 agent
  kanrl env list                                     list the environments
  kanrl serve --open                                 work in a browser

Exit codes: 0 success, 1 a run failed, 2 invalid command line, config, or input file, 124 a plugin hung,
130 cancelled.";

fn main() -> ExitCode {
    processes::end_with_parent();
    if let Err(error) = isolation::start() {
        eprintln!("error: cannot note what a plugin does: {error}");
        return ExitCode::FAILURE;
    }
    let arguments = arguments();
    start_logging(arguments.verbose, arguments.quiet);
    match commands::run(arguments.command, arguments.quiet, &arguments.plugins) {
        Ok(()) => end(0),
        Err(failure) => {
            eprintln!("{:?}", miette::Report::new_boxed(failure.diagnostic));
            end(failure.exit_code)
        }
    }
}

fn end(code: u8) -> ExitCode {
    isolation::done(code);
    ExitCode::from(code)
}

/// The whole command line.
fn command() -> clap::Command {
    Plugins::flag_everywhere(Arguments::command())
}

fn arguments() -> Arguments {
    let matches = command().get_matches();
    let mut arguments = Arguments::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    arguments.plugins.take_paths(&matches);
    arguments
}

fn start_logging(verbose: u8, quiet: bool) {
    use tracing_subscriber::EnvFilter;
    let default = match (quiet, verbose) {
        (true, _) => "error",
        (_, 0) => "warn",
        (_, 1) => "info",
        _ => "debug",
    };
    let filter = EnvFilter::try_from_env("KANRL_LOG").unwrap_or_else(|_| EnvFilter::new(default));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).without_time().init();
}
