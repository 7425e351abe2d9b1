#![doc = include_str!("../README.md")]
//!
//! | id | arguments |
//! |---|---|
//! | `LunarLander-v3`, `LunarLander-v2` | [`LunarLanderConfig`] |
//! | `LunarLanderContinuous-v3`, `LunarLanderContinuous-v2` | [`LunarLanderConfig`], with `continuous` true |
//! | `BipedalWalker-v3` | [`BipedalWalkerConfig`] |
//! | `BipedalWalkerHardcore-v3` | [`BipedalWalkerConfig`], with `hardcore` true |
//!
//! The engine is Box2D 2.3, compiled from the C++ sources in the package `wrapped2d`. One formula that 2.3.1 rounds
//! differently is restored to that of pybox2d's 2.3.0. Only a C++ compiler is needed. All `unsafe` is in the module `engine`, which is checked for leaks, bad memory accesses and data races by running the test binary
//! `contract` under `valgrind --leak-check=full` and under `valgrind --tool=helgrind`, with the argument
//! `episodes_do_not_depend_on_threads_or_neighbors`.

mod bipedal_walker;
mod drawing;
mod engine;
mod lunar_lander;
mod parameters;

pub use bipedal_walker::{BipedalWalker, BipedalWalkerConfig};
pub use lunar_lander::{EngineControl, Engines, LunarLander, LunarLanderConfig, LunarLanderVersion};

use kanrl_core::environment::{
    Continuous, Discrete, DynEnvironment, EnvironmentEntry, EnvironmentError, EnvironmentFactory, EnvironmentRegistry,
    KeywordArguments, VectorEnvironment,
};
use std::sync::Arc;

/// Adds the environments of this crate to a registry.
///
/// # Errors
/// [`EnvironmentError::DuplicateId`] if one of their ids is taken.
pub fn register(registry: &mut EnvironmentRegistry) -> Result<(), EnvironmentError> {
    for version in [LunarLanderVersion::V2, LunarLanderVersion::V3] {
        registry.register(lunar_lander(version, "Land a rocket between two flags", false))?;
        registry.register(lunar_lander(version, "Land a rocket with throttled engines between two flags", true))?;
    }
    registry.register(bipedal_walker("BipedalWalker-v3", "Walk over uneven ground on two legs", false))?;
    registry.register(bipedal_walker("BipedalWalkerHardcore-v3", "Walk on two legs over stumps, stairs and pits", true))
}

fn lunar_lander(version: LunarLanderVersion, summary: &str, continuous: bool) -> EnvironmentEntry {
    let (id, source) = (version.id(continuous), env!("CARGO_PKG_NAME"));
    let make = move |config| LunarLander::<Discrete>::new(version, id, config);
    let mut entry = EnvironmentEntry::new(id, summary, source, make);
    let make = move |config| LunarLander::<Continuous>::new(version, id, config);
    let throttled = EnvironmentEntry::new(id, summary, source, make);
    entry.factory = Arc::new(LunarLanderFactory { continuous, variants: [entry.factory, throttled.factory] });
    entry
}

fn bipedal_walker(id: &'static str, summary: &str, hardcore: bool) -> EnvironmentEntry {
    EnvironmentEntry::new(id, summary, env!("CARGO_PKG_NAME"), move |config: BipedalWalkerConfig| {
        BipedalWalker::new(id, config.hardcore.unwrap_or(hardcore))
    })
}

/// Chooses the action space by the argument `continuous`, as Gymnasium does.
struct LunarLanderFactory {
    continuous: bool,
    /// With discrete actions and with continuous ones.
    variants: [Arc<dyn EnvironmentFactory>; 2],
}

impl LunarLanderFactory {
    fn variant(&self, arguments: &KeywordArguments) -> &dyn EnvironmentFactory {
        // Anything but a boolean is refused by the variant.
        let continuous = arguments.get("continuous").and_then(|value| value.as_bool()).unwrap_or(self.continuous);
        &*self.variants[usize::from(continuous)]
    }
}

impl EnvironmentFactory for LunarLanderFactory {
    fn make(&self, arguments: &KeywordArguments) -> Result<Box<dyn DynEnvironment>, EnvironmentError> {
        self.variant(arguments).make(arguments)
    }

    fn make_vector(
        &self,
        arguments: &KeywordArguments,
        lanes: usize,
    ) -> Result<Box<dyn VectorEnvironment>, EnvironmentError> {
        self.variant(arguments).make_vector(arguments, lanes)
    }
}
