//! Policies without an environment: what each kind says about itself.

use crate::bundled::BundledConfig;
use crate::formula;
use crate::network_file::NetworkFile;
use crate::options::PolicyOptions;
use crate::sb3::Sb3Archive;
use crate::spaces::{Actions, plain_environment};
use crate::torch::agent::{TorchAgent, TorchConfig};
use crate::{ExpertError, FunctionPolicy, PolicyReference, function_policy};
use kanrl_core::approximator::FunctionApproximator;
use kanrl_core::environment::EnvironmentSpec;
use kanrl_core::policy::ExpertPolicy;
use kanrl_core::space::ActionSpace;
use kanrl_symbolic::{Expression, Formula};
use std::sync::Arc;

/// A policy that was loaded without an environment; see [`PolicyReference::standalone`].
pub struct StandalonePolicy {
    /// The policy; where it has no names for its actions, they are `a_0`, `a_1`, ….
    pub policy: Arc<dyn ExpertPolicy>,
    /// Names of the observation's coordinates, in order; empty where the policy does not know them.
    pub observation_names: Vec<String>,
    /// What a log called the discrete actions, in the order of their numbers; empty where it is not learned from labels.
    pub labels: Vec<String>,
}

impl StandalonePolicy {
    /// A formula, which says itself what it takes and gives; `source` names it in errors and reports.
    ///
    /// # Errors
    /// [`ExpertError`] where it cannot be evaluated.
    pub fn of_formula(formula: &Formula, source: String) -> Result<Self, ExpertError> {
        let environment = environment_of(formula, &source);
        let policy = named(FunctionPolicy::from_formula(formula, &environment, source)?, &environment)?;
        Ok(Self { labels: formula.labels().to_vec(), ..policy })
    }

    /// A network, which has neither names nor bounds of its own, with those of a formula of the same inputs and actions.
    ///
    /// # Errors
    /// [`ExpertError::Mismatch`] where they are not the same.
    pub fn of_network(
        network: Box<dyn FunctionApproximator>,
        formula: &Formula,
        source: String,
    ) -> Result<Self, ExpertError> {
        let environment = environment_of(formula, &source);
        let policy = named(FunctionPolicy::from_approximator(network, &environment, source)?, &environment)?;
        Ok(Self { labels: formula.labels().to_vec(), ..policy })
    }
}

impl PolicyReference {
    /// The formula that it names, if it names one; a text is one for an environment only.
    ///
    /// # Errors
    /// [`ExpertError`] where it cannot be read, or does not fit the environment.
    pub fn formula(&self, environment: Option<&EnvironmentSpec>) -> Result<Option<Formula>, ExpertError> {
        match (self, environment) {
            (Self::FormulaFile(path), _) => formula::read(path).map(Some),
            (Self::Formula(text), Some(environment)) => FunctionPolicy::parse(text, environment).map(Some),
            #[cfg(feature = "hub")]
            (Self::Hub { repository }, _) => {
                crate::hub::Hub::from_environment()?.formula(&crate::hub::HubConfig::new(repository))
            }
            _ => Ok(None),
        }
    }

    /// Loads the policy without an environment, as far as it says itself what it takes and gives.
    ///
    /// - Archives, networks and bundled experts know the sizes and bounds, not the names.
    /// - State dicts know the sizes; a vector action's bounds only where they are among the tensors.
    /// - Formula files know the names as well.
    /// - ONNX knows sizes only: numbers come as they are, neither clipped nor compared.
    /// - A formula's text gives its values as they are; the observation's names are its variables, sorted.
    ///
    /// # Errors
    /// As [`Self::config`]; [`ExpertError`] also where it cannot be read, or does not say enough: `bundled` without a name, ONNX
    /// of any size.
    pub fn standalone(&self, options: &PolicyOptions) -> Result<StandalonePolicy, ExpertError> {
        // Refuses options that are of no use.
        self.config(options)?;
        match self {
            Self::Bundled => {
                Err(self.error("it does not name an environment; use bundled:ENVIRONMENT, such as bundled:CartPole-v1"))
            }
            Self::BundledFor(id) => {
                let config = BundledConfig { environment: Some(id.clone()) };
                unnamed(config.find(id)?.file().standalone()?)
            }
            Self::Sb3(path) => unnamed(Sb3Archive::open(&Self::sb3_config(path, options))?.standalone(None)?),
            Self::Torch(path) => {
                let config = TorchConfig { path: path.clone(), activation: options.activation };
                unnamed(TorchAgent::open(&config)?.standalone()?)
            }
            Self::Safetensors(path) => unnamed(NetworkFile::open(path)?.standalone()?),
            #[cfg(feature = "hub")]
            Self::Hub { repository } => {
                let config = crate::hub::HubConfig::new(repository);
                if let Some(formula) = crate::hub::Hub::from_environment()?.formula(&config)? {
                    return StandalonePolicy::of_formula(&formula, format!("hub:{repository}"));
                }
                unnamed(crate::hub::Hub::from_environment()?.archive(&config)?.standalone(None)?)
            }
            #[cfg(feature = "onnx")]
            Self::Onnx(path) => unnamed(crate::onnx::OnnxPolicy::standalone(path)?),
            Self::FormulaFile(path) => StandalonePolicy::of_formula(&formula::read(path)?, path.display().to_string()),
            Self::Formula(text) => of_text(text),
            #[cfg(not(all(feature = "hub", feature = "onnx")))]
            // This build cannot load it, and the config's error says so.
            other => Err(other.config(options).expect_err("every other kind is handled above")),
        }
    }
}

fn unnamed(policy: impl ExpertPolicy + 'static) -> Result<StandalonePolicy, ExpertError> {
    Ok(StandalonePolicy { policy: Arc::new(policy), observation_names: Vec::new(), labels: Vec::new() })
}

fn named(policy: FunctionPolicy, environment: &EnvironmentSpec) -> Result<StandalonePolicy, ExpertError> {
    let observation_names = environment.observation_space.names();
    Ok(StandalonePolicy { policy: Arc::new(policy), observation_names, labels: Vec::new() })
}

/// What a formula says of the environment it is for.
fn environment_of(formula: &Formula, source: &str) -> EnvironmentSpec {
    let mut space = function_policy::actions(formula).to_space();
    if let ActionSpace::Box(space) = &mut space {
        for (coordinate, output) in space.coordinates.iter_mut().zip(formula.outputs()) {
            coordinate.name.clone_from(&output.name);
        }
    }
    plain_environment(source.to_owned(), formula.inputs(), space)
}

fn of_text(text: &str) -> Result<StandalonePolicy, ExpertError> {
    let unusable = |error| ExpertError::malformed(&format!("formula:{text}"), format!("is not usable: {error}"));
    let expressions: Vec<Expression> =
        text.split(';').map(|text| text.trim().parse()).collect::<Result<_, _>>().map_err(unusable)?;
    let mut names: Vec<String> =
        expressions.iter().flat_map(Expression::variables).map(|name| name.to_string()).collect();
    names.sort();
    names.dedup();
    if names.is_empty() {
        return Err(ExpertError::malformed(&format!("formula:{text}"), "uses no observation"));
    }
    let unbounded =
        Actions::Box { low: vec![f64::NEG_INFINITY; expressions.len()], high: vec![f64::INFINITY; expressions.len()] };
    let environment = plain_environment("formula".to_owned(), &names, unbounded.to_space());
    named(FunctionPolicy::from_text(text, &environment)?, &environment)
}
