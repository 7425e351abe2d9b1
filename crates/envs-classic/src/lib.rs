#![doc = include_str!("../README.md")]
//!
//! Results are bit-identical where the C library's `sin`, `cos`, and `pow` are those that NumPy was recorded with: glibc on
//! x86-64. Elsewhere the last bits of a state may differ.

mod acrobot;
mod cart_pole;
mod dynamics;
mod mountain_car;
mod mountain_car_continuous;
mod numpy;
mod pendulum;
mod pictures;
mod spec;

pub use acrobot::{Acrobot, AcrobotConfig};
pub use cart_pole::{CartPole, CartPoleConfig};
pub use dynamics::{Visitor, with_dynamics};
pub use mountain_car::{MountainCar, MountainCarConfig};
pub use mountain_car_continuous::MountainCarContinuous;
pub use pendulum::{Pendulum, PendulumConfig};

use kanrl_core::environment::{Environment, EnvironmentEntry, EnvironmentError, EnvironmentHints, EnvironmentRegistry};
use serde::de::DeserializeOwned;

/// Adds every environment of this crate.
///
/// # Errors
/// [`EnvironmentError::DuplicateId`] if an id is taken.
pub fn register(registry: &mut EnvironmentRegistry) -> Result<(), EnvironmentError> {
    registry.register(entry("Acrobot-v1", "swing a two-link arm up with a motor at its elbow", Acrobot::new))?;
    registry.register(entry("CartPole-v1", "balance a pole on a cart by pushing the cart", CartPole::new))?;
    registry.register(entry("MountainCar-v0", "rock an underpowered car out of a valley", MountainCar::new))?;
    registry.register(entry(
        "MountainCarContinuous-v0",
        "rock an underpowered car out of a valley, saving fuel",
        MountainCarContinuous::new,
    ))?;
    // A pendulum's return depends on its start more than on its policy, so that formulas need many episodes to be told
    // apart; its steps cost next to nothing.
    let pendulum = EnvironmentHints { polish_steps: Some(40_000_000), ..EnvironmentHints::default() };
    registry.register(entry("Pendulum-v1", "swing a pendulum up and hold it there", Pendulum::new).with_hints(pendulum))
}

fn entry<C, E>(id: &str, summary: &str, constructor: fn(C) -> E) -> EnvironmentEntry
where
    C: DeserializeOwned + Send + Sync + 'static,
    E: Environment,
{
    EnvironmentEntry::new(id, summary, env!("CARGO_PKG_NAME"), move |config| Ok(constructor(config)))
}
