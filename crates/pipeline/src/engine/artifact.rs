use crate::config::RunConfig;
use bevy_ecs::prelude::*;
use kanrl_core::function::SymbolicLibrary;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// What an artifact may consult when it is read back.
#[derive(Clone, Debug, Resource)]
pub struct LoadContext {
    /// The run's resolved config.
    pub config: Arc<RunConfig>,
    /// The library that names functions.
    pub library: Arc<dyn SymbolicLibrary>,
}

/// What a config section names without holding it, such as the expert's file: stages that are configured by the section
/// run again where it changes.
#[derive(Clone, Debug, Default, Resource)]
pub struct Fingerprints(BTreeMap<&'static str, String>);

impl Fingerprints {
    /// Adds digests to a section's.
    pub fn add<'a>(&mut self, section: &'static str, digests: impl IntoIterator<Item = &'a str>) {
        let fingerprint = self.0.entry(section).or_default();
        for digest in digests {
            fingerprint.push_str(digest);
            fingerprint.push(' ');
        }
    }

    pub(super) fn of(&self, section: &str) -> &str {
        self.0.get(section).map_or("", String::as_str)
    }
}

/// What a stage makes: it can be written to a folder of its own and read back to the same bits.
pub trait Artifact: Send + Sync + Sized + 'static {
    /// Its name, unique in a pipeline; also its folder's.
    const NAME: &'static str;

    /// Writes it into `folder`, which exists.
    ///
    /// # Errors
    /// [`ArtifactError`] where it cannot be written.
    fn save(&self, folder: &Path) -> Result<(), ArtifactError>;

    /// Reads it back.
    ///
    /// # Errors
    /// [`ArtifactError`] where it is missing or damaged.
    fn load(folder: &Path, context: &LoadContext) -> Result<Self, ArtifactError>;
}

/// The resource that holds an artifact once it is made. It stands in the world from the start, so that making an artifact
/// needs no exclusive access and long stages run side by side. Stages reach it by [`Input`](super::Input) and
/// [`Output`](super::Output) only, from which the engine learns what they need and provide.
#[derive(Debug, Resource)]
pub struct Slot<A: Artifact>(Option<A>);

/// An artifact that a run on this world has made.
pub fn made<A: Artifact>(world: &World) -> Option<&A> {
    world.get_resource::<Slot<A>>().and_then(Slot::get)
}

impl<A: Artifact> Default for Slot<A> {
    fn default() -> Self {
        Self(None)
    }
}

impl<A: Artifact> Slot<A> {
    /// The artifact, if it has been made.
    pub fn get(&self) -> Option<&A> {
        self.0.as_ref()
    }

    pub(super) fn set(&mut self, artifact: A) {
        self.0 = Some(artifact);
    }
}

/// An artifact could not be written or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ArtifactError {
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

impl ArtifactError {
    /// [`Self::Damaged`] with a reason.
    pub fn damaged(reason: impl ToString) -> Self {
        Self::Damaged { reason: reason.to_string() }
    }
}
