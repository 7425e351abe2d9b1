mod act;
mod config;
mod env;
mod experts;
mod export;
mod extract;
mod generate;
mod plugins;
mod policy;
mod policy_flags;
mod resume;
mod runs;
mod serve;
mod studio_work;
mod sweep;
mod train_expert;

use crate::{Failure, Plugins};
use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Turn an expert into a formula: collect, fit, prune, symbolify, refine, evaluate.
    Extract(extract::Extract),
    /// Go on with a run that was cancelled or killed, at the last finished stage.
    Resume(resume::Resume),
    /// Make many runs: a grid over any config fields, with seeds, some at the same time.
    Sweep(sweep::Sweep),
    /// List, show and compare runs.
    #[command(subcommand)]
    Runs(runs::Runs),
    /// Write a formula as text, mathematics or code.
    Export(export::Export),
    /// Play a policy and report its returns.
    Evaluate(policy::Evaluate),
    /// Show an episode, as a video or in the terminal.
    Play(policy::Play),
    /// Ask a policy for the actions of a file of observations.
    Act(act::Act),
    /// The experts that come with kanrl.
    Experts(experts::Experts),
    /// Train an expert with PPO, for environments that have none.
    TrainExpert(train_expert::TrainExpert),
    /// The web app: start runs, watch them, look into their formulas and change them.
    Serve(serve::Serve),
    /// Print and check run configs.
    #[command(subcommand)]
    Config(config::Config),
    /// The environments there are.
    #[command(subcommand)]
    Env(env::Env),
    /// Shared libraries that add environments.
    #[command(subcommand)]
    Plugins(plugins::Command),
    #[command(hide = true)]
    StudioWork(studio_work::StudioWork),
    /// Print a script that completes commands and flags in a shell.
    Completions(generate::Completions),
    /// Print the manual page.
    Man(generate::Man),
}

pub fn run(command: Command, quiet: bool, plugins: &Plugins) -> Result<(), Failure> {
    match command {
        Command::Extract(extract) => extract.run(quiet, plugins),
        Command::Resume(resume) => resume.run(quiet, plugins),
        Command::Sweep(sweep) => sweep.run(quiet, plugins),
        Command::Runs(runs) => runs.run(),
        Command::Export(export) => export.run(),
        Command::Evaluate(evaluate) => evaluate.run(quiet, plugins),
        Command::Play(play) => play.run(quiet, plugins),
        Command::Act(act) => act.run(quiet, plugins),
        Command::Experts(experts) => experts.run(),
        Command::TrainExpert(train) => train.run(quiet, plugins),
        Command::Serve(serve) => serve.run(plugins),
        Command::Config(config) => config.run(plugins),
        Command::Env(env) => env.run(plugins),
        Command::Plugins(command) => command.run(plugins),
        Command::StudioWork(work) => work.run(plugins),
        Command::Completions(completions) => completions.run(),
        Command::Man(man) => man.run(),
    }
}
