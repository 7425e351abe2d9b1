//! A run as data.
//!
//! [`RunConfig`] is the resolved config: every section present, every kind known. It comes from a TOML (or JSON) file
//! whose fields all have defaults, merged with command-line overrides ([`RawConfig`], [`MergedConfig`]).

mod error;
mod file;
mod plugins;
mod resolve;

pub use error::{ConfigError, ConfigErrorKind, ConfigText};
pub use file::{MergedConfig, RawConfig};
pub use plugins::PluginEntry;

use kan_core::config::{ApproximatorConfig, ExpertConfig, SymbolicLibraryConfig};
use kan_core::environment::KeywordArguments;
use serde::{Deserialize, Serialize};

/// Everything that decides a run's results.
#[derive(Debug, Serialize)]
pub struct RunConfig {
    /// The run's only source of randomness.
    pub seed: u64,
    /// Names of the stages to run, in order; the standard ones where it is absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stages: Option<Vec<String>>,
    /// Libraries that add environments, beside those that the program knows without being told.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub plugins: Vec<PluginEntry>,
    /// What is played.
    pub environment: EnvironmentSection,
    /// Whose policy is explained.
    pub expert: Box<dyn ExpertConfig>,
    /// Expert episodes to learn from.
    pub collect: CollectSection,
    /// What is fitted to the expert.
    pub approximator: Box<dyn ApproximatorConfig>,
    /// What is cut off the fitted network.
    pub prune: PruneSection,
    /// Named functions that edges may become.
    pub library: Box<dyn SymbolicLibraryConfig>,
    /// How edges are named.
    pub symbolify: SymbolifySection,
    /// How the formula's constants are fitted again.
    pub refine: RefineSection,
    /// How policies are compared.
    pub evaluate: EvaluateSection,
    /// What is filmed.
    pub record: RecordSection,
}

/// `[environment]`: what is played.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EnvironmentSection {
    /// Gymnasium's id.
    pub id: String,
    /// Keyword arguments, as `gym.make` takes them.
    pub arguments: KeywordArguments,
}

impl Default for EnvironmentSection {
    fn default() -> Self {
        Self { id: "CartPole-v1".to_owned(), arguments: KeywordArguments::new() }
    }
}

/// `[collect]`: expert episodes to learn from, split by whole episodes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CollectSection {
    /// Episodes to fit on.
    pub train_episodes: usize,
    /// Episodes to choose by.
    pub validation_episodes: usize,
}

impl Default for CollectSection {
    fn default() -> Self {
        Self { train_episodes: 15, validation_episodes: 3 }
    }
}

/// `[prune]`: what is cut off the fitted network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PruneSection {
    /// Edges whose share of the outputs' variation is below this go.
    pub edge_threshold: f64,
    /// Hidden nodes whose share of the outputs' variation is below this go.
    pub node_threshold: f64,
}

impl Default for PruneSection {
    fn default() -> Self {
        Self { edge_threshold: 0.03, node_threshold: 0.01 }
    }
}

/// `[symbolify]`: how edges are named.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SymbolifySection {
    /// Functions tried on each edge, the best-fitting ones first.
    pub candidates: usize,
    /// L-BFGS steps of the refit after each trial.
    pub refit_steps: usize,
    /// A simpler function is taken when the validation loss grows by no more than this share of the targets' variance.
    pub tolerance: f64,
}

impl Default for SymbolifySection {
    fn default() -> Self {
        Self { candidates: 5, refit_steps: 8, tolerance: 0.002 }
    }
}

/// `[refine]`: how the formula's constants are fitted again, together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RefineSection {
    /// L-BFGS steps.
    pub steps: usize,
    /// Constants are rounded to the fewest digits that change no output by more than this share of its standard
    /// deviation.
    pub rounding_tolerance: f64,
}

impl Default for RefineSection {
    fn default() -> Self {
        Self { steps: 200, rounding_tolerance: 0.002 }
    }
}

/// `[evaluate]`: how policies are compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EvaluateSection {
    /// Episodes for each policy, on the same seeds for all; nothing is ever fitted or chosen on these seeds.
    pub episodes: usize,
}

impl Default for EvaluateSection {
    fn default() -> Self {
        Self { episodes: 100 }
    }
}

/// `[record]`: what is filmed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RecordSection {
    /// Whether to film an episode of the expert and one of the formula.
    pub videos: bool,
    /// Whether to write the action and the return so far on each frame.
    pub captions: bool,
}

impl Default for RecordSection {
    fn default() -> Self {
        Self { videos: true, captions: true }
    }
}

impl RunConfig {
    /// The config as TOML, as it stands in a run's `config.toml`.
    ///
    /// # Panics
    /// Never: every section serialises.
    pub fn to_toml(&self) -> String {
        toml::to_string(self).expect("a config serialises")
    }

    /// One top-level entry as canonical text, for the keys of stages; empty where there is none.
    pub(crate) fn section_text(&self, section: &str) -> String {
        let value = serde_json::to_value(self).expect("a config serialises");
        let mut text = value.get(section).map_or_else(String::new, ToString::to_string);
        if section == "environment" {
            // A plugin's environment is its code.
            text.extend(self.plugins.iter().filter_map(|plugin| plugin.sha256.as_deref()));
        }
        text
    }
}
