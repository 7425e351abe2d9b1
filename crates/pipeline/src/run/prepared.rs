//! A run that is ready but writes nothing yet.

use super::log;
use super::open::OpenRun;
use super::provenance::FileDigest;
use super::store::RunStoreError;
use crate::config::RunConfig;
use crate::engine::{Artifact, LoadContext, Pipeline, PipelineError, Stage};
use crate::head::StudentHead;
use crate::run::{LockedRun, RunFile};
use crate::stages::artifacts::{FittedNetworks, NamedNetworks, PrunedNetworks};
use crate::stages::baselines::candidate::Form;
use crate::stages::context::{Environments, Task};
use crate::stages::teacher::{Log, Teacher};
use crate::students::{self, LibraryPart};
use kanrl_core::config::BuildError;
use kanrl_core::environment::{EnvironmentError, EnvironmentRegistry, EnvironmentSpec};
use kanrl_core::space::ActionSpace;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A run that is ready: its environment, expert and library exist, its stages fit together, and nothing has been written.
/// It can be executed once it is [opened](Self::open).
pub struct PreparedRun {
    pub(super) pipeline: Pipeline,
    pub(super) environments: Environments,
    pub(super) task: Task,
    pub(super) teacher: Teacher,
    pub(super) context: LoadContext,
    pub(super) expert_files: Vec<FileDigest>,
    pub(super) notes: Vec<String>,
}

impl PreparedRun {
    /// Builds everything that the config names; `stages` are those of [`crate::stages::standard`], or the caller's own.
    ///
    /// # Errors
    /// [`RunError`] for an unknown environment, an expert that cannot be read or does not fit, a library or stage that
    /// does not exist. Nothing has been written then.
    pub fn new(config: RunConfig, environments: EnvironmentRegistry, stages: Pipeline) -> Result<Self, RunError> {
        let mut pipeline = stages;
        let make = || environments.make(&config.environment.id, &config.environment.arguments);
        let environment = config.is_played().then(make).transpose()?.map(|environment| environment.spec().clone());
        let (task, teacher, notes) = match (config.expert.demonstrations(), environment) {
            (None, None) => unreachable!("without a log, something is played"),
            (None, Some(task)) => {
                check_choice(&task)?;
                check_memory(&config, &task)?;
                let expert = config.expert.build(&task)?;
                let notes = expert.notes().to_vec();
                (task, Teacher::Expert(expert), notes)
            }
            (Some(record), environment) => {
                let demonstrations = record.read(environment.as_ref())?;
                check_choice(&demonstrations.spec)?;
                let head = StudentHead::new(demonstrations.spec.action_space.clone());
                let log = Log::new(&demonstrations, &head)
                    .map_err(|reason| RunError::Log { file: demonstrations.source.clone(), reason })?;
                (demonstrations.spec, Teacher::Log(Arc::new(log)), demonstrations.notes)
            }
        };
        let expert_files = config.expert.sources(&task)?.into_iter().map(FileDigest::from).collect();
        let library = config.library.build()?;
        let (inputs, outputs) = (task.observation_space.len(), task.action_space.outputs());
        config.approximator.build(inputs, outputs, config.seed)?;
        for network in students::networks(&config)?.into_iter().chain(students::wider_networks(&config)?) {
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
            expert_files,
            notes,
        })
    }

    /// Everything that decides its results.
    pub fn config(&self) -> &RunConfig {
        &self.context.config
    }

    /// How the expert or the log was read where that was to be found out, and what was left out; each a sentence without a
    /// full stop. The run's log has them too.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// `runs/ENVIRONMENT-TIME`, with the time in UTC, and a number where that is taken: the clock may have gone back, or another
    /// run begin at the same time. The folder is made, so that nobody else gets it.
    pub fn default_directory(&self) -> PathBuf {
        claimed(Path::new("runs"), &format!("{}-{}", self.task.0.id, log::compact_time()))
    }

    /// Names of the stages, in order.
    pub fn stages(&self) -> Vec<&str> {
        self.pipeline.stages().iter().map(Stage::name).collect()
    }

    /// Locks the run directory and writes the resolved config into it.
    ///
    /// # Errors
    /// [`RunError::Directory`] where the folder holds something else, is used by another run or cannot be written.
    pub fn open(self, path: impl AsRef<Path>) -> Result<OpenRun, RunError> {
        let directory = LockedRun::open(path.as_ref())?;
        directory.write(RunFile::Config, self.context.config.to_toml().as_bytes()).map_err(RunStoreError::from)?;
        Ok(OpenRun::new(self, directory))
    }
}

/// Makes `folder/name`, or the first of `folder/name-2`, `folder/name-3`, … that does not exist. Where none can be made, opening it
/// says why.
fn claimed(folder: &Path, name: &str) -> PathBuf {
    let numbered = (2..).map(|number| folder.join(format!("{name}-{number}")));
    let _ = std::fs::create_dir_all(folder);
    let is_free = |path: &PathBuf| {
        std::fs::create_dir(path).map_or_else(|error| error.kind() != ErrorKind::AlreadyExists, |()| true)
    };
    let mut paths = std::iter::once(folder.join(name)).chain(numbered);
    paths.find(is_free).expect("numbers do not end")
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
    #[error("`{id}` has only one possible action")]
    NothingToChoose {
        /// The environment.
        id: String,
    },
    /// More rows are asked for than a machine can hold.
    #[error(
        "the episodes of `[collect]` and `[dagger]` are up to {rows:.1e} rows of {numbers} numbers, {gigabytes:.0} GB, but the limit \
         is {MOST_GIGABYTES} GB: use fewer of them"
    )]
    TooMuchData {
        /// Rows, where every episode is as long as it can be.
        rows: f64,
        /// Numbers in each.
        numbers: usize,
        /// All of them.
        gigabytes: f64,
    },
    /// A log cannot be learned from.
    #[error("`{file}` cannot be used as a dataset: {reason}")]
    Log {
        /// The log.
        file: String,
        /// What is wrong with it, and how to fix it.
        reason: String,
    },
    /// The approximator has no graph, but a stage works on one.
    #[error(
        "`{kind}` cannot become a formula, which stage `{stage}` needs: use kind = \"kan\" or \"linear\", or \
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

/// Most memory that the rows of a run may take.
const MOST_GIGABYTES: f64 = 64.0;

/// Whether the rows that a run collects fit a machine's memory.
fn check_memory(config: &RunConfig, task: &EnvironmentSpec) -> Result<(), RunError> {
    let episodes = (config.collect.train_episodes + config.collect.validation_episodes) as f64;
    let longest = task.max_episode_steps.map_or(1.0, f64::from);
    let dagger = config.dagger.rounds as f64 * config.dagger.steps.unwrap_or(0) as f64;
    let (rows, numbers) = (episodes * longest + dagger, task.observation_space.len() + task.action_space.outputs());
    let gigabytes = rows * numbers as f64 * size_of::<f64>() as f64 / 1e9;
    if gigabytes > MOST_GIGABYTES { Err(RunError::TooMuchData { rows, numbers, gigabytes }) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::claimed;
    use std::collections::BTreeSet;

    #[test]
    fn no_run_is_written_into_another_when_the_clock_goes_back() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["run", "run-2", "run-3"] {
            assert_eq!(claimed(folder.path(), "run"), folder.path().join(name));
        }
    }

    #[test]
    fn runs_that_begin_at_the_same_time_get_folders_of_their_own() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("runs");
        let paths: BTreeSet<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..16).map(|_| scope.spawn(|| claimed(&place, "CartPole-v1"))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(paths.len(), 16);
        assert!(paths.contains(&place.join("CartPole-v1")) && paths.contains(&place.join("CartPole-v1-16")));
        // A folder that cannot be made is for whoever opens it to explain.
        std::fs::write(folder.path().join("file"), "").unwrap();
        assert_eq!(claimed(&folder.path().join("file"), "a"), folder.path().join("file/a"));
    }
}
