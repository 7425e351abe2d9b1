//! The resolved config.

use super::plugins::PluginEntry;
use super::{approximator, schema};
use crate::stages::collect::section::CollectSection;
use crate::stages::dagger::section::DaggerSection;
use crate::stages::evaluate::section::EvaluateSection;
use crate::stages::polish::section::PolishSection;
use crate::stages::prune::section::PruneSection;
use crate::stages::record::section::RecordSection;
use crate::stages::refine::section::RefineSection;
use crate::stages::select::section::SelectSection;
use crate::stages::symbolify::section::SymbolifySection;
use crate::students::section::StudentsSection;
use kanrl_core::config::{ApproximatorConfig, ExpertConfig, SymbolicLibraryConfig};
use kanrl_core::environment::KeywordArguments;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Everything that decides a run's results.
#[derive(Debug, Serialize, schemars::JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct RunConfig {
    /// Random seed.
    pub seed: u64,
    /// Names of the stages to run, in order. Default: the standard stages.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stages: Option<Vec<String>>,
    /// Plugins to load, in addition to those named on the command line and in the plugin folder.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub plugins: Vec<PluginEntry>,
    /// The environment.
    pub environment: EnvironmentSection,
    /// The policy to explain.
    #[schemars(schema_with = "schema::expert")]
    pub expert: Box<dyn ExpertConfig>,
    /// The expert episodes to learn from.
    pub collect: CollectSection,
    /// The models that are fitted to the expert, in parallel.
    pub students: StudentsSection,
    /// The kind of model to fit.
    #[serde(serialize_with = "approximator::write")]
    #[schemars(schema_with = "schema::approximator")]
    pub approximator: Box<dyn ApproximatorConfig>,
    /// How students play and the expert labels the states they visit.
    pub dagger: DaggerSection,
    /// What is removed from the fitted network.
    pub prune: PruneSection,
    /// The functions that edges may become.
    #[schemars(schema_with = "schema::library")]
    pub library: Box<dyn SymbolicLibraryConfig>,
    /// How edges are named.
    pub symbolify: SymbolifySection,
    /// How the formula's constants are refitted.
    pub refine: RefineSection,
    /// How constants are tuned on return.
    pub polish: PolishSection,
    /// How the result is chosen.
    pub select: SelectSection,
    /// How policies are compared.
    pub evaluate: EvaluateSection,
    /// Which videos to make.
    pub record: RecordSection,
    /// Sections that stages of other crates have of their own.
    #[serde(flatten)]
    #[schemars(skip)]
    pub own: BTreeMap<String, toml::Value>,
}

/// `[environment]`: the environment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct EnvironmentSection {
    /// Gymnasium id; may be empty if a log takes the place of the expert.
    pub id: String,
    /// Keyword arguments, as for `gym.make`.
    pub arguments: KeywordArguments,
}

impl Default for EnvironmentSection {
    fn default() -> Self {
        Self { id: "CartPole-v1".to_owned(), arguments: KeywordArguments::new() }
    }
}

impl RunConfig {
    /// Whether there is an environment to play: a log can do without.
    pub fn is_played(&self) -> bool {
        !self.environment.id.is_empty() || self.expert.demonstrations().is_none()
    }

    /// The config as TOML, as it stands in a run's `config.toml`.
    ///
    /// # Panics
    /// Never: every section serializes.
    pub fn to_toml(&self) -> String {
        toml::to_string(self).expect("a config serializes")
    }

    /// A stage's own section.
    ///
    /// # Panics
    /// If no stage claimed it as a `T` by [`Stage::section`](crate::engine::Stage::section).
    pub fn section<T: DeserializeOwned>(&self, name: &str) -> T {
        let section = self.own.get(name).unwrap_or_else(|| panic!("no stage has a section `{name}`"));
        section
            .clone()
            .try_into()
            .unwrap_or_else(|error| panic!("the section `{name}` was checked as another type: {error}"))
    }

    /// One top-level entry as canonical text, for the keys of stages; empty where there is none.
    pub(crate) fn section_text(&self, section: &str) -> String {
        let value = serde_json::to_value(self).expect("a config serializes");
        let mut text = value.get(section).map_or_else(String::new, ToString::to_string);
        if section == "environment" {
            // A plugin's environment is its code.
            text.extend(self.plugins.iter().filter_map(|plugin| plugin.sha256.as_deref()));
        }
        text
    }
}
