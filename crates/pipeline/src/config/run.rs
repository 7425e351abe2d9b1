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
    /// The run's only source of randomness.
    pub seed: u64,
    /// Names of the stages to run, in order; the standard ones where it is absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stages: Option<Vec<String>>,
    /// Plugins to load, in addition to those named on the command line and in the plugin folder.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub plugins: Vec<PluginEntry>,
    /// What is played.
    pub environment: EnvironmentSection,
    /// Whose policy is explained.
    #[schemars(schema_with = "schema::expert")]
    pub expert: Box<dyn ExpertConfig>,
    /// Expert episodes to learn from.
    pub collect: CollectSection,
    /// Which students learn from it, side by side.
    pub students: StudentsSection,
    /// What is fitted to the expert.
    #[serde(serialize_with = "approximator::write")]
    #[schemars(schema_with = "schema::approximator")]
    pub approximator: Box<dyn ApproximatorConfig>,
    /// How students play and the expert labels what they saw.
    pub dagger: DaggerSection,
    /// What is cut off the fitted network.
    pub prune: PruneSection,
    /// Named functions that edges may become.
    #[schemars(schema_with = "schema::library")]
    pub library: Box<dyn SymbolicLibraryConfig>,
    /// How edges are named.
    pub symbolify: SymbolifySection,
    /// How the formula's constants are fitted again.
    pub refine: RefineSection,
    /// How constants are tuned on return.
    pub polish: PolishSection,
    /// How one formula is chosen of all.
    pub select: SelectSection,
    /// How policies are compared.
    pub evaluate: EvaluateSection,
    /// What is filmed.
    pub record: RecordSection,
    /// Sections that stages of other crates have of their own.
    #[serde(flatten)]
    #[schemars(skip)]
    pub own: BTreeMap<String, toml::Value>,
}

/// `[environment]`: what is played.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct EnvironmentSection {
    /// Gymnasium's id; empty for none, where a log stands in the place of an expert.
    pub id: String,
    /// Keyword arguments, as `gym.make` takes them.
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
