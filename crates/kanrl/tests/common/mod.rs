//! What the tests of the command share.

#![allow(dead_code, reason = "every test file uses a part of it")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Files that hold times, which differ between two runs of the same config.
const WITH_TIMES: [&str; 4] = ["run.log", "events.jsonl", "timings.json", "provenance.json"];

/// The command, without colors.
pub fn kanrl(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kanrl"));
    command.args(arguments).env("NO_COLOR", "1");
    command
}

/// Every file below `folder` that holds no times, by its path.
pub fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    fn visit(root: &Path, folder: &Path, found: &mut BTreeMap<PathBuf, Vec<u8>>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            if path.is_dir() {
                if name != "tensorboard" {
                    visit(root, &path, found);
                }
            } else if !WITH_TIMES.contains(&name) {
                found.insert(path.strip_prefix(root).unwrap().to_owned(), std::fs::read(&path).unwrap());
            }
        }
    }
    let mut found = BTreeMap::new();
    visit(folder, folder, &mut found);
    found
}

/// Chromium or Chrome. Where there is none the test says so and passes; on CI there must be one.
pub fn browser() -> Option<PathBuf> {
    let candidates = ["chromium", "chromium-browser", "google-chrome"].map(PathBuf::from);
    let works = |program: &&PathBuf| Command::new(program).arg("--version").output().is_ok();
    let found = candidates.iter().find(works).cloned();
    if found.is_none() {
        println!("skipped: no Chromium");
        assert!(std::env::var_os("CI").is_none(), "no Chromium on CI: install the package `chromium`");
    }
    found
}
