//! What CI runs.

use crate::setup;
use crate::shell::{run, run_with};

/// The whole test suite, with all features.
pub fn test() -> Result<(), String> {
    setup::tests()?;
    let interpreter = setup::python_interpreter();
    let interpreter = interpreter.to_str().ok_or("the workspace's path is not valid UTF-8")?;
    run_with("cargo", &["test", "--workspace", "--all-features"], &[("KANRL_PYTHON", interpreter)])
}

/// Format, lints and docs, then the tests.
pub fn everything() -> Result<(), String> {
    setup::full()?;
    run("cargo", &["fmt", "--all", "--check"])?;
    run("cargo", &["clippy", "--workspace", "--all-targets", "--all-features", "--", "-D", "warnings"])?;
    run_with("cargo", &["doc", "--workspace", "--all-features", "--no-deps"], &[("RUSTDOCFLAGS", "-D warnings")])?;
    test()
}
