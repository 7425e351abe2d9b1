//! The library as data.

use super::{Library, LibraryFunction, builtin};
use crate::expression::{Expression, SymbolicError};
use kanrl_core::config::{BuildError, ComponentDescription, SymbolicLibraryConfig};
use kanrl_core::function::{Domain, SymbolicLibrary};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// `kind = "default"`: built-in functions by name, and functions of the user's as expressions.
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
    /// Names of the functions to search, built-in or defined in `user_functions`.
    pub functions: Vec<String>,
    /// Fraction of a curve's range, on both sides, on which a candidate must still be in its domain.
    pub margin: f64,
    /// How much simplicity counts in the ranking, 0 (only r² does) to 1 (pykan's default is 0.8).
    pub simplicity: f64,
    /// Whether functions may be guarded by clipping their argument, instead of being kept in their domain by the fit.
    pub guards: bool,
    /// Functions that are expressions.
    pub user_functions: Vec<UserFunction>,
}

/// A function of the user's.
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
    /// How hard it is to read (pykan's scale: 1 for x, 5 for the least readable).
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
    summary: "pykan's functions by name, and functions that are expressions",
    example: "kind = \"default\"\nfunctions = [\"x\", \"x^2\", \"sin\", \"tanh\"]\nmargin = 0.1\nsimplicity = 0.2\n",
    schema: |generator| generator.subschema_for::<DefaultLibraryConfig>(),
}];
