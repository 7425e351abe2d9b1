//! The Python package: its wheel and its tests.

use crate::setup;
use crate::shell::{root, run, run_with};
use std::path::{Path, PathBuf};

/// Builds what is published into `target/wheels`, and gives its path.
pub fn wheel() -> Result<PathBuf, String> {
    let folder = emptied("target/wheels")?;
    let maturin = setup::maturin()?.join("maturin");
    // Nothing is linked but the C library, whose version the wheel's name tells.
    let options = ["build", "--release", "--manifest-path", "python/Cargo.toml", "--auditwheel", "skip", "--out"];
    run(text(&maturin)?, &[&options[..], &[text(&folder)?]].concat())?;
    wheels(&folder).pop().ok_or_else(|| "maturin left no wheel".to_owned())
}

/// Installs the package around the library that the workspace's tests have just built into the tests' Python, and runs its
/// tests.
pub fn test() -> Result<(), String> {
    test_in(&setup::python_interpreter(), LIBRARY, &["python/tests"])
}

/// The tests that need torch and Stable-Baselines3, in the peers' Python: too much to download for `cargo xtask test`.
pub fn torch() -> Result<(), String> {
    build()?;
    let interpreter = setup::peers("torch.txt")?;
    run(text(&interpreter)?, &["-m", "pip", "install", "--quiet", "pytest"])?;
    let tests = ["python/tests/test_stable_baselines3.py", "python/tests/test_kan.py"];
    test_in(&interpreter, LIBRARY, &tests)
}

/// The package's library, as `cargo test` builds it.
const LIBRARY: &str = "target/debug/deps/lib_kanrl.so";

/// What `cargo xtask test` builds too: the package's library, the command, and a plugin that fails on demand.
fn build() -> Result<(), String> {
    run("cargo", &["test", "--workspace", "--all-features", "--no-run"])
}

fn test_in(interpreter: &Path, library: &str, tests: &[&str]) -> Result<(), String> {
    let folder = emptied("target/wheels/dev")?;
    let interpreter = text(interpreter)?;
    run(interpreter, &["python/pack.py", library, text(&folder)?])?;
    let wheel = wheels(&folder).pop().ok_or("pack.py left no wheel")?;
    run(interpreter, &["-m", "pip", "install", "--quiet", "--no-deps", "--force-reinstall", text(&wheel)?])?;
    pytest(interpreter, &[], tests)
}

fn pytest(program: &str, before: &[&str], tests: &[&str]) -> Result<(), String> {
    let command = root().join("target/debug/kanrl");
    // Not from the package's own folder, where `import kanrl` would find the sources.
    let variables = [("PYTHONSAFEPATH", "1"), ("KANRL", text(&command)?)];
    run_with(program, &[before, &["-m", "pytest", "-q"], tests].concat(), &variables)
}

/// The oldest and the newest version of Ray that sweeps are tested with, and what their tests need besides.
const RAYS: [(&str, &[&str]); 2] = [
    ("2.10.0", &["numpy<2", "pandas<2.3", "pyarrow<18", "setuptools<81"]),
    ("2.60.0", &["numpy", "mlflow-skinny", "sqlalchemy", "alembic", "optuna"]),
];

/// Tests sweeps on Ray, in virtual environments of their own: too much to download for `cargo xtask test`. In a network
/// namespace that has only the loopback, so that Ray's nodes find each other whatever the machine's network is.
pub fn ray() -> Result<(), String> {
    build()?;
    let folder = emptied("target/wheels/dev")?;
    run("python3", &["python/pack.py", LIBRARY, text(&folder)?])?;
    let wheel = wheels(&folder).pop().ok_or("pack.py left no wheel")?;
    for (version, packages) in RAYS {
        let interpreter = setup::ray(version, packages)?;
        let interpreter = text(&interpreter)?;
        run(interpreter, &["-m", "pip", "install", "--quiet", "--no-deps", "--force-reinstall", text(&wheel)?])?;
        let inside = ["--map-root-user", "--net", "sh", "-c", "ip link set lo up && exec \"$@\"", "sh", interpreter];
        pytest("unshare", &inside, &["python/tests/test_sweep.py", "python/tests/test_ray.py"])?;
    }
    Ok(())
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
