//! The systems that write and read artifacts.

use super::artifact::{Artifact, LoadContext, Slot};
use super::error::StageError;
use super::progress::Progress;
use crate::files;
use crate::run::RunStoreError;
use bevy_ecs::prelude::*;
use bevy_ecs::system::BoxedSystem;
use std::sync::Arc;

/// The systems that write and read one kind of artifact.
pub(super) struct ArtifactSystems {
    pub(super) name: &'static str,
    pub(super) prepare: fn(&mut World),
    pub(super) save: fn(Arc<Progress>) -> BoxedSystem,
    pub(super) load: fn(Arc<Progress>) -> BoxedSystem,
}

impl ArtifactSystems {
    pub(super) fn of<A: Artifact>() -> Self {
        Self { name: A::NAME, prepare: prepare::<A>, save: save::<A>, load: load::<A> }
    }
}

fn prepare<A: Artifact>(world: &mut World) {
    world.init_resource::<Slot<A>>();
}

fn save<A: Artifact>(progress: Arc<Progress>) -> BoxedSystem {
    Box::new(IntoSystem::into_system(move |slot: Res<Slot<A>>| {
        let Some(artifact) = slot.get() else {
            return progress.fail(StageError::Unsupported {
                reason: format!("it declares the output `{}`, but did not set it", A::NAME),
            });
        };
        let folder = progress.folder().join(A::NAME);
        let saved = files::create_empty_folder(&folder).map_err(StageError::from);
        if let Err(error) = saved.and_then(|()| artifact.save(&folder).map_err(StageError::from)) {
            progress.fail(error);
        }
    }))
}

fn load<A: Artifact>(progress: Arc<Progress>) -> BoxedSystem {
    Box::new(IntoSystem::into_system(move |mut slot: ResMut<Slot<A>>, context: Res<LoadContext>| {
        match A::load(&progress.folder().join(A::NAME), &context) {
            Ok(artifact) => slot.set(artifact),
            Err(error) => {
                let (path, reason) = (progress.folder().join(A::NAME), error.to_string());
                progress.fail(StageError::Damaged(RunStoreError::Damaged { path, reason }));
            }
        }
    }))
}
