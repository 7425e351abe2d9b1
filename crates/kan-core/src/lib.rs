#![doc = include_str!("../README.md")]
//!
//! The four traits: [`environment::Environment`], [`policy::ExpertPolicy`], [`approximator::FunctionApproximator`] and
//! [`function::SymbolicLibrary`].

pub mod action;
pub mod approximator;
pub mod baselines;
pub mod compute;
pub mod config;
pub mod dataset;
pub mod environment;
pub mod files;
mod fit;
pub mod function;
pub mod graph;
pub mod kan;
mod model_file;
pub mod optimize;
pub mod policy;
pub mod random;
pub mod rollout;
pub mod space;
pub mod spline;
mod standardize;
pub mod suggest;
pub mod testing;
