//! The engine: named stages over a [`bevy_ecs`] world.
//!
//! A run is a [`World`](bevy_ecs::world::World). What stages make and use are resources ([`Artifact`] in its [`Slot`]); a stage is a
//! system set labeled by its name. [`Pipeline`] holds the stages in order; researchers add, replace, move and drop them
//! by name. Before anything runs, [`Pipeline::check`] makes sure that each stage's needs are provided by an earlier one.
//! Stages that share no artifact run side by side; all others in the pipeline's order.
//!
//! ```
//! use pipeline::engine::{Artifact, ArtifactError, Make, Pipeline, Stage, StageError};
//! use std::path::Path;
//!
//! struct Answer(u32);
//!
//! impl Artifact for Answer {
//!     const NAME: &'static str = "answer";
//!     fn save(&self, folder: &Path) -> Result<(), ArtifactError> {
//!         pipeline::files::write(&folder.join("answer.txt"), self.0.to_string().as_bytes())?;
//!         Ok(())
//!     }
//!     fn load(folder: &Path, _world: &pipeline::engine::LoadContext) -> Result<Self, ArtifactError> {
//!         let text = std::fs::read_to_string(folder.join("answer.txt"))?;
//!         text.parse().map(Answer).map_err(|_| ArtifactError::damaged("answer.txt is not a number"))
//!     }
//! }
//!
//! fn think(mut answer: Make<Answer>) -> Result<(), StageError> {
//!     answer.set(Answer(42));
//!     Ok(())
//! }
//!
//! let mut stages = Pipeline::new();
//! stages.push(Stage::new("think", "finds the answer", think).provides::<Answer>());
//! assert!(stages.check().is_ok());
//! ```

mod artifact;
mod pipeline;
mod schedule;
mod stage;

pub use artifact::{Artifact, ArtifactError, Fingerprints, Get, LoadContext, Make, Slot};
pub use pipeline::{Pipeline, PipelineError};
pub use stage::{Stage, StageError};
