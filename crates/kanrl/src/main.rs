//! The `kanrl` command: see `command_line`.

use std::process::ExitCode;

fn main() -> ExitCode {
    kanrl::command_line::main().into()
}
