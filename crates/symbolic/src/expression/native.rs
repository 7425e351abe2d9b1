//! Functions that programs bring along, where an expression of the built-in operators will not do.

use super::{CURVE, Expression, Operator, SymbolicError, check_name, is_plain_name};
use kanrl_core::function::Domain;
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;
use std::sync::RwLock;

/// A function of one variable that is computed by code: everything that formulas with it need, from derivatives to
/// exports. [`Native::register`] makes it an operator that expressions, libraries and `formula.json` name.
///
/// ```
/// use kanrl_symbolic::{Code, Expression, Native, NativeFunction};
/// Native::register(NativeFunction {
///     name: "softsign",
///     value: |x| x / (1.0 + x.abs()),
///     derivative: |x| (1.0 + x.abs()).powi(-2),
///     derivative_text: "(1 + abs(x))^-2",
///     // Rising: its ends bound it.
///     bounds: |low, high| (low / (1.0 + low.abs()), high / (1.0 + high.abs())),
///     domain: kanrl_core::function::Domain::All,
///     complexity: 3.0,
///     c: Code {
///         call: "softsign",
///         definition: "static double softsign(double x) { return x / (1.0 + fabs(x)); }\n",
///     },
///     rust: Code { call: "softsign", definition: "fn softsign(x: f64) -> f64 {\n    x / (1.0 + libm::fabs(x))\n}\n" },
///     numpy: Code { call: "softsign", definition: "def softsign(x):\n    return x / (1.0 + np.abs(x))\n" },
///     sympy: Code { call: "softsign", definition: "def softsign(x):\n    return x / (1 + sympy.Abs(x))\n" },
///     latex: r"\mathrm{softsign}",
/// })?;
/// let expression: Expression = "2*softsign(3*theta)".parse()?;
/// assert_eq!(expression.evaluate(&[("theta", 1.0)])?, 1.5);
/// assert_eq!(expression.derivative("theta").to_string(), "6*(abs(3*theta) + 1)^-2");
/// let library = kanrl_symbolic::library::Library::new(&["x", "sin", "softsign"])?;
/// # assert_eq!(kanrl_core::function::SymbolicLibrary::functions(&library).len(), 3);
/// # Ok::<(), kanrl_symbolic::SymbolicError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct NativeFunction {
    /// Its name in text, JSON and libraries.
    pub name: &'static str,
    /// Its value; may be NaN or infinite outside the domain.
    pub value: fn(f64) -> f64,
    /// Its derivative.
    pub derivative: fn(f64) -> f64,
    /// The derivative as text over `x`, which may name this function and others that are registered.
    pub derivative_text: &'static str,
    /// Smallest and largest value over an interval within the domain; the ends may be infinite. They are widened by 16
    /// units in the last place, so that rounding can be ignored.
    pub bounds: fn(f64, f64) -> (f64, f64),
    /// Where it is defined.
    pub domain: Domain,
    /// How hard it is to read (pykan's scale: 1 for x, 5 for the least readable).
    pub complexity: f64,
    /// In C99, over `double`.
    pub c: Code,
    /// In Rust without the standard library, over `f64`.
    pub rust: Code,
    /// In NumPy (`np`), over arrays of doubles.
    pub numpy: Code,
    /// In SymPy (`sympy`), from expression to expression.
    pub sympy: Code,
    /// Its name in LaTeX, which a bracketed argument follows.
    pub latex: &'static str,
}

/// A function in a programming language.
#[derive(Clone, Copy, Debug)]
pub struct Code {
    /// What is called, with one argument (`erf`, `libm::erf`).
    pub call: &'static str,
    /// What defines it, written once in front of its use; empty where the language has it.
    pub definition: &'static str,
}

/// A registered [`NativeFunction`], compared by its name.
#[derive(Clone, Copy)]
pub struct Native(&'static NativeFunction);

static REGISTERED: RwLock<Vec<Native>> = RwLock::new(Vec::new());

impl Native {
    /// Registers a function for the rest of the program.
    ///
    /// # Errors
    /// [`SymbolicError`] for a name that is invalid or taken, a derivative that is not an expression over `x`, or parts
    /// that contradict each other on points of the domain.
    pub fn register(function: NativeFunction) -> Result<Operator, SymbolicError> {
        check_name(function.name)?;
        if !is_plain_name(function.name) || Operator::from_name(function.name).is_some() || function.name == CURVE {
            let reason = "a function's name must consist of letters, digits, and underscores, and must not be another operator's";
            return Err(SymbolicError::Name { name: function.name.to_owned(), reason });
        }
        let native = Self(Box::leak(Box::new(function)));
        {
            let mut registered = REGISTERED.write().unwrap_or_else(|poisoned| poisoned.into_inner());
            if registered.contains(&native) {
                return Err(SymbolicError::Invalid(format!("the function `{}` is registered already", function.name)));
            }
            // Before its derivative is read, which may name it.
            registered.push(native);
        }
        let checked = native.check();
        if checked.is_err() {
            REGISTERED.write().unwrap_or_else(|poisoned| poisoned.into_inner()).retain(|other| *other != native);
        }
        checked.map(|()| Operator::Native(native))
    }

    /// The registered function of that name.
    pub fn find(name: &str) -> Option<Self> {
        let registered = REGISTERED.read().unwrap_or_else(|poisoned| poisoned.into_inner());
        registered.iter().find(|native| native.0.name == name).copied()
    }

    /// What was registered.
    pub fn function(self) -> &'static NativeFunction {
        self.0
    }

    /// The derivative over `x`.
    pub(crate) fn derivative(self) -> Expression {
        self.0.derivative_text.parse().expect("checked when it was registered")
    }

    fn check(self) -> Result<(), SymbolicError> {
        let function = self.0;
        let wrong = |what: String| Err(SymbolicError::Invalid(format!("the function `{}`: {what}", function.name)));
        if !(function.complexity >= 0.0 && function.complexity.is_finite()) {
            return wrong(format!("the complexity is {}; it must be 0 or more", function.complexity));
        }
        let derivative: Expression = function.derivative_text.parse()?;
        for x in
            [-2.7, -1.1, -0.73, -0.2, 0.31, 0.68, 1.4, 3.3].into_iter().filter(|x| function.domain.contains(*x, *x))
        {
            let (value, slope) = ((function.value)(x), (function.derivative)(x));
            let written = derivative.evaluate(&[("x", x)])?;
            if (slope - written).abs() > 1e-9 * (1.0 + slope.abs()) || slope.is_nan() {
                return wrong(format!(
                    "at {x} the derivative is {slope}, but `{}` is {written}",
                    function.derivative_text
                ));
            }
            let step = 1e-5;
            let difference = ((function.value)(x + step) - (function.value)(x - step)) / (2.0 * step);
            if (slope - difference).abs() > 1e-4 * (1.0 + slope.abs()) {
                return wrong(format!("at {x} the derivative is {slope}, but its values rise by {difference}"));
            }
            let (low, high) = (function.bounds)(x - step, x + step);
            let slack = 1e-12 * (1.0 + value.abs());
            if !(low <= value + slack && value - slack <= high) {
                return wrong(format!("at {x} the value {value} is not within its bounds {low} and {high}"));
            }
        }
        Ok(())
    }
}

impl PartialEq for Native {
    fn eq(&self, other: &Self) -> bool {
        self.0.name == other.0.name
    }
}

impl Eq for Native {}

impl PartialOrd for Native {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Native {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.name.cmp(other.0.name)
    }
}

impl Hash for Native {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.name.hash(state);
    }
}

impl fmt::Debug for Native {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.0.name)
    }
}

impl fmt::Display for Native {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.0.name)
    }
}

impl FromStr for Native {
    type Err = SymbolicError;

    fn from_str(name: &str) -> Result<Self, SymbolicError> {
        Self::find(name).ok_or_else(|| SymbolicError::Invalid(format!("no function `{name}` is registered")))
    }
}
