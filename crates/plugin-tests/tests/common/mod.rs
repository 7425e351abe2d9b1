//! Finding and building the plugins that the tests load.
#![allow(dead_code, reason = "each test file uses a part")]

use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};
use std::path::{Path, PathBuf};
use std::process::Command;

/// This package's own library, which Cargo puts next to the test programs.
pub fn own_plugin() -> PathBuf {
    let program = std::env::current_exe().expect("the test program has a path");
    let folder = program.parent().expect("it lies in a folder");
    folder.join(format!("{DLL_PREFIX}kanrl_plugin_tests{DLL_SUFFIX}"))
}

/// A library from C source, compiled with macros.
pub fn c_plugin(folder: &Path, name: &str, source: &Path, macros: &[&str]) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let library = folder.join(format!("{DLL_PREFIX}{name}{DLL_SUFFIX}"));
    let output = Command::new("cc")
        .args(["-std=c11", "-Wall", "-Wextra", "-Wno-unused-function", "-Werror", "-fPIC", "-shared", "-I"])
        .arg(root.join("../plugin/include"))
        .args(macros.iter().map(|name| format!("-D{name}")))
        .arg("-o")
        .args([library.as_path(), source])
        .arg("-lm")
        .output()
        .expect("a C compiler is installed");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    library
}

/// Whether all of `parts` are in `text`.
#[track_caller]
pub fn assert_says(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "`{part}` is not in: {text}");
    }
}
