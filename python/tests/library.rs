//! `cargo test` builds the library that Python loads together with this; `cargo xtask test` runs the tests in Python.

use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};

#[test]
fn the_library_is_built_beside_the_tests() {
    let program = std::env::current_exe().expect("the test program has a path");
    let folder = program.parent().expect("it lies in a folder");
    assert!(folder.join(format!("{DLL_PREFIX}_kanrl{DLL_SUFFIX}")).is_file());
}
