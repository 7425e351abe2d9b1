//! Sound arithmetic: intervals with outward rounding, and affine forms over them.
//!
//! ```
//! use kanrl_interval::{Affine, Function, Interval, Number};
//!
//! /// A step of a swing, for whatever is known of its numbers.
//! fn step<T: Number>([angle, speed]: &[T; 2]) -> [T; 2] {
//!     let speed = speed.minus(&angle.function(Function::Sin).scaled(0.1));
//!     [angle.plus(&speed.scaled(0.1)), speed]
//! }
//!
//! let start = [Interval::new(0.0, 0.1), Interval::new(0.0, 0.1)];
//! let (mut plain, mut followed) = (start, Affine::<8>::of_box(&start));
//! for _ in 0..100 {
//!     plain = step(&plain);
//!     followed = step(&followed);
//!     Affine::follow_errors(&mut followed);
//! }
//! // Boxes that turn grow when they are boxed in again and again; affine forms turn with them.
//! assert!(followed[0].range().radius() < 0.7 * plain[0].radius());
//! ```
//!
//! # Why not a library
//! `inari` is sound for exact real arithmetic, rounds to nearest never, and needs the MPFR library (LGPL) for everything
//! beyond the four operations. What is to be proved here is about programs: formulas and simulators that compute in
//! doubles, with the C library's functions. Bounds of what *they* compute have to allow for their roundings anyway, and
//! that allowance, one unit in the last place outward for an operation and 16 for a function, is the whole of what a
//! library of exact bounds would add. Affine forms are needed where a box is followed through many steps, since plain
//! boxes grow by their rotation alone; no maintained crate has them.
//!
//! The crate has no dependencies and knows no environment and no formula.

mod affine;
mod dynamics;
mod function;
mod interval;
mod number;

pub use affine::Affine;
pub use dynamics::{Aim, Branch, Choice, Dynamics};
pub use function::Function;
pub use interval::Interval;
pub use number::{Local, Number};
