mod act;
mod bench;
mod card;
mod check_export;
mod config;
mod env;
mod experts;
mod explain;
mod explain_policy;
mod export;
mod extract;
mod generate;
mod hypothesis;
mod plugins;
mod policy;
mod policy_flags;
mod polish_worker;
mod push;
mod resume;
mod runs;
mod serve;
mod studio_work;
mod sweep;
mod train_expert;
mod verify;

use crate::{Failure, Plugins};
use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Turn an expert into a formula.
    Extract(extract::Extract),
    /// Resume a run that was cancelled or killed, after its last finished stage.
    Resume(resume::Resume),
    /// Run a grid of configs and seeds, several at a time.
    Sweep(sweep::Sweep),
    /// List, show, and compare runs.
    #[command(subcommand)]
    Runs(runs::Runs),
    /// Test hypotheses about a run's network: separability, symmetries, and formulas of yours.
    Hypothesis(hypothesis::Hypothesis),
    /// Export a formula as text, math, or code.
    Export(export::Export),
    /// Replay exports in their own languages against the formula of their contract.
    CheckExport(check_export::CheckExport),
    /// Measure how long an action takes: the formula in several languages, and the expert's network.
    Bench(bench::Bench),
    /// Write a run's model card for the Hugging Face hub, with its formula and exports.
    Card(card::Card),
    /// Upload a run's model card, formula and exports to the Hugging Face hub.
    Push(push::Push),
    /// Prove what can be proved about a formula: a proof card, and a hunt for counter-examples.
    Verify(verify::Verify),
    /// Say what each term of a formula does, in numbers, words, and pictures.
    Explain(explain_policy::ExplainPolicy),
    /// Play a policy and report its returns.
    Evaluate(policy::Evaluate),
    /// Show an episode, as a video or in the terminal.
    Play(policy::Play),
    /// Compute a policy's actions for a file of observations.
    Act(act::Act),
    /// List the bundled experts.
    Experts(experts::Experts),
    /// Train an expert for an environment that has none.
    TrainExpert(train_expert::TrainExpert),
    /// Start the web app: start and watch runs, explore and edit their formulas.
    Serve(serve::Serve),
    /// Print and check run configs.
    #[command(subcommand)]
    Config(config::Config),
    /// List and check environments.
    #[command(subcommand)]
    Env(env::Env),
    /// Inspect, check, and trust plugins, which add environments.
    #[command(subcommand)]
    Plugins(plugins::Command),
    #[command(hide = true)]
    StudioWork(studio_work::StudioWork),
    #[command(hide = true)]
    PolishWorker(polish_worker::PolishWorker),
    /// Print a shell completion script.
    Completions(generate::Completions),
    /// Print the man page.
    Man(generate::Man),
}

pub fn run(command: Command, quiet: bool, plugins: &Plugins) -> Result<(), Failure> {
    match command {
        Command::Extract(extract) => extract.run(quiet, plugins),
        Command::Resume(resume) => resume.run(quiet, plugins),
        Command::Sweep(sweep) => sweep.run(quiet, plugins),
        Command::Runs(runs) => runs.run(),
        Command::Export(export) => export.run(plugins),
        Command::CheckExport(check) => check.run(),
        Command::Bench(bench) => bench.run(plugins),
        Command::Card(card) => card.run(plugins),
        Command::Push(push) => push.run(plugins),
        Command::Hypothesis(hypothesis) => hypothesis.run(plugins),
        Command::Explain(explain) => explain.run(quiet, plugins),
        Command::Verify(verify) => verify.run(quiet, plugins),
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
        Command::PolishWorker(work) => work.run(plugins),
        Command::Completions(completions) => completions.run(),
        Command::Man(man) => man.run(),
    }
}
