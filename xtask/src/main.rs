//! `cargo xtask`: set-up, the local mirror of CI, and the measurements. Hardly a dependency, so that it builds in seconds.

mod attack;
mod ci;
mod compare;
mod fuzz;
mod mujoco;
mod proofs;
mod python;
mod results;
mod setup;
mod shell;

use lexopt::prelude::*;
use std::process::ExitCode;

const HELP: &str = "\
cargo xtask COMMAND

  setup    install what the feature `full` needs (Debian packages, libraries by package name)
  test     install what the whole test suite needs, then test the workspace with all features
  wheel    the Python package, into target/wheels
  torch    its tests with torch and Stable-Baselines3 (3 GB of downloads; ten minutes)
  ray      sweeps on Ray, with the oldest and the newest supported version (a gigabyte of downloads; ten minutes)
  deny     licenses, banned crates and sources of the dependencies, by deny.toml
  ci       format, clippy, docs, licenses, then the tests: what CI runs, and more
  results  `kanrl extract` on every environment, as docs/results.md (hours; can be interrupted, and resumes)
             --only ENVIRONMENT  this one only
             --seeds COUNT       at most so many pipeline seeds
             --again             measure anew what is there
             --table             only write the table
             --program FILE      this build of kanrl [default: a new one]
             --reference DIR     also with the archives among the whole recordings [default: $KANRL_REFERENCE]
  compare  the benches against their Python peers, as docs/comparison.md (an hour; wants a quiet machine)
             AREA…               kan, symbolic, policies, environments, mujoco, training, python; all where
                                 none is named
             --case TEXT         only cases whose names contain it
             --rounds COUNT      rounds (trainings: seeds) of ours and theirs in turn [default: 5]
             --pipeline ENVIRONMENT
                                 instead, a whole extraction against the same workflow with pykan
             --reference DIR     use the whole recordings in place of tests/golden and of bundled experts
                                 [default: $KANRL_REFERENCE]
  fuzz     the readers of files of others, by cargo-fuzz on a nightly compiler
             TARGET…             these only; all where none is named
             --runs COUNT        runs of each target [default: 100000]
             --seconds COUNT     instead, seconds for each target
  attack   hostile files, kills, damages and clients, as docs/faults.md (half an hour)
             --seed NUMBER       what follows from it [default: 0]
             --program FILE      this build of kanrl [default: a new one]
             --share COUNT       one in so many of everything, and no table [default: 1]
             --only KIND         kills, watchers, uploads, work, strangers, plugins, damages or files, and no table; may be
                                 repeated [default: all]
  proofs   the proof cards of the bundled experts' formulas, as docs/proofs.md (half an hour)
             --runs DIR          a folder with a run for each environment; missing ones are extracted
                                 [default: target/proofs]
             --program FILE      this build of kanrl [default: a new one]
  firmware sizes and instructions of formulas on microcontrollers, as docs/firmware.md
  help     this text";

fn main() -> ExitCode {
    match command() {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("xtask: {message}");
            ExitCode::FAILURE
        }
    }
}

fn command() -> Result<(), String> {
    let mut parser = lexopt::Parser::from_env();
    let command = match next(&mut parser)? {
        Some(Value(command)) => text(command)?,
        Some(Long("help") | Short('h')) | None => "help".to_owned(),
        Some(other) => return Err(unexpected(other)),
    };
    match command.as_str() {
        "setup" => without_options(&mut parser).and_then(|()| setup::full()),
        "test" => without_options(&mut parser).and_then(|()| ci::test()),
        "wheel" => without_options(&mut parser).and_then(|()| python::wheel().map(drop)),
        "torch" => without_options(&mut parser).and_then(|()| python::torch()),
        "ray" => without_options(&mut parser).and_then(|()| python::ray()),
        "deny" => without_options(&mut parser).and_then(|()| ci::deny()),
        "ci" => without_options(&mut parser).and_then(|()| ci::everything()),
        "results" => run_results(&mut parser),
        "compare" => run_compare(&mut parser),
        "fuzz" => run_fuzz(&mut parser),
        "attack" => run_attack(&mut parser),
        "proofs" => run_proofs(&mut parser),
        "firmware" => without_options(&mut parser).and_then(|()| firmware()),
        "help" => help(),
        other => Err(format!("unknown command `{other}`\n\n{HELP}")),
    }
}

/// The table is an ignored test, beside the tests whose boards it measures on.
fn firmware() -> Result<(), String> {
    setup::firmware()?;
    shell::run("cargo", &["test", "--package", "kanrl-export", "--test", "arm", "the_table", "--", "--ignored"])
}

fn run_results(parser: &mut lexopt::Parser) -> Result<(), String> {
    let (mut options, mut reference) = (results::Options::default(), None);
    while let Some(argument) = next(parser)? {
        match argument {
            Long("only") => options.only = Some(value(parser)?),
            Long("seeds") => options.seeds = Some(number(parser)?),
            Long("again") => options.again = true,
            Long("table") => options.table = true,
            Long("program") => options.program = Some(value(parser)?.into()),
            Long("reference") => reference = Some(value(parser)?),
            Long("help") | Short('h') => return help(),
            other => return Err(unexpected(other)),
        }
    }
    options.reference = shell::reference(reference.as_deref())?;
    results::results(&options)
}

fn run_compare(parser: &mut lexopt::Parser) -> Result<(), String> {
    let mut options = compare::Options { areas: Vec::new(), case: None, rounds: 5, reference: None };
    let (mut journeys, mut reference) = (Vec::new(), None);
    while let Some(argument) = next(parser)? {
        match argument {
            Value(area) => options.areas.push(text(area)?),
            Long("case") => options.case = Some(value(parser)?),
            Long("rounds") => options.rounds = number::<usize>(parser)?.max(1),
            Long("pipeline") => journeys.push(value(parser)?),
            Long("reference") => reference = Some(value(parser)?),
            Long("help") | Short('h') => return help(),
            other => return Err(unexpected(other)),
        }
    }
    options.reference = shell::reference(reference.as_deref())?;
    if journeys.is_empty() {
        return compare::compare(&options);
    }
    journeys.iter().try_for_each(|environment| compare::journey(environment, options.reference.as_deref()))
}

fn run_fuzz(parser: &mut lexopt::Parser) -> Result<(), String> {
    let (mut targets, mut budget) = (Vec::new(), fuzz::Budget::Runs(100_000));
    while let Some(argument) = next(parser)? {
        match argument {
            Value(target) => targets.push(text(target)?),
            Long("runs") => budget = fuzz::Budget::Runs(number(parser)?),
            Long("seconds") => budget = fuzz::Budget::Seconds(number(parser)?),
            Long("help") | Short('h') => return help(),
            other => return Err(unexpected(other)),
        }
    }
    fuzz::fuzz(&targets, budget)
}

fn run_attack(parser: &mut lexopt::Parser) -> Result<(), String> {
    let mut options = attack::Options { seed: 0, share: 1, only: Vec::new(), program: None };
    while let Some(argument) = next(parser)? {
        match argument {
            Long("seed") => options.seed = number(parser)?,
            Long("program") => options.program = Some(value(parser)?.into()),
            Long("share") => options.share = number::<usize>(parser)?.max(1),
            Long("only") => options.only.push(value(parser)?),
            Long("help") | Short('h') => return help(),
            other => return Err(unexpected(other)),
        }
    }
    attack::attack(&options)
}

fn run_proofs(parser: &mut lexopt::Parser) -> Result<(), String> {
    let mut options = proofs::Options::default();
    while let Some(argument) = next(parser)? {
        match argument {
            Long("runs") => options.runs = Some(value(parser)?.into()),
            Long("program") => options.program = Some(value(parser)?.into()),
            Long("help") | Short('h') => return help(),
            other => return Err(unexpected(other)),
        }
    }
    proofs::proofs(&options)
}

fn without_options(parser: &mut lexopt::Parser) -> Result<(), String> {
    next(parser)?.map_or(Ok(()), |argument| Err(unexpected(argument)))
}

fn help() -> Result<(), String> {
    println!("{HELP}");
    Ok(())
}

fn next(parser: &mut lexopt::Parser) -> Result<Option<lexopt::Arg<'_>>, String> {
    parser.next().map_err(|error| error.to_string())
}

fn value(parser: &mut lexopt::Parser) -> Result<String, String> {
    parser.value().map_err(|error| error.to_string()).and_then(text)
}

fn number<T: std::str::FromStr>(parser: &mut lexopt::Parser) -> Result<T, String> {
    let text = value(parser)?;
    text.parse().map_err(|_| format!("`{text}` is not a whole number"))
}

fn text(value: std::ffi::OsString) -> Result<String, String> {
    value.into_string().map_err(|value| format!("{} is not valid UTF-8", value.display()))
}

fn unexpected(argument: lexopt::Arg<'_>) -> String {
    format!("{}\n\n{HELP}", argument.unexpected())
}
