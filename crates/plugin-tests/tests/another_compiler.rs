//! A plugin built by another version of the Rust compiler, as its author would: in a folder of its own, outside of the
//! workspace, from the example that plugins/README.md tells authors to copy.

mod common;

use common::assert_says;
use kanrl_core::action::Action;
use kanrl_core::environment::{EnvironmentRegistry, KeywordArguments};
use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the workspace exists")
}

/// A command's output, if it succeeds.
fn printed(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// A toolchain whose compiler is not the one that built this test.
fn another_toolchain() -> Option<(String, String)> {
    let own = printed("rustc", &["--version"])?;
    let version = |name: &str| printed("rustup", &["run", name, "rustc", "--version"]);
    let toolchains = printed("rustup", &["toolchain", "list"])?;
    let names = toolchains.lines().filter_map(|line| line.split_whitespace().next());
    names.filter_map(|name| Some((name.to_owned(), version(name)?))).find(|(_, version)| *version != own)
}

#[test]
fn a_plugin_built_by_another_version_of_rustc_works() {
    let Some((toolchain, version)) = another_toolchain() else {
        return eprintln!("skipped: there is no other toolchain (`rustup toolchain install nightly` adds one)");
    };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let crates = root().join("crates");
    let manifest = format!(
        "[package]\nname = \"corridor\"\nversion = \"0.1.0\"\nedition = \"2024\"\n[lib]\ncrate-type = [\"cdylib\"]\n\
         [workspace]\n[dependencies]\nkanrl-core = {{ path = '{0}/kan-core' }}\nkanrl-plugin = {{ path = '{0}/plugin' }}\n\
         serde = {{ version = \"1\", features = [\"derive\"] }}\n",
        crates.display()
    );
    std::fs::create_dir(folder.path().join("src")).expect("it can be made");
    std::fs::write(folder.path().join("Cargo.toml"), manifest).expect("it can be written");
    std::fs::copy(crates.join("plugin/examples/corridor.rs"), folder.path().join("src/lib.rs"))
        .expect("it can be copied");
    // The versions that are here already.
    std::fs::copy(root().join("Cargo.lock"), folder.path().join("Cargo.lock")).expect("it can be copied");
    let target = root().join("target/another-compiler");
    let output = Command::new("rustup")
        .args(["run", &toolchain, "cargo", "build", "--quiet", "--target-dir"])
        .arg(&target)
        .current_dir(folder.path())
        .env_remove("CARGO")
        .env_remove("RUSTC")
        .env_remove("RUSTFLAGS")
        .output()
        .expect("rustup runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    eprintln!("built by {}", version.trim());

    let library = target.join("debug").join(format!("{DLL_PREFIX}corridor{DLL_SUFFIX}"));
    let mut registry = EnvironmentRegistry::new();
    kanrl_plugin::load(&library, &mut registry).expect("it loads");
    let start = KeywordArguments::from_iter([("start".to_owned(), 1.5.into())]);
    let mut environment = registry.make("Corridor-v0", &start).expect("it can be made");
    let mut observation = [0.0];
    environment.reset(None, &mut observation).expect("it resets");
    assert_eq!(observation, [1.5]);
    environment.step(Action::Discrete(1), &mut observation).expect("it steps");
    assert!(environment.step(Action::Discrete(1), &mut observation).expect("it steps").terminated);
    let error = registry.make("Corridor-v0", &KeywordArguments::from_iter([("strat".to_owned(), 1.into())]));
    assert_says(&error.err().expect("a typo").to_string(), &["Corridor-v0", "no argument `strat`", "it takes start"]);
    let report = kanrl_plugin::check(&library, &[], kanrl_plugin::CallLimit::default()).expect("it can be checked");
    assert!(report.is_ok(), "{report}");
}
