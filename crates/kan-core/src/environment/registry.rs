use super::{
    DynEnvironment, Environment, EnvironmentError, EnvironmentHints, EnvironmentSpec, SyncVectorEnvironment, TimeLimit,
    VectorEnvironment,
};
use crate::suggest;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::sync::Arc;

/// Keyword arguments of an environment, as `gym.make` takes them.
pub type KeywordArguments = serde_json::Map<String, serde_json::Value>;

/// Makes environments of one id.
pub trait EnvironmentFactory: Send + Sync {
    /// One environment, with its time limit.
    ///
    /// # Errors
    /// [`EnvironmentError::BadArguments`], or the engine's.
    fn make(&self, arguments: &KeywordArguments) -> Result<Box<dyn DynEnvironment>, EnvironmentError>;

    /// `lanes` independent ones that are stepped together, each with its time limit.
    ///
    /// # Errors
    /// As [`Self::make`].
    fn make_vector(
        &self,
        arguments: &KeywordArguments,
        lanes: usize,
    ) -> Result<Box<dyn VectorEnvironment>, EnvironmentError> {
        let lanes = (0..lanes).map(|_| self.make(arguments)).collect::<Result<Vec<_>, _>>()?;
        Ok(Box::new(SyncVectorEnvironment::new(lanes)))
    }
}

/// One environment in the registry.
#[derive(Clone)]
pub struct EnvironmentEntry {
    /// Gymnasium's id.
    pub id: String,
    /// Other ids that mean the same environment.
    pub aliases: Vec<String>,
    /// One line about it.
    pub summary: String,
    /// Where it comes from: a crate's name or a plugin's path.
    pub source: String,
    /// The version of its code, as in [`ExpertConfig::version`](crate::config::ExpertConfig::version).
    pub version: Option<u64>,
    /// What it asks of a run whose config says nothing.
    pub hints: EnvironmentHints,
    /// Makes it.
    pub factory: Arc<dyn EnvironmentFactory>,
}

impl std::fmt::Debug for EnvironmentEntry {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("EnvironmentEntry").field("id", &self.id).field("source", &self.source).finish()
    }
}

impl EnvironmentEntry {
    /// An entry for a typed environment made from a serde config (`#[serde(default, deny_unknown_fields)]`).
    pub fn new<C, E>(
        id: impl Into<String>,
        summary: impl Into<String>,
        source: impl Into<String>,
        constructor: impl Fn(C) -> Result<E, EnvironmentError> + Send + Sync + 'static,
    ) -> Self
    where
        C: DeserializeOwned + Send + Sync + 'static,
        E: Environment,
    {
        let id = id.into();
        let factory = TypedFactory { id: id.clone(), constructor, config: PhantomData };
        Self {
            id,
            aliases: Vec::new(),
            summary: summary.into(),
            source: source.into(),
            version: None,
            hints: EnvironmentHints::default(),
            factory: Arc::new(factory),
        }
    }

    /// The same entry with a version: what a run made with it is reused as long as the number is the same.
    #[must_use]
    pub fn with_version(mut self, version: u64) -> Self {
        self.version = Some(version);
        self
    }

    /// An entry for a typed environment without arguments, made from a copy of its spec.
    pub fn of<E: Environment>(
        spec: EnvironmentSpec,
        make: impl Fn(EnvironmentSpec) -> E + Send + Sync + 'static,
    ) -> Self {
        /// None are taken.
        #[derive(serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        struct NoArguments {}

        let id = spec.id.clone();
        let constructor = move |NoArguments {}| Ok(make(spec.clone()));
        Self::new(id, "", "this program", constructor)
    }

    /// The same entry with a further id.
    #[must_use]
    pub fn with_alias(mut self, alias: impl Into<String>) -> Self {
        self.aliases.push(alias.into());
        self
    }

    /// The same entry with other hints.
    #[must_use]
    pub fn with_hints(mut self, hints: EnvironmentHints) -> Self {
        self.hints = hints;
        self
    }
}

struct TypedFactory<C, F> {
    id: String,
    constructor: F,
    config: PhantomData<fn() -> C>,
}

impl<C, F, E> TypedFactory<C, F>
where
    C: DeserializeOwned,
    F: Fn(C) -> Result<E, EnvironmentError>,
    E: Environment,
{
    fn build(&self, arguments: &KeywordArguments) -> Result<TimeLimit<E>, EnvironmentError> {
        let config = serde_json::from_value(serde_json::Value::Object(arguments.clone()))
            .map_err(|error| EnvironmentError::BadArguments { id: self.id.clone(), reason: error.to_string() })?;
        (self.constructor)(config).map(TimeLimit::new)
    }
}

impl<C, F, E> EnvironmentFactory for TypedFactory<C, F>
where
    C: DeserializeOwned + Send + Sync,
    F: Fn(C) -> Result<E, EnvironmentError> + Send + Sync,
    E: Environment,
{
    fn make(&self, arguments: &KeywordArguments) -> Result<Box<dyn DynEnvironment>, EnvironmentError> {
        Ok(Box::new(self.build(arguments)?))
    }

    fn make_vector(
        &self,
        arguments: &KeywordArguments,
        lanes: usize,
    ) -> Result<Box<dyn VectorEnvironment>, EnvironmentError> {
        let lanes = (0..lanes).map(|_| self.build(arguments)).collect::<Result<Vec<_>, _>>()?;
        Ok(Box::new(SyncVectorEnvironment::new(lanes)))
    }
}

/// The environments a host knows, by id. Owned by the host: nothing registers itself behind its back.
#[derive(Clone, Debug, Default)]
pub struct EnvironmentRegistry {
    entries: BTreeMap<String, EnvironmentEntry>,
    aliases: BTreeMap<String, String>,
    not_built: BTreeMap<String, String>,
}

impl EnvironmentRegistry {
    /// An empty registry.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an environment.
    ///
    /// # Errors
    /// [`EnvironmentError::DuplicateId`] if its id or an alias is taken.
    pub fn register(&mut self, entry: EnvironmentEntry) -> Result<(), EnvironmentError> {
        for id in std::iter::once(&entry.id).chain(&entry.aliases) {
            if self.entries.contains_key(id) || self.aliases.contains_key(id) {
                return Err(EnvironmentError::DuplicateId { id: id.clone() });
            }
        }
        for alias in &entry.aliases {
            self.aliases.insert(alias.clone(), entry.id.clone());
        }
        self.not_built.remove(&entry.id);
        self.entries.insert(entry.id.clone(), entry);
        Ok(())
    }

    /// Notes an id that another build has, with the commands that make it available.
    pub fn register_not_built(&mut self, id: impl Into<String>, instructions: impl Into<String>) {
        self.not_built.insert(id.into(), instructions.into());
    }

    /// The registered environments, sorted by id.
    pub fn entries(&self) -> impl Iterator<Item = &EnvironmentEntry> {
        self.entries.values()
    }

    /// The entry of an id or alias.
    ///
    /// # Errors
    /// [`EnvironmentError::UnknownId`] with the nearest known id, or [`EnvironmentError::NotBuilt`].
    pub fn get(&self, id: &str) -> Result<&EnvironmentEntry, EnvironmentError> {
        let canonical = self.aliases.get(id).map_or(id, String::as_str);
        if let Some(entry) = self.entries.get(canonical) {
            return Ok(entry);
        }
        if let Some(instructions) = self.not_built.get(id) {
            return Err(EnvironmentError::NotBuilt { id: id.to_owned(), instructions: instructions.clone() });
        }
        let known: Vec<String> =
            self.entries.keys().chain(self.aliases.keys()).chain(self.not_built.keys()).cloned().collect();
        let nearest = suggest::nearest(id, &known).map(str::to_owned);
        Err(EnvironmentError::UnknownId { id: id.to_owned(), nearest, known: self.entries.keys().cloned().collect() })
    }

    /// Makes an environment, as `gym.make` does.
    ///
    /// # Errors
    /// As [`Self::get`] and [`EnvironmentFactory::make`].
    pub fn make(&self, id: &str, arguments: &KeywordArguments) -> Result<Box<dyn DynEnvironment>, EnvironmentError> {
        self.get(id)?.factory.make(arguments)
    }

    /// Makes several lanes, as `gym.make_vec` does.
    ///
    /// # Errors
    /// As [`Self::get`] and [`EnvironmentFactory::make_vector`].
    pub fn make_vector(
        &self,
        id: &str,
        arguments: &KeywordArguments,
        lanes: usize,
    ) -> Result<Box<dyn VectorEnvironment>, EnvironmentError> {
        self.get(id)?.factory.make_vector(arguments, lanes)
    }

    /// The spec of an environment made without arguments.
    ///
    /// # Errors
    /// As [`Self::make`].
    pub fn spec(&self, id: &str) -> Result<EnvironmentSpec, EnvironmentError> {
        Ok(self.make(id, &KeywordArguments::new())?.spec().clone())
    }
}
