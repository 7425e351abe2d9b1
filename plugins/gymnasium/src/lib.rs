//! Gymnasium's environments as a plugin: `gymnasium:ID` is `gymnasium.make(ID)` in a Python interpreter inside this
//! process.
//!
//! `kanrl_gymnasium`, which the Python package shares, decides which environments are supported and steps them.
//!
//! The interpreter is [the one](python::interpreter) that the user has activated. `KANRL_GYMNASIUM_MODULES` is a
//! comma-separated list of modules to import, so that they register their environments.

pub mod python;

use kanrl_core::environment::{EnvironmentError, KeywordArguments};
use kanrl_gymnasium::PythonFactory;
use kanrl_plugin::{ExportedEnvironment, export_plugin};

/// What stands before Gymnasium's ids.
const PREFIX: &str = "gymnasium:";

fn environments() -> Result<Vec<ExportedEnvironment>, EnvironmentError> {
    let engine = |reason| EnvironmentError::Engine { id: PREFIX.into(), reason };
    python::start().map_err(engine)?;
    let identifiers = kanrl_gymnasium::identifiers().map_err(engine)?;
    let names = serde_json::json!({ "type": "array", "items": { "type": "string" } });
    // What else there is, only the environment's own class knows.
    let schema = serde_json::json!({
        "type": "object",
        "properties": { "observation_names": names, "action_names": names },
        "additionalProperties": true,
    });
    let export = |identifier: String| {
        let (id, summary) = (format!("{PREFIX}{identifier}"), format!("Gymnasium's {identifier}"));
        let factory = PythonFactory::of_identifier(id.clone(), identifier);
        let exported = ExportedEnvironment::dynamic(id, summary, &KeywordArguments::new(), move |arguments| {
            Ok(Box::new(factory.lanes(arguments, 1)?))
        });
        exported.with_schema(&schema)
    };
    Ok(identifiers.into_iter().map(export).collect())
}

// Python runs on one thread at a time anyway, and waiting for it is not a hang.
export_plugin!(environments, one_call_at_a_time);
