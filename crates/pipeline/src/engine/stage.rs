use super::error::StageError;
use super::parameters::{Declarations, Need};
use super::systems::ArtifactSystems;
use bevy_ecs::system::{BoxedSystem, In, IntoSystem, SystemParamFunction};
use serde::Serialize;
use serde::de::DeserializeOwned;
use toml::Value;

/// One step of a run: a system with a name. What it needs and provides is what its parameters say.
pub struct Stage {
    pub(super) name: String,
    pub(super) summary: String,
    pub(super) needs: Vec<Need>,
    pub(super) provides: Vec<ArtifactSystems>,
    pub(super) sections: Vec<&'static str>,
    pub(super) claims: Vec<SectionClaim>,
    pub(super) version: Option<u64>,
    pub(super) body: Body,
}

/// A section of the config that a stage reads and no one else knows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SectionClaim {
    pub(crate) name: &'static str,
    /// The section with every default filled in, from what the file says of it.
    pub(crate) complete: fn(Value) -> Result<Value, serde_path_to_error::Error<toml::de::Error>>,
}

fn complete<T: DeserializeOwned + Serialize>(
    value: Value,
) -> Result<Value, serde_path_to_error::Error<toml::de::Error>> {
    let section: T = serde_path_to_error::deserialize(value.clone())?;
    // What cannot be written back is kept as the file says it.
    Ok(Value::try_from(&section).unwrap_or(value))
}

/// Makes the system that does a stage's work and hands its error, if any, to the function given.
type Body = Box<dyn FnOnce(Box<dyn Fn(StageError) + Send + Sync>) -> BoxedSystem>;

impl std::fmt::Debug for Stage {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Stage")
            .field("name", &self.name)
            .field("needs", &self.needed().collect::<Vec<_>>())
            .field("provides", &self.provided().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

impl Stage {
    /// A stage from its name, one line about it and the system that does its work: a function whose parameters are
    /// [`Input`](super::Input)s, [`Output`](super::Output)s and other system parameters.
    pub fn new<M: 'static, F>(name: impl Into<String>, summary: impl Into<String>, system: F) -> Self
    where
        F: SystemParamFunction<M, In = (), Out = Result<(), StageError>>,
    {
        let Declarations { needs, provides } = Declarations::of::<F::Param>();
        Self {
            name: name.into(),
            summary: summary.into(),
            needs,
            provides,
            sections: Vec::new(),
            claims: Vec::new(),
            version: None,
            body: Box::new(|fail| {
                let system = system.pipe(move |In(result): In<Result<(), StageError>>| {
                    if let Err(error) = result {
                        fail(error);
                    }
                });
                Box::new(IntoSystem::into_system(system))
            }),
        }
    }

    /// A top-level section of the config that its result depends on: when it changes, the stage runs again.
    #[must_use]
    pub fn configured_by(mut self, section: &'static str) -> Self {
        self.sections.push(section);
        self
    }

    /// A top-level section `[NAME]` of the config that is this stage's own: a table, read as a `T` by
    /// [`RunConfig::section`](crate::config::RunConfig::section). It is checked, with the file's line where something is
    /// wrong, by [`MergedConfig::resolve_for`](crate::config::MergedConfig::resolve_for), and the stage runs again when it
    /// changes. Let `T` have `#[serde(default, deny_unknown_fields)]`.
    #[must_use]
    pub fn section<T: DeserializeOwned + Serialize>(mut self, name: &'static str) -> Self {
        self.claims.push(SectionClaim { name, complete: complete::<T> });
        self.configured_by(name)
    }

    /// The version of the stage's code: its artifacts are made again where the number changes, and not merely because the
    /// program was built anew, as they are without one. Raise it whenever the stage may make something else.
    ///
    /// What a stage reads counts as well: give versions to the components that the config names, too (such as
    /// [`ExpertConfig::version`](kanrl_core::config::ExpertConfig::version)).
    #[must_use]
    pub fn version(mut self, version: u64) -> Self {
        self.version = Some(version);
        self
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// One line about it.
    pub fn summary(&self) -> &str {
        &self.summary
    }

    /// Names of the artifacts that it cannot do without.
    pub fn needed(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.needs.iter().filter(|need| !need.is_optional).map(|need| need.name)
    }

    /// Names of all artifacts that it reads where there are any.
    pub fn reads(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.needs.iter().map(|need| need.name)
    }

    /// Names of the artifacts it makes.
    pub fn provided(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.provides.iter().map(|artifact| artifact.name)
    }
}
