//! Component kinds as data: small tagged config traits whose `build` gives the running component.
//!
//! A config file says `kind = "kan"` and the fields of that kind; [`typetag`] finds the type. Any crate adds a kind by
//! implementing one of these traits under `#[typetag::serde(name = "…")]`. Environments are not among them: they are
//! made by id through the [`EnvironmentRegistry`](crate::environment::EnvironmentRegistry), so that plugins can add some.

use crate::approximator::FunctionApproximator;
use crate::dataset::Demonstrations;
use crate::environment::EnvironmentSpec;
use crate::function::SymbolicLibrary;
use crate::policy::ExpertPolicy;
use schemars::{Schema, SchemaGenerator};
use serde_json::{Map, Value};
use std::fmt::Debug;
use std::sync::Arc;

/// A component could not be built from its config.
#[derive(Debug, thiserror::Error)]
#[error("cannot build the {component}: {reason}")]
pub struct BuildError {
    /// `expert`, `approximator` or `library`.
    pub component: &'static str,
    /// What is wrong, and how to fix it.
    pub reason: String,
    /// The error underneath, if any.
    #[source]
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl BuildError {
    /// For a component that could not be built because of another error.
    pub fn new(component: &'static str, error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        let source = error.into();
        Self { component, reason: source.to_string(), source: Some(source) }
    }
}

/// Most parameters of an approximator: a slip in a width must not take all memory.
const MAX_PARAMETERS: usize = 1 << 24;

/// Checks that layers of these widths can be fully connected, with `each` parameters for every connection.
pub(crate) fn check_size(widths: &[usize], each: usize) -> Result<(), BuildError> {
    let connections = widths.windows(2).map(|pair| pair[0].saturating_mul(pair[1]));
    let parameters = connections.fold(0_usize, usize::saturating_add).saturating_mul(each);
    if parameters <= MAX_PARAMETERS {
        return Ok(());
    }
    let reason = format!("layers of {widths:?} have {parameters} parameters; at most {MAX_PARAMETERS} can be fitted");
    Err(BuildError { component: "approximator", reason, source: None })
}

/// A kind of expert.
#[typetag::serde(tag = "kind")]
pub trait ExpertConfig: Debug + Send + Sync {
    /// Loads the expert and checks that it fits the environment.
    ///
    /// # Errors
    /// [`BuildError`] where it cannot be read or does not fit.
    fn build(&self, environment: &EnvironmentSpec) -> Result<Arc<dyn ExpertPolicy>, BuildError>;

    /// What [`Self::build`] reads besides this config: files, weights that are compiled in. A run notes their digests,
    /// and runs again where they change. Nothing by default.
    ///
    /// # Errors
    /// [`BuildError`] where it cannot be read.
    fn sources(&self, _environment: &EnvironmentSpec) -> Result<Vec<ExpertSource>, BuildError> {
        Ok(Vec::new())
    }

    /// The record of a policy, for kinds that are that and not the policy: nothing else can be asked of them, and
    /// [`Self::build`] refuses. None by default.
    fn demonstrations(&self) -> Option<&dyn DemonstrationConfig> {
        None
    }

    /// The version of the code behind this kind. Without one, a run that is repeated in its folder reuses nothing that
    /// depends on it once the program was built anew; with one, only where the number is another. Raise it whenever the
    /// code may behave in another way.
    fn version(&self) -> Option<u64> {
        None
    }
}

/// Somebody's record of what a policy did.
pub trait DemonstrationConfig {
    /// Reads it; `environment` is what was played, where that is known.
    ///
    /// # Errors
    /// [`BuildError`] where it cannot be read or does not fit.
    fn read(&self, environment: Option<&EnvironmentSpec>) -> Result<Demonstrations, BuildError>;
}

/// Something that an expert is made from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpertSource {
    /// A path, or a name of its own.
    pub name: String,
    /// Its content.
    pub content: Vec<u8>,
}

/// A kind of function approximator.
#[typetag::serde(tag = "kind")]
pub trait ApproximatorConfig: Debug + Send + Sync {
    /// An unfitted approximator; `seed` is its only source of randomness.
    ///
    /// # Errors
    /// [`BuildError`] for a configuration that makes no sense.
    fn build(&self, inputs: usize, outputs: usize, seed: u64) -> Result<Box<dyn FunctionApproximator>, BuildError>;

    /// An approximator from what [`FunctionApproximator::save`] wrote.
    ///
    /// # Errors
    /// [`BuildError`] for bytes that are no such model.
    fn load(&self, bytes: &[u8]) -> Result<Box<dyn FunctionApproximator>, BuildError>;

    /// Whether [`FunctionApproximator::graph`] gives one: without, it cannot become a formula, and a run that asks for
    /// one is refused before anything is computed.
    fn has_graph(&self) -> bool {
        true
    }

    /// The version of the code behind this kind. Without one, a run that is repeated in its folder reuses nothing that
    /// depends on it once the program was built anew; with one, only where the number is another. Raise it whenever the
    /// code may behave in another way.
    fn version(&self) -> Option<u64> {
        None
    }
}

/// A kind of symbolic library.
#[typetag::serde(tag = "kind")]
pub trait SymbolicLibraryConfig: Debug + Send + Sync {
    /// The library.
    ///
    /// # Errors
    /// [`BuildError`] for names it does not know.
    fn build(&self) -> Result<Arc<dyn SymbolicLibrary>, BuildError>;

    /// The version of the code behind this kind. Without one, a run that is repeated in its folder reuses nothing that
    /// depends on it once the program was built anew; with one, only where the number is another. Raise it whenever the
    /// code may behave in another way.
    fn version(&self) -> Option<u64> {
        None
    }
}

/// What a built-in kind says about itself, for `--help`, docs and schemas.
#[derive(Clone, Copy, Debug)]
pub struct ComponentDescription {
    /// `expert`, `approximator` or `library`.
    pub component: &'static str,
    /// The tag.
    pub kind: &'static str,
    /// One line about it.
    pub summary: &'static str,
    /// A complete example of its config, in TOML.
    pub example: &'static str,
    /// The JSON schema of its config, without the tag.
    pub schema: fn(&mut SchemaGenerator) -> Schema,
}

impl ComponentDescription {
    /// The JSON schema of its config with the tag `kind`.
    pub fn tagged_schema(&self, generator: &mut SchemaGenerator) -> Schema {
        let inner = (self.schema)(generator);
        let mut schema = match inner.get("$ref").and_then(Value::as_str).and_then(|reference| {
            generator.definitions().get(reference.rsplit('/').next().unwrap_or(reference)).cloned()
        }) {
            Some(Value::Object(definition)) => definition,
            _ => inner.as_object().cloned().unwrap_or_default(),
        };
        schema.insert("description".to_owned(), self.summary.into());
        let tag = serde_json::json!({ "const": self.kind });
        match schema.entry("properties").or_insert_with(|| Value::Object(Map::new())) {
            Value::Object(properties) => properties.insert("kind".to_owned(), tag),
            _ => None,
        };
        schema.into()
    }
}
