//! Gymnasium's classic-control environments, equal to Gymnasium 1.4 with NumPy 2 to the last bit.
//!
//! ```
//! use kan_core::action::Action;
//! use kan_core::environment::{EnvironmentRegistry, KeywordArguments};
//!
//! let mut registry = EnvironmentRegistry::new();
//! envs_classic::register(&mut registry)?;
//! let mut environment = registry.make("CartPole-v1", &KeywordArguments::new())?;
//! let mut observation = [0.0; 4];
//! environment.reset(Some(0), &mut observation)?;
//! let outcome = environment.step(Action::Discrete(1), &mut observation)?;
//! assert_eq!(outcome.reward, 1.0);
//! # Ok::<(), kan_core::environment::EnvironmentError>(())
//! ```
//!
//! "To the last bit" holds where the C library's `sin`, `cos` and `pow` are the ones NumPy was recorded with: glibc on
//! x86-64. Elsewhere the last bits of a state may differ.

mod cart_pole;
mod spec;

pub use cart_pole::{CartPole, CartPoleConfig};

use kan_core::environment::{EnvironmentEntry, EnvironmentError, EnvironmentRegistry};

/// Adds every environment of this crate.
///
/// # Errors
/// [`EnvironmentError::DuplicateId`] if an id is taken.
pub fn register(registry: &mut EnvironmentRegistry) -> Result<(), EnvironmentError> {
    let source = env!("CARGO_PKG_NAME");
    registry.register(EnvironmentEntry::new(
        "CartPole-v1",
        "balance a pole on a cart by pushing the cart left or right",
        source,
        |config: CartPoleConfig| Ok(CartPole::new(config)),
    ))
}
