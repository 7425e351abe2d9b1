//! What CI runs.

use crate::setup;
use crate::shell::{has, run, run_with};

/// The whole test suite, with all features.
pub fn test() -> Result<(), String> {
    setup::tests()?;
    let interpreter = setup::python_interpreter();
    let interpreter = interpreter.to_str().ok_or("the workspace's path is not valid UTF-8")?;
    let python = [("KANRL_PYTHON", interpreter), ("PYO3_PYTHON", interpreter)];
    run_with("cargo", &["test", "--workspace", "--all-features"], &python)?;
    // The plugin that embeds Python is no member of the workspace, which needs no Python.
    match setup::python_library() {
        Ok(()) => run_with("cargo", &["test", "--manifest-path", "plugins/gymnasium/Cargo.toml"], &python),
        Err(reason) => {
            eprintln!("xtask: skipped plugins/gymnasium: {interpreter} has no shared library: {reason}");
            Ok(())
        }
    }
}

/// Licences, banned crates and sources of every dependency, by `deny.toml`. The database of advisories is not asked: a
/// check must not change without the repository.
pub fn deny() -> Result<(), String> {
    let arguments = ["--workspace", "--all-features", "check", "licenses", "bans", "sources"];
    if has("cargo-deny") {
        return run("cargo-deny", &arguments);
    }
    let program = setup::cargo_deny()?.join("cargo-deny");
    run(program.to_str().ok_or("the workspace's path is not valid UTF-8")?, &arguments)
}

/// Format, lints and docs, then the tests: what `.ci/run` does.
pub fn everything() -> Result<(), String> {
    setup::full()?;
    run("cargo", &["fmt", "--all", "--check"])?;
    run("cargo", &["clippy", "--workspace", "--all-targets", "--all-features", "--", "-D", "warnings"])?;
    run_with("cargo", &["doc", "--workspace", "--all-features", "--no-deps"], &[("RUSTDOCFLAGS", "-D warnings")])?;
    test()
}
