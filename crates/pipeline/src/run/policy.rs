//! Policies that a run made: in configs (`kind = "run"`), on command lines (`run:DIR#ROLE`), and read back.

use super::{PolicyRole, RunFile, RunStore, RunStoreError};
use crate::config::MergedConfig;
use crate::head::StudentHead;
use kanrl_core::approximator::{FunctionApproximator, Samples};
use kanrl_core::config::{BuildError, ComponentDescription, ExpertConfig, ExpertSource};
use kanrl_core::environment::EnvironmentSpec;
use kanrl_core::policy::ExpertPolicy;
use kanrl_experts::{ExpertError, FunctionPolicy, PolicyOptions, PolicyReference, StandalonePolicy};
use kanrl_symbolic::{Formula, graph_expressions};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt::{Display, Formatter};
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

/// A policy by name: one that a run made, or whatever [`PolicyReference`] names. The one grammar of every command.
///
/// | text | policy |
/// |---|---|
/// | `run:DIR` | a run's headline formula |
/// | `run:DIR#faithful` | its faithful formula |
/// | `run:DIR#polished` | its polished formula |
/// | `run:DIR#network` | its network |
/// | anything else | see [`PolicyReference`] |
///
/// ```
/// use kanrl_pipeline::run::{PolicyRole, PolicySource};
///
/// let policy: PolicySource = "run:runs/first#faithful".parse()?;
/// let PolicySource::Run(run) = &policy else { unreachable!() };
/// assert_eq!(run.role, PolicyRole::Faithful);
/// assert_eq!(policy.to_string(), "run:runs/first#faithful");
/// assert!("run:runs/first#expert".parse::<PolicySource>().is_err());
/// # Ok::<(), kanrl_experts::ExpertError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PolicySource {
    /// What a run made.
    Run(RunPolicy),
    /// Anything else.
    Other(PolicyReference),
}

/// `kind = "run"`: a policy that a run made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RunPolicy {
    /// The run directory.
    pub directory: PathBuf,
    /// Which of its policies: headline, faithful, polished or network.
    #[serde(default = "headline")]
    pub role: PolicyRole,
}

fn headline() -> PolicyRole {
    PolicyRole::Headline
}

impl RunPolicy {
    /// What `kanrl config kinds` says of it.
    pub const DESCRIPTION: ComponentDescription = ComponentDescription {
        component: "expert",
        kind: "run",
        summary: "a policy that a run made",
        example: "kind = \"run\"\ndirectory = \"runs/first\"\nrole = \"network\"\n",
        schema: |generator| generator.subschema_for::<Self>(),
    };

    /// The policy without an environment: a formula says itself what it takes and gives, and the network takes and gives
    /// what the headline formula does.
    ///
    /// # Errors
    /// [`BuildError`] where it cannot be read.
    pub fn standalone(&self) -> Result<StandalonePolicy, BuildError> {
        let run = self.open()?;
        let source = self.to_string();
        let policy = match self.role {
            PolicyRole::Network => {
                let unnamed = |_| BuildError {
                    component: "expert",
                    reason: format!(
                        "`{source}` has neither names nor bounds, and its run has no formula yet; name the environment"
                    ),
                    source: None,
                };
                let formula = run.formula(PolicyRole::Headline).map_err(unnamed)?;
                StandalonePolicy::of_network(self.network(&run)?, &formula, source)
            }
            role => StandalonePolicy::of_formula(&run.formula(role).map_err(failed)?, source),
        };
        policy.map_err(ExpertError::into_build_error)
    }

    fn open(&self) -> Result<RunStore, BuildError> {
        RunStore::open(&self.directory).map_err(failed)
    }

    /// The network as a formula with its curves, which computes what the network does; `None` for a kind that is not a formula.
    fn network_formula(&self, environment: &EnvironmentSpec) -> Result<Option<Formula>, BuildError> {
        let network = self.network(&self.open()?)?;
        let (inputs, head) = (network.inputs(), StudentHead::new(environment.action_space.clone()));
        let names = environment.observation_space.names();
        let error = |reason: String| BuildError { component: "expert", reason, source: None };
        if inputs != names.len() || network.outputs() != head.outputs() {
            return Err(error(format!(
                "the network takes {inputs} observations and gives {} outputs, which `{}` has not",
                network.outputs(),
                environment.id
            )));
        }
        // One row is enough: the importances of edges are not asked for.
        let samples = Samples { inputs: &vec![0.0; inputs], targets: &vec![0.0; head.outputs()], weights: &[1.0] };
        let Some(mut graph) = network.graph(samples) else { return Ok(None) };
        graph.set_input_names(&names);
        let formula = graph_expressions(&graph).and_then(|expressions| head.formula(names, expressions));
        formula.map(Some).map_err(|reason| error(format!("the network is not a formula: {reason}")))
    }

    /// The network, as the run's own kind of approximator reads it.
    fn network(&self, run: &RunStore) -> Result<Box<dyn FunctionApproximator>, BuildError> {
        let config = run.config().and_then(|raw| MergedConfig::new(raw).resolve());
        let config = config.map_err(|error| {
            failed(RunStoreError::Damaged { path: run.path_of(RunFile::Config), reason: error.to_string() })
        })?;
        config.approximator.load(&run.read(RunFile::Network).map_err(failed)?)
    }
}

fn failed(error: RunStoreError) -> BuildError {
    BuildError { component: "expert", reason: error.to_string(), source: None }
}

#[typetag::serde(name = "run")]
impl ExpertConfig for RunPolicy {
    fn build(&self, environment: &EnvironmentSpec) -> Result<Arc<dyn ExpertPolicy>, BuildError> {
        let run = self.open()?;
        let source = self.to_string();
        let policy = match self.role {
            PolicyRole::Network => FunctionPolicy::from_approximator(self.network(&run)?, environment, source),
            role => FunctionPolicy::from_formula(&run.formula(role).map_err(failed)?, environment, source),
        };
        Ok(Arc::new(policy.map_err(ExpertError::into_build_error)?))
    }

    fn sources(&self, _environment: &EnvironmentSpec) -> Result<Vec<ExpertSource>, BuildError> {
        let run = self.open()?;
        let file = RunFile::of_policy(self.role).ok_or_else(|| failed(RunStoreError::NoFormula { role: self.role }))?;
        let content = run.read(file).map_err(failed)?;
        Ok(vec![ExpertSource { name: run.path_of(file).display().to_string(), content }])
    }
}

impl PolicySource {
    /// Loads the policy and checks that it fits the environment; for a policy whose name says everything.
    ///
    /// # Errors
    /// [`BuildError`] where it cannot be read or does not fit.
    pub fn resolve(&self, environment: &EnvironmentSpec) -> Result<Arc<dyn ExpertPolicy>, BuildError> {
        self.config(&PolicyOptions::default()).map_err(ExpertError::into_build_error)?.build(environment)
    }

    /// The expert's config, as a config file would hold it, with what the name does not say.
    ///
    /// # Errors
    /// [`ExpertError::Reference`] for kinds that this build cannot load, and for options that the policy has no use for.
    pub fn config(&self, options: &PolicyOptions) -> Result<Box<dyn ExpertConfig>, ExpertError> {
        match self {
            Self::Run(run) if *options == PolicyOptions::default() => Ok(Box::new(run.clone())),
            Self::Run(_) => Err(ExpertError::Reference {
                reference: self.to_string(),
                reason: "a run records how its policies are read: leave out --normalization and --activation"
                    .to_owned(),
            }),
            Self::Other(reference) => reference.config(options),
        }
    }

    /// Loads the policy without an environment; see [`PolicyReference::standalone`] and [`RunPolicy::standalone`].
    ///
    /// # Errors
    /// [`BuildError`] where it cannot be read, does not say enough about itself, or has no use for an option.
    pub fn standalone(&self, options: &PolicyOptions) -> Result<StandalonePolicy, BuildError> {
        match self {
            Self::Run(run) => {
                self.config(options).map_err(ExpertError::into_build_error)?;
                run.standalone()
            }
            Self::Other(reference) => reference.standalone(options).map_err(ExpertError::into_build_error),
        }
    }

    /// The formula that it is, if it is one; a text is one for an environment only.
    ///
    /// # Errors
    /// [`BuildError`] where it cannot be read, or does not fit the environment.
    pub fn formula(&self, environment: Option<&EnvironmentSpec>) -> Result<Option<Formula>, BuildError> {
        match self {
            Self::Run(RunPolicy { role: PolicyRole::Network, .. }) => Ok(None),
            Self::Run(run) => run.open()?.formula(run.role).map(Some).map_err(failed),
            Self::Other(reference) => reference.formula(environment).map_err(ExpertError::into_build_error),
        }
    }

    /// The formula that it is, or that computes what a run's network does: a curve for each of its edges.
    ///
    /// # Errors
    /// As [`Self::formula`], and for a network that no formula can hold.
    pub fn formula_or_network(&self, environment: Option<&EnvironmentSpec>) -> Result<Option<Formula>, BuildError> {
        match (self, environment) {
            (Self::Run(run), Some(environment)) if run.role == PolicyRole::Network => run.network_formula(environment),
            _ => self.formula(environment),
        }
    }
}

impl FromStr for PolicySource {
    type Err = ExpertError;

    fn from_str(text: &str) -> Result<Self, ExpertError> {
        let Some(run) = text.strip_prefix("run:") else {
            return match text.parse() {
                Err(ExpertError::Reference { reference, reason }) if reason == kanrl_experts::EXPECTED_REFERENCE => {
                    Err(ExpertError::Reference { reference, reason: format!("{reason} or run:DIR") })
                }
                other => other.map(Self::Other),
            };
        };
        let error = |reason: String| ExpertError::Reference { reference: text.to_owned(), reason };
        let (directory, role) = match run.rsplit_once('#') {
            None => (run, PolicyRole::Headline),
            Some((directory, role)) => (directory, role.parse().map_err(|unknown| error(format!("{unknown}")))?),
        };
        if directory.is_empty() {
            return Err(error("expected a run directory after `run:`".to_owned()));
        }
        if role == PolicyRole::Expert {
            return Err(error("a run does not hold its expert: name the expert itself".to_owned()));
        }
        Ok(Self::Run(RunPolicy { directory: directory.into(), role }))
    }
}

impl Display for PolicySource {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Run(run) => run.fmt(formatter),
            Self::Other(reference) => reference.fmt(formatter),
        }
    }
}

impl Display for RunPolicy {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "run:{}", self.directory.display())?;
        if self.role == PolicyRole::Headline { Ok(()) } else { write!(formatter, "#{}", self.role) }
    }
}

impl RunStore {
    /// The formula that has a role.
    ///
    /// # Errors
    /// [`RunStoreError::NoFormula`] for the expert and the network, [`RunStoreError::Read`] where the run has none of this
    /// role, [`RunStoreError::Damaged`] where the file holds no formula.
    pub fn formula(&self, role: PolicyRole) -> Result<Formula, RunStoreError> {
        let file = match role {
            PolicyRole::Expert | PolicyRole::Network => None,
            role => RunFile::of_policy(role),
        };
        let file = file.ok_or(RunStoreError::NoFormula { role })?;
        let damaged = |error: kanrl_symbolic::SymbolicError| RunStoreError::Damaged {
            path: self.path_of(file),
            reason: error.to_string(),
        };
        Formula::from_json(&self.read_text(file)?).map_err(damaged)
    }
}
