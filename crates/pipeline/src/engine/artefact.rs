use crate::config::RunConfig;
use bevy_ecs::resource::Resource;
use kan_core::function::SymbolicLibrary;
use std::path::Path;
use std::sync::Arc;

/// What an artefact may consult when it is read back.
#[derive(Clone, Debug, Resource)]
pub struct LoadContext {
    /// The run's resolved config.
    pub config: Arc<RunConfig>,
    /// The library that names functions.
    pub library: Arc<dyn SymbolicLibrary>,
}

/// What a stage makes: a resource that can be written to a folder of its own and read back to the same bits.
pub trait Artefact: Resource + Sized {
    /// Its name, unique in a pipeline; also its folder's.
    const NAME: &'static str;

    /// Writes it into `folder`, which exists.
    ///
    /// # Errors
    /// [`ArtefactError`] where it cannot be written.
    fn save(&self, folder: &Path) -> Result<(), ArtefactError>;

    /// Reads it back.
    ///
    /// # Errors
    /// [`ArtefactError`] where it is missing or damaged.
    fn load(folder: &Path, context: &LoadContext) -> Result<Self, ArtefactError>;
}

/// An artefact could not be written or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ArtefactError {
    /// The file system refused.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// The file system refused, and we know where.
    #[error(transparent)]
    File(#[from] crate::files::FileError),
    /// The content is not what was written.
    #[error("damaged: {reason}")]
    Damaged {
        /// What is wrong.
        reason: String,
    },
}

impl ArtefactError {
    /// [`Self::Damaged`] with a reason.
    pub fn damaged(reason: impl ToString) -> Self {
        Self::Damaged { reason: reason.to_string() }
    }
}
