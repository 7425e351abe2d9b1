//! Names of policies: bundled experts, files of others, formulas.

use crate::ExpertError;
use crate::NetworkPolicy;
use crate::bundled::BundledConfig;
use crate::formula::FormulaConfig;
use crate::network_file::{NetworkFile, SafetensorsConfig};
use crate::options::PolicyOptions;
use crate::sb3::{Sb3Archive, Sb3Config};
use crate::torch::agent::{TorchAgent, TorchConfig};
use kanrl_core::config::ExpertConfig;
use kanrl_core::environment::EnvironmentSpec;
use serde::{Deserialize, Serialize};
use std::fmt::{Display, Formatter};
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// Where a policy comes from.
///
/// | text | policy |
/// |---|---|
/// | `bundled` | the expert that comes with kanrl for the environment |
/// | `bundled:ID` | the one for the environment `ID`, wherever it is played |
/// | `FILE.zip` | a Stable-Baselines3 archive |
/// | `hub:ORG/REPO` | an archive on the Hugging Face hub |
/// | `FILE.onnx` | an ONNX network |
/// | `FILE.pt`, `FILE.pth` | a state dict of torch |
/// | `FILE.safetensors` | a network with a description in its metadata |
/// | `FILE.json` | a formula that kanrl wrote |
/// | `formula:EXPRESSION` | a formula |
///
/// ```
/// use kanrl_experts::PolicyReference;
/// let policy: PolicyReference = "hub:sb3/ppo-CartPole-v1".parse()?;
/// assert_eq!(policy, PolicyReference::Hub { repository: "sb3/ppo-CartPole-v1".into() });
/// assert_eq!(policy.to_string(), "hub:sb3/ppo-CartPole-v1");
/// # Ok::<(), kanrl_experts::ExpertError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum PolicyReference {
    /// The expert that comes with kanrl.
    Bundled,
    /// The expert that comes with kanrl for this environment.
    BundledFor(String),
    /// A Stable-Baselines3 archive.
    Sb3(PathBuf),
    /// A repository on the Hugging Face hub.
    Hub {
        /// `ORG/REPO`.
        repository: String,
    },
    /// An ONNX network.
    Onnx(PathBuf),
    /// A state dict of torch.
    Torch(PathBuf),
    /// A network as safetensors.
    Safetensors(PathBuf),
    /// A formula file.
    FormulaFile(PathBuf),
    /// A formula.
    Formula(String),
}

/// What a policy's name may look like, as the reason of the error about one that does not.
pub const EXPECTED_REFERENCE: &str = "expected bundled, bundled:ENVIRONMENT, FILE.zip, hub:ORG/REPO, FILE.onnx, FILE.pt, \
                                      FILE.safetensors, FILE.json, formula:EXPRESSION";

impl PolicyReference {
    /// The expert's config, as a config file would hold it, with what the name does not say.
    ///
    /// # Errors
    /// [`ExpertError::Reference`] for kinds that this build cannot load, and for options that the policy has no use for.
    pub fn config(&self, options: &PolicyOptions) -> Result<Box<dyn ExpertConfig>, ExpertError> {
        if options.normalization.is_some() && !matches!(self, Self::Sb3(_)) {
            return Err(self.error("--normalization applies only to FILE.zip"));
        }
        if options.activation.is_some() && !matches!(self, Self::Torch(_)) {
            return Err(self.error("--activation applies only to FILE.pt; other files record it"));
        }
        match self {
            Self::Bundled => Ok(Box::new(BundledConfig::default())),
            Self::BundledFor(id) => Ok(Box::new(BundledConfig { environment: Some(id.clone()) })),
            Self::Sb3(path) => Ok(Box::new(Self::sb3_config(path, options))),
            Self::Torch(path) => Ok(Box::new(TorchConfig { path: path.clone(), activation: options.activation })),
            Self::Safetensors(path) => Ok(Box::new(SafetensorsConfig { path: path.clone() })),
            #[cfg(feature = "hub")]
            Self::Hub { repository } => Ok(Box::new(crate::hub::HubConfig::new(repository))),
            #[cfg(not(feature = "hub"))]
            Self::Hub { .. } => Err(self.error(
                "this build cannot use the Hugging Face hub; build with the feature `hub`, or download the archive and use FILE.zip",
            )),
            Self::FormulaFile(path) => Ok(Box::new(FormulaConfig { path: Some(path.clone()), expression: None })),
            Self::Formula(text) => Ok(Box::new(FormulaConfig { path: None, expression: Some(text.clone()) })),
            #[cfg(feature = "onnx")]
            Self::Onnx(path) => Ok(Box::new(crate::onnx::OnnxConfig { path: path.clone() })),
            #[cfg(not(feature = "onnx"))]
            Self::Onnx(_) => Err(self.error(
                "this build cannot run ONNX; build with the feature `onnx`, or use FILE.zip or FILE.safetensors",
            )),
        }
    }

    /// The network that it is, if it is one of dense layers.
    ///
    /// # Errors
    /// [`ExpertError`] where it cannot be read, or does not fit the environment.
    pub fn network(
        &self,
        options: &PolicyOptions,
        environment: &EnvironmentSpec,
    ) -> Result<Option<NetworkPolicy>, ExpertError> {
        self.config(options)?;
        let bundled = |config: BundledConfig| config.find(&environment.id)?.file().for_environment(environment);
        let network = match self {
            Self::Bundled => bundled(BundledConfig::default()),
            Self::BundledFor(id) => bundled(BundledConfig { environment: Some(id.clone()) }),
            Self::Sb3(path) => {
                Sb3Archive::open(&Self::sb3_config(path, options)).and_then(|file| file.for_environment(environment))
            }
            Self::Torch(path) => TorchAgent::open(&TorchConfig { path: path.clone(), activation: options.activation })
                .and_then(|file| file.for_environment(environment)),
            Self::Safetensors(path) => NetworkFile::open(path).and_then(|file| file.for_environment(environment)),
            Self::Hub { .. } | Self::FormulaFile(_) | Self::Formula(_) | Self::Onnx(_) => return Ok(None),
        };
        network.map(Some)
    }

    pub(crate) fn sb3_config(path: &Path, options: &PolicyOptions) -> Sb3Config {
        Sb3Config { path: path.to_owned(), vecnormalize: options.normalization.clone() }
    }

    pub(crate) fn error(&self, reason: &str) -> ExpertError {
        ExpertError::Reference { reference: self.to_string(), reason: reason.to_owned() }
    }
}

impl FromStr for PolicyReference {
    type Err = ExpertError;

    fn from_str(text: &str) -> Result<Self, ExpertError> {
        let error = |reason: &str| ExpertError::Reference { reference: text.to_owned(), reason: reason.to_owned() };
        if text == "bundled" {
            return Ok(Self::Bundled);
        }
        if let Some(id) = text.strip_prefix("bundled:") {
            return match id {
                "" => Err(error("expected bundled:ENVIRONMENT, such as bundled:CartPole-v1")),
                id => Ok(Self::BundledFor(id.to_owned())),
            };
        }
        if let Some(repository) = text.strip_prefix("hub:") {
            let valid = |part: &str| {
                let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
                !part.is_empty() && !part.starts_with('.') && part.bytes().all(allowed)
            };
            return match repository.split_once('/') {
                Some((owner, name)) if valid(owner) && valid(name) => {
                    Ok(Self::Hub { repository: repository.to_owned() })
                }
                _ => Err(error("expected hub:ORG/REPO, such as hub:sb3/ppo-CartPole-v1")),
            };
        }
        if let Some(expression) = text.strip_prefix("formula:") {
            return match expression.trim() {
                "" => Err(error("expected an expression after `formula:`")),
                expression => Ok(Self::Formula(expression.to_owned())),
            };
        }
        let path = PathBuf::from(text);
        match path.extension().and_then(|extension| extension.to_str()).map(str::to_ascii_lowercase).as_deref() {
            Some("zip") => Ok(Self::Sb3(path)),
            Some("onnx") => Ok(Self::Onnx(path)),
            Some("pt" | "pth") => Ok(Self::Torch(path)),
            Some("safetensors") => Ok(Self::Safetensors(path)),
            Some("json") => Ok(Self::FormulaFile(path)),
            _ => Err(error(EXPECTED_REFERENCE)),
        }
    }
}

impl Display for PolicyReference {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Bundled => formatter.write_str("bundled"),
            Self::BundledFor(id) => write!(formatter, "bundled:{id}"),
            Self::Sb3(path)
            | Self::Onnx(path)
            | Self::Torch(path)
            | Self::Safetensors(path)
            | Self::FormulaFile(path) => {
                write!(formatter, "{}", path.display())
            }
            Self::Hub { repository } => write!(formatter, "hub:{repository}"),
            Self::Formula(expression) => write!(formatter, "formula:{expression}"),
        }
    }
}

impl TryFrom<String> for PolicyReference {
    type Error = ExpertError;

    fn try_from(text: String) -> Result<Self, ExpertError> {
        text.parse()
    }
}

impl From<PolicyReference> for String {
    fn from(reference: PolicyReference) -> Self {
        reference.to_string()
    }
}
