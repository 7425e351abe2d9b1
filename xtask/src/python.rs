//! The Python package: its wheel and its tests.

use crate::setup;
use crate::shell::{root, run, run_with};
use std::path::{Path, PathBuf};

/// Builds what is published into `target/wheels`.
pub fn wheel() -> Result<(), String> {
    let folder = emptied("target/wheels")?;
    let maturin = setup::maturin()?.join("maturin");
    // Nothing is linked but the C library, whose version the wheel's name tells.
    let options = ["build", "--release", "--manifest-path", "python/Cargo.toml", "--auditwheel", "skip", "--out"];
    run(text(&maturin)?, &[&options[..], &[text(&folder)?]].concat())
}

/// Installs the package around the library that the workspace's tests have just built into the tests' Python, and runs its
/// tests.
pub fn test() -> Result<(), String> {
    let folder = emptied("target/wheels/dev")?;
    let interpreter = setup::python_interpreter();
    let interpreter = text(&interpreter)?;
    run(interpreter, &["python/pack.py", "target/debug/deps/lib_kanrl.so", text(&folder)?])?;
    let wheel = wheels(&folder).pop().ok_or("pack.py left no wheel")?;
    run(interpreter, &["-m", "pip", "install", "--quiet", "--no-deps", "--force-reinstall", text(&wheel)?])?;
    // Not from the package's own folder, where `import kanrl` would find the sources.
    run_with(interpreter, &["-m", "pytest", "-q", "python/tests"], &[("PYTHONSAFEPATH", "1")])
}

/// A folder without older wheels.
fn emptied(folder: &str) -> Result<PathBuf, String> {
    let path = root().join(folder);
    let removed = wheels(&path).iter().try_for_each(std::fs::remove_file);
    removed.map_err(|error| format!("cannot empty {folder}: {error}"))?;
    Ok(path)
}

fn wheels(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    entries.filter(|path| path.extension().is_some_and(|extension| extension == "whl")).collect()
}

fn text(path: &Path) -> Result<&str, String> {
    path.to_str().ok_or_else(|| "the workspace's path is not valid UTF-8".to_owned())
}
