//! The environments of this build.

use kan_core::environment::{EnvironmentError, EnvironmentRegistry};

/// Every environment of this build, and a note for each that another build has.
pub fn built_in() -> Result<EnvironmentRegistry, EnvironmentError> {
    let mut registry = EnvironmentRegistry::new();
    envs_classic::register(&mut registry)?;
    envs_box2d::register(&mut registry)?;
    envs_mujoco::register(&mut registry)?;
    Ok(registry)
}
