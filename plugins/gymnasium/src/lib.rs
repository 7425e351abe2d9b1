//! Gymnasium's environments as a plugin: `gymnasium:ID` is `gymnasium.make(ID)` in a Python interpreter inside this
//! process.
//!
//! Usable are environments whose observations are a Box of one dimension or a Discrete space, and whose actions are one
//! or the other; the rest say which space they have. Actions reach Python in the type that they have here (`numpy.int64`,
//! arrays of `float32` or `float64`) and observations come back as `float64` without loss, so that an environment
//! behaves as it does from Python.
//!
//! Gymnasium names no coordinates, so they are `x_0`, `x_1`, … here, and those of a vector action `a_0`, `a_1`, ….
//!
//! The interpreter is [the one](python::interpreter) that the user has activated. `KANRL_GYMNASIUM_MODULES` names
//! modules, with commas between, that are imported so that they register their environments.

mod environment;
pub mod python;

use environment::GymnasiumEnvironment;
use kanrl_core::environment::{EnvironmentError, KeywordArguments};
use kanrl_plugin::{ExportedEnvironment, export_plugin};

/// What stands before Gymnasium's ids.
const PREFIX: &str = "gymnasium:";

fn environments() -> Result<Vec<ExportedEnvironment>, EnvironmentError> {
    let identifiers = python::identifiers().map_err(|reason| EnvironmentError::Engine { id: PREFIX.into(), reason })?;
    let export = |identifier: String| {
        let (id, summary) = (format!("{PREFIX}{identifier}"), format!("Gymnasium's {identifier}"));
        ExportedEnvironment::dynamic(id, summary, &KeywordArguments::new(), move |arguments| {
            Ok(Box::new(GymnasiumEnvironment::new(PREFIX, &identifier, arguments)?))
        })
    };
    Ok(identifiers.into_iter().map(export).collect())
}

// Python runs on one thread at a time anyway, and waiting for it is no hang.
export_plugin!(environments, one_call_at_a_time);
