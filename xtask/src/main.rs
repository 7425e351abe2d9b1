//! `cargo xtask`: set-up and the local mirror of CI.
fn main() {}
