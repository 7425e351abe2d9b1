//! The guide says what is there: its pages, links and includes exist, and every command it names takes what it is given.
#![cfg(unix)]

mod common;

use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Every page with its text.
fn pages() -> Vec<(PathBuf, String)> {
    let entries = std::fs::read_dir(root().join("docs/guide/src")).expect("the guide");
    let paths = entries.map(|entry| entry.expect("a page").path());
    let pages = paths.filter(|path| path.extension().is_some_and(|extension| extension == "md"));
    pages.map(|path| (path.clone(), std::fs::read_to_string(path).expect("text"))).collect()
}

/// What stands between `open` and `close`, everywhere.
fn between<'a>(text: &'a str, open: &str, close: &str) -> Vec<&'a str> {
    text.split(open).skip(1).filter_map(|rest| Some(rest.split_once(close)?.0)).collect()
}

#[test]
fn every_page_is_listed_and_every_link_and_include_leads_somewhere() {
    let pages = pages();
    let summary = &pages.iter().find(|(path, _)| path.ends_with("SUMMARY.md")).expect("a table of contents").1;
    assert!(pages.len() > 5);
    for (path, text) in &pages {
        let name = path.file_name().expect("a file").to_str().expect("ASCII");
        assert!(name == "SUMMARY.md" || summary.contains(&format!("({name})")), "{name} is not in SUMMARY.md");
        let links = between(text, "](", ")").into_iter().filter(|link| !link.starts_with("http"));
        for target in links.chain(between(text, "{{#include ", "}}")) {
            let folder = path.parent().expect("a folder");
            assert!(folder.join(target).is_file(), "{name} leads to {target}, which does not exist");
        }
    }
}

#[test]
fn every_command_takes_what_it_is_given() {
    let mut seen = 0;
    for (path, text) in pages() {
        for line in between(&text, "```sh\n", "```").into_iter().flat_map(str::lines) {
            // Behind a comment, `--help` would not be seen, and the command would run.
            let line = line.split(" > ").next().and_then(|line| line.split(" #").next()).unwrap_or(line);
            if let Some((_, example)) = line.split_once("--example ") {
                assert!(root().join(format!("examples/{example}.rs")).is_file(), "{}: {line}", path.display());
            }
            let Some(arguments) = line.strip_prefix("kanrl ") else { continue };
            // Flags and values are read from the left, so whatever is wrong is found before the help is printed.
            let script = format!("exec \"$0\" {arguments} --help");
            let output =
                Command::new("sh").args(["-c", &script, env!("CARGO_BIN_EXE_kanrl")]).output().expect("sh runs");
            let stderr = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{}: {line}: {stderr}", path.display());
            seen += 1;
        }
    }
    assert!(seen > 15, "{seen} commands");
}
