//! The `kanrl` command.
//!
//! Exit codes: 0 success; 1 a run failed; 2 invalid command line, config, or input file; 124 a plugin hung; 130 cancelled by Ctrl-C.

use crate::commands::{self, Command};
use crate::plugins::Plugins;
use crate::{isolation, processes};
use clap::{CommandFactory, FromArgMatches, Parser};
use std::ffi::OsString;
use std::path::PathBuf;

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
pub(crate) const EVERYWHERE: &str = "Global options";

const EXAMPLES: &str = "\
Examples:
  kanrl extract CartPole-v1                          explain the bundled expert
  kanrl extract CartPole-v1 --expert agent.zip       explain a Stable-Baselines3 agent
  kanrl env list                                     list the environments
  kanrl serve --open                                 work in a browser

Exit codes: 0 success, 1 a run failed, 2 invalid command line, config, or input file, 124 a plugin hung,
130 cancelled.";

/// Runs the command with the arguments of this process and gives its exit code.
pub fn main() -> u8 {
    run(std::env::args_os().skip(1).collect())
}

/// As [`main`], for a process that is another program's, such as Python's: `program` is the executable that runs the command,
/// which starts itself again for plugins and for the studio, and `arguments` are what follows its name.
pub fn main_of(program: PathBuf, arguments: Vec<OsString>) -> u8 {
    processes::is_started_by(program);
    run(arguments)
}

fn run(arguments: Vec<OsString>) -> u8 {
    processes::end_with_parent();
    if let Err(error) = isolation::start(&arguments) {
        eprintln!("error: cannot note what a plugin does: {error}");
        return 1;
    }
    let arguments = parsed(arguments);
    start_logging(arguments.verbose, arguments.quiet);
    let code = match commands::run(arguments.command, arguments.quiet, &arguments.plugins) {
        Ok(()) => 0,
        Err(failure) => {
            eprintln!("{:?}", miette::Report::new_boxed(failure.diagnostic));
            failure.exit_code
        }
    };
    isolation::done(code);
    code
}

/// The whole command line.
pub(crate) fn command() -> clap::Command {
    Plugins::flag_everywhere(Arguments::command())
}

fn parsed(arguments: Vec<OsString>) -> Arguments {
    let matches = command().get_matches_from([OsString::from("kanrl")].into_iter().chain(arguments));
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
