//! Rivals of the KAN, chosen in the config like it.

mod linear;

pub use linear::{Linear, LinearConfig};
