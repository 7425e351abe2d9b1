//! Turns a trained reinforcement-learning policy into a formula people can read, check, and ship.
//!
//! This package is a command, `kanrl`, and the library behind it. A crate that adds an environment, an expert, an
//! approximator, a library of functions, or a stage needs no other dependency:
//!
//! ```sh
//! cargo add kanrl --no-default-features
//! ```
//!
//! Ten lines that create an environment, load an expert, extract a formula, and play it:
//!
//! ```no_run
//! use kanrl::prelude::*;
//!
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let environments = kanrl::environments()?;
//!     let rollouts = Rollouts::new(environments.get("CartPole-v1")?, &KeywordArguments::new())?;
//!     let expert = "bundled".parse::<PolicySource>()?.resolve(rollouts.spec())?;
//!     let formula = Run::new("CartPole-v1")?.expert("bundled")?.open("out")?.execute()?.formula.ok_or("none chosen")?;
//!     let policy = FunctionPolicy::from_formula(&formula, rollouts.spec(), "the formula".to_owned())?;
//!     let theirs = rollouts.run(expert.as_ref(), &[1, 2, 3], &RolloutOptions::default())?;
//!     let ours = rollouts.run(&policy, &[1, 2, 3], &RolloutOptions::default())?;
//!     println!("{formula}\n{} against {}", ours[0].episode_return, theirs[0].episode_return);
//!     Ok(())
//! }
//! ```
//!
//! # Features
//! | feature | what it adds | default |
//! |---|---|---|
//! | `cli` | the command; includes `box2d`, `plugins`, `video` and the web app | yes |
//! | `mujoco` | Swimmer, Hopper and the other MuJoCo environments; MuJoCo itself is loaded at run time | yes |
//! | `box2d` | LunarLander and BipedalWalker; needs a C++ compiler | with `cli` |
//! | `plugins` | environments from shared libraries | with `cli` |
//! | `video` | films of the expert and of the formula, in MP4 and GIF; needs a C++ compiler | with `cli` |
//! | `hub`, `onnx` | experts from the Hugging Face hub, and in ONNX | no |
//! | `gpu` | networks that train on a GPU | no |
//! | `arrow` | Arrow files from the command's sweeps | no |
//! | `full` | everything | no |
//!
//! Classic control (CartPole, MountainCar, Acrobot, Pendulum) is always included.
//!
//! # Overview
//! The traits and data types of [`kanrl_core`] are at the root ([`environment`], [`policy`], [`approximator`],
//! [`function`], …), the other crates are modules: [`symbolic`], [`experts`], [`pipeline`], [`render`], [`verify`] and its [`interval`] arithmetic, [`export`]. [`prelude`] has what
//! most programs need. Parts with a `kind` in the config derive serde's traits without a dependency on serde:
//!
//! ```
//! use kanrl::prelude::*;
//!
//! /// `expert = { kind = "thermostat", target = 21.0 }`
//! #[derive(Debug, Serialize, Deserialize)]
//! #[serde(crate = "kanrl::serde", deny_unknown_fields)]
//! struct Thermostat { target: f64 }
//!
//! #[typetag::serde(name = "thermostat")]
//! impl ExpertConfig for Thermostat {
//!     fn build(&self, room: &EnvironmentSpec) -> Result<Arc<dyn ExpertPolicy>, BuildError> {
//!         let target = self.target;
//!         Ok(Arc::new(FunctionExpert::new(room, "a thermostat", move |inside, heat| heat[0] = target - inside[0])))
//!     }
//! }
//! ```

// The command's modules say `kanrl` as any other crate does.
#[cfg(feature = "cli")]
extern crate self as kanrl;

#[cfg(feature = "cli")]
#[macro_use]
mod output;

pub mod card;
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod command_line;
#[cfg(feature = "cli")]
mod commands;
pub mod contract;
mod error;
#[cfg(feature = "cli")]
mod failure;
#[cfg(feature = "cli")]
mod isolation;
#[cfg(feature = "cli")]
mod json;
#[cfg(feature = "cli")]
mod origin;
#[cfg(feature = "cli")]
mod plugins;
pub mod prelude;
#[cfg(feature = "cli")]
mod processes;
mod run;
#[cfg(feature = "cli")]
mod terminal;
pub mod verification;

#[cfg(feature = "cli")]
use {command_line::EVERYWHERE, command_line::command, failure::Failure, plugins::Plugins};

pub use error::Error;
pub use run::Run;

pub use kanrl_core::{
    action, approximator, baselines, config, dataset, environment, function, graph, kan, optimize, policy, random,
    rollout, space, testing,
};
pub use kanrl_experts as experts;
pub use kanrl_pipeline as pipeline;
#[cfg(feature = "plugins")]
pub use kanrl_plugin as plugin;
pub use kanrl_render as render;
pub use kanrl_symbolic as symbolic;
pub use {kanrl_export as export, kanrl_interval as interval, kanrl_verify as verify};
pub use {serde, serde_json, typetag};

use environment::{EnvironmentError, EnvironmentRegistry};

/// Every environment of this build, and a note for each that another build has.
///
/// # Errors
/// Never in practice: [`EnvironmentError::DuplicateId`] if two had the same id.
pub fn environments() -> Result<EnvironmentRegistry, EnvironmentError> {
    let mut registry = EnvironmentRegistry::new();
    kanrl_envs_classic::register(&mut registry)?;
    #[cfg(feature = "box2d")]
    kanrl_envs_box2d::register(&mut registry)?;
    #[cfg(any(feature = "cli", feature = "mujoco"))]
    kanrl_envs_mujoco::register(&mut registry)?;
    Ok(registry)
}
