//! Traits, data types and the Kolmogorov-Arnold network that every kanrl crate builds on.
//!
//! ```
//! use kanrl_core::approximator::{FitTask, FunctionApproximator, Loss, Samples};
//! use kanrl_core::kan::{Kan, KanConfig};
//! use std::ops::ControlFlow;
//!
//! // Rows of (x, y) on a grid, and what is to be learnt: sin 3x + y².
//! let axis = || (0..20).map(|index| f64::from(index) / 9.5 - 1.0);
//! let inputs: Vec<f64> = axis().flat_map(|x| axis().flat_map(move |y| [x, y])).collect();
//! let targets: Vec<f64> = inputs.chunks_exact(2).map(|row| (3.0 * row[0]).sin() + row[1].powi(2)).collect();
//! let train = Samples { inputs: &inputs, targets: &targets, weights: &[1.0; 400] };
//!
//! // No hidden layer: one learnable curve for each input, and their sum.
//! let config = KanConfig { hidden: vec![], steps: 20, ..KanConfig::default() };
//! let mut kan = Kan::new(config, 2, 1, 0);
//! let task = FitTask { train, validation: None, loss: &Loss::MeanSquared };
//! kan.fit(task, &mut |_| ControlFlow::Continue(()))?;
//!
//! let mut output = [0.0];
//! kan.predict(&[0.5, -0.5], &mut output);
//! assert!((output[0] - (1.5_f64.sin() + 0.25)).abs() < 0.05);
//! // The curves, to be named and to become a formula.
//! assert_eq!(kan.graph(train).expect("a KAN has one").edges.len(), 2);
//! # Ok::<(), kanrl_core::approximator::ApproximatorError>(())
//! ```
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
