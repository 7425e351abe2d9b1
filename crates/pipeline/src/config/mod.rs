//! A run as data.
//!
//! [`RunConfig`] is the resolved config: every section present, every kind known. It comes from a TOML (or JSON) file
//! whose fields all have defaults, merged with command-line overrides ([`RawConfig`], [`MergedConfig`]). Whatever is wrong
//! is said with its key, its line and the nearest name that would be right:
//!
//! ```
//! use kanrl_pipeline::config::{MergedConfig, RawConfig};
//!
//! let raw = RawConfig::from_toml("run.toml", "[environment]\nid = 'CartPole-v1'\n[approximator]\nhiden = [3]")?;
//! let error = MergedConfig::new(raw).resolve().unwrap_err();
//! assert_eq!(error.key, "approximator.hiden");
//! assert_eq!(error.help.as_deref(), Some("did you mean `hidden`?"));
//! # Ok::<(), kanrl_pipeline::config::ConfigError>(())
//! ```

mod approximator;
mod error;
mod file;
mod plugins;
mod resolve;
mod schema;

pub use error::{ConfigError, ConfigErrorKind, ConfigText};
pub use file::{MergedConfig, RawConfig};
pub use plugins::PluginEntry;
pub use schema::{components, schema};

use crate::stages::collect::CollectSection;
use crate::stages::evaluate::EvaluateSection;
use crate::stages::prune::PruneSection;
use crate::stages::record::RecordSection;
use crate::stages::refine::RefineSection;
use crate::stages::select::SelectSection;
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
    /// Libraries that add environments, beside those that the program knows without being told.
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

/// `[students]`: which students learn from the expert, side by side.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct StudentsSection {
    /// Hidden widths of the networks, one list for each; where `approximator.hidden` is set and this is not, those only. For
    /// another kind than `kan` the default is its own.
    pub widths: Vec<Vec<usize>>,
    /// Sparsity strengths λ that each of them is fitted with; where `approximator.lambda` is set and this is not, that only.
    pub lambdas: Vec<f64>,
    /// Parts of the library, by its functions' names: each of the networks learns once for every part, and its edges become
    /// functions of that part only. The whole library where there is none.
    pub functions: Vec<Vec<String>>,
    /// Whether a linear and a sparse quadratic formula run beside them.
    pub rivals: bool,
    /// Most terms of each output of the quadratic one.
    pub quadratic_terms: usize,
    /// Numbers of linear laws of formulas that have a few, each behind a condition (`if left_leg > 0.5`): one formula for each.
    pub laws: Vec<usize>,
    /// Formulas of your own form that run beside them: expressions separated by `;`, as many as actions need, with unknown
    /// constants `k1`, `k2`, … that are found.
    pub candidates: Vec<String>,
}

impl Default for StudentsSection {
    fn default() -> Self {
        Self {
            widths: vec![vec![], vec![2]],
            lambdas: vec![0.0],
            functions: Vec::new(),
            rivals: true,
            quadratic_terms: 8,
            laws: Vec::new(),
            candidates: Vec::new(),
        }
    }
}

/// `[dagger]`: rounds in which a student plays, the expert says what it would have done in the student's states, and the
/// student learns that too (Ross et al. 2011, arXiv 1011.0686).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DaggerSection {
    /// Rounds at most for each network; they end early once it plays as well as the expert and does nearly always what it
    /// does, or when several rounds in a row make nothing better.
    pub rounds: usize,
    /// As many of them for each formula, which learns from its network's rows first.
    pub formula_rounds: usize,
    /// Environment steps of a round, in whole episodes, every fifth of which is kept to validate on. The expert's own episodes
    /// count as one round at most. Where it is not set: the longest episode times the observation's coordinates, from 2000 to
    /// 20 000.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub steps: Option<usize>,
    /// Share of steps that the expert takes in a network's first round; formulas play alone.
    pub expert_share: f64,
    /// What that share is multiplied by from round to round.
    pub expert_share_decay: f64,
    /// Whether, with three or more action dimensions, the first round's student steers one of them at a time, the expert
    /// the others.
    pub anchoring: bool,
    /// Episodes that rounds are compared by; the best ones are then played on twice as many fresh seeds, and the best of
    /// those is kept.
    pub validation_episodes: usize,
}

impl Default for DaggerSection {
    fn default() -> Self {
        Self {
            rounds: 12,
            formula_rounds: 3,
            steps: None,
            expert_share: 0.7,
            expert_share_decay: 0.7,
            anchoring: true,
            validation_episodes: 30,
        }
    }
}

/// `[symbolify]`: how edges are named.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SymbolifySection {
    /// L-BFGS steps of the refit after each name.
    pub refit_steps: usize,
    /// All names together may raise the validation loss by this share of the best constant's loss.
    pub tolerance: f64,
    /// Episodes that every name is judged by in play; 0 for the loss alone.
    pub episodes: usize,
    /// A name must be defined this share of its argument's observed range beyond it, on both sides; further out its
    /// argument is clipped.
    pub margin: f64,
}

impl Default for SymbolifySection {
    fn default() -> Self {
        Self { refit_steps: 10, tolerance: 0.02, episodes: 24, margin: 0.5 }
    }
}

/// `[polish]`: constants tuned by CMA-ES, all candidates of a generation on the same seeds: first for what is missed to the
/// expert's return and λ times the disagreement with it, at last for return alone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PolishSection {
    /// Whether to do it; without it the faithful formula is the result.
    pub enabled: bool,
    /// Steps of the environment for all formulas together; the better half goes on, twice. Where it is not set, as many as the environment
    /// asks for, or ten million.
    pub environment_steps: u64,
    /// Values of λ that the dial stops at before it comes to return alone. At 1, a point of disagreement weighs as much as one
    /// percent of the expert's return that is missed; more than the expert's return is worth nothing. Half of the steps go to
    /// these, half to return alone.
    pub lambdas: Vec<f64>,
    /// First step of each constant, in standard deviations of the outputs.
    pub step_size: f64,
    /// Weight of the worst quarter's mean beside the mean return.
    pub tail_weight: f64,
    /// Generations that the budget should be enough for; long episodes are played less often then.
    pub generations: u64,
    /// Terms are left out, and constants rounded, while the score stays within this share of itself.
    pub tolerance: f64,
    /// Masses and time steps are also played this share larger and smaller (0 for not at all).
    pub perturbation: f64,
    /// Deviation of the noise on observations, in shares of their own deviation.
    pub noise: f64,
}

impl Default for PolishSection {
    fn default() -> Self {
        Self {
            enabled: true,
            environment_steps: 10_000_000,
            lambdas: vec![3.0, 0.5],
            step_size: 0.1,
            tail_weight: 0.25,
            generations: 100,
            tolerance: 0.001,
            perturbation: 0.0,
            noise: 0.0,
        }
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
