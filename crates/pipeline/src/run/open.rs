//! A run whose directory is its own: the only kind that can be executed.

use super::log;
use super::prepared::{PreparedRun, RunError};
use super::provenance::{ExpertProvenance, Origin, Provenance};
use super::store::RunStoreError;
use super::summary::RunSummary;
use super::tensorboard::TensorBoard;
use crate::causes::in_words;
use crate::config::RunConfig;
use crate::engine::{Artifact, Fingerprints, PipelineError, Stage, Strictness, code};
use crate::events::Reporter;
use crate::files::FileError;
use crate::run::{LockedRun, RunFile};
use crate::stages::collect::ExpertData;
use crate::stages::context::Environments;
use bevy_ecs::prelude::*;
use std::path::Path;

/// A run with its locked directory.
pub struct OpenRun {
    run: PreparedRun,
    directory: LockedRun,
    reporter: Reporter,
    origin: Origin,
    strictness: Strictness,
}

impl OpenRun {
    pub(super) fn new(run: PreparedRun, directory: LockedRun) -> Self {
        Self { run, directory, reporter: Reporter::new(), origin: Origin::default(), strictness: Strictness::default() }
    }

    /// The run directory.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// See [`PreparedRun::config`].
    pub fn config(&self) -> &RunConfig {
        self.run.config()
    }

    /// See [`PreparedRun::notes`].
    pub fn notes(&self) -> &[String] {
        self.run.notes()
    }

    /// Where events go: subscribe readers here before [`Self::execute`].
    pub fn reporter_mut(&mut self) -> &mut Reporter {
        &mut self.reporter
    }

    /// Says who runs it, for `provenance.json`: the command line and kanrl's version unless this is called.
    pub fn set_origin(&mut self, origin: Origin) {
        self.origin = origin;
    }

    /// Ends the run where a stored artifact is not as it was written, instead of computing it again.
    pub fn refuse_damage(&mut self) {
        self.strictness = Strictness::Refuse;
    }

    /// Forgets what `stage` and all later ones made, so that they run again.
    ///
    /// # Errors
    /// [`RunError::Pipeline`] for a stage that does not exist, [`RunError::Directory`] where a folder cannot be removed.
    pub fn recompute_from(&self, stage: &str) -> Result<(), RunError> {
        for name in &self.run.stages()[self.run.pipeline.index(stage)?..] {
            self.directory.create_stage(name).map_err(RunStoreError::from)?;
        }
        Ok(())
    }

    /// Runs all stages.
    ///
    /// # Errors
    /// [`PipelineError::Stage`] for the first stage that fails; what was finished before it lies in the run directory.
    pub fn execute(self) -> Result<RunSummary, PipelineError> {
        let Self { run, directory, mut reporter, origin, strictness } = self;
        let (timings, reused) = (log::Timings::new(), log::Reused::default());
        reporter.subscribe(log::RunLog::new(&directory));
        reporter.subscribe(log::EventLog::new(&directory));
        reporter.subscribe(TensorBoard::new(&directory));
        reporter.subscribe(timings.clone());
        reporter.subscribe(reused.clone());
        for note in &run.notes {
            reporter.message("expert", note);
        }
        let expert = ExpertProvenance { source: run.teacher.source().to_owned(), files: run.expert_files };
        let mut fingerprints = Fingerprints::default();
        for (section, version) in versions(&run.context.config, &run.environments) {
            fingerprints.add(section, [code::identity(version).as_str()]);
        }
        fingerprints.add("expert", expert.files.iter().map(|file| file.sha256.as_str()));
        let mut provenance = Provenance::begin(&directory, &run.context.config, expert, origin);
        note(provenance.write(&directory));
        let provides_data = |stage: &&Stage| stage.provided().any(|made| made == ExpertData::NAME);
        let data_stage = run.pipeline.stages().iter().find(provides_data).map(|stage| stage.name().to_owned());
        let mut world = World::new();
        world.insert_resource(fingerprints);
        world.insert_resource(run.environments);
        world.insert_resource(run.task);
        world.insert_resource(run.teacher);
        world.insert_resource(run.context);
        world.insert_resource(reporter);
        world.insert_resource(directory.clone());
        world.insert_resource(strictness);
        let result = run.pipeline.run(&mut world);
        note(directory.write_json(RunFile::Timings, &timings.to_json()));
        if let Some(stage) = data_stage {
            let noted = provenance.note_dataset(&directory, &stage);
            if let Err(error) = noted {
                tracing::warn!("the dataset's digests are unknown: {error}");
            }
        }
        provenance.end(match &result {
            Ok(()) => "done".to_owned(),
            Err(error) if error.is_cancelled() => "cancelled".to_owned(),
            Err(error) => in_words(error),
        });
        note(provenance.write(&directory));
        result?;
        Ok(RunSummary { reused: reused.stages(), ..RunSummary::of(&world) })
    }
}

/// What authors say about the code behind each section that names some.
fn versions(config: &RunConfig, environments: &Environments) -> [(&'static str, Option<u64>); 4] {
    let environment = environments.0.get(&config.environment.id).ok().and_then(|entry| entry.version);
    [
        ("environment", environment),
        ("expert", config.expert.version()),
        ("approximator", config.approximator.version()),
        ("library", config.library.version()),
    ]
}

/// A file about the run, as opposed to one of its results, must not end it.
fn note(written: Result<(), FileError>) {
    if let Err(error) = written {
        tracing::warn!("{error}");
    }
}
