mod config;
mod env;
mod extract;
mod resume;

use crate::Failure;
use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Turn an expert into a formula: collect, fit, prune, symbolify, refine, evaluate.
    Extract(extract::Extract),
    /// Go on with a run that was cancelled or killed, at the last finished stage.
    Resume(resume::Resume),
    /// Print and check run configs.
    #[command(subcommand)]
    Config(config::Config),
    /// The environments there are.
    #[command(subcommand)]
    Env(env::Env),
}

pub fn run(command: Command, quiet: bool) -> Result<(), Failure> {
    match command {
        Command::Extract(extract) => extract.run(quiet),
        Command::Resume(resume) => resume.run(quiet),
        Command::Config(config) => config.run(),
        Command::Env(env) => env.run(),
    }
}
