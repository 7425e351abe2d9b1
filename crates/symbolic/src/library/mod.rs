//! Libraries of named functions, fitted to curves as `c·f(a·x + b) + d`.

mod builtin;
mod config;
mod curve;
mod function;
mod piecewise;
mod refine;
mod regression;
mod search;
mod shapes;

pub use config::{COMPONENTS, DefaultLibraryConfig, UserFunction};
pub use function::LibraryFunction;
pub use shapes::{broken_lines, guarded, pairs, smooth};

use crate::expression::SymbolicError;
use curve::PreparedCurve;
use kanrl_core::function::{Domain, FittedFunction, SampledCurve, SymbolicLibrary, UnivariateFunction};
use rayon::prelude::*;
use refine::Workspace;
use std::sync::Arc;

/// A set of functions, how far beyond the data each must stay in its domain, and how much simplicity counts.
///
/// ```
/// use kanrl_core::function::{SampledCurve, SymbolicLibrary};
/// let library = kanrl_symbolic::library::Library::new(&["x", "x^2", "sin", "tanh"])?;
/// let x: Vec<f64> = (0..100).map(|i| f64::from(i) * 0.05).collect();
/// let y = x.iter().map(|x| 2.0 * (1.5 * x + 0.3).sin() - 1.0).collect();
/// let best = &library.candidates(&SampledCurve { x, y })[0];
/// assert_eq!(best.function.name(), "sin");
/// assert!((best.a - 1.5).abs() < 1e-9 && (best.b - 0.3).abs() < 1e-9 && (best.c - 2.0).abs() < 1e-9);
/// # Ok::<(), kanrl_symbolic::SymbolicError>(())
/// ```
#[derive(Debug)]
pub struct Library {
    functions: Vec<Arc<dyn UnivariateFunction>>,
    searched: Vec<Arc<LibraryFunction>>,
    margin: f64,
    simplicity: f64,
    guards: bool,
}

impl Library {
    /// Fraction of the curve's range, on both sides, on which a candidate must still be in its domain.
    pub const DEFAULT_MARGIN: f64 = 0.1;

    /// How much simplicity counts in the ranking, 0 to 1.
    pub const DEFAULT_SIMPLICITY: f64 = 0.2;

    /// A library of built-in functions.
    ///
    /// # Errors
    /// [`SymbolicError::Invalid`] for an unknown name (with the nearest known one), a repeated one, or none.
    pub fn new<S: AsRef<str>>(names: &[S]) -> Result<Self, SymbolicError> {
        let functions = names.iter().map(|name| LibraryFunction::builtin(name.as_ref()).map(Arc::new));
        Self::from_functions(functions.collect::<Result<_, _>>()?)
    }

    /// A library of any functions.
    ///
    /// # Errors
    /// [`SymbolicError::Invalid`] for a repeated name, or no function.
    pub fn from_functions(searched: Vec<Arc<LibraryFunction>>) -> Result<Self, SymbolicError> {
        if searched.is_empty() {
            return Err(SymbolicError::Invalid("a symbolic library needs at least one function".into()));
        }
        for (index, function) in searched.iter().enumerate() {
            if searched[..index].iter().any(|other| other.name() == function.name()) {
                return Err(SymbolicError::Invalid(format!("the function `{}` is listed twice", function.name())));
            }
        }
        let functions = searched.iter().map(|function| function.clone() as Arc<dyn UnivariateFunction>).collect();
        Ok(Self {
            functions,
            searched,
            margin: Self::DEFAULT_MARGIN,
            simplicity: Self::DEFAULT_SIMPLICITY,
            guards: false,
        })
    }

    /// The reference system's ten: x, x², x³, x⁴, exp, log, sqrt, tanh, sin, abs.
    pub fn default_ten() -> Self {
        Self::new(&builtin::DEFAULT_FUNCTIONS).expect("the default names are known")
    }

    /// All 29 functions of pykan 0.2.8.
    pub fn full() -> Self {
        Self::new(&builtin::BUILTINS.map(|builtin| builtin.name)).expect("the built-in names are known")
    }

    /// With another margin: the fraction of the curve's range, on both sides, on which a candidate must still be in its
    /// domain.
    ///
    /// # Errors
    /// [`SymbolicError::Invalid`] unless it is a number ≥ 0.
    pub fn with_margin(mut self, margin: f64) -> Result<Self, SymbolicError> {
        if !(margin >= 0.0 && margin.is_finite()) {
            return Err(SymbolicError::Invalid(format!("the margin is {margin}; it must be a number of 0 or more")));
        }
        self.margin = margin;
        Ok(self)
    }

    /// With another weight of simplicity in the ranking (pykan's `weight_simple`): candidates are sorted by
    /// `simplicity · complexity + (1 − simplicity) · log₂(1 + 10⁻⁵ − r²)`.
    ///
    /// # Errors
    /// [`SymbolicError::Invalid`] unless it is within 0 and 1.
    pub fn with_simplicity(mut self, simplicity: f64) -> Result<Self, SymbolicError> {
        if !(0.0..=1.0).contains(&simplicity) {
            return Err(SymbolicError::Invalid(format!("simplicity is {simplicity}; it must lie within 0 and 1")));
        }
        self.simplicity = simplicity;
        Ok(self)
    }

    /// Whether a function that fits the data best where the margin leaves its domain may be used with a guard, which
    /// clips its argument to the data's range and is part of the formula (`log(max(x, 0.1))`). Without guards, the
    /// default, a function is fitted so that it stays in its domain.
    #[must_use]
    pub fn with_guards(mut self, guards: bool) -> Self {
        self.guards = guards;
        self
    }

    fn score(&self, candidate: &FittedFunction) -> f64 {
        let fit = (1.0 + 1e-5 - candidate.r_squared).log2();
        self.simplicity * candidate.function.complexity() + (1.0 - self.simplicity) * fit
    }
}

impl SymbolicLibrary for Library {
    fn functions(&self) -> &[Arc<dyn UnivariateFunction>] {
        &self.functions
    }

    /// One of its functions by name, or with guards the guarded function that the name spells out
    /// (`log(max(x, 0.1))`).
    fn function(&self, name: &str) -> Option<Arc<dyn UnivariateFunction>> {
        if let Some(function) = self.functions.iter().find(|function| function.name() == name) {
            return Some(function.clone());
        }
        if !self.guards {
            return None;
        }
        let expression = name.parse().ok()?;
        // As hard to read as a candidate that was guarded.
        let complexity = self.functions.iter().map(|function| function.complexity()).fold(0.0, f64::max) + 1.0;
        let function = LibraryFunction::from_expression(name, &expression, Domain::All, complexity).ok()?;
        Some(Arc::new(function))
    }

    fn candidates(&self, curve: &SampledCurve) -> Vec<FittedFunction> {
        let prepare = |margin| PreparedCurve::new(&curve.x, &curve.y, margin);
        let (Some(wide), Some(narrow)) = (prepare(self.margin), prepare(0.0)) else { return Vec::new() };
        let mut candidates: Vec<FittedFunction> = self
            .searched
            .par_iter()
            .map_init(Workspace::default, |workspace, function| {
                let range = if self.guards && function.domain() != Domain::All { &narrow } else { &wide };
                let fit = search::fit(function, range, workspace)?;
                candidate(guard(function, fit, range, &wide)?, fit, curve, range)
            })
            .flatten()
            .collect();
        // Stable, so that equals keep the library's order.
        candidates.sort_by(|left, right| self.score(left).total_cmp(&self.score(right)));
        candidates
    }
}

/// The function, with a guard if the fit leaves its domain on the wider range.
fn guard(
    function: &Arc<LibraryFunction>,
    fit: search::Fit,
    fitted: &PreparedCurve,
    wide: &PreparedCurve,
) -> Option<Arc<LibraryFunction>> {
    let arguments = |range: &PreparedCurve| {
        let [first, last] = [range.low, range.low + range.width].map(|x| fit.a * x + fit.b);
        (first.min(last), first.max(last))
    };
    let (low, high) = arguments(wide);
    if function.domain().contains(low, high) {
        return Some(function.clone());
    }
    let (low, high) = arguments(fitted);
    LibraryFunction::guarded(function.clone(), low, high).ok().map(Arc::new)
}

/// The fit with its r² as it comes out in the curve's own units; `None` where it is not finite on a sample or not in
/// its domain on the range with the margin.
fn candidate(
    function: Arc<LibraryFunction>,
    fit: search::Fit,
    curve: &SampledCurve,
    prepared: &PreparedCurve,
) -> Option<FittedFunction> {
    let [first, last] = [prepared.low, prepared.low + prepared.width].map(|x| fit.a * x + fit.b);
    if !function.domain().contains(first.min(last), first.max(last)) {
        return None;
    }
    let mut candidate = FittedFunction { function, a: fit.a, b: fit.b, c: fit.c, d: fit.d, r_squared: 0.0 };
    let residual: f64 = curve.x.iter().zip(&curve.y).map(|(x, y)| (y - candidate.value(*x)).powi(2)).sum();
    let total = prepared.full.total;
    // As scikit-learn's r2_score: a constant curve that is hit exactly is a perfect fit.
    candidate.r_squared = if total > 0.0 {
        1.0 - residual / total
    } else if residual == 0.0 {
        1.0
    } else {
        0.0
    };
    let all = [candidate.a, candidate.b, candidate.c, candidate.d, candidate.r_squared];
    all.iter().all(|value| value.is_finite()).then_some(candidate)
}
