//! Checking a plugin in a separate process: a crash or a hang stays there.

mod common;

use common::{assert_says, c_plugin, own_plugin};
use std::path::Path;
use std::process::{Command, Output};

/// Exit status and everything printed.
fn check(path: &Path, more: &[&str]) -> (Option<i32>, String) {
    let Output { status, stdout, stderr } =
        Command::new(env!("CARGO_BIN_EXE_plugin-host")).arg(path).args(more).output().expect("the host runs");
    (status.code(), String::from_utf8_lossy(&stdout).into_owned() + &String::from_utf8_lossy(&stderr))
}

#[test]
fn a_plugin_in_order_passes() {
    let (status, printed) = check(&own_plugin(), &["60"]);
    assert_says(&printed, &["plugin-tests", "Faulty-v0: ok", "plugin:CartPole-v1: ok"]);
    assert_eq!(status, Some(0), "{printed}");
}

#[test]
fn only_the_environments_that_are_asked_for_are_checked() {
    let (status, printed) = check(&own_plugin(), &["60", "Faulty-v0"]);
    assert!(status == Some(0) && !printed.contains("CartPole"), "{printed}");
    let (status, printed) = check(&own_plugin(), &["60", "Fauty-v0"]);
    assert_says(&printed, &["no environment `Fauty-v0`; it has: Faulty-v0, plugin:CartPole-v1"]);
    assert_eq!(status, Some(2), "{printed}");
}

#[test]
fn what_is_wrong_is_listed() {
    // All its instances are one.
    let folder = tempfile::tempdir().expect("a temporary folder");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/broken.c");
    let (status, printed) = check(&c_plugin(folder.path(), "shared", &source, &[]), &["60"]);
    assert_says(&printed, &["Broken-v0: FAILED", "- Lanes: ", "note: all seeds start alike"]);
    assert_eq!(status, Some(1), "{printed}");
}

#[test]
fn a_crash_is_told() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/broken.c");
    let (status, printed) = check(&c_plugin(folder.path(), "crash", &source, &["CRASH"]), &["60"]);
    assert_says(&printed, &["libcrash", "crashed while checking `Broken-v0` (last call: `step`)", "signal: 11"]);
    assert_eq!(status, Some(2), "{printed}");
}

#[test]
fn what_this_machine_cannot_run_is_skipped() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/broken.c");
    let (status, printed) = check(&c_plugin(folder.path(), "unavailable", &source, &["UNAVAILABLE"]), &["60"]);
    assert_says(&printed, &["Broken-v0: skipped: needs a license server"]);
    assert_eq!(status, Some(0), "{printed}");
}

#[test]
fn a_hang_is_told() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/broken.c");
    let (status, printed) = check(&c_plugin(folder.path(), "hang", &source, &["HANG_ON_LOAD"]), &["0.5"]);
    assert_says(&printed, &["libhang", "`open` did not return within 0.5 s"]);
    assert_eq!(status, Some(2), "{printed}");
}

#[test]
fn a_library_that_is_not_a_plugin_is_reported() {
    let (status, printed) = check(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml").as_path(), &[]);
    assert_says(&printed, &["Cargo.toml", "cannot be loaded"]);
    assert_eq!(status, Some(2), "{printed}");
}
