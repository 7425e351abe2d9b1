//! `kind = "formula"`: formulas as experts.

use crate::ExpertError;
use crate::archive::{read_file, sources};
use crate::function_policy::FunctionPolicy;
use kanrl_core::config::{BuildError, ExpertConfig, ExpertSource};
use kanrl_core::environment::EnvironmentSpec;
use kanrl_core::policy::ExpertPolicy;
use kanrl_symbolic::Formula;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Largest formula file, in bytes.
const MAX_FORMULA: u64 = 16 << 20;

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
