//! What most stages read: the config, the task, the teacher and the reporter.

use crate::config::RunConfig;
use crate::engine::{LoadContext, StageError};
use crate::events::Reporter;
use crate::head::StudentHead;
use crate::stages::teacher::Teacher;
use bevy_ecs::prelude::*;
use bevy_ecs::system::SystemParam;
use kanrl_core::environment::{
    DynEnvironment, EnvironmentError, EnvironmentHints, EnvironmentRegistry, EnvironmentSpec,
};
use kanrl_core::function::SymbolicLibrary;
use kanrl_core::rollout::Rollouts;
use kanrl_symbolic::SymbolicError;
use std::sync::Arc;

/// The environments that stages may make.
#[derive(Clone, Debug, Resource)]
pub struct Environments(pub Arc<EnvironmentRegistry>);

/// The environment that is played.
#[derive(Clone, Debug, Resource)]
pub struct Task(pub EnvironmentSpec);

/// What most stages read, as one system parameter.
#[derive(SystemParam)]
pub struct StageContext<'w> {
    context: Res<'w, LoadContext>,
    environments: Res<'w, Environments>,
    task: Res<'w, Task>,
    teacher: Res<'w, Teacher>,
    /// Where progress and log lines go.
    pub reporter: Res<'w, Reporter>,
}

impl StageContext<'_> {
    /// The resolved config.
    pub fn config(&self) -> &RunConfig {
        &self.context.config
    }

    /// The library that names functions.
    pub fn library(&self) -> &dyn SymbolicLibrary {
        self.context.library.as_ref()
    }

    /// The environment that is played.
    pub fn spec(&self) -> &EnvironmentSpec {
        &self.task.0
    }

    /// What a student's outputs mean.
    pub fn head(&self) -> StudentHead {
        let space = self.task.0.action_space.clone();
        if self.is_played() { StudentHead::new(space) } else { StudentHead::labeled(space) }
    }

    /// What supervises the students.
    pub fn teacher(&self) -> &Teacher {
        &self.teacher
    }

    /// Whether there is an environment to play.
    pub fn is_played(&self) -> bool {
        self.config().is_played()
    }

    /// The environments that stages may make.
    pub fn registry(&self) -> &EnvironmentRegistry {
        &self.environments.0
    }

    /// One environment to play.
    ///
    /// # Errors
    /// [`EnvironmentError`] where it cannot be made.
    pub fn environment(&self) -> Result<Box<dyn DynEnvironment>, EnvironmentError> {
        let section = &self.context.config.environment;
        self.environments.0.make(&section.id, &section.arguments)
    }

    /// What the environment that is played asks for.
    ///
    /// # Errors
    /// [`EnvironmentError`] where it is not known.
    pub fn hints(&self) -> Result<&EnvironmentHints, EnvironmentError> {
        Ok(&self.environments.0.get(&self.context.config.environment.id)?.hints)
    }

    /// Rollouts of the environment that is played.
    ///
    /// # Errors
    /// [`EnvironmentError`] where it cannot be made.
    pub fn rollouts(&self) -> Result<Rollouts, EnvironmentError> {
        let section = &self.context.config.environment;
        Rollouts::new(self.environments.0.get(&section.id)?, &section.arguments)
    }
}

pub(crate) fn failed(error: SymbolicError) -> StageError {
    StageError::Other(Box::new(error))
}
