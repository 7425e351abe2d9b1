//! The environments' entries in a registry.

use crate::environment::{MujocoEnvironment, Task};
use crate::robots::{
    Ant, HalfCheetah, Hopper, InvertedDoublePendulum, InvertedPendulum, Reacher, Swimmer, Version, Walker2d,
};
use kanrl_core::environment::{EnvironmentEntry, EnvironmentError, EnvironmentHints, EnvironmentRegistry};
use serde::de::DeserializeOwned;

pub(crate) fn register(registry: &mut EnvironmentRegistry) -> Result<(), EnvironmentError> {
    let mut add = |entry: EnvironmentEntry| {
        let v3 = entry
            .id
            .strip_suffix("-v4")
            .filter(|robot| crate::WITH_V3.contains(robot))
            .map(|robot| format!("{robot}-v3"));
        registry.register(match v3 {
            Some(alias) => entry.with_alias(alias),
            None => entry,
        })
    };
    // A double pendulum is kept upright by terms that explain next to nothing of what its expert does at full force: without
    // them it falls.
    let delicate = EnvironmentHints { refine_tolerance: Some(2e-5), ..EnvironmentHints::default() };
    for version in [Version::V4, Version::V5] {
        add(entry(version, "HalfCheetah", "make a two-legged cheetah run forward", HalfCheetah::make))?;
        add(entry(version, "Hopper", "make a one-legged robot hop forward", Hopper::make))?;
        let double_pendulum = "balance a pole on a pole on a cart";
        add(entry(version, "InvertedDoublePendulum", double_pendulum, InvertedDoublePendulum::make)
            .with_hints(delicate.clone()))?;
        add(entry(
            version,
            "InvertedPendulum",
            "balance a pole on a cart, with a continuous force",
            InvertedPendulum::make,
        ))?;
        add(entry(version, "Reacher", "bring the tip of a two-link arm to a target", Reacher::make))?;
        add(entry(version, "Swimmer", "make three joined rods swim forward", Swimmer::make))?;
        add(entry(version, "Walker2d", "make a two-legged robot walk forward", Walker2d::make))?;
    }
    let ant = "make a four-legged robot walk in the direction of x";
    add(entry(Version::V4, "Ant", ant, |_, config| Ant::make_v4(config)))?;
    add(entry(Version::V5, "Ant", ant, |_, config| Ant::make_v5(config)))
}

fn entry<C, T>(
    version: Version,
    robot: &str,
    task: &str,
    make: fn(Version, C) -> Result<MujocoEnvironment<T>, EnvironmentError>,
) -> EnvironmentEntry
where
    C: DeserializeOwned + Send + Sync + 'static,
    T: Task,
{
    let summary = match version {
        Version::V4 if crate::WITH_V3.contains(&robot) => format!("{task} (v3 runs on v4)"),
        _ => task.to_owned(),
    };
    EnvironmentEntry::new(version.id(robot), summary, env!("CARGO_PKG_NAME"), move |config| make(version, config))
}
