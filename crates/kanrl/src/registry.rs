//! The environments of this build.

use kanrl_core::environment::{EnvironmentError, EnvironmentRegistry};

/// Every environment of this build, and a note for each that another build has.
pub fn built_in() -> Result<EnvironmentRegistry, EnvironmentError> {
    let mut registry = EnvironmentRegistry::new();
    kanrl_envs_classic::register(&mut registry)?;
    kanrl_envs_box2d::register(&mut registry)?;
    kanrl_envs_mujoco::register(&mut registry)?;
    Ok(registry)
}
