use super::error::PipelineError;
use super::schedule;
use super::stage::{SectionClaim, Stage};
use bevy_ecs::world::World;
use kanrl_core::suggest;

/// Stages in order.
#[derive(Debug, Default)]
pub struct Pipeline {
    stages: Vec<Stage>,
}

impl Pipeline {
    /// No stages.
    pub fn new() -> Self {
        Self::default()
    }

    /// The stages, in order.
    pub fn stages(&self) -> &[Stage] {
        &self.stages
    }

    /// Sections of the config that are a stage's own.
    pub(crate) fn claims(&self) -> impl Iterator<Item = SectionClaim> + '_ {
        self.stages.iter().flat_map(|stage| stage.claims.iter().copied())
    }

    /// Adds a stage at the end.
    pub fn push(&mut self, stage: Stage) -> &mut Self {
        self.stages.push(stage);
        self
    }

    /// Adds a stage before the one named `place`.
    ///
    /// # Errors
    /// [`PipelineError::UnknownStage`].
    pub fn insert_before(&mut self, place: &str, stage: Stage) -> Result<&mut Self, PipelineError> {
        let index = self.index(place)?;
        self.stages.insert(index, stage);
        Ok(self)
    }

    /// Adds a stage after the one named `place`.
    ///
    /// # Errors
    /// [`PipelineError::UnknownStage`].
    pub fn insert_after(&mut self, place: &str, stage: Stage) -> Result<&mut Self, PipelineError> {
        let index = self.index(place)?;
        self.stages.insert(index + 1, stage);
        Ok(self)
    }

    /// Puts a stage instead of the one named `place`.
    ///
    /// # Errors
    /// [`PipelineError::UnknownStage`].
    pub fn replace(&mut self, place: &str, stage: Stage) -> Result<&mut Self, PipelineError> {
        let index = self.index(place)?;
        self.stages[index] = stage;
        Ok(self)
    }

    /// Drops the stage of that name.
    ///
    /// # Errors
    /// [`PipelineError::UnknownStage`].
    pub fn remove(&mut self, name: &str) -> Result<&mut Self, PipelineError> {
        let index = self.index(name)?;
        self.stages.remove(index);
        Ok(self)
    }

    /// Keeps the named stages only, in the order of `names`.
    ///
    /// # Errors
    /// [`PipelineError::UnknownStage`], [`PipelineError::DuplicateStage`].
    pub fn select(&mut self, names: &[String]) -> Result<&mut Self, PipelineError> {
        for (index, name) in names.iter().enumerate() {
            self.index(name)?;
            if names[..index].contains(name) {
                return Err(PipelineError::DuplicateStage { name: name.clone() });
            }
        }
        let mut kept = Vec::with_capacity(names.len());
        for name in names {
            kept.push(self.stages.remove(self.index(name)?));
        }
        self.stages = kept;
        Ok(self)
    }

    /// Gives every stage that has no version this one; see [`Stage::version`].
    pub fn version(&mut self, version: u64) -> &mut Self {
        for stage in &mut self.stages {
            stage.version.get_or_insert(version);
        }
        self
    }

    /// Whether every stage has its own name, makes what no other one makes, and finds what it needs.
    ///
    /// # Errors
    /// [`PipelineError::DuplicateStage`], [`PipelineError::DuplicateArtifact`] or [`PipelineError::MissingNeed`], for the
    /// first stage that does not.
    pub fn check(&self) -> Result<(), PipelineError> {
        for (index, stage) in self.stages.iter().enumerate() {
            let earlier = &self.stages[..index];
            if earlier.iter().any(|other| other.name == stage.name) {
                return Err(PipelineError::DuplicateStage { name: stage.name.clone() });
            }
            let provides = |other: &&Stage, artifact: &str| other.provided().any(|provided| provided == artifact);
            for artifact in stage.provided() {
                if let Some(first) = earlier.iter().find(|other| provides(other, artifact)) {
                    let (artifact, stages) = (artifact.to_owned(), [first.name.clone(), stage.name.clone()]);
                    return Err(PipelineError::DuplicateArtifact { artifact, stages });
                }
            }
            for need in stage.needed() {
                if !earlier.iter().any(|other| provides(&other, need)) {
                    let providers = self.stages[index + 1..].iter().filter(|other| provides(other, need));
                    return Err(PipelineError::MissingNeed {
                        stage: stage.name.clone(),
                        artifact: need.to_owned(),
                        later: providers.map(|other| other.name.clone()).collect(),
                    });
                }
            }
        }
        Ok(())
    }

    /// Runs all stages on a world that holds a [`LoadContext`](super::LoadContext), a
    /// [`Reporter`](crate::events::Reporter), a [`LockedRun`](crate::run::LockedRun) and whatever the
    /// stages read besides. A stage whose artifacts lie in the run directory under the same key is not run again.
    ///
    /// # Errors
    /// The first failing stage's error; the artifacts of the stages before it are on disk.
    pub fn run(self, world: &mut World) -> Result<(), PipelineError> {
        self.check()?;
        schedule::run(self.stages, world)
    }

    /// The place of the stage of that name.
    ///
    /// # Errors
    /// [`PipelineError::UnknownStage`].
    pub fn index(&self, name: &str) -> Result<usize, PipelineError> {
        self.stages.iter().position(|stage| stage.name == name).ok_or_else(|| {
            let known: Vec<String> = self.stages.iter().map(|stage| stage.name.clone()).collect();
            PipelineError::UnknownStage {
                name: name.to_owned(),
                nearest: suggest::nearest(name, &known).map(str::to_owned),
                known,
            }
        })
    }
}
