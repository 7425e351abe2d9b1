//! Programs that the tests run. One that is missing is said so, and is an error on CI.

#![allow(dead_code, reason = "every test file uses a part of it")]

use std::path::{Path, PathBuf};
use std::process::Command;

/// The first of these programs that starts; on CI there must be one.
pub fn find(what: &str, candidates: &[PathBuf], check: &[&str]) -> Option<PathBuf> {
    let works =
        |program: &&PathBuf| Command::new(program).args(check).output().is_ok_and(|output| output.status.success());
    let found = candidates.iter().find(works).cloned();
    if found.is_none() {
        println!("skipped: no {what} (tried {candidates:?})");
        assert!(std::env::var_os("CI").is_none(), "{what} is missing on CI; `cargo xtask setup` installs it");
    }
    found
}

/// Python with NumPy and SymPy: `$KANRL_PYTHON`, or the one that `cargo xtask setup` makes, or `python3`.
pub fn python() -> Option<PathBuf> {
    let set_up = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/python/bin/python");
    let mut candidates: Vec<PathBuf> = std::env::var_os("KANRL_PYTHON").map(PathBuf::from).into_iter().collect();
    candidates.extend([set_up, PathBuf::from("python3")]);
    find("Python with NumPy and SymPy", &candidates, &["-c", "import numpy, sympy"])
}

/// A C compiler.
pub fn c_compiler() -> Option<PathBuf> {
    let mut candidates: Vec<PathBuf> = std::env::var_os("CC").map(PathBuf::from).into_iter().collect();
    candidates.extend(["cc", "gcc", "clang"].map(PathBuf::from));
    find("C compiler", &candidates, &["--version"])
}

/// The Rust compiler.
pub fn rust_compiler() -> Option<PathBuf> {
    let mut candidates: Vec<PathBuf> = std::env::var_os("RUSTC").map(PathBuf::from).into_iter().collect();
    candidates.push("rustc".into());
    find("Rust compiler", &candidates, &["--version"])
}

/// Node.js, and the path of KaTeX: `$KANRL_KATEX`, or what `cargo xtask setup` installs.
pub fn katex() -> Option<(PathBuf, PathBuf)> {
    let installed = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/katex/node_modules/katex");
    let katex = std::env::var_os("KANRL_KATEX").map_or(installed, PathBuf::from);
    let check = format!("require({katex:?})");
    Some((find("Node.js with KaTeX", &["node".into()], &["-e", &check])?, katex))
}

/// Chromium or Chrome.
pub fn browser() -> Option<PathBuf> {
    let candidates = ["chromium", "chromium-browser", "google-chrome"].map(PathBuf::from);
    find("Chromium", &candidates, &["--version"])
}

/// Runs a program and gives its standard output.
pub fn run(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?} failed:\n{errors}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}
