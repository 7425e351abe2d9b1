//! What the tests of the command share.

#![allow(dead_code, reason = "every test file uses a part of it")]

use kanrl_pipeline::run::provenance::Provenance;
use kanrl_pipeline::run::{Metrics, RunFile, RunStore};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The command, without colors.
pub fn kanrl(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kanrl"));
    command.args(arguments).env("NO_COLOR", "1");
    command
}

/// Every file below a run directory that is the same for two runs of the same config, by its path.
pub fn files(run: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let visited = store(run).visit(&mut |name, mut file| {
        let file_or_folder = RunFile::from_name(name.split('/').next().unwrap_or(name));
        if !file_or_folder.is_some_and(RunFile::differs_between_runs) {
            let mut bytes = Vec::new();
            std::io::Read::read_to_end(&mut file, &mut bytes)?;
            found.insert(name.to_owned(), bytes);
        }
        Ok(())
    });
    visited.unwrap();
    found
}

/// A run directory.
pub fn store(run: &Path) -> RunStore {
    RunStore::open(run).unwrap_or_else(|error| panic!("{error}"))
}

/// What a run measured.
pub fn metrics(run: &Path) -> Metrics {
    Metrics::read(&store(run)).unwrap_or_else(|error| panic!("{error}"))
}

/// Where a run came from.
pub fn provenance(run: &Path) -> Provenance {
    Provenance::read(&store(run)).unwrap_or_else(|error| panic!("{error}"))
}

/// The text of one of a run's files.
pub fn text(run: &Path, file: RunFile) -> String {
    store(run).read_text(file).unwrap_or_else(|error| panic!("{error}"))
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
