//! A formula as text, mathematics and code.

mod c;
mod calls;
mod code;
mod javascript;
mod julia;
mod latex;
mod layout;
mod mathml;
mod monitor;
mod names;
mod octave;
mod parts;
mod python;
mod rust;
mod structured_text;
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
    /// MathML: a `<math>` element.
    MathMl,
    /// A Python module of SymPy expressions: `inputs`, `outputs`, and `action(observation)`.
    SymPy,
    /// A Python module of NumPy functions over batches: `outputs(observation)`, `action(observation)`.
    NumPy,
    /// A C99 file: `policy_outputs(observation, outputs)`, `policy_action(observation)`.
    C,
    /// A Rust module for `no_std`: `outputs(&observation)`, `action(&observation)`; it needs the crate `libm`.
    Rust,
    /// A JavaScript (ES) module: `outputs(observation)`, `action(observation)`.
    JavaScript,
    /// A function file for MATLAB and Octave: `[action, outputs] = policy(observation)`.
    Octave,
    /// A Julia module: `Policy.outputs(observation)`, `Policy.action(observation)`.
    Julia,
    /// Structured Text of IEC 61131-3: the function block `policy`.
    StructuredText,
    /// The JSON tree that [`Formula::from_json`] reads: `formula.json`.
    Json,
}

impl Format {
    /// All formats.
    pub const ALL: [Self; 12] = [
        Self::Text,
        Self::Latex,
        Self::MathMl,
        Self::SymPy,
        Self::NumPy,
        Self::C,
        Self::Rust,
        Self::JavaScript,
        Self::Octave,
        Self::Julia,
        Self::StructuredText,
        Self::Json,
    ];

    /// Its name on a command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Latex => "latex",
            Self::MathMl => "mathml",
            Self::SymPy => "sympy",
            Self::NumPy => "numpy",
            Self::C => "c",
            Self::Rust => "rust",
            Self::JavaScript => "javascript",
            Self::Octave => "octave",
            Self::Julia => "julia",
            Self::StructuredText => "structured-text",
            Self::Json => "json",
        }
    }
}

impl FromStr for Format {
    type Err = SymbolicError;

    fn from_str(name: &str) -> Result<Self, SymbolicError> {
        let names = Self::ALL.map(Self::name);
        Self::ALL.into_iter().find(|format| format.name() == name).ok_or_else(|| {
            let nearest = kanrl_core::suggest::nearest(name, &names).map(str::to_owned);
            let hint = kanrl_core::suggest::did_you_mean(&nearest);
            SymbolicError::Invalid(format!("unknown format `{name}`{hint}; there are {}", names.join(", ")))
        })
    }
}

/// The formula in that format.
///
/// # Errors
/// [`SymbolicError::Invalid`] where the format cannot hold it.
pub fn export(formula: &Formula, format: Format) -> Result<String, SymbolicError> {
    if matches!(format, Format::JavaScript | Format::Octave | Format::Julia | Format::StructuredText)
        && let Some(native) = code::natives(formula).first()
    {
        let (name, format) = (native.name, format.name());
        return Err(SymbolicError::Invalid(format!(
            "`{name}`, a function of the program's own, is not known in {format}"
        )));
    }
    Ok(match format {
        Format::Text => text::plain(formula),
        Format::Latex => latex::formula(formula, latex::DEFAULT_WIDTH),
        Format::MathMl => mathml::formula(formula, latex::DEFAULT_WIDTH),
        Format::SymPy => python::sympy(formula),
        Format::NumPy => python::numpy(formula),
        Format::C => c::formula(formula),
        Format::Rust => rust::formula(formula),
        Format::JavaScript => javascript::formula(formula),
        Format::Octave => octave::formula(formula),
        Format::Julia => julia::formula(formula),
        Format::StructuredText => structured_text::formula(formula),
        Format::Json => formula.to_json(),
    })
}

pub use c::{Real, files as c_files};
pub use latex::{DEFAULT_WIDTH, expression as latex_expression, formula as latex_formula};
pub use mathml::{expression as mathml_expression, formula as mathml_formula, name as mathml_symbol};
pub use monitor::{Monitor, export_with_monitor};
pub use text::unicode;
