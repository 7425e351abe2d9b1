//! Runs as data: a config composed into stages, run by a bevy_ecs schedule into a run directory.
//!
//! ```
//! use pipeline::config::{MergedConfig, RawConfig};
//!
//! let raw = RawConfig::from_toml("run.toml", "[environment]\nid = 'CartPole-v1'\n[approximator]\nhiden = [3]")?;
//! let error = MergedConfig::new(raw).resolve().unwrap_err();
//! assert_eq!(error.key, "approximator.hiden");
//! assert_eq!(error.help.as_deref(), Some("did you mean `hidden`?"));
//! # Ok::<(), pipeline::config::ConfigError>(())
//! ```

pub mod artefacts;
pub mod causes;
pub mod config;
pub mod dagger;
pub mod engine;
pub mod events;
pub mod files;
pub mod film;
pub mod formulas;
pub mod head;
mod log;
pub mod policies;
pub mod provenance;
pub mod report;
pub mod rollouts;
pub mod rows;
pub mod run;
pub mod run_directory;
pub mod run_record;
pub mod seeds;
pub mod stages;
pub mod statistics;
pub mod students;
pub mod sweep;
pub mod symbolify;
mod tensorboard;
pub mod variants;
