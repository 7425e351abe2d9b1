//! A formula as text, mathematics and code.

mod latex;
mod names;
mod text;

use crate::expression::SymbolicError;
use crate::formula::Formula;
use std::str::FromStr;

/// A format that [`export`] writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Plain text for people; each expression reads back by [`str::parse`].
    Text,
    /// LaTeX: an `aligned` environment, to be put between dollar signs.
    Latex,
    /// The JSON tree that [`Formula::from_json`] reads: `formula.json`.
    Json,
}

impl Format {
    /// All formats.
    pub const ALL: [Self; 3] = [Self::Text, Self::Latex, Self::Json];

    /// Its name on a command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Latex => "latex",
            Self::Json => "json",
        }
    }
}

impl FromStr for Format {
    type Err = SymbolicError;

    fn from_str(name: &str) -> Result<Self, SymbolicError> {
        let names = Self::ALL.map(Self::name);
        Self::ALL.into_iter().find(|format| format.name() == name).ok_or_else(|| {
            let nearest = kan_core::suggest::nearest(name, &names).map(str::to_owned);
            let hint = kan_core::suggest::did_you_mean(&nearest);
            SymbolicError::Invalid(format!("unknown format `{name}`{hint}; there are {}", names.join(", ")))
        })
    }
}

/// The formula in that format.
///
/// # Errors
/// [`SymbolicError`] where the format cannot hold it, such as a name that two variables would share.
pub fn export(formula: &Formula, format: Format) -> Result<String, SymbolicError> {
    Ok(match format {
        Format::Text => text::plain(formula),
        Format::Latex => latex::formula(formula, latex::DEFAULT_WIDTH),
        Format::Json => formula.to_json(),
    })
}

pub use latex::{DEFAULT_WIDTH, expression as latex_expression, formula as latex_formula};
pub use text::unicode;
