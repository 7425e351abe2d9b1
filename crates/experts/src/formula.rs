//! `kind = "formula"` and `kind = "run"`: what kanrl itself made, as experts.

use crate::ExpertError;
use crate::archive::{read_file, sources};
use crate::function_policy::FunctionPolicy;
use crate::reference::RunPart;
use kanrl_core::config::{ApproximatorConfig, BuildError, ExpertConfig, ExpertSource};
use kanrl_core::environment::EnvironmentSpec;
use kanrl_core::kan::KanConfig;
use kanrl_core::policy::ExpertPolicy;
use kanrl_symbolic::Formula;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Largest formula file, in bytes.
const MAX_FORMULA: u64 = 16 << 20;
/// Largest weights of a run's network, in bytes.
const MAX_WEIGHTS: u64 = 256 << 20;

/// Names of the files that a run directory keeps its policies in.
pub mod run_files {
    /// The formula that plays best.
    pub const FORMULA: &str = "formula.json";
    /// The formula that explains the expert.
    pub const FAITHFUL: &str = "faithful.json";
    /// The same with its constants tuned on return.
    pub const POLISHED: &str = "polished.json";
    /// The network before it became a formula.
    pub const KAN: &str = "kan.safetensors";
}

/// `kind = "formula"`: a formula file, or a formula.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FormulaConfig {
    /// A `formula.json`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<PathBuf>,
    /// An expression for each output, separated by `;`; instead of `path`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expression: Option<String>,
}

#[typetag::serde(name = "formula")]
impl ExpertConfig for FormulaConfig {
    fn build(&self, environment: &EnvironmentSpec) -> Result<Arc<dyn ExpertPolicy>, BuildError> {
        let policy = match (&self.path, &self.expression) {
            (Some(path), None) => from_file(path, environment),
            (None, Some(expression)) => FunctionPolicy::from_text(expression, environment),
            _ => Err(ExpertError::Reference {
                reference: "formula".to_owned(),
                reason: "expected either `path` or `expression`".to_owned(),
            }),
        };
        Ok(Arc::new(policy.map_err(ExpertError::into_build_error)?))
    }

    fn sources(&self, _environment: &EnvironmentSpec) -> Result<Vec<ExpertSource>, BuildError> {
        self.path.as_deref().map_or(Ok(Vec::new()), |path| sources(&[path]))
    }
}

/// `kind = "run"`: a policy that a run made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RunConfig {
    /// The run directory.
    pub directory: PathBuf,
    /// Which of its policies.
    #[serde(default)]
    pub part: RunPart,
}

#[typetag::serde(name = "run")]
impl ExpertConfig for RunConfig {
    fn build(&self, environment: &EnvironmentSpec) -> Result<Arc<dyn ExpertPolicy>, BuildError> {
        let file = self.file();
        let policy = match self.part {
            RunPart::Formula | RunPart::Faithful => from_file(&file, environment),
            RunPart::Kan => kan(&file, environment),
        };
        Ok(Arc::new(policy.map_err(ExpertError::into_build_error)?))
    }

    fn sources(&self, _environment: &EnvironmentSpec) -> Result<Vec<ExpertSource>, BuildError> {
        sources(&[&self.file()])
    }
}

impl RunConfig {
    pub(crate) fn file(&self) -> PathBuf {
        self.directory.join(match self.part {
            RunPart::Formula => run_files::FORMULA,
            RunPart::Faithful => run_files::FAITHFUL,
            RunPart::Kan => run_files::KAN,
        })
    }
}

/// The formula of a `formula.json`.
///
/// # Errors
/// [`ExpertError`] for a file that cannot be read, is too large, or holds no formula.
pub fn read(path: &Path) -> Result<Formula, ExpertError> {
    let file = path.display().to_string();
    let malformed = |reason: String| ExpertError::malformed(&file, reason);
    let text = String::from_utf8(read_file(path, MAX_FORMULA)?)
        .map_err(|_| malformed("is not text; expected a formula that kanrl wrote".to_owned()))?;
    Formula::from_json(&text).map_err(|error| malformed(format!("cannot be used: {error}")))
}

fn from_file(path: &Path, environment: &EnvironmentSpec) -> Result<FunctionPolicy, ExpertError> {
    FunctionPolicy::from_formula(&read(path)?, environment, path.display().to_string())
}

pub(crate) fn kan(path: &Path, environment: &EnvironmentSpec) -> Result<FunctionPolicy, ExpertError> {
    let file = path.display().to_string();
    let approximator = KanConfig::default().load(&read_file(path, MAX_WEIGHTS)?).map_err(|error| {
        let source = error.source.map_or_else(String::new, |source| format!(": {source}"));
        ExpertError::malformed(&file, format!("is not a network that kanrl wrote: {}{source}", error.reason))
    })?;
    FunctionPolicy::from_approximator(approximator, environment, file)
}
