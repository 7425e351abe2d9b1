//! A run from its config to its results.

mod files;
mod folder;
mod locked;
mod log;
pub mod metrics;
mod policy;
pub mod provenance;
pub mod record;
mod returns;
mod role;
pub mod seeds;
pub mod statistics;
mod store;
mod summary;
mod tensorboard;

pub use files::RunFile;
pub use locked::LockedRun;
pub use metrics::Metrics;
pub use returns::Returns;
pub use role::{PolicyRole, UnknownRole};
pub use store::{RunStore, RunStoreError};
pub use summary::{FrontRow, PolicyRow, RunSummary};

use crate::causes::in_words;
use crate::config::RunConfig;
use crate::engine::{Artifact, Fingerprints, LoadContext, Pipeline, PipelineError, Stage};
use crate::events::Reporter;
use crate::files::FileError;
use crate::head::StudentHead;
use crate::run::provenance::{ExpertProvenance, FileDigest, Origin, Provenance};
use crate::run::tensorboard::TensorBoard;
use crate::stages;
use crate::stages::artifacts::{FittedNetworks, NamedNetworks, PrunedNetworks};
use crate::stages::baselines::candidate::Form;
use crate::stages::collect::ExpertData;
use crate::stages::context::{Environments, Task};
use crate::stages::teacher::{Log, Teacher};
use crate::students::{self, LibraryPart};
use bevy_ecs::prelude::*;
use kanrl_core::config::BuildError;
use kanrl_core::environment::{EnvironmentError, EnvironmentRegistry, EnvironmentSpec};
use kanrl_core::space::ActionSpace;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A run that is ready: its environment, expert and library exist, its stages fit together, and nothing has been written.
pub struct Run {
    pipeline: Pipeline,
    environments: Environments,
    task: Task,
    teacher: Teacher,
    context: LoadContext,
    reporter: Reporter,
    directory: Option<LockedRun>,
    expert_files: Vec<FileDigest>,
    origin: Origin,
}

impl Run {
    /// Builds everything that the config names, with the standard stages.
    ///
    /// # Errors
    /// [`RunError`] for an unknown environment, an expert that cannot be read or does not fit, a library or stage that
    /// does not exist. Nothing has been written then.
    pub fn prepare(config: RunConfig, environments: EnvironmentRegistry) -> Result<Self, RunError> {
        Self::with_pipeline(config, environments, stages::standard())
    }

    /// As [`Self::prepare`], with stages of the caller's choice.
    ///
    /// # Errors
    /// As [`Self::prepare`].
    pub fn with_pipeline(
        config: RunConfig,
        environments: EnvironmentRegistry,
        mut pipeline: Pipeline,
    ) -> Result<Self, RunError> {
        let make = || environments.make(&config.environment.id, &config.environment.arguments);
        let environment = config.is_played().then(make).transpose()?.map(|environment| environment.spec().clone());
        let (task, teacher) = match (config.expert.demonstrations(), environment) {
            (None, None) => unreachable!("without a log, something is played"),
            (None, Some(task)) => {
                check_choice(&task)?;
                let expert = config.expert.build(&task)?;
                (task, Teacher::Expert(expert))
            }
            (Some(record), environment) => {
                let demonstrations = record.read(environment.as_ref())?;
                check_choice(&demonstrations.spec)?;
                let head = StudentHead::new(demonstrations.spec.action_space.clone());
                let log = Log::new(&demonstrations, &head)
                    .map_err(|reason| RunError::Log { file: demonstrations.source.clone(), reason })?;
                (demonstrations.spec, Teacher::Log(Arc::new(log)))
            }
        };
        let expert_files = config.expert.sources(&task)?.into_iter().map(FileDigest::from).collect();
        let library = config.library.build()?;
        let (inputs, outputs) = (task.observation_space.len(), task.action_space.outputs());
        config.approximator.build(inputs, outputs, config.seed)?;
        for network in students::networks(&config)? {
            network.approximator.build(inputs, outputs, config.seed)?;
            LibraryPart::new(library.as_ref(), network.functions.as_deref())?;
        }
        for text in &config.students.candidates {
            Form::parse(text, &task)?;
        }
        if let Some(names) = &config.stages {
            pipeline.select(names)?;
        }
        if !config.approximator.has_graph() {
            let networks = [FittedNetworks::NAME, PrunedNetworks::NAME, NamedNetworks::NAME];
            let from_graph = pipeline.stages().iter().find(|stage| stage.needed().any(|need| networks.contains(&need)));
            if let Some(stage) = from_graph {
                let (kind, stage) = (config.approximator.typetag_name(), stage.name().to_owned());
                return Err(RunError::NoGraph { kind, stage });
            }
        }
        pipeline.check()?;
        Ok(Self {
            pipeline,
            environments: Environments(Arc::new(environments)),
            task: Task(task),
            teacher,
            context: LoadContext { config: Arc::new(config), library },
            reporter: Reporter::new(),
            directory: None,
            expert_files,
            origin: Origin::default(),
        })
    }

    /// Where events go: subscribe readers here before [`Self::execute`].
    pub fn reporter_mut(&mut self) -> &mut Reporter {
        &mut self.reporter
    }

    /// Says who runs it, for `provenance.json`: the command line and kanrl's version unless this is called.
    pub fn set_origin(&mut self, origin: Origin) {
        self.origin = origin;
    }

    /// `runs/ENVIRONMENT-TIME`, with the time in UTC, and a number where that is taken: the clock may have gone back.
    pub fn default_directory(&self) -> PathBuf {
        unused(Path::new("runs"), &format!("{}-{}", self.task.0.id, log::compact_time()))
    }

    /// Opens the run directory and writes the resolved config into it.
    ///
    /// # Errors
    /// [`RunError::Directory`] where the folder holds something else or cannot be written.
    pub fn open(&mut self, path: &Path) -> Result<PathBuf, RunError> {
        let directory = LockedRun::open(path)?;
        directory.write(RunFile::Config, self.context.config.to_toml().as_bytes()).map_err(RunStoreError::from)?;
        let path = directory.path().to_owned();
        self.directory = Some(directory);
        Ok(path)
    }

    /// Names of the stages, in order.
    pub fn stages(&self) -> Vec<&str> {
        self.pipeline.stages().iter().map(Stage::name).collect()
    }

    /// Forgets what `stage` and all later ones made in the open run directory, so that they run again.
    ///
    /// # Errors
    /// [`RunError::Pipeline`] for a stage that does not exist, [`RunError::Directory`] where a folder cannot be removed.
    ///
    /// # Panics
    /// If [`Self::open`] was not called.
    pub fn recompute_from(&self, stage: &str) -> Result<(), RunError> {
        let directory = self.directory.as_ref().expect("the run directory is opened first");
        for name in &self.stages()[self.pipeline.index(stage)?..] {
            directory.create_stage(name).map_err(RunStoreError::from)?;
        }
        Ok(())
    }

    /// Runs all stages.
    ///
    /// # Errors
    /// [`PipelineError::Stage`] for the first stage that fails; what was finished before it lies in the run directory.
    ///
    /// # Panics
    /// If [`Self::open`] was not called.
    pub fn execute(mut self) -> Result<RunSummary, PipelineError> {
        let directory = self.directory.expect("the run directory is opened before the run is executed");
        let timings = log::Timings::new();
        self.reporter.subscribe(log::RunLog::new(&directory));
        self.reporter.subscribe(log::EventLog::new(&directory));
        self.reporter.subscribe(TensorBoard::new(&directory));
        self.reporter.subscribe(timings.clone());
        let expert = ExpertProvenance { source: self.teacher.source().to_owned(), files: self.expert_files };
        let mut fingerprints = Fingerprints::default();
        fingerprints.add("expert", expert.files.iter().map(|file| file.sha256.as_str()));
        let mut provenance = Provenance::begin(&directory, &self.context.config, expert, self.origin);
        note(provenance.write(&directory));
        let provides_data = |stage: &&Stage| stage.provided().any(|made| made == ExpertData::NAME);
        let data_stage = self.pipeline.stages().iter().find(provides_data).map(|stage| stage.name().to_owned());
        let mut world = World::new();
        world.insert_resource(fingerprints);
        world.insert_resource(self.environments);
        world.insert_resource(self.task);
        world.insert_resource(self.teacher);
        world.insert_resource(self.context);
        world.insert_resource(self.reporter);
        world.insert_resource(directory.clone());
        let result = self.pipeline.run(&mut world);
        note(directory.write_json(RunFile::Timings, &timings.to_json()));
        if let Some(stage) = data_stage {
            let noted = provenance.note_dataset(&directory, &stage);
            if let Err(error) = noted {
                tracing::warn!("the dataset's digests are not known: {error}");
            }
        }
        provenance.end(match &result {
            Ok(()) => "done".to_owned(),
            Err(error) if error.is_cancelled() => "cancelled".to_owned(),
            Err(error) => in_words(error),
        });
        note(provenance.write(&directory));
        result?;
        Ok(RunSummary::of(&world))
    }
}

/// `folder/name`, or the first of `folder/name-2`, `folder/name-3`, … that does not exist.
fn unused(folder: &Path, name: &str) -> PathBuf {
    let numbered = (2..).map(|number| folder.join(format!("{name}-{number}")));
    let mut paths = std::iter::once(folder.join(name)).chain(numbered);
    paths.find(|path| !path.exists()).expect("numbers do not end")
}

/// A file about the run, as opposed to one of its results, must not end it.
fn note(written: Result<(), FileError>) {
    if let Err(error) = written {
        tracing::warn!("{error}");
    }
}

fn check_choice(task: &EnvironmentSpec) -> Result<(), RunError> {
    let least = match task.action_space {
        ActionSpace::Discrete(_) => 2,
        ActionSpace::Box(_) => 1,
    };
    if task.action_space.outputs() < least {
        return Err(RunError::NothingToChoose { id: task.id.clone() });
    }
    Ok(())
}

/// A run could not be prepared.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// The environment is unknown or cannot be made.
    #[error(transparent)]
    Environment(#[from] EnvironmentError),
    /// There is no choice that a formula could make.
    #[error("`{id}` leaves nothing to choose: it needs two discrete actions or a vector of one number")]
    NothingToChoose {
        /// The environment.
        id: String,
    },
    /// A log cannot be learnt from.
    #[error("`{file}` cannot be learnt from: {reason}")]
    Log {
        /// The log.
        file: String,
        /// What is wrong with it, and what would be right.
        reason: String,
    },
    /// The approximator has no graph, but a stage works on one.
    #[error(
        "`{kind}` cannot become a formula, which stage `{stage}` works towards: use kind = \"kan\" or \"linear\", or \
         only fit it with stages = [\"collect\", \"fit\"]"
    )]
    NoGraph {
        /// Of the approximator.
        kind: &'static str,
        /// The first stage that needs a graph.
        stage: String,
    },
    /// A component cannot be built.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// The stages do not fit together.
    #[error(transparent)]
    Pipeline(#[from] PipelineError),
    /// The run directory cannot be used.
    #[error(transparent)]
    Directory(#[from] RunStoreError),
}

#[cfg(test)]
mod tests {
    use super::unused;

    #[test]
    fn no_run_is_written_into_another_when_the_clock_goes_back() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["run", "run-2", "run-3"] {
            let path = unused(folder.path(), "run");
            assert_eq!(path, folder.path().join(name));
            std::fs::create_dir(path).unwrap();
        }
    }
}
