//! Environments by a function in Python that makes them.

use crate::lanes::PythonLanes;
use crate::{module, text};
use kanrl_core::environment::{
    DynEnvironment, EnvironmentEntry, EnvironmentError, EnvironmentFactory, KeywordArguments, VectorEnvironment,
};
use pyo3::prelude::*;
use serde_json::Value;
use std::sync::Arc;

/// Names for coordinates, in order; none for `x_0`, `a_0`, …. They come with the keyword arguments, so that they stand in a
/// run's config, and are not handed on.
#[derive(Debug, Default)]
pub(crate) struct Names {
    /// `observation_names`: of the observation.
    pub observations: Vec<String>,
    /// `action_names`: of a vector action, or of the discrete actions.
    pub actions: Vec<String>,
}

impl Names {
    /// Takes them out of the arguments; an error for anything that is not a list of strings.
    fn take(arguments: &mut KeywordArguments) -> Result<Self, String> {
        let mut take = |key: &str| {
            let Some(value) = arguments.remove(key) else { return Ok(Vec::new()) };
            serde_json::from_value(value).map_err(|_| format!("`{key}` is not a list of texts"))
        };
        Ok(Self { observations: take("observation_names")?, actions: take("action_names")? })
    }
}

/// Makes environments in Python.
pub struct PythonFactory {
    id: String,
    source: Source,
}

/// Where they come from.
enum Source {
    /// `gymnasium.make`, with the keyword arguments of each call.
    Identifier(String),
    /// A function without arguments.
    Function(Py<PyAny>),
}

/// Gymnasium's registered ids.
///
/// # Errors
/// An exception in words, such as where there is no Gymnasium.
pub fn identifiers() -> Result<Vec<String>, String> {
    Python::attach(|py| {
        let identifiers = module(py).and_then(|module| module.call_method0("identifiers")?.extract());
        identifiers.map_err(|error| text(py, &error))
    })
}

impl PythonFactory {
    /// `gymnasium.make(identifier, **arguments)`; here it is called `id`.
    pub fn of_identifier(id: impl Into<String>, identifier: impl Into<String>) -> Self {
        Self { id: id.into(), source: Source::Identifier(identifier.into()) }
    }

    /// Environments like `object`: a `gymnasium.Env`, a vector of them, or a function that makes one.
    ///
    /// # Errors
    /// An exception where it cannot be made again.
    pub fn of_object(id: impl Into<String>, object: &Bound<'_, PyAny>) -> PyResult<Self> {
        let make = module(object.py())?.call_method1("by_object", (object,))?.unbind();
        Ok(Self { id: id.into(), source: Source::Function(make) })
    }

    /// It as an entry of a registry.
    pub fn into_entry(self, summary: impl Into<String>) -> EnvironmentEntry {
        let id = self.id.clone();
        EnvironmentEntry {
            id,
            aliases: Vec::new(),
            summary: summary.into(),
            source: "Python".to_owned(),
            version: None,
            hints: Default::default(),
            factory: Arc::new(self),
        }
    }

    /// Lanes that are stepped together.
    ///
    /// # Errors
    /// [`EnvironmentError::BadArguments`] for arguments that do not fit, [`EnvironmentError::Unavailable`] for a package that
    /// is not installed and for spaces that are not supported, [`EnvironmentError::Engine`] where Python fails.
    pub fn lanes(&self, arguments: &KeywordArguments, count: usize) -> Result<PythonLanes, EnvironmentError> {
        let bad = |reason: String| EnvironmentError::BadArguments { id: self.id.clone(), reason };
        let mut arguments = arguments.clone();
        let names = Names::take(&mut arguments).map_err(bad)?;
        if matches!(self.source, Source::Function(_)) && !arguments.is_empty() {
            return Err(bad("an environment made by a program accepts only names as arguments".to_owned()));
        }
        let keywords = Value::Object(arguments).to_string();
        Python::attach(|py| {
            let make = || -> PyResult<(Py<PyAny>, String)> {
                let module = module(py)?;
                let function = match &self.source {
                    Source::Function(function) => function.bind(py).clone(),
                    Source::Identifier(identifier) => module.call_method1("by_identifier", (identifier, &*keywords))?,
                };
                let object = module.call_method1("Lanes", (function, count))?;
                let description = object.call_method0("description")?.extract()?;
                Ok((object.unbind(), description))
            };
            let engine = |reason: String| EnvironmentError::Engine { id: self.id.clone(), reason };
            let (object, description) = make().map_err(|error| {
                let is_a = |name: &str| {
                    let kind = module(py).and_then(|module| module.getattr(name));
                    kind.is_ok_and(|kind| error.is_instance(py, &kind))
                };
                let said = error.value(py).to_string();
                match () {
                    () if is_a("Unusable") => bad(said),
                    () if is_a("Unavailable") => EnvironmentError::Unavailable { id: self.id.clone(), reason: said },
                    () => engine(text(py, &error)),
                }
            })?;
            let description: Value = serde_json::from_str(&description).map_err(|error| engine(error.to_string()))?;
            let spec = crate::spec::spec(&self.id, &description, &names).map_err(bad)?;
            Ok(PythonLanes::new(spec, object, count))
        })
    }
}

impl EnvironmentFactory for PythonFactory {
    fn make(&self, arguments: &KeywordArguments) -> Result<Box<dyn DynEnvironment>, EnvironmentError> {
        Ok(Box::new(self.lanes(arguments, 1)?))
    }

    fn make_vector(
        &self,
        arguments: &KeywordArguments,
        lanes: usize,
    ) -> Result<Box<dyn VectorEnvironment>, EnvironmentError> {
        Ok(Box::new(self.lanes(arguments, lanes)?))
    }
}
