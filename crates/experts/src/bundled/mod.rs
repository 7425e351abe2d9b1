//! Experts that come with kanrl, compiled in: trained by [`training`](crate::training), one for each environment.
//!
//! Beside each one's weights stand its hyper-parameters with the returns of every training seed (`ID.json`) and its
//! training log (`ID.csv`); `docs/experts.md` says what was tried. Of Hopper-v4 also a failure is kept (`Hopper-v4.rl-zoo.*`:
//! five seeds that learned to stand still), and the additive Kolmogorov-Arnold network that hops (`Hopper-v4.kan.*`).
//!
//! ```
//! let expert = kanrl_experts::bundled::find("CartPole-v1").expect("it comes with kanrl");
//! let evaluation = expert.record().evaluation.expect("it was measured");
//! assert_eq!((evaluation.episodes, evaluation.mean_return), (100, 500.0));
//! ```

use crate::ExpertError;
use crate::network_file::NetworkFile;
use crate::training::TrainingRecord;
use kanrl_core::config::{BuildError, ExpertConfig, ExpertSource};
use kanrl_core::environment::EnvironmentSpec;
use kanrl_core::policy::ExpertPolicy;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Every bundled expert, sorted by environment.
static EXPERTS: &[BundledExpert] = &[
    expert("Acrobot-v1", &[], include_bytes!("../../bundled/Acrobot-v1.safetensors")),
    expert("BipedalWalker-v3", &[], include_bytes!("../../bundled/BipedalWalker-v3.safetensors")),
    expert("CartPole-v1", &[], include_bytes!("../../bundled/CartPole-v1.safetensors")),
    expert(
        "HalfCheetah-v5",
        &["HalfCheetah-v3", "HalfCheetah-v4"],
        include_bytes!("../../bundled/HalfCheetah-v5.safetensors"),
    ),
    expert("Hopper-v4", &["Hopper-v3", "Hopper-v5"], include_bytes!("../../bundled/Hopper-v4.safetensors")),
    expert("InvertedDoublePendulum-v5", &[], include_bytes!("../../bundled/InvertedDoublePendulum-v5.safetensors")),
    expert(
        "InvertedPendulum-v5",
        &["InvertedPendulum-v4"],
        include_bytes!("../../bundled/InvertedPendulum-v5.safetensors"),
    ),
    expert("LunarLander-v3", &["LunarLander-v2"], include_bytes!("../../bundled/LunarLander-v3.safetensors")),
    expert(
        "LunarLanderContinuous-v3",
        &["LunarLanderContinuous-v2"],
        include_bytes!("../../bundled/LunarLanderContinuous-v3.safetensors"),
    ),
    expert("MountainCar-v0", &[], include_bytes!("../../bundled/MountainCar-v0.safetensors")),
    expert("MountainCarContinuous-v0", &[], include_bytes!("../../bundled/MountainCarContinuous-v0.safetensors")),
    expert("Pendulum-v1", &[], include_bytes!("../../bundled/Pendulum-v1.safetensors")),
    expert("Reacher-v5", &[], include_bytes!("../../bundled/Reacher-v5.safetensors")),
    expert("Swimmer-v4", &["Swimmer-v3", "Swimmer-v5"], include_bytes!("../../bundled/Swimmer-v4.safetensors")),
    expert("Walker2d-v4", &["Walker2d-v3", "Walker2d-v5"], include_bytes!("../../bundled/Walker2d-v4.safetensors")),
];

/// An expert that comes with kanrl.
#[derive(Debug, PartialEq, Eq)]
pub struct BundledExpert {
    environment: &'static str,
    also_for: &'static [&'static str],
    bytes: &'static [u8],
}

const fn expert(environment: &'static str, also_for: &'static [&'static str], bytes: &'static [u8]) -> BundledExpert {
    BundledExpert { environment, also_for, bytes }
}

/// All of them, sorted by environment.
pub fn list() -> &'static [BundledExpert] {
    EXPERTS
}

/// The one for an environment's id. `gymnasium:ID`, the same environment in Python, has the same expert.
pub fn find(environment: &str) -> Option<&'static BundledExpert> {
    let environment = environment.strip_prefix("gymnasium:").unwrap_or(environment);
    EXPERTS.iter().find(|expert| expert.environment == environment || expert.also_for.contains(&environment))
}

impl BundledExpert {
    /// Id of the environment it was trained and measured in.
    pub fn environment(&self) -> &'static str {
        self.environment
    }

    /// Ids of other versions of the environment that it plays as well.
    pub fn also_for(&self) -> &'static [&'static str] {
        self.also_for
    }

    /// The safetensors file.
    pub fn bytes(&self) -> &'static [u8] {
        self.bytes
    }

    /// Where it comes from, for lists.
    pub fn source(&self) -> &'static str {
        "kanrl train-expert"
    }

    /// How it was trained, and its return over 100 episodes.
    pub fn record(&self) -> TrainingRecord {
        self.file().description().training.clone().expect("every file has a record: a test reads them all")
    }

    /// The file, read.
    pub fn file(&self) -> NetworkFile {
        let name = format!("bundled:{}", self.environment);
        NetworkFile::read(&name, self.bytes).expect("every file is readable: a test reads them all")
    }
}

/// `kind = "bundled"`: an expert that comes with kanrl.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BundledConfig {
    /// Id of the environment that it was trained in. Default: the one it is to play in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
}

impl BundledConfig {
    /// The expert for the environment that is named, or else for `played`.
    pub(crate) fn find(&self, played: &str) -> Result<&'static BundledExpert, ExpertError> {
        let id = self.environment.as_deref().unwrap_or(played);
        find(id).ok_or_else(|| {
            let known: Vec<&str> = EXPERTS.iter().map(BundledExpert::environment).collect();
            let reason = format!(
                "no expert for `{id}` comes with kanrl (there are some for {}); train one with `kanrl train-expert {id}` \
                 or give one with `--expert FILE.zip`",
                known.join(", ")
            );
            ExpertError::Reference { reference: "bundled".to_owned(), reason }
        })
    }
}

#[typetag::serde(name = "bundled")]
impl ExpertConfig for BundledConfig {
    fn build(&self, environment: &EnvironmentSpec) -> Result<Arc<dyn ExpertPolicy>, BuildError> {
        let expert = self.find(&environment.id).and_then(|expert| expert.file().for_environment(environment));
        Ok(Arc::new(expert.map_err(ExpertError::into_build_error)?))
    }

    fn sources(&self, environment: &EnvironmentSpec) -> Result<Vec<ExpertSource>, BuildError> {
        let expert = self.find(&environment.id).into_iter();
        let source = |expert: &BundledExpert| ExpertSource {
            name: format!("bundled:{}", expert.environment),
            content: expert.bytes.to_vec(),
        };
        Ok(expert.map(source).collect())
    }
}
