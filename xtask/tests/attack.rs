//! A small attack by `cargo xtask attack`'s own code, on the program that the workspace's tests have built.
#![cfg(target_os = "linux")]

use std::path::PathBuf;
use std::process::Command;

/// The program lies beside the folder of the test programs.
fn program() -> Option<PathBuf> {
    let test = std::env::current_exe().expect("a test program has a path");
    let program = test.parent()?.parent()?.join("kanrl");
    program.is_file().then_some(program)
}

#[test]
fn a_small_attack_does_no_harm() {
    let Some(program) = program() else { return println!("skipped: kanrl is not built; `cargo build` builds it") };
    let mut attack = Command::new(env!("CARGO_BIN_EXE_xtask"));
    attack.args(["attack", "--seed", "27", "--share", "60", "--program"]).arg(program);
    // Those that wait for a server's time limits are `crates/kanrl/tests/serving.rs`'s.
    for kind in ["kills", "strangers", "plugins", "damages", "files"] {
        attack.args(["--only", kind]);
    }
    let output = attack.output().expect("xtask runs");
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    for name in ["SIGKILL at any moment: 1 tried, 0 harmful; 1 hit a run at work", "hostile files: 83 tried, 0 harmful"]
    {
        assert!(said.contains(name), "{name}: {said}");
    }
}
