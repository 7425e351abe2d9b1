//! Training experts: proximal policy optimization (PPO, Stable-Baselines3's, with rl-zoo's hyper-parameters) and augmented
//! random search (ARS), in any environment.
//!
//! ```
//! use kanrl_experts::training::{PpoConfig, Trainer};
//! use kanrl_core::environment::{EnvironmentRegistry, KeywordArguments};
//! use std::ops::ControlFlow;
//!
//! let mut registry = EnvironmentRegistry::new();
//! kanrl_envs_classic::register(&mut registry)?;
//! let config = PpoConfig { n_timesteps: 2_000, ..PpoConfig::for_environment("CartPole-v1") };
//! let mut trainer = Trainer::new(&registry, "CartPole-v1", &KeywordArguments::new(), config, 0)?;
//! trainer.run(|trainer, progress| {
//!     // A place for a progress bar, `trainer.save_checkpoint(…)`, or `ControlFlow::Break(())` when Ctrl-C was pressed.
//!     println!("{} of {}: {:?}", progress.timesteps, progress.total_timesteps, progress.mean_return);
//!     ControlFlow::Continue(())
//! })?;
//! std::fs::write(std::env::temp_dir().join("CartPole-v1.safetensors"), trainer.network_file(None).write())?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The gradient of the two small networks is written out by hand over nalgebra's GEMM: a crate that differentiates by
//! itself costs minutes of building (candle-core: 7 CPU minutes). A test compares it with differences of the loss.

mod activation;
mod actor_critic;
mod adam;
mod advantage;
mod algorithm;
mod ars;
mod checkpoint;
mod config;
mod distribution;
mod error;
mod export;
mod kan_actor;
mod lanes;
mod learner;
mod matrix;
mod mlp;
mod normalization;
mod record;
mod schedule;
mod trainer;
mod zoo;

pub use algorithm::{BestPolicy, PolicyTrainer, resume};
pub use ars::{ArsConfig, ArsTrainer};
pub use config::{Actor, PpoConfig};
pub use error::TrainingError;
pub use learner::Losses;
pub use record::{AlgorithmConfig, EvaluationRecord, TrainingRecord};
pub use schedule::Schedule;
pub use trainer::{Progress, Trainer};
