//! What a package of kanrl ships next to the program.

use crate::Failure;
use clap::Args;
use clap_complete::Shell;
use std::io::Write;
use std::path::PathBuf;

/// `kanrl completions`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  kanrl completions bash > ~/.local/share/bash-completion/completions/kanrl")]
pub struct Completions {
    /// Shell.
    shell: Shell,
}

impl Completions {
    pub fn run(self) -> Result<(), Failure> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut crate::command(), "kanrl", &mut script);
        print(&script)
    }
}

/// `kanrl man`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  kanrl man --out man && man -l man/kanrl-extract.1")]
pub struct Man {
    /// Write the man pages of kanrl and of every command into this folder, instead of printing kanrl's.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

impl Man {
    pub fn run(self) -> Result<(), Failure> {
        let command = crate::command();
        match self.out {
            Some(folder) => {
                let failed = |source| Failure::run(kanrl_pipeline::files::FileError { path: folder.clone(), source });
                std::fs::create_dir_all(&folder).map_err(failed)?;
                clap_mangen::generate_to(command, &folder).map_err(failed)
            }
            None => {
                let mut page = Vec::new();
                clap_mangen::Man::new(command).render(&mut page).map_err(Failure::run)?;
                print(&page)
            }
        }
    }
}

/// Whoever reads may stop early.
fn print(bytes: &[u8]) -> Result<(), Failure> {
    match std::io::stdout().write_all(bytes) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(Failure::run(error)),
        _ => Ok(()),
    }
}
