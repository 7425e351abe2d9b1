#![doc = include_str!("../README.md")]
//!
//! # Getting MuJoCo
//! Run `pip install mujoco==3.17.0`, or `cargo xtask setup` in kanrl's repository. The crate builds without MuJoCo: the library
//! is loaded when the first environment is created, from the first of these places:
//! - the file that the environment variable `KANRL_MUJOCO` names;
//! - the program's own folder, or `../lib` next to it;
//! - the workspace's `.mujoco/lib`, where `cargo xtask setup` puts it;
//! - the package `mujoco` of the interpreter in `KANRL_PYTHON`, or of `python3`;
//! - where the system's loader looks for `libmujoco.so.3.17.0`.
//!
//! Pictures also need EGL (Debian: `libegl1 libgl1-mesa-dri`), but neither an X server nor a GPU. Linux only.
//!
//! The engine is behind the feature `mujoco`, which the command line has by default. Building it needs
//! `MUJOCO_DYNAMIC_LINK_DIR` to name a folder with a `libmujoco.so` to link with, an empty linker script such as this
//! crate's `link/libmujoco.so`; the workspace's `.cargo/config.toml` does that.

#[cfg(feature = "mujoco")]
mod environment;
#[cfg(feature = "mujoco")]
mod library;
#[cfg(feature = "mujoco")]
mod model;
#[cfg(feature = "mujoco")]
mod numpy;
#[cfg(feature = "mujoco")]
mod parameters;
#[cfg(feature = "mujoco")]
mod picture;
#[cfg(feature = "mujoco")]
mod register;
#[cfg(feature = "mujoco")]
mod robots;
#[cfg(feature = "mujoco")]
mod simulation;

#[cfg(feature = "mujoco")]
pub use {
    environment::{MujocoEnvironment, Task},
    model::ModelSource,
    robots::*,
    simulation::{Diverged, Simulation},
};

use kanrl_core::environment::{EnvironmentError, EnvironmentRegistry};

/// The robots that OpenAI Gym had as `-v3`, which is another name of `-v4` here.
const WITH_V3: [&str; 5] = ["Ant", "HalfCheetah", "Hopper", "Swimmer", "Walker2d"];
/// Those that it did not.
#[cfg(not(feature = "mujoco"))]
const WITHOUT_V3: [&str; 3] = ["InvertedDoublePendulum", "InvertedPendulum", "Reacher"];
/// What to type where MuJoCo is missing.
#[cfg(feature = "mujoco")]
const INSTRUCTIONS: &str = "type `pip install mujoco==3.17.0`, or `cargo xtask setup` in kanrl's folder";
/// What to do where the build has left it out.
#[cfg(not(feature = "mujoco"))]
const INSTRUCTIONS: &str = "build kanrl with its default features, then `pip install mujoco==3.17.0`";

/// Adds every environment of this crate: the robots as `-v5` and `-v4`, those that had one also as `-v3`. Without the
/// feature `mujoco` it notes the ids only, with the commands that make them available.
///
/// # Errors
/// [`EnvironmentError::DuplicateId`] if an id is taken.
pub fn register(registry: &mut EnvironmentRegistry) -> Result<(), EnvironmentError> {
    #[cfg(feature = "mujoco")]
    register::register(registry)?;
    #[cfg(not(feature = "mujoco"))]
    for (robots, versions) in [(&WITH_V3[..], 3..=5), (&WITHOUT_V3, 4..=5)] {
        for (robot, version) in robots.iter().flat_map(|robot| versions.clone().map(move |version| (robot, version))) {
            registry.register_not_built(format!("{robot}-v{version}"), INSTRUCTIONS);
        }
    }
    Ok(())
}
