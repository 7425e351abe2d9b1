//! `cargo xtask attack`: hostile files, kills, damages and clients, in numbers, as `docs/faults.md`.
//!
//! Everything follows from one seed. What did harm stays under `target/attack` to be looked at.

mod files;
mod mutate;
mod program;
mod runs;
mod studio;

use crate::shell::{root, write};
use mutate::Generator;
use program::Program;
use std::fmt::Write;
use std::path::PathBuf;
use std::time::Instant;

/// How hard it is attacked.
pub struct Options {
    pub seed: u64,
    /// One in so many of everything.
    pub share: usize,
    /// Kinds of attack, by their short names; all where none is named.
    pub only: Vec<String>,
    /// The program to attack; one is built where none is named.
    pub program: Option<PathBuf>,
}

/// One kind of attack, and what came of it.
pub struct Attack {
    pub name: &'static str,
    /// What was tried.
    pub count: usize,
    /// What happened to it, in words and numbers.
    pub outcomes: String,
    /// What did harm: panics, aborts, hangs, silent changes, lost runs, leaks.
    pub harms: Vec<String>,
}

const HEAD: &str = "\
# Faults

What `cargo xtask attack` does to the command and the studio, and what comes of it. Bases are files that work; mutations flip
bits, cut, repeat and swap blocks, put in huge numbers and lengths, and splice files of the same kind. A harm is a panic, an
abort, a run of more than 30 seconds, a refusal without a word, a result that changed without a word, a run that cannot be resumed,
memory that is not given back, or an answer to somebody who should get none.

";

/// Attacks, prints the table and writes it, unless only a share was done.
pub fn attack(options: &Options) -> Result<(), String> {
    let program = Program::new(options.program.as_deref())?;
    let mut generator = Generator::new(options.seed);
    let number = |count: usize| (count / options.share).max(1);
    let begin = Instant::now();
    let mut attacks = Vec::new();
    type Kind<'a> = &'a dyn Fn(&mut Generator) -> Result<Attack, String>;
    let kinds: [(&str, Kind<'_>); 8] = [
        ("kills", &|generator| runs::kills(&program, generator, number(50))),
        ("watchers", &|_| studio::watchers(&program, number(100))),
        ("uploads", &|_| studio::uploads(&program, number(40))),
        ("work", &|_| studio::abandoned_work(&program, number(40))),
        ("strangers", &|generator| studio::strangers(&program, generator, number(500))),
        ("plugins", &|generator| files::hostile_plugins(&program, generator, number(100))),
        ("damages", &|generator| runs::damages(&program, generator, number(200))),
        ("files", &|generator| files::hostile_files(&program, generator, number(5000))),
    ];
    if let Some(unknown) = options.only.iter().find(|name| kinds.iter().all(|(known, _)| known != name)) {
        return Err(format!("no attack `{unknown}`; there are {}", kinds.map(|(name, _)| name).join(", ")));
    }
    let is_whole = options.share == 1 && options.only.is_empty();
    for (name, kind) in kinds {
        if !options.only.is_empty() && !options.only.iter().any(|only| only == name) {
            continue;
        }
        let attack = kind(&mut generator)?;
        println!("{}: {} tried, {} harmful; {}", attack.name, attack.count, attack.harms.len(), attack.outcomes);
        attack.harms.iter().for_each(|harm| println!("    {harm}"));
        attacks.push(attack);
        if is_whole {
            write(&root().join("docs/faults.md"), &page(&attacks, options.seed, begin.elapsed().as_secs()))?;
        }
    }
    let harms: usize = attacks.iter().map(|attack| attack.harms.len()).sum();
    if harms == 0 { Ok(()) } else { Err(format!("{harms} attacks did harm")) }
}

fn page(attacks: &[Attack], seed: u64, seconds: u64) -> String {
    let mut text = String::from(HEAD);
    text.push_str("| attack | tried | harmful | what came of it |\n|---|---:|---:|---|\n");
    for Attack { name, count, outcomes, harms } in attacks {
        let _ = writeln!(text, "| {name} | {count} | {} | {outcomes} |", harms.len());
    }
    for harm in attacks.iter().flat_map(|attack| &attack.harms) {
        let harm = harm.replace(&root().display().to_string(), "");
        let _ = write!(text, "\n- {harm}\n");
    }
    let described = std::process::Command::new("git").args(["describe", "--always", "--dirty"]).output();
    let commit =
        described.map_or_else(|_| "unknown".into(), |output| String::from_utf8_lossy(&output.stdout).into_owned());
    let minutes = seconds.div_ceil(60);
    let _ = writeln!(text, "\nSeed {seed}, {minutes} minutes, commit {}, development build.", commit.trim());
    text
}
