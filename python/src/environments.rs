//! Environments: in Rust by id, in Python by id, as objects or as functions that make them.

use crate::errors;
use kanrl_core::environment::{EnvironmentEntry, EnvironmentError, EnvironmentRegistry};
use kanrl_core::suggest;
use kanrl_gymnasium::PythonFactory;
use pyo3::prelude::*;

/// What stands before the ids of Gymnasium's environments in Python.
const GYMNASIUM: &str = "gymnasium:";
/// What stands before the class of an environment that Gymnasium has no id for.
const UNREGISTERED: &str = "python:";

/// Every environment that is simulated in Rust.
///
/// # Errors
/// Never in a build whose tests passed: two environments of one id.
pub fn registry() -> PyResult<EnvironmentRegistry> {
    let mut registry = EnvironmentRegistry::new();
    let fill = |registry: &mut EnvironmentRegistry| -> Result<(), EnvironmentError> {
        kanrl_envs_classic::register(registry)?;
        kanrl_envs_box2d::register(registry)?;
        kanrl_envs_mujoco::register(registry)
    };
    fill(&mut registry).map_err(errors::run)?;
    Ok(registry)
}

/// Those, and the one that was given; with its id.
///
/// # Errors
/// `kanrl.InputError` for an unknown id, or an environment that cannot be made again.
pub fn with(given: &Bound<'_, PyAny>) -> PyResult<(EnvironmentRegistry, String)> {
    if let Ok(id) = given.extract::<String>() {
        return by_id(id);
    }
    let mut registry = registry()?;
    let id = identifier(given)?;
    let factory = PythonFactory::of_object(&id, given).map_err(errors::from_python)?;
    registry.register(factory.into_entry("given by the program")).map_err(errors::input)?;
    Ok((registry, id))
}

/// As [`with`]: an id that is not simulated in Rust is Gymnasium's, where that is installed and knows it.
///
/// # Errors
/// `kanrl.InputError` for an unknown id.
pub fn by_id(id: String) -> PyResult<(EnvironmentRegistry, String)> {
    let mut registry = registry()?;
    if registry.get(&id).is_ok() {
        return Ok((registry, id));
    }
    if let Some(class) = id.strip_prefix(UNREGISTERED) {
        let message = format!("the environment `{class}` lives in a Python program");
        return Err(errors::input_with_help(
            message,
            "pass it again: kanrl.resume(directory, env=…), kanrl.Run(directory, env=…)",
        ));
    }
    let identifier = id.strip_prefix(GYMNASIUM).unwrap_or(&id).to_owned();
    match kanrl_gymnasium::identifiers() {
        Ok(known) if known.contains(&identifier) => {}
        Err(reason) if id.starts_with(GYMNASIUM) => {
            return Err(errors::input_with_help(reason, "pip install \"kanrl[gymnasium]\""));
        }
        Ok(known) => return Err(unknown(id, &identifier, &known)),
        Err(_) => return Err(errors::input(registry.get(&id).expect_err("it is unknown"))),
    }
    let id = format!("{GYMNASIUM}{identifier}");
    registry.register(entry(&id, &identifier)).map_err(errors::input)?;
    Ok((registry, id))
}

/// An id that nobody knows, with the most similar ones of Gymnasium's.
fn unknown(id: String, identifier: &str, known: &[String]) -> PyErr {
    const MOST: usize = 5;
    let mut rest = known.to_vec();
    let mut similar = Vec::new();
    while let (true, Some(nearest)) = (similar.len() < MOST, suggest::nearest(identifier, &rest).map(str::to_owned)) {
        rest.retain(|other| *other != nearest);
        similar.push(nearest);
    }
    let nearest = similar.first().cloned();
    errors::input(EnvironmentError::UnknownId { id, nearest, known: similar })
}

fn entry(id: &str, identifier: &str) -> EnvironmentEntry {
    PythonFactory::of_identifier(id, identifier).into_entry(format!("Gymnasium's {identifier}"))
}

/// `gymnasium:ID` of a registered environment, `python:CLASS` of another.
fn identifier(given: &Bound<'_, PyAny>) -> PyResult<String> {
    let spec = given.getattr_opt("spec")?.filter(|spec| !spec.is_none());
    if let Some(id) = spec.map(|spec| spec.getattr("id")).transpose()? {
        return Ok(format!("{GYMNASIUM}{id}"));
    }
    let inner = given.getattr_opt("unwrapped")?.unwrap_or_else(|| given.clone());
    let name = match inner.getattr_opt("__name__")? {
        Some(name) => name.to_string(),
        None => inner.get_type().name()?.to_string(),
    };
    Ok(format!("{UNREGISTERED}{name}"))
}

/// Ids of the environments that are simulated in Rust, sorted.
#[pyfunction]
pub fn environments() -> PyResult<Vec<String>> {
    Ok(registry()?.entries().map(|entry| entry.id.clone()).collect())
}
