//! The library as data.

use super::{Library, LibraryFunction, builtin};
use crate::expression::{Expression, SymbolicError};
use kanrl_core::config::{BuildError, ComponentDescription, SymbolicLibraryConfig};
use kanrl_core::function::{Domain, SymbolicLibrary};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// `kind = "default"`: built-in functions by name, and user-defined functions as expressions.
///
/// ```
/// let library: kanrl_symbolic::library::DefaultLibraryConfig = toml::from_str(r#"
///     functions = ["x", "sin", "softplus"]
///     margin = 0.2
///     [[user_functions]]
///     name = "softplus"
///     expression = "log(1 + exp(x))"
///     complexity = 4
/// "#)?;
/// assert_eq!(library.library()?.functions().len(), 3);
/// # use kanrl_core::function::SymbolicLibrary;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DefaultLibraryConfig {
    /// Names of the functions to search: pykan's (`kanrl config kinds` lists them), or defined in `user_functions`.
    pub functions: Vec<String>,
    /// A candidate must be defined beyond a curve's range by this fraction of the range, on both sides.
    pub margin: f64,
    /// Weight of simplicity in the ranking, from 0 (only R² counts) to 1 (pykan's default is 0.8).
    pub simplicity: f64,
    /// Whether to clip arguments to a function's domain, instead of relying on the fit to stay inside.
    pub guards: bool,
    /// User-defined functions.
    pub user_functions: Vec<UserFunction>,
}

/// A user-defined function.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UserFunction {
    /// Its name.
    pub name: String,
    /// Its expression over `x`.
    pub expression: String,
    /// Where it is defined: `All` (the default), `Positive`, `NonNegative`, `NonZero`, `UnitInterval`,
    /// `OpenUnitInterval` or `BetweenPoles`.
    #[serde(default = "everywhere")]
    pub domain: Domain,
    /// How hard it is to read, on pykan's scale: 1 for x, 5 for the least readable.
    pub complexity: f64,
}

fn everywhere() -> Domain {
    Domain::All
}

impl Default for DefaultLibraryConfig {
    fn default() -> Self {
        Self {
            functions: builtin::DEFAULT_FUNCTIONS.map(str::to_owned).to_vec(),
            margin: Library::DEFAULT_MARGIN,
            simplicity: Library::DEFAULT_SIMPLICITY,
            guards: false,
            user_functions: Vec::new(),
        }
    }
}

impl DefaultLibraryConfig {
    /// The library.
    ///
    /// # Errors
    /// [`SymbolicError`] for unknown or repeated names, bad expressions, or numbers out of range.
    pub fn library(&self) -> Result<Library, SymbolicError> {
        let functions = self.functions.iter().map(|name| self.function(name).map(Arc::new));
        let library = Library::from_functions(functions.collect::<Result<_, _>>()?)?;
        Ok(library.with_margin(self.margin)?.with_simplicity(self.simplicity)?.with_guards(self.guards))
    }

    fn function(&self, name: &str) -> Result<LibraryFunction, SymbolicError> {
        match self.user_functions.iter().find(|function| function.name == name) {
            Some(user) => {
                let expression: Expression = user.expression.parse()?;
                LibraryFunction::from_expression(name, &expression, user.domain, user.complexity)
            }
            None => LibraryFunction::builtin(name),
        }
    }
}

#[typetag::serde(name = "default")]
impl SymbolicLibraryConfig for DefaultLibraryConfig {
    fn build(&self) -> Result<Arc<dyn SymbolicLibrary>, BuildError> {
        match self.library() {
            Ok(library) => Ok(Arc::new(library)),
            Err(error) => {
                Err(BuildError { component: "library", reason: error.to_string(), source: Some(Box::new(error)) })
            }
        }
    }
}

/// The symbolic libraries of this crate.
pub const COMPONENTS: [ComponentDescription; 1] = [ComponentDescription {
    component: "library",
    kind: "default",
    summary: "functions by name (x, x^2 to x^5, 1/x to 1/x^5, sqrt, x^0.5, x^1.5, 1/sqrt(x), 1/x^0.5, exp, log, abs, sin, cos, \
              tan, tanh, sgn, arcsin, arccos, arctan, arctanh, 0, gaussian), and your own expressions",
    example: "kind = \"default\"\nfunctions = [\"x\", \"x^2\", \"sin\", \"tanh\"]\nmargin = 0.1\nsimplicity = 0.2\n",
    schema: |generator| generator.subschema_for::<DefaultLibraryConfig>(),
}];
