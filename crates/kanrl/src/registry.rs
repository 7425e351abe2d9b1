//! The environments of this build.

use kan_core::environment::{EnvironmentError, EnvironmentRegistry};

/// What makes the environments of the feature `full` available.
const SET_UP: &str = "build it in with:\n  cargo xtask setup\n  cargo run --release --features full -- …";

/// Ids that only the feature `full` has.
const FULL: [&str; 22] = [
    "Ant-v4",
    "Ant-v5",
    "BipedalWalker-v3",
    "HalfCheetah-v4",
    "HalfCheetah-v5",
    "Hopper-v4",
    "Hopper-v5",
    "InvertedDoublePendulum-v4",
    "InvertedDoublePendulum-v5",
    "InvertedPendulum-v4",
    "InvertedPendulum-v5",
    "LunarLander-v2",
    "LunarLander-v3",
    "LunarLanderContinuous-v2",
    "LunarLanderContinuous-v3",
    "Reacher-v4",
    "Reacher-v5",
    "Swimmer-v4",
    "Swimmer-v5",
    "Walker2d-v4",
    "Walker2d-v5",
    "BipedalWalkerHardcore-v3",
];

/// Every environment of this build, and a note for each that another build has.
pub fn environments() -> Result<EnvironmentRegistry, EnvironmentError> {
    let mut registry = EnvironmentRegistry::new();
    for id in FULL {
        registry.register_not_built(id, SET_UP);
    }
    envs_classic::register(&mut registry)?;
    Ok(registry)
}
