//! Wrong input: one screen that names what is wrong and how to fix it, exit code 2, nothing written.

mod common;

use std::path::Path;
use std::process::Output;

fn kanrl(folder: &Path, arguments: &[&str]) -> Output {
    common::kanrl(arguments).current_dir(folder).output().expect("kanrl runs")
}

/// An error's words on one line.
fn unwrapped(stderr: &str) -> String {
    let words = stderr.split(|c: char| c.is_whitespace() || c == '│').filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join(" ")
}

/// Runs in an empty folder that holds only `files`, and asserts what the error says and that nothing was written.
fn refused(files: &[(&str, &[u8])], arguments: &[&str], says: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in files {
        std::fs::write(folder.path().join(name), content).unwrap();
    }
    let output = kanrl(folder.path(), arguments);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {stderr}");
    let text = unwrapped(&stderr);
    for part in says {
        assert!(text.contains(part), "{arguments:?} should say {part:?}:\n{stderr}");
    }
    assert!(stderr.lines().count() <= 24, "more than one screen:\n{stderr}");
    let mut left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    left.sort();
    let mut expected: Vec<_> = files.iter().map(|(name, _)| std::ffi::OsString::from(name)).collect();
    expected.sort();
    assert_eq!(left, expected, "{arguments:?} wrote something");
}

#[test]
fn an_unknown_environment() {
    refused(&[], &["extract", "CartPole-v2"], &["unknown environment `CartPole-v2`", "did you mean `CartPole-v1`?"]);
}

#[test]
fn an_environment_of_another_build() {
    if cfg!(feature = "mujoco") {
        return;
    }
    refused(&[], &["extract", "Hopper-v4"], &["default features", "pip install mujoco==3.17.0"]);
}

#[test]
fn no_environment() {
    refused(&[], &["extract"], &["no environment was named", "kanrl extract CartPole-v1"]);
}

#[test]
fn bad_widths() {
    refused(&[], &["extract", "CartPole-v1", "--hidden", "2,x"], &["--hidden", "`x` is not a width", "whole numbers"]);
    refused(&[], &["extract", "CartPole-v1", "--hidden", "0"], &["--hidden", "`0` is not a width"]);
}

#[test]
fn a_missing_archive() {
    refused(&[], &["extract", "CartPole-v1", "--expert", "absent.zip"], &["absent.zip"]);
    refused(&[], &["extract", "CartPole-v1", "--expert", "agent"], &["agent", "FILE.zip"]);
}

#[test]
fn a_cause_is_said_once() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("file"), "").unwrap();
    let cannot_read: &[&str] = &["export", "absent.json", "--to", "c"];
    let cannot_write: &[&str] = &["extract", "CartPole-v1", "--out", "file/run"];
    for (arguments, cause) in [(cannot_read, "No such file or directory"), (cannot_write, "Not a directory")] {
        let stderr = String::from_utf8(kanrl(folder.path(), arguments).stderr).unwrap();
        assert_eq!(unwrapped(&stderr).matches(cause).count(), 1, "{stderr}");
    }
}

#[test]
fn a_truncated_archive() {
    let Some(folder) = kanrl_reference_data::folder("experts/ppo") else { return };
    let Ok(archive) = std::fs::read(folder.join("CartPole-v1.zip")) else { return };
    refused(
        &[("agent.zip", &archive[..archive.len() / 2])],
        &["extract", "CartPole-v1", "--expert", "agent.zip"],
        &["agent.zip", "truncated"],
    );
}

#[test]
fn a_misspelled_key() {
    let config = b"seed = 1\n\n[approximator]\nkind = \"kan\"\nhiden = [2]\n";
    refused(
        &[("run.toml", config)],
        &["extract", "CartPole-v1", "--config", "run.toml"],
        &["run.toml", "approximator.hiden", "did you mean `hidden`?", "5 hiden = [2]"],
    );
    let config = b"[colect]\ntrain_episodes = 3\n";
    refused(
        &[("run.toml", config)],
        &["extract", "CartPole-v1", "--config", "run.toml"],
        &["`colect`", "did you mean `collect`?"],
    );
}

#[test]
fn an_unknown_kind() {
    let config = b"[approximator]\nkind = \"cann\"\n";
    refused(
        &[("run.toml", config)],
        &["extract", "CartPole-v1", "--config", "run.toml"],
        &["approximator.kind", "did you mean `kan`?"],
    );
}

#[test]
fn a_value_of_the_wrong_type() {
    let config = b"[collect]\ntrain_episodes = \"many\"\n";
    refused(
        &[("run.toml", config)],
        &["extract", "CartPole-v1", "--config", "run.toml"],
        &["collect.train_episodes", "invalid type"],
    );
    refused(&[("run.toml", b"[collect\n")], &["extract", "CartPole-v1", "--config", "run.toml"], &["run.toml"]);
}

#[test]
fn a_stage_that_does_not_exist() {
    let config = b"stages = [\"collect\", \"fitt\"]\n";
    refused(
        &[("run.toml", config)],
        &["extract", "CartPole-v1", "--config", "run.toml"],
        &["unknown stage `fitt`", "did you mean `fit`?"],
    );
}

#[test]
fn a_folder_that_is_not_a_run() {
    let folder = tempfile::tempdir().unwrap();
    let precious = folder.path().join("precious");
    std::fs::create_dir(&precious).unwrap();
    std::fs::write(precious.join("thesis.txt"), "…").unwrap();
    let output = kanrl(folder.path(), &["extract", "CartPole-v1", "--out", "precious"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("not a run"));
    assert_eq!(std::fs::read_dir(&precious).unwrap().count(), 1);
}

#[cfg(unix)]
#[test]
fn a_reader_that_stops_reading() {
    let mut command = common::kanrl(&["config", "schema"]);
    let mut child = command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
}
