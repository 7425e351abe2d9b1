//! pykan's functions.

use super::search::Family;
use crate::expression::integer_power;
use kanrl_core::function::Domain;

/// A function that the library brings along. Complexities are pykan's.
#[derive(Debug)]
pub(super) struct Builtin {
    pub name: &'static str,
    /// What it computes, over `x`.
    pub text: &'static str,
    pub domain: Domain,
    pub complexity: f64,
    pub family: Family,
    pub value: fn(f64) -> f64,
    pub derivative: fn(f64) -> f64,
}

/// pykan 0.2.8's `SYMBOLIC_LIB`, in its order.
pub(super) const BUILTINS: [Builtin; 29] = [
    builtin("x", "x", Domain::All, 1.0, Family::Linear, |x| x, |_| 1.0),
    builtin("x^2", "x^2", Domain::All, 2.0, Family::Power(2.0), |x| x * x, |x| 2.0 * x),
    builtin("x^3", "x^3", Domain::All, 3.0, Family::Power(3.0), |x| integer_power(x, 3), |x| 3.0 * x * x),
    builtin("x^4", "x^4", Domain::All, 3.0, Family::Power(4.0), |x| integer_power(x, 4), |x| 4.0 * integer_power(x, 3)),
    builtin("x^5", "x^5", Domain::All, 3.0, Family::Power(5.0), |x| integer_power(x, 5), |x| 5.0 * integer_power(x, 4)),
    builtin("1/x", "1/x", Domain::NonZero, 2.0, Family::Power(-1.0), |x| 1.0 / x, |x| -1.0 / (x * x)),
    builtin(
        "1/x^2",
        "x^-2",
        Domain::NonZero,
        2.0,
        Family::Power(-2.0),
        |x| integer_power(x, -2),
        |x| -2.0 * integer_power(x, -3),
    ),
    builtin(
        "1/x^3",
        "x^-3",
        Domain::NonZero,
        3.0,
        Family::Power(-3.0),
        |x| integer_power(x, -3),
        |x| -3.0 * integer_power(x, -4),
    ),
    builtin(
        "1/x^4",
        "x^-4",
        Domain::NonZero,
        4.0,
        Family::Power(-4.0),
        |x| integer_power(x, -4),
        |x| -4.0 * integer_power(x, -5),
    ),
    builtin(
        "1/x^5",
        "x^-5",
        Domain::NonZero,
        5.0,
        Family::Power(-5.0),
        |x| integer_power(x, -5),
        |x| -5.0 * integer_power(x, -6),
    ),
    builtin("sqrt", "sqrt(x)", Domain::NonNegative, 2.0, Family::Power(0.5), f64::sqrt, |x| 0.5 / x.sqrt()),
    builtin("x^0.5", "sqrt(x)", Domain::NonNegative, 2.0, Family::Power(0.5), f64::sqrt, |x| 0.5 / x.sqrt()),
    builtin("x^1.5", "x^1.5", Domain::NonNegative, 4.0, Family::Power(1.5), |x| x.powf(1.5), |x| 1.5 * x.sqrt()),
    builtin(
        "1/sqrt(x)",
        "1/sqrt(x)",
        Domain::Positive,
        2.0,
        Family::Power(-0.5),
        |x| 1.0 / x.sqrt(),
        |x| -0.5 / (x * x.sqrt()),
    ),
    builtin(
        "1/x^0.5",
        "1/sqrt(x)",
        Domain::Positive,
        2.0,
        Family::Power(-0.5),
        |x| 1.0 / x.sqrt(),
        |x| -0.5 / (x * x.sqrt()),
    ),
    builtin("exp", "exp(x)", Domain::All, 2.0, Family::Exponential, f64::exp, f64::exp),
    builtin("log", "log(x)", Domain::Positive, 2.0, Family::Logarithm, f64::ln, |x| 1.0 / x),
    builtin("abs", "abs(x)", Domain::All, 3.0, Family::Kink, f64::abs, crate::expression::sign),
    builtin("sin", "sin(x)", Domain::All, 2.0, Family::Sinusoid, f64::sin, f64::cos),
    builtin("cos", "cos(x)", Domain::All, 2.0, Family::Sinusoid, f64::cos, |x| -x.sin()),
    builtin("tan", "tan(x)", Domain::BetweenPoles, 3.0, Family::General, f64::tan, |x| 1.0 + x.tan().powi(2)),
    builtin("tanh", "tanh(x)", Domain::All, 3.0, Family::General, f64::tanh, |x| 1.0 - x.tanh().powi(2)),
    builtin("sgn", "sign(x)", Domain::All, 3.0, Family::Jump, crate::expression::sign, |_| 0.0),
    builtin("arcsin", "arcsin(x)", Domain::UnitInterval, 4.0, Family::General, f64::asin, |x| {
        1.0 / (1.0 - x * x).sqrt()
    }),
    builtin("arccos", "arccos(x)", Domain::UnitInterval, 4.0, Family::General, f64::acos, |x| {
        -1.0 / (1.0 - x * x).sqrt()
    }),
    builtin("arctan", "arctan(x)", Domain::All, 4.0, Family::General, f64::atan, |x| 1.0 / (1.0 + x * x)),
    builtin("arctanh", "arctanh(x)", Domain::OpenUnitInterval, 4.0, Family::General, f64::atanh, |x| {
        1.0 / (1.0 - x * x)
    }),
    builtin("0", "0*x", Domain::All, 0.0, Family::Constant, |_| 0.0, |_| 0.0),
    builtin(
        "gaussian",
        "gaussian(x)",
        Domain::All,
        3.0,
        Family::General,
        |x| (-(x * x)).exp(),
        |x| -2.0 * x * (-(x * x)).exp(),
    ),
];

/// The ten functions that the reference system (kanrl's interpretable demo) searches by default.
pub(super) const DEFAULT_FUNCTIONS: [&str; 10] = ["x", "x^2", "x^3", "x^4", "exp", "log", "sqrt", "tanh", "sin", "abs"];

const fn builtin(
    name: &'static str,
    text: &'static str,
    domain: Domain,
    complexity: f64,
    family: Family,
    value: fn(f64) -> f64,
    derivative: fn(f64) -> f64,
) -> Builtin {
    Builtin { name, text, domain, complexity, family, value, derivative }
}
