//! Composing a run.

use crate::Error;
use kanrl_core::config::BuildError;
use kanrl_core::environment::{Environment, EnvironmentEntry, EnvironmentRegistry, EnvironmentSpec};
use kanrl_experts::PolicyOptions;
use kanrl_pipeline::config::{MergedConfig, RawConfig};
use kanrl_pipeline::engine::{Pipeline, Stage};
use kanrl_pipeline::run::PolicySource;
use kanrl_pipeline::run::{OpenRun, PreparedRun};
use kanrl_pipeline::stages;
use std::path::Path;
use toml::Value;

/// A run in the making: a config, the environments it may name, and the stages. [`Self::open`] gives it a directory, and
/// only then can it be executed.
///
/// ```no_run
/// use kanrl::prelude::*;
///
/// fn quiet(context: StageContext) -> Result<(), StageError> {
///     context.reporter.message("quiet", "nothing to see here");
///     Ok(())
/// }
///
/// let run = Run::from_toml("run.toml")?
///     .set("seed", 7)
///     .expert("agent.zip")?
///     .insert_after("collect", Stage::new("quiet", "says next to nothing", quiet))?
///     .remove("report")?;
/// let summary = run.open("runs/seven")?.execute()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Run {
    config: MergedConfig,
    environments: EnvironmentRegistry,
    stages: Pipeline,
}

impl Run {
    /// A run of an environment with every default, the environments of this build and the standard stages.
    ///
    /// # Errors
    /// As [`crate::environments`]; an unknown id is an error of [`Self::open`].
    pub fn new(environment: &str) -> Result<Self, Error> {
        Ok(Self::from_raw(RawConfig::default())?.set("environment.id", environment))
    }

    /// As [`Self::new`], with a config file: JSON where its name ends in `.json`, TOML otherwise.
    ///
    /// # Errors
    /// [`Error::Config`] where it cannot be read or parsed.
    pub fn from_toml(path: impl AsRef<Path>) -> Result<Self, Error> {
        Self::from_raw(RawConfig::read(path.as_ref())?)
    }

    /// As [`Self::from_toml`], with the file's text.
    ///
    /// # Errors
    /// [`Error::Config`] where it cannot be parsed.
    pub fn from_text(toml: &str) -> Result<Self, Error> {
        Self::from_raw(RawConfig::from_toml("the config", toml)?)
    }

    fn from_raw(raw: RawConfig) -> Result<Self, Error> {
        let environments = crate::environments()?;
        Ok(Self { config: MergedConfig::new(raw), environments, stages: stages::standard() })
    }

    /// With another value in the config: `key` is `section.field`, or the name of a top-level field.
    #[must_use]
    pub fn set(mut self, key: &str, value: impl Into<Value>) -> Self {
        let (section, field) = key.split_once('.').unwrap_or((key, ""));
        self.config.set(section, field, value);
        self
    }

    /// With another expert, by any name that the command accepts: `bundled`, `FILE.zip`, `formula:EXPRESSION`, ….
    ///
    /// # Errors
    /// [`Error::Expert`] for a name of another form; what it names is read when the run is opened.
    pub fn expert(self, policy: &str) -> Result<Self, Error> {
        let config = policy.parse::<PolicySource>()?.config(&PolicyOptions::default())?;
        let section = Value::try_from(config).map_err(|error| {
            let reason = format!("the config of `{policy}` cannot be written: {error}");
            BuildError { component: "expert", reason, source: Some(Box::new(error)) }
        })?;
        Ok(self.set("expert", section))
    }

    /// With an environment of one's own, made from a copy of its spec whenever one is needed, and played by the run.
    ///
    /// # Errors
    /// [`Error::Environment`] where its id is taken.
    pub fn environment<E: Environment>(
        self,
        spec: EnvironmentSpec,
        make: impl Fn(EnvironmentSpec) -> E + Send + Sync + 'static,
    ) -> Result<Self, Error> {
        let id = spec.id.clone();
        Ok(self.register(EnvironmentEntry::of(spec, make))?.set("environment.id", id))
    }

    /// With a further environment that the config may name.
    ///
    /// # Errors
    /// [`Error::Environment`] where its id is taken.
    pub fn register(mut self, entry: EnvironmentEntry) -> Result<Self, Error> {
        self.environments.register(entry)?;
        Ok(self)
    }

    /// With the environments of a shared library. Loading it runs its code: do that only with what you trust.
    ///
    /// # Errors
    /// [`Error::Plugin`] for a file that is not a plugin, and for an id that is taken.
    #[cfg(feature = "plugins")]
    pub fn plugin(mut self, path: impl AsRef<Path>) -> Result<Self, Error> {
        kanrl_plugin::load(path.as_ref(), &mut self.environments)?;
        Ok(self)
    }

    /// With a stage instead of the one named `place`.
    ///
    /// # Errors
    /// [`Error::Pipeline`] where there is none of that name.
    pub fn replace(mut self, place: &str, stage: Stage) -> Result<Self, Error> {
        self.stages.replace(place, stage)?;
        Ok(self)
    }

    /// With a stage before the one named `place`.
    ///
    /// # Errors
    /// As [`Self::replace`].
    pub fn insert_before(mut self, place: &str, stage: Stage) -> Result<Self, Error> {
        self.stages.insert_before(place, stage)?;
        Ok(self)
    }

    /// With a stage after the one named `place`.
    ///
    /// # Errors
    /// As [`Self::replace`].
    pub fn insert_after(mut self, place: &str, stage: Stage) -> Result<Self, Error> {
        self.stages.insert_after(place, stage)?;
        Ok(self)
    }

    /// Without the stage of that name.
    ///
    /// # Errors
    /// As [`Self::replace`].
    pub fn remove(mut self, stage: &str) -> Result<Self, Error> {
        self.stages.remove(stage)?;
        Ok(self)
    }

    /// With these stages only, in this order.
    ///
    /// # Errors
    /// As [`Self::replace`], and where a name stands twice.
    pub fn select<S: AsRef<str>>(mut self, stages: &[S]) -> Result<Self, Error> {
        let names: Vec<String> = stages.iter().map(|name| name.as_ref().to_owned()).collect();
        self.stages.select(&names)?;
        Ok(self)
    }

    /// Checks everything and builds what the config names, without writing anything.
    ///
    /// # Errors
    /// [`Error::Config`] for a field that does not exist or a value that does not fit, [`Error::Run`] for an unknown
    /// environment, an expert that cannot be read or does not fit, or stages that do not fit together.
    pub fn prepare(self) -> Result<PreparedRun, Error> {
        let config = self.config.resolve_for(&self.stages, &self.environments)?;
        Ok(PreparedRun::new(config, self.environments, self.stages)?)
    }

    /// As [`Self::prepare`], and locks the run directory, which is made where there is none. A directory of an earlier run
    /// with the same results so far is used again.
    ///
    /// # Errors
    /// As [`Self::prepare`]; also where the folder holds something else, is in use or cannot be written.
    pub fn open(self, directory: impl AsRef<Path>) -> Result<OpenRun, Error> {
        Ok(self.prepare()?.open(directory)?)
    }
}
