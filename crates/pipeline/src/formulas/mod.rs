//! Formulas in the making: fitted to the expert, shortened, and tuned on return.
//!
//! A [`Draft`] is what a student's outputs are while their constants are still being found. [`fit`] brings them close to
//! the expert, [`sparse`] grows the rivals that every run has, [`polish`] tunes constants on return.

mod draft;
pub mod fit;
pub mod polish;
pub mod returns;
pub mod rounding;
pub mod sparse;

pub use draft::Draft;
