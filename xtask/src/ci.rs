//! What CI runs.

use crate::setup;
use crate::shell::{has, run, run_with};

/// The whole test suite, with all features.
pub fn test() -> Result<(), String> {
    setup::tests()?;
    run_with("cargo", &["test", "--workspace", "--all-features", "--no-fail-fast"], &python(&interpreter()?))?;
    crate::python::test()?;
    gymnasium("test", &[])
}

fn interpreter() -> Result<String, String> {
    let interpreter = setup::python_interpreter().into_os_string();
    interpreter.into_string().map_err(|_| "the workspace's path is not valid UTF-8".to_owned())
}

fn python(interpreter: &str) -> [(&str, &str); 2] {
    [("KANRL_PYTHON", interpreter), ("PYO3_PYTHON", interpreter)]
}

/// A cargo command for the plugin that embeds Python: it is not a member of the workspace, which needs no Python.
fn gymnasium(command: &str, arguments: &[&str]) -> Result<(), String> {
    let interpreter = interpreter()?;
    match setup::python_library() {
        Ok(()) => {
            let arguments = [&[command, "--manifest-path", "plugins/gymnasium/Cargo.toml"], arguments].concat();
            run_with("cargo", &arguments, &python(&interpreter))
        }
        Err(reason) => {
            eprintln!("xtask: skipped plugins/gymnasium: {interpreter} has no shared library: {reason}");
            Ok(())
        }
    }
}

/// Licenses, banned crates and sources of every dependency, by `deny.toml`. The database of advisories is not asked: a
/// check must not change without the repository.
pub fn deny() -> Result<(), String> {
    let arguments = ["--workspace", "--all-features", "check", "licenses", "bans", "sources"];
    if has("cargo-deny") {
        return run("cargo-deny", &arguments);
    }
    let program = setup::cargo_deny()?.join("cargo-deny");
    run(program.to_str().ok_or("the workspace's path is not valid UTF-8")?, &arguments)
}

/// Format, lints, docs and dependencies, then the tests.
pub fn everything() -> Result<(), String> {
    const LINTS: [&str; 4] = ["--all-targets", "--", "-D", "warnings"];
    setup::tests()?;
    run("cargo", &["fmt", "--all", "--check"])?;
    for folder in ["plugins/gymnasium", "fuzz"] {
        run("cargo", &["fmt", "--manifest-path", &format!("{folder}/Cargo.toml"), "--check"])?;
    }
    run("cargo", &[&["clippy", "--workspace", "--all-features"][..], &LINTS].concat())?;
    gymnasium("clippy", &LINTS)?;
    run_with("cargo", &["doc", "--workspace", "--all-features", "--no-deps"], &[("RUSTDOCFLAGS", "-D warnings")])?;
    deny()?;
    package()?;
    test()
}

/// Every published package as the registry would get it.
fn package() -> Result<(), String> {
    const UNPUBLISHED: [&str; 8] = [
        "benches",
        "cart-two-poles",
        "examples",
        "kanrl-gymnasium",
        "kanrl-plugin-tests",
        "kanrl-python",
        "kanrl-reference-data",
        "xtask",
    ];
    let excluded = UNPUBLISHED.iter().flat_map(|name| ["--exclude", name]);
    run("cargo", &["package", "--quiet", "--workspace", "--no-verify"].into_iter().chain(excluded).collect::<Vec<_>>())
}
