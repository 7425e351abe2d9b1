//! What the program says about itself in a run's `provenance.json`.

use kanrl_pipeline::run::provenance::{Build, Origin};

/// The program's build and its command line.
pub fn origin() -> Origin {
    Origin { build: build(), ..Origin::default() }
}

/// What was noted when the program was built.
pub fn build() -> Build {
    let known = |value: &str| Some(value.to_owned()).filter(|value| !value.is_empty());
    Build {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        git_commit: known(env!("KANRL_GIT_COMMIT")),
        rustc: known(env!("KANRL_RUSTC")),
        target: known(env!("KANRL_TARGET")),
        profile: known(env!("KANRL_PROFILE")),
    }
}
