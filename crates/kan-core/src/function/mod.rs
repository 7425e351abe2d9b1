//! Named functions of one variable, and libraries that fit them to curves.

mod affine;

use std::fmt::Debug;
use std::sync::Arc;

/// Where a function is defined and safe to evaluate.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
pub enum Domain {
    /// Everywhere.
    All,
    /// `x > 0`, such as log and negative non-integer powers.
    Positive,
    /// `x ≥ 0`, such as sqrt.
    NonNegative,
    /// `x ≠ 0`, such as 1/x.
    NonZero,
    /// `-1 ≤ x ≤ 1`, such as arcsin.
    UnitInterval,
    /// `-1 < x < 1`, such as arctanh.
    OpenUnitInterval,
    /// Between two poles of tan: `-π/2 < x < π/2`.
    BetweenPoles,
}

impl Domain {
    /// Whether every point of `[low, high]` is inside.
    pub fn contains(self, low: f64, high: f64) -> bool {
        use std::f64::consts::FRAC_PI_2;
        match self {
            Self::All => true,
            Self::Positive => low > 0.0,
            Self::NonNegative => low >= 0.0,
            Self::NonZero => low > 0.0 || high < 0.0,
            Self::UnitInterval => low >= -1.0 && high <= 1.0,
            Self::OpenUnitInterval => low > -1.0 && high < 1.0,
            Self::BetweenPoles => low > -FRAC_PI_2 && high < FRAC_PI_2,
        }
    }
}

/// A named function of one variable: what an edge's spline is replaced by.
pub trait UnivariateFunction: Debug + Send + Sync {
    /// Its name, unique in its library (`x^2`, `tanh`).
    fn name(&self) -> &str;

    /// Its value; may be NaN or infinite outside [`Self::domain`].
    fn value(&self, x: f64) -> f64;

    /// Its derivative.
    fn derivative(&self, x: f64) -> f64;

    /// Where it is safe.
    fn domain(&self) -> Domain;

    /// How hard it is to read; pykan's numbers (0 for the zero function, 1 for x, 2 for x² …).
    fn complexity(&self) -> f64;

    /// What it computes, as plain text over the variable `x` (`exp(-x^2)`), in the grammar that `kanrl_symbolic::Expression`
    /// parses; `None` where it cannot be written, and then no formula can be made with it.
    fn expression(&self) -> Option<&str> {
        None
    }

    /// Values and derivatives of a whole column: one dynamic call a column, not one an element.
    ///
    /// # Panics
    /// If the slices differ in length.
    fn evaluate(&self, x: &[f64], values: &mut [f64], derivatives: &mut [f64]) {
        assert!(x.len() == values.len() && x.len() == derivatives.len());
        for ((x, value), derivative) in x.iter().zip(values).zip(derivatives) {
            *value = self.value(*x);
            *derivative = self.derivative(*x);
        }
    }
}

/// `x`, complexity 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Identity;

impl UnivariateFunction for Identity {
    fn name(&self) -> &str {
        "x"
    }

    fn value(&self, x: f64) -> f64 {
        x
    }

    fn derivative(&self, _: f64) -> f64 {
        1.0
    }

    fn domain(&self) -> Domain {
        Domain::All
    }

    fn complexity(&self) -> f64 {
        1.0
    }

    fn expression(&self) -> Option<&str> {
        Some("x")
    }
}

/// A curve to be named: samples of an edge's spline on the data.
#[derive(Clone, Debug, PartialEq)]
pub struct SampledCurve {
    /// Inputs `[rows]`, in any order, repeats allowed.
    pub x: Vec<f64>,
    /// Outputs `[rows]`.
    pub y: Vec<f64>,
}

/// `c·f(a·x + b) + d`, fitted to a curve.
#[derive(Clone, Debug)]
pub struct FittedFunction {
    /// f.
    pub function: Arc<dyn UnivariateFunction>,
    /// Inner scale.
    pub a: f64,
    /// Inner shift.
    pub b: f64,
    /// Outer scale.
    pub c: f64,
    /// Outer shift.
    pub d: f64,
    /// Coefficient of determination on the curve's samples.
    pub r_squared: f64,
}

impl FittedFunction {
    /// The fitted curve's value.
    pub fn value(&self, x: f64) -> f64 {
        self.c * self.function.value(self.a * x + self.b) + self.d
    }
}

/// A set of functions and a way to rank them for a curve.
pub trait SymbolicLibrary: Debug + Send + Sync {
    /// Its functions, in order.
    fn functions(&self) -> &[Arc<dyn UnivariateFunction>];

    /// The function of that name.
    fn function(&self, name: &str) -> Option<Arc<dyn UnivariateFunction>> {
        self.functions().iter().find(|function| function.name() == name).cloned()
    }

    /// Every function that fits at all, best first. A function that can leave its domain on the curve's range (extended
    /// by the library's margin) is not among them.
    ///
    /// By default a plain search that knows nothing of the functions but their values and domains, without a margin;
    /// `kanrl_symbolic::library::Library` knows their symmetries and finds more digits.
    fn candidates(&self, curve: &SampledCurve) -> Vec<FittedFunction> {
        affine::candidates(self.functions(), curve)
    }
}
