//! What a stage takes and makes, as parameters of its system. The engine reads a stage's needs and what it provides off its
//! parameters, so that neither can be forgotten.
//!
//! How: each parameter holds a [`Local`] that is made once for each system, from the world in which it is initialized. A
//! [`Stage`](super::Stage) initializes its parameters in an empty world, where each leaves a note.

use super::artifact::{Artifact, Slot};
use super::systems::ArtifactSystems;
use bevy_ecs::prelude::*;
use bevy_ecs::system::SystemParam;
use std::marker::PhantomData;
use std::ops::Deref;

/// What a system's parameters ask for.
#[derive(Default, Resource)]
pub(super) struct Declarations {
    pub(super) needs: Vec<Need>,
    pub(super) provides: Vec<ArtifactSystems>,
}

/// An artifact that a stage reads.
#[derive(Clone, Copy)]
pub(super) struct Need {
    pub(super) name: &'static str,
    /// Whether the stage can do without it.
    pub(super) is_optional: bool,
    pub(super) prepare: fn(&mut World),
}

impl Declarations {
    /// What these parameters ask for.
    pub(super) fn of<P: SystemParam>() -> Self {
        let mut world = World::new();
        world.init_resource::<Self>();
        P::init_state(&mut world);
        world.remove_resource().unwrap_or_default()
    }
}

/// Notes that an artifact is read.
struct Needed<A, const OPTIONAL: bool>(PhantomData<fn() -> A>);

impl<A: Artifact, const OPTIONAL: bool> FromWorld for Needed<A, OPTIONAL> {
    fn from_world(world: &mut World) -> Self {
        if let Some(mut declarations) = world.get_resource_mut::<Declarations>() {
            let prepare = |world: &mut World| {
                world.init_resource::<Slot<A>>();
            };
            declarations.needs.push(Need { name: A::NAME, is_optional: OPTIONAL, prepare });
        }
        Self(PhantomData)
    }
}

/// Notes that an artifact is made.
struct Provided<A>(PhantomData<fn() -> A>);

impl<A: Artifact> FromWorld for Provided<A> {
    fn from_world(world: &mut World) -> Self {
        if let Some(mut declarations) = world.get_resource_mut::<Declarations>() {
            declarations.provides.push(ArtifactSystems::of::<A>());
        }
        Self(PhantomData)
    }
}

/// System parameter: an artifact that an earlier stage made. A pipeline without such a stage is refused.
#[derive(SystemParam)]
pub struct Input<'w, 's, A: Artifact> {
    slot: Res<'w, Slot<A>>,
    _needed: Local<'s, Needed<A, false>>,
}

impl<A: Artifact> Deref for Input<'_, '_, A> {
    type Target = A;

    fn deref(&self) -> &A {
        self.slot.get().expect("the pipeline was checked: an earlier stage made it")
    }
}

/// System parameter: an artifact that is there if an earlier stage made it.
#[derive(SystemParam)]
pub struct OptionalInput<'w, 's, A: Artifact> {
    slot: Res<'w, Slot<A>>,
    _needed: Local<'s, Needed<A, true>>,
}

impl<A: Artifact> OptionalInput<'_, '_, A> {
    /// The artifact; none in a pipeline without a stage that makes it.
    pub fn get(&self) -> Option<&A> {
        self.slot.get()
    }
}

/// System parameter: an artifact that the stage makes, as the only one of its pipeline.
#[derive(SystemParam)]
pub struct Output<'w, 's, A: Artifact> {
    slot: ResMut<'w, Slot<A>>,
    _provided: Local<'s, Provided<A>>,
}

impl<A: Artifact> Output<'_, '_, A> {
    /// Makes it.
    pub fn set(&mut self, artifact: A) {
        self.slot.set(artifact);
    }
}
