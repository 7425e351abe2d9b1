//! `cargo xtask`: set-up and the local mirror of CI. Hardly a dependency, so that it builds in seconds.

mod ci;
mod mujoco;
mod results;
mod setup;
mod shell;

use std::process::ExitCode;

const HELP: &str = "\
cargo xtask COMMAND

  setup   install what the feature `full` needs (Debian packages, libraries by package name)
  test    install what the whole test suite needs, then test the workspace with all features
  results `kanrl extract` on every environment, as docs/results.md (hours; resumes; --only ENVIRONMENT, --seeds COUNT,
          --again, --table)
  ci      what CI runs: format, clippy, docs, then the tests
  help    this text";

fn main() -> ExitCode {
    let command = std::env::args().nth(1).unwrap_or_else(|| "help".to_owned());
    let result = match command.as_str() {
        "setup" => setup::full(),
        "test" => ci::test(),
        "ci" => ci::everything(),
        "results" => results::results(&std::env::args().skip(2).collect::<Vec<_>>()),
        "help" | "--help" | "-h" => {
            println!("{HELP}");
            Ok(())
        }
        other => Err(format!("unknown command `{other}`\n\n{HELP}")),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("xtask: {message}");
            ExitCode::FAILURE
        }
    }
}
