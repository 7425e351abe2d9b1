//! The config as JSON schema, and the kinds that its tagged sections may name.

use super::plugins::PluginEntry;
use super::run::RunConfig;
use crate::run::RunPolicy;
use kanrl_core::baselines::{LinearConfig, MlpConfig};
use kanrl_core::config::ComponentDescription;
use kanrl_core::kan::KanConfig;
use kanrl_experts::COMPONENTS as EXPERTS;
use kanrl_symbolic::library::COMPONENTS as LIBRARIES;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use std::borrow::Cow;

/// Every kind of expert, approximator and library that kanrl itself has.
pub fn components() -> Vec<ComponentDescription> {
    let approximators = [KanConfig::DESCRIPTION, LinearConfig::DESCRIPTION, MlpConfig::DESCRIPTION];
    EXPERTS
        .iter()
        .copied()
        .chain([RunPolicy::DESCRIPTION])
        .chain(approximators)
        .chain(LIBRARIES.iter().copied())
        .collect()
}

/// A config file's JSON schema (draft 2020-12): every section may be left out, and so may every field that has a default.
pub fn schema() -> Schema {
    let mut schema = SchemaGenerator::default().into_root_schema_for::<RunConfig>();
    schema.insert("title".to_owned(), "kanrl run config".into());
    schema.remove("required");
    schema
}

pub(super) fn expert(generator: &mut SchemaGenerator) -> Schema {
    kinds("expert", generator)
}

pub(super) fn approximator(generator: &mut SchemaGenerator) -> Schema {
    kinds("approximator", generator)
}

pub(super) fn library(generator: &mut SchemaGenerator) -> Schema {
    kinds("library", generator)
}

/// One of a component's kinds; kinds of other crates are not known here, so any other tag is let through.
fn kinds(component: &str, generator: &mut SchemaGenerator) -> Schema {
    let own: Vec<ComponentDescription> = components().into_iter().filter(|kind| kind.component == component).collect();
    let names: Vec<&str> = own.iter().map(|kind| kind.kind).collect();
    let mut choices: Vec<Schema> = own.iter().map(|kind| kind.tagged_schema(generator)).collect();
    choices.push(json_schema!({
        "type": "object",
        "description": "a kind of another crate",
        "properties": { "kind": { "type": "string", "not": { "enum": names } } },
        "required": ["kind"],
    }));
    json_schema!({ "anyOf": choices })
}

impl JsonSchema for PluginEntry {
    fn schema_name() -> Cow<'static, str> {
        "PluginEntry".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A library that adds environments.",
            "anyOf": [
                { "type": "string" },
                {
                    "type": "object",
                    "properties": { "path": { "type": "string" }, "sha256": { "type": "string" } },
                    "required": ["path"],
                    "additionalProperties": false,
                },
            ],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{components, schema};
    use crate::config::{MergedConfig, RawConfig};
    use kanrl_core::config::{ApproximatorConfig, ExpertConfig, SymbolicLibraryConfig};

    /// The kinds that serde lists when it is given none of them.
    fn registered<T: serde::de::DeserializeOwned>() -> Vec<String> {
        let Err(error) = serde_json::from_str::<T>(r#"{"kind": "?"}"#) else { panic!("`?` is not a kind") };
        let mut names: Vec<String> = error.to_string().split('`').skip(3).step_by(2).map(str::to_owned).collect();
        names.sort();
        names
    }

    #[test]
    fn the_list_is_complete() {
        let listed = |component: &str| -> Vec<String> {
            let own = components().into_iter().filter(|kind| kind.component == component);
            let mut names: Vec<String> = own.map(|kind| kind.kind.to_owned()).collect();
            names.sort();
            names
        };
        assert_eq!(listed("expert"), registered::<Box<dyn ExpertConfig>>());
        assert_eq!(listed("approximator"), registered::<Box<dyn ApproximatorConfig>>());
        assert_eq!(listed("library"), registered::<Box<dyn SymbolicLibraryConfig>>());
    }

    #[test]
    fn every_example_is_a_config_of_its_kind() {
        for kind in components() {
            assert!(!kind.summary.is_empty() && !kind.summary.contains('\n'), "{kind:?}");
            let text = format!("[{}]\n{}", kind.component, kind.example);
            let config = MergedConfig::new(RawConfig::from_toml("example", text).unwrap()).resolve().unwrap();
            let written: toml::Table = config.to_toml().parse().unwrap();
            assert_eq!(written[kind.component]["kind"].as_str(), Some(kind.kind));
        }
    }

    #[test]
    fn the_schema_has_every_section_with_its_fields() {
        let schema = serde_json::to_value(schema()).unwrap();
        let config = MergedConfig::new(RawConfig::default()).resolve().unwrap();
        let config = serde_json::to_value(&config).unwrap();
        let properties = schema["properties"].as_object().unwrap();
        for (section, value) in config.as_object().unwrap() {
            let mut own = properties.get(section).unwrap_or_else(|| panic!("no `{section}`"));
            if let Some(reference) = own["$ref"].as_str() {
                own = &schema["$defs"][reference.rsplit('/').next().unwrap()];
            }
            let choices = own["anyOf"].as_array().cloned().unwrap_or_else(|| vec![own.clone()]);
            for (field, _) in value.as_object().into_iter().flatten() {
                let has = |choice: &serde_json::Value| choice["properties"].get(field).is_some();
                assert!(choices.iter().any(has), "no `{section}.{field}`");
            }
        }
        assert_eq!(schema["$defs"]["CollectSection"]["properties"]["train_episodes"]["default"], 15);
        assert!(schema["$defs"]["CollectSection"]["properties"]["train_episodes"]["description"].is_string());
        assert_eq!(schema["additionalProperties"], false);
    }
}
