//! What a policy can be exported as, and the files of each.

use crate::contract::Contract;
use crate::fixed::{Fixed, FixedError, Word};
use crate::onnx::{Precision, onnx};
use kanrl_symbolic::{
    Format as Text, Formula, Monitor, Node, Operator, Real, SymbolicError, c_files, export, export_with_monitor,
};
use std::str::FromStr;

/// What a policy can be exported as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Text: mathematics, or code.
    Text(Text),
    /// An ONNX file.
    Onnx,
    /// Fixed point in Verilog.
    Verilog,
}

impl Format {
    /// Its name on a command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Text(format) => format.name(),
            Self::Onnx => "onnx",
            Self::Verilog => "verilog",
        }
    }

    /// What its file is called.
    pub fn file_name(self) -> &'static str {
        match self {
            Self::Text(Text::Text) => "policy.txt",
            Self::Text(Text::Latex) => "policy.tex",
            Self::Text(Text::MathMl) => "policy.mml",
            Self::Text(Text::SymPy) => "policy_sympy.py",
            Self::Text(Text::NumPy) => "policy.py",
            Self::Text(Text::C) => "policy.c",
            Self::Text(Text::Rust) => "policy.rs",
            Self::Text(Text::JavaScript) => "policy.mjs",
            Self::Text(Text::Octave) => "policy.m",
            Self::Text(Text::Julia) => "policy.jl",
            Self::Text(Text::StructuredText) => "policy.st",
            Self::Text(Text::Json) => "formula.json",
            Self::Onnx => "policy.onnx",
            Self::Verilog => "policy.v",
        }
    }

    /// The numbers that it computes with where nobody says.
    pub fn default_scalar(self) -> Scalar {
        match self {
            Self::Text(_) => Scalar::Double,
            Self::Onnx => Scalar::Float,
            Self::Verilog => Scalar::Fixed(Word::Q15),
        }
    }

    fn computes_with(self, scalar: Scalar) -> bool {
        match scalar {
            Scalar::Double => self != Self::Verilog,
            Scalar::Float => matches!(self, Self::Text(Text::C) | Self::Onnx),
            Scalar::Fixed(_) => matches!(self, Self::Text(Text::C) | Self::Verilog),
        }
    }
}

impl FromStr for Format {
    type Err = SymbolicError;

    fn from_str(name: &str) -> Result<Self, SymbolicError> {
        match name {
            "onnx" => Ok(Self::Onnx),
            "verilog" => Ok(Self::Verilog),
            _ => {
                name.parse().map(Self::Text).map_err(|error| SymbolicError::Invalid(format!("{error}, onnx, verilog")))
            }
        }
    }
}

impl From<Text> for Format {
    fn from(format: Text) -> Self {
        Self::Text(format)
    }
}

/// The numbers that exported code computes with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scalar {
    /// IEEE 754 doubles: what formulas are evaluated in everywhere else.
    Double,
    /// IEEE 754 singles.
    Float,
    /// Fixed point of 16 or 32 bits.
    Fixed(Word),
}

impl Scalar {
    /// All there are.
    pub const ALL: [Self; 4] = [Self::Double, Self::Float, Self::Fixed(Word::Q15), Self::Fixed(Word::Q31)];

    /// Its name on a command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Double => "double",
            Self::Float => "float",
            Self::Fixed(word) => word.name(),
        }
    }
}

impl FromStr for Scalar {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|scalar| scalar.name() == name);
        found.ok_or_else(|| format!("there are {}", Self::ALL.map(Self::name).join(", ")))
    }
}

/// A format with the numbers that it computes with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    /// The format.
    pub format: Format,
    /// The numbers.
    pub scalar: Scalar,
}

/// A file of an export.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportFile {
    /// What it is called.
    pub name: String,
    /// What is in it.
    pub bytes: Vec<u8>,
}

/// Why a policy cannot be exported.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    /// The format cannot hold the formula, or the monitor does not fit it.
    #[error(transparent)]
    Symbolic(#[from] SymbolicError),
    /// The formula has no fixed point.
    #[error(transparent)]
    Fixed(#[from] FixedError),
    /// A format that does not compute with these numbers.
    #[error(
        "{} does not compute with --scalar {}: float is for c and onnx, q15 and q31 are for c and verilog",
        format.name(),
        scalar.name()
    )]
    Scalar {
        /// The format.
        format: Format,
        /// The numbers.
        scalar: Scalar,
    },
    /// A function that runtimes of ONNX do not have in doubles.
    #[error("onnxruntime has no {name} in doubles")]
    OnnxInDoubles {
        /// The function.
        name: &'static str,
    },
    /// A network that is not a function of its observations.
    #[error("the network cannot be exported: {reason}")]
    Network {
        /// What stands against it.
        reason: &'static str,
    },
    /// A file that is not for a terminal.
    #[error("{} is written to a file", format.name())]
    NotText {
        /// The format.
        format: Format,
    },
    /// An export of several files where one text was asked for.
    #[error("{} with --scalar {} is a header and a source", format.name(), scalar.name())]
    Files {
        /// The format.
        format: Format,
        /// The numbers.
        scalar: Scalar,
    },
    /// A monitor where there can be none.
    #[error("{} with --scalar {} has no monitor: it is for c, rust and numpy in doubles", format.name(), scalar.name())]
    Monitor {
        /// The format.
        format: Format,
        /// The numbers.
        scalar: Scalar,
    },
}

impl Target {
    /// How the export was made, for the comment in front of it; read again by [`Self::find`].
    pub fn made_by(self, contract: &Contract) -> String {
        let is_default = self.scalar == self.format.default_scalar();
        let scalar = if is_default { String::new() } else { format!(" --scalar {}", self.scalar.name()) };
        let (made_by, format, digest) = (&contract.made_by, self.format.name(), contract.digest());
        format!("{made_by}: export --to {format}{scalar}; contract sha256 {digest}")
    }

    /// The target and the digest that a file's text names.
    pub fn find(text: &str) -> Option<(Self, String)> {
        let (_, rest) = text.split_once(": export --to ")?;
        let line = rest.lines().next()?;
        let (options, digest) = line.split_once("; contract sha256 ")?;
        let mut words = options.split(' ');
        let format: Format = words.next()?.parse().ok()?;
        let scalar = match (words.next(), words.next()) {
            (Some("--scalar"), Some(scalar)) => scalar.parse().ok()?,
            _ => format.default_scalar(),
        };
        let digest: String = digest.chars().take_while(char::is_ascii_hexdigit).collect();
        (digest.len() == 64).then_some((Self { format, scalar }, digest))
    }

    /// The export as one file.
    ///
    /// # Errors
    /// [`ExportError`] where the format cannot hold the formula, or is more than one file.
    pub fn single(self, contract: &Contract, monitor: Option<&Monitor>) -> Result<Vec<u8>, ExportError> {
        match self.format {
            Format::Text(format) => {
                let text = self.text(&contract.formula, monitor)?;
                Ok(with_comment(format, &self.made_by(contract), &text).into_bytes())
            }
            Format::Onnx => {
                self.check(monitor)?;
                let precision = if self.scalar == Scalar::Double { Precision::Double } else { Precision::Single };
                let lacks =
                    |operator: &Operator| matches!(operator, Operator::Arcsin | Operator::Arccos | Operator::Arctan);
                let nodes = contract.formula.outputs().iter().flat_map(|output| output.expression.nodes());
                let mut operators = nodes
                    .filter_map(|node| if let Node::Operation(operator, _) = node { Some(*operator) } else { None });
                if precision == Precision::Double
                    && let Some(operator) = operators.find(lacks)
                {
                    return Err(ExportError::OnnxInDoubles { name: operator.name() });
                }
                Ok(onnx(&contract.formula, precision, &self.made_by(contract))?)
            }
            Format::Verilog => {
                self.check(monitor)?;
                let word = if self.scalar == Scalar::Fixed(Word::Q31) { Word::Q31 } else { Word::Q15 };
                let fixed = Fixed::new(&contract.formula, &contract.ranges(), word)?;
                Ok(fixed.verilog(&format!("{}\n{}\n", self.made_by(contract), contract.formula)).into_bytes())
            }
        }
    }

    /// The export as text, without what says how it was made and which contract is its own.
    ///
    /// # Errors
    /// As [`Self::single`], and for what is not text.
    pub fn text(self, formula: &Formula, monitor: Option<&Monitor>) -> Result<String, ExportError> {
        self.check(monitor)?;
        match (self.format, self.scalar) {
            (Format::Text(format), Scalar::Double) => Ok(match monitor {
                Some(monitor) => export_with_monitor(formula, format, monitor)?,
                None => export(formula, format)?,
            }),
            (Format::Text(_), _) => Err(ExportError::Files { format: self.format, scalar: self.scalar }),
            (Format::Onnx | Format::Verilog, _) => Err(ExportError::NotText { format: self.format }),
        }
    }

    /// Whether there is such a target.
    fn check(self, monitor: Option<&Monitor>) -> Result<(), ExportError> {
        if !self.format.computes_with(self.scalar) {
            return Err(ExportError::Scalar { format: self.format, scalar: self.scalar });
        }
        if monitor.is_some() && (self.scalar != Scalar::Double || !matches!(self.format, Format::Text(_))) {
            return Err(ExportError::Monitor { format: self.format, scalar: self.scalar });
        }
        Ok(())
    }

    /// The files of the export, the one that is named first being what the others belong to.
    ///
    /// # Errors
    /// [`ExportError`] where the format cannot hold the formula.
    pub fn files(self, contract: &Contract, monitor: Option<&Monitor>) -> Result<Vec<ExportFile>, ExportError> {
        self.check(monitor)?;
        let formula = &contract.formula;
        let file = |name: &str, text: String| ExportFile { name: name.to_owned(), bytes: text.into_bytes() };
        if self.format != Format::Text(Text::C) || monitor.is_some() {
            let bytes = self.single(contract, monitor)?;
            return Ok(vec![ExportFile { name: self.format.file_name().to_owned(), bytes }]);
        }
        let made_by = self.made_by(contract);
        let [header, source] = match self.scalar {
            Scalar::Fixed(word) => Fixed::new(formula, &contract.ranges(), word)?.c(&format!("{made_by}\n{formula}\n")),
            scalar => {
                let real = if scalar == Scalar::Float { Real::Float } else { Real::Double };
                c_files(formula, real).map(|text| with_comment(Text::C, &made_by, &text))
            }
        };
        Ok(vec![file("policy.c", source), file("policy.h", header)])
    }
}

/// A Rust crate for `no_std`: `Cargo.toml` and `src/lib.rs`. It depends on `libm` where the formula calls a function.
///
/// # Errors
/// [`ExportError`] where the monitor does not fit the formula.
pub fn rust_crate(contract: &Contract, monitor: Option<&Monitor>) -> Result<Vec<ExportFile>, ExportError> {
    let target = Target { format: Text::Rust.into(), scalar: Scalar::Double };
    let text = target.text(&contract.formula, monitor)?;
    let digest = target.made_by(contract);
    let source =
        with_comment(Text::Rust, &digest, &format!("#![no_std]\n{}", text.replacen("// Needs", "\n// Needs", 1)));
    let dependencies = if text.contains("libm::") { "\n[dependencies]\nlibm = \"0.2\"\n" } else { "" };
    let manifest = format!(
        "# {digest}\n[package]\nname = \"policy\"\nversion = \"0.1.0\"\nedition = \"2024\"\ndescription = \"A policy as a formula\"\n\
         publish = false\n{dependencies}\n[workspace]\n"
    );
    let file = |name: &str, text: String| ExportFile { name: name.to_owned(), bytes: text.into_bytes() };
    Ok(vec![file("src/lib.rs", source), file("Cargo.toml", manifest)])
}

/// The text with a comment in front; JSON has none, and its digest stands in the contract.
fn with_comment(format: Text, comment: &str, text: &str) -> String {
    match format {
        Text::C => format!("/* {comment} */\n{text}"),
        Text::Rust => format!("// {comment}\n//\n{text}"),
        Text::JavaScript => format!("// {comment}\n{text}"),
        Text::Octave => format!("% {comment}\n{text}"),
        Text::NumPy | Text::SymPy | Text::Text | Text::Julia => format!("# {comment}\n{text}"),
        Text::StructuredText => format!("(* {comment} *)\n{text}"),
        Text::Latex => format!("% {comment}\n{text}"),
        Text::MathMl => format!("<!-- {} -->\n{text}", comment.replace("--", "- -")),
        Text::Json => text.to_owned(),
    }
}
