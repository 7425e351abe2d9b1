//! Which arguments an environment of a plugin takes, by what the plugin says about it.

use super::tables::EnvironmentHeader;
use kanrl_core::environment::{EnvironmentError, KeywordArguments};
use kanrl_core::suggest;
use serde_json::Value;
use std::collections::BTreeSet;

/// The arguments that an environment takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Arguments {
    names: BTreeSet<String>,
    /// It takes others as well: only it can tell which.
    is_open: bool,
}

impl Arguments {
    /// The keys of the defaults and the properties of the schema; all others too where the schema says so.
    pub fn of(header: &EnvironmentHeader) -> Self {
        let schema = header.arguments_schema.as_ref();
        let properties = schema.and_then(|schema| schema.get("properties")).and_then(Value::as_object);
        let names = header.default_arguments.keys().chain(properties.into_iter().flat_map(|all| all.keys())).cloned();
        let further = schema.and_then(|schema| schema.get("additionalProperties"));
        Self { names: names.collect(), is_open: further.is_some_and(|further| *further != Value::Bool(false)) }
    }

    /// Refuses a name that the environment does not have, before any of its code runs.
    pub fn check(&self, id: &str, arguments: &KeywordArguments) -> Result<(), EnvironmentError> {
        let unknown = arguments.keys().find(|name| !self.is_open && !self.names.contains(*name));
        let Some(unknown) = unknown else { return Ok(()) };
        let known: Vec<String> = self.names.iter().cloned().collect();
        let nearest = suggest::nearest(unknown, &known).map(str::to_owned);
        let hint = suggest::did_you_mean(&nearest);
        let known =
            if known.is_empty() { "it takes none".to_owned() } else { format!("it takes {}", known.join(", ")) };
        Err(EnvironmentError::BadArguments {
            id: id.to_owned(),
            reason: format!("no argument `{unknown}`{hint}; {known}"),
        })
    }
}
