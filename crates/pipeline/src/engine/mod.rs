//! The engine: named stages over a [`bevy_ecs`] world.
//!
//! A run is a [`World`](bevy_ecs::world::World). What stages make and use are resources ([`Artifact`]s); a stage is a
//! system set labeled by its name. [`Pipeline`] holds the stages in order; researchers add, replace, move and drop them
//! by name. A stage's needs and what it provides are its system's parameters: [`Input`], [`OptionalInput`] and [`Output`].
//! Before anything runs, [`Pipeline::check`] makes sure that each need is provided by an earlier stage, and each artifact by
//! one stage only. Stages that share no artifact run side by side; all others in the pipeline's order.
//!
//! A stage is not run again where its artifacts lie in the run directory as they were written, by the same code, config
//! and inputs: see [`code`] and [`Stage::version`].
//!
//! ```
//! use kanrl_pipeline::engine::{Artifact, ArtifactError, Output, Pipeline, Stage, StageError};
//! use std::path::Path;
//!
//! struct Answer(u32);
//!
//! impl Artifact for Answer {
//!     const NAME: &'static str = "answer";
//!     fn save(&self, folder: &Path) -> Result<(), ArtifactError> {
//!         kanrl_pipeline::files::write(&folder.join("answer.txt"), self.0.to_string().as_bytes())?;
//!         Ok(())
//!     }
//!     fn load(folder: &Path, _world: &kanrl_pipeline::engine::LoadContext) -> Result<Self, ArtifactError> {
//!         let text = std::fs::read_to_string(folder.join("answer.txt"))?;
//!         text.parse().map(Answer).map_err(|_| ArtifactError::damaged("answer.txt is not a number"))
//!     }
//! }
//!
//! fn think(mut answer: Output<Answer>) -> Result<(), StageError> {
//!     answer.set(Answer(42));
//!     Ok(())
//! }
//!
//! let mut stages = Pipeline::new();
//! stages.push(Stage::new("think", "finds the answer", think));
//! assert!(stages.check().is_ok());
//! ```

mod artifact;
pub mod code;
mod error;
mod parameters;
mod pipeline;
mod progress;
mod schedule;
mod stage;
mod systems;

pub use artifact::{Artifact, ArtifactError, Fingerprints, LoadContext, made};
pub use error::{PipelineError, StageError};
pub use parameters::{Input, OptionalInput, Output};
pub use pipeline::Pipeline;
pub use schedule::Strictness;
pub use stage::Stage;
