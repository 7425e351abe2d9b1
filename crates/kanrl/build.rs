//! What the program can say about itself: commit, compiler, target and profile.

use std::path::Path;
use std::process::Command;

fn main() {
    // A new commit moves this file; outside a repository there is nothing to watch.
    let log = output("git", &["rev-parse", "--git-path", "logs/HEAD"]);
    match log.as_deref().map(Path::new).filter(|log| log.is_file()) {
        Some(log) => println!("cargo::rerun-if-changed={}", log.display()),
        None => println!("cargo::rerun-if-changed=build.rs"),
    }
    let set = |name: &str, value: Option<String>| println!("cargo::rustc-env={name}={}", value.unwrap_or_default());
    set("KANRL_GIT_COMMIT", output("git", &["rev-parse", "HEAD"]));
    let compiler = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
    set("KANRL_RUSTC", output(&compiler, &["--version"]));
    set("KANRL_TARGET", std::env::var("TARGET").ok());
    set("KANRL_PROFILE", std::env::var("PROFILE").ok());
}

/// What a program prints, if it is there and succeeds.
fn output(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8(output.stdout).ok()?.trim().to_owned())
}
