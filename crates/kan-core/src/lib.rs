//! Traits, data types and the Kolmogorov-Arnold network that every kanrl crate builds on.

pub mod action;
pub mod approximator;
pub mod baselines;
pub mod compute;
pub mod config;
pub mod dataset;
pub mod environment;
pub mod function;
pub mod graph;
pub mod kan;
mod model_file;
pub mod optimize;
pub mod policy;
pub mod random;
pub mod rollout;
pub mod space;
pub mod suggest;
pub mod testing;
