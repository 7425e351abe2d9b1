//! Rivals of the KAN, chosen in the config like it.

mod linear;
mod mlp;

pub use linear::{Linear, LinearConfig};
pub use mlp::{Activation, Mlp, MlpConfig};
