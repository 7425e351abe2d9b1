//! Formulas in the making: fitted to the expert, shortened, and tuned on return.
//!
//! A [`Draft`] is what a student's outputs are while their constants are still being found. [`fit`] brings them close to
//! the expert.

mod conditioning;
mod draft;
pub mod fit;
pub mod rounding;
pub mod shorten;
pub mod switching;

pub use draft::Draft;
