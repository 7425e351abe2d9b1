//! Runs as data: a config is turned into stages, which a bevy_ecs schedule executes in a run directory.
//!
//! ```
//! use kanrl_core::environment::EnvironmentRegistry;
//! use kanrl_pipeline::config::{MergedConfig, RawConfig};
//! use kanrl_pipeline::run::{PolicyRole, PreparedRun, RunFile, RunStore};
//! use kanrl_pipeline::stages;
//!
//! let mut environments = EnvironmentRegistry::new();
//! kanrl_envs_classic::register(&mut environments)?;
//! let text = "
//!     environment.id = 'CartPole-v1'
//!     collect = { train_episodes = 2, validation_episodes = 1 }
//!     students = { widths = [[]], rivals = false }
//!     polish.enabled = false
//!     evaluate = { episodes = 5, robustness_episodes = 0 }
//!     record.videos = false
//! ";
//! let config = MergedConfig::new(RawConfig::from_toml("run.toml", text)?).resolve()?;
//! let run = PreparedRun::new(config, environments, stages::standard())?;
//! # let folder = tempfile::tempdir()?;
//! # let directory = folder.path().join("run");
//! let summary = run.open(&directory)?.execute()?;
//! println!("{}", summary.formula.expect("a formula was chosen"));
//! assert!(RunStore::open(&directory)?.has(RunFile::Formula));
//! assert_eq!(summary.rows[0].policy, PolicyRole::Expert);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod causes;
pub mod config;
mod digest;
pub mod engine;
pub mod events;
pub mod formulas;
pub mod head;
pub mod policies;
pub mod python;
pub mod report;
pub mod rollouts;
pub mod rows;
pub mod run;
pub mod stages;
pub mod students;
pub mod sweep;

pub use kanrl_core::files;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
