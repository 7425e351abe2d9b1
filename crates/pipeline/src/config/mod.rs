//! A run as data.
//!
//! [`RunConfig`] is the resolved config: every section present, every kind known. It comes from a TOML (or JSON) file
//! whose fields all have defaults, merged with command-line overrides ([`RawConfig`], [`MergedConfig`]). Whatever is wrong
//! is said with its key, its line and the nearest name that would be right:
//!
//! ```
//! use kanrl_pipeline::config::{MergedConfig, RawConfig};
//!
//! let raw = RawConfig::from_toml("run.toml", "[environment]\nid = 'CartPole-v1'\n[approximator]\nhiden = [3]")?;
//! let error = MergedConfig::new(raw).resolve().unwrap_err();
//! assert_eq!(error.key, "approximator.hiden");
//! assert_eq!(error.help.as_deref(), Some("did you mean `hidden`?"));
//! # Ok::<(), kanrl_pipeline::config::ConfigError>(())
//! ```

mod approximator;
mod error;
mod file;
mod plugins;
mod ranges;
mod resolve;
mod run;
mod schema;

pub use error::{ConfigError, ConfigErrorKind, ConfigText};
pub use file::{MergedConfig, RawConfig};
pub use plugins::PluginEntry;
pub use run::{EnvironmentSection, RunConfig};
pub use schema::{components, schema};
