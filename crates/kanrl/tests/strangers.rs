//! Files of strangers at the command line: what is said about how they were read.

mod common;

use common::kanrl;
use std::path::{Path, PathBuf};
use std::process::Output;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../experts/tests/fixtures").join(name)
}

fn run(folder: &Path, arguments: &[&str]) -> Output {
    kanrl(arguments).current_dir(folder).output().expect("kanrl runs")
}

/// Standard output and error of a success.
fn succeed(output: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{}", text(&output.stderr));
    (text(&output.stdout), text(&output.stderr))
}

#[test]
fn an_archive_s_normalization_is_said_and_can_be_named() {
    let folder = tempfile::tempdir().unwrap();
    let archive = fixture("archives/normalized/best_model.zip").display().to_string();
    let states = fixture("archives/normalized/states.csv").display().to_string();
    let act = |flags: &[&str]| {
        let arguments = [&["act", &archive, "--observations", &states, "--out", "a.csv"], flags].concat();
        let (_, said) = succeed(&run(folder.path(), &arguments));
        (said, std::fs::read_to_string(folder.path().join("a.csv")).unwrap())
    };
    let (said, normalized) = act(&[]);
    assert!(
        said.contains("note: observations are normalized with `") && said.contains("best_model_vecnormalize.pkl`"),
        "{said}"
    );
    let first: f64 = normalized.lines().nth(1).unwrap().parse().unwrap();
    assert!((first - 0.4914).abs() < 1e-3, "{first}");
    let (said, raw) = act(&["--normalization", "none"]);
    assert!(said.contains("note: observations are not normalized, as requested"), "{said}");
    assert_ne!(raw, normalized);
    assert!(act(&["--quiet"]).0.is_empty());
    let output = run(
        folder.path(),
        &["act", "formula:o0", "--normalization", "x.pkl", "--observations", &states, "--out", "a.csv"],
    );
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn an_agent_without_its_environment_becomes_a_formula() {
    let folder = tempfile::tempdir().unwrap();
    let archive = fixture("archives/normalized/best_model.zip").display().to_string();
    let value = |row: usize, column: usize| ((row * 37 + column * 53) % 101) as f64 / 25.0 - 2.0;
    let rows: String =
        (0..300).map(|row| format!("{},{},{}\n", value(row, 0), value(row / 3, 1), value(row / 7, 2))).collect();
    std::fs::write(folder.path().join("states.csv"), format!("angle,speed,wind\n{rows}")).unwrap();
    let arguments = ["extract", "--expert", &archive, "--observations", "states.csv", "--hidden", "", "--out", "run"];
    let (printed, said) = succeed(&run(folder.path(), &arguments));
    assert!(printed.contains("nothing was played") && printed.contains("speed"), "{printed}");
    assert!(said.contains("note: observations are normalized with"), "{said}");
    let config = std::fs::read_to_string(folder.path().join("run/config.toml")).unwrap();
    assert!(config.contains("kind = \"observed\""), "{config}");
    let log = std::fs::read_to_string(folder.path().join("run/run.log")).unwrap();
    assert!(log.contains("expert: observations are normalized with"), "{log}");
}

#[test]
fn a_log_s_labels_and_separators_are_said() {
    let folder = tempfile::tempdir().unwrap();
    let text = std::fs::read_to_string(fixture("logs/strangers/text.csv")).unwrap().replace(',', ";").replace('.', ",");
    std::fs::write(folder.path().join("log.csv"), text).unwrap();
    let arguments = ["extract", "--dataset", "log.csv", "--hidden", "", "--out", "run"];
    let (printed, said) = succeed(&run(folder.path(), &arguments));
    assert!(said.contains("note: cells are separated by semicolons, and numbers have decimal commas"), "{said}");
    assert!(said.contains("note: `action` holds 2 labels: action 0 is left, action 1 is right"), "{said}");
    assert!(printed.contains("nothing was played"), "{printed}");
    assert!(printed.contains("\naction = right if a > 0 else left\n"), "{printed}");
    // And so do the actions that the formula takes.
    succeed(&run(folder.path(), &["act", "run:run", "--observations", "log.csv", "--out", "actions.csv"]));
    let actions = std::fs::read_to_string(folder.path().join("actions.csv")).unwrap();
    assert!(actions.starts_with("action\nright\nright\n"), "{actions}");
    let (source, _) = succeed(&run(folder.path(), &["export", "run:run", "--to", "c"]));
    assert!(source.contains("The action is a number: 0 is left, 1 is right."), "{source}");
}
