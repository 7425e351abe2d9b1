//! Sound bounds of an expression over a box, by interval arithmetic with outward rounding.

use crate::expression::{Expression, Node, Operator, SymbolicError, is_whole_exponent, unknown_variable};
use std::f64::consts::{FRAC_PI_2, PI};

/// What an expression's value can be over a box.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bounds {
    /// No value is below it.
    pub low: f64,
    /// No value is above it.
    pub high: f64,
    /// Whether it has a value everywhere: false where a part may leave its domain (NaN), and then the bounds are
    /// infinite.
    pub defined: bool,
}

impl Expression {
    /// Bounds of the value for variables within `low..=high` each: whatever is computed for a point of the box, in any
    /// export, lies within. They need not be tight where a variable occurs several times.
    ///
    /// ```
    /// let expression: kanrl_symbolic::Expression = "3*theta + tanh(theta_dot)".parse()?;
    /// let bounds = expression.bounds(&[("theta", -0.5, 0.5), ("theta_dot", f64::NEG_INFINITY, f64::INFINITY)])?;
    /// assert!(bounds.defined && bounds.low >= -2.500_001 && bounds.high <= 2.500_001);
    /// # Ok::<(), kanrl_symbolic::SymbolicError>(())
    /// ```
    ///
    /// # Errors
    /// [`SymbolicError::UnknownVariable`] for a variable without bounds, [`SymbolicError::Invalid`] for bounds out of
    /// order.
    pub fn bounds(&self, variables: &[(&str, f64, f64)]) -> Result<Bounds, SymbolicError> {
        if let Some((name, low, high)) =
            variables.iter().find(|(_, low, high)| low.is_nan() || high.is_nan() || low > high)
        {
            return Err(SymbolicError::Invalid(format!("the bounds {low} and {high} of `{name}` are not in order")));
        }
        self.try_fold(|node, operands: Vec<Bounds>| match node {
            Node::Constant(value) if value.is_nan() => Ok(Bounds::UNDEFINED),
            Node::Constant(value) => Ok(Bounds::new(*value, *value)),
            Node::Variable(name) => match variables.iter().find(|(known, ..)| **known == **name) {
                Some((_, low, high)) => Ok(Bounds::new(*low, *high)),
                None => Err(unknown_variable(name, variables.iter().map(|(known, ..)| *known))),
            },
            Node::Operation(operator, _) => Ok(operation(*operator, &operands)),
            Node::Curve(curve) if operands[0].defined => {
                let (low, high) = curve.bounds(operands[0].low, operands[0].high);
                Ok(Bounds::new(low, high))
            }
            Node::Curve(_) => Ok(Bounds::UNDEFINED),
        })
    }
}

/// Relative rounding error granted to a library function, generously: 16 units in the last place.
const FUNCTION_ERROR: f64 = 16.0 * f64::EPSILON;

impl Bounds {
    const UNDEFINED: Self = Self { low: f64::NEG_INFINITY, high: f64::INFINITY, defined: false };
    const ANYTHING: Self = Self { defined: true, ..Self::UNDEFINED };

    fn new(low: f64, high: f64) -> Self {
        Self { low, high, defined: true }
    }

    /// Outward by a relative error.
    fn widened(self, error: f64) -> Self {
        let low = self.low - self.low.abs() * error;
        let high = self.high + self.high.abs() * error;
        // ∞ − ∞ keeps the end it came from.
        let low = if low.is_nan() { self.low } else { low.next_down() };
        let high = if high.is_nan() { self.high } else { high.next_up() };
        Self { low, high, ..self }
    }

    fn within(self, low: f64, high: f64) -> Self {
        Self { low: self.low.max(low), high: self.high.min(high), ..self }
    }

    fn contains(self, value: f64) -> bool {
        self.low <= value && value <= self.high
    }

    fn is_unbounded(self) -> bool {
        self.low.is_infinite() || self.high.is_infinite()
    }

    /// The hull of both.
    fn or(self, other: Self) -> Self {
        Self::new(self.low.min(other.low), self.high.max(other.high))
    }

    /// The values of a rising function.
    fn rising(self, function: impl Fn(f64) -> f64) -> Self {
        Self::new(function(self.low), function(self.high)).widened(FUNCTION_ERROR)
    }

    fn negated(self) -> Self {
        Self::new(-self.high, -self.low)
    }
}

fn operation(operator: Operator, operands: &[Bounds]) -> Bounds {
    if operands.iter().any(|operand| !operand.defined) {
        return Bounds::UNDEFINED;
    }
    let x = operands[0];
    let rest = &operands[1..];
    match operator {
        Operator::Add => rest.iter().fold(x, |sum, term| add(sum, *term)),
        Operator::Multiply => rest.iter().fold(x, |product, factor| multiply(product, *factor)),
        Operator::Negate => x.negated(),
        Operator::Divide => divide(x, rest[0]),
        Operator::Power => power(x, rest[0]),
        Operator::Exp => x.rising(f64::exp).within(0.0, f64::INFINITY),
        Operator::Log if x.low < 0.0 => Bounds::UNDEFINED,
        Operator::Log => x.rising(f64::ln),
        Operator::Sqrt if x.low < 0.0 => Bounds::UNDEFINED,
        Operator::Sqrt => x.rising(f64::sqrt).within(0.0, f64::INFINITY),
        Operator::Sin | Operator::Cos | Operator::Tan if x.is_unbounded() => Bounds::UNDEFINED,
        Operator::Sin => cosine(Bounds::new(x.low - FRAC_PI_2, x.high - FRAC_PI_2)),
        Operator::Cos => cosine(x),
        // No double is a pole, but between two of them tan takes every value.
        Operator::Tan if has_point(x, FRAC_PI_2, PI) => Bounds::ANYTHING,
        Operator::Tan => x.rising(f64::tan),
        Operator::Tanh => x.rising(f64::tanh).within(-1.0, 1.0),
        Operator::Arcsin | Operator::Arccos | Operator::Arctanh if x.low < -1.0 || x.high > 1.0 => Bounds::UNDEFINED,
        Operator::Arcsin => x.rising(f64::asin),
        Operator::Arccos => x.negated().rising(|x| (-x).acos()),
        Operator::Arctan => x.rising(f64::atan),
        Operator::Arctanh => x.rising(f64::atanh),
        Operator::Abs => absolute(x),
        Operator::Sign => Bounds::new(crate::expression::sign(x.low), crate::expression::sign(x.high)),
        Operator::Step => Bounds::new(crate::expression::step(x.low), crate::expression::step(x.high)),
        Operator::Gaussian => {
            let size = absolute(x);
            let value = |x: f64| (-(x * x)).exp();
            Bounds::new(value(size.high), value(size.low)).widened(FUNCTION_ERROR * (1.0 + size.high)).within(0.0, 1.0)
        }
        Operator::Min => rest.iter().fold(x, |left, right| minimum(left, *right)),
        Operator::Max => rest.iter().fold(x, |left, right| maximum(left, *right)),
        Operator::Clip => minimum(maximum(x, rest[0]), rest[1]),
        Operator::Native(native) => {
            let function = native.function();
            if !function.domain.contains(x.low, x.high) {
                return Bounds::UNDEFINED;
            }
            let (low, high) = (function.bounds)(x.low, x.high);
            if low.is_nan() || high.is_nan() {
                Bounds::UNDEFINED
            } else {
                Bounds::new(low, high).widened(FUNCTION_ERROR)
            }
        }
        Operator::Gate if x.low > 0.0 => rest[0],
        Operator::Gate if x.high <= 0.0 => rest[1],
        Operator::Gate => rest[0].or(rest[1]),
    }
}

fn add(x: Bounds, y: Bounds) -> Bounds {
    let cancels = (x.low == f64::NEG_INFINITY && y.high == f64::INFINITY)
        || (x.high == f64::INFINITY && y.low == f64::NEG_INFINITY);
    if cancels { Bounds::UNDEFINED } else { Bounds::new(x.low + y.low, x.high + y.high).widened(0.0) }
}

fn multiply(x: Bounds, y: Bounds) -> Bounds {
    if (x.is_unbounded() && y.contains(0.0)) || (y.is_unbounded() && x.contains(0.0)) {
        return Bounds::UNDEFINED;
    }
    hull([x.low * y.low, x.low * y.high, x.high * y.low, x.high * y.high]).widened(0.0)
}

fn divide(x: Bounds, y: Bounds) -> Bounds {
    if (x.is_unbounded() && y.is_unbounded()) || (x.contains(0.0) && y.contains(0.0)) {
        return Bounds::UNDEFINED;
    }
    if y.contains(0.0) {
        return Bounds::ANYTHING;
    }
    hull([x.low / y.low, x.low / y.high, x.high / y.low, x.high / y.high]).widened(0.0)
}

fn power(x: Bounds, y: Bounds) -> Bounds {
    /// Repeated multiplication, or a library's power function.
    const ERROR: f64 = 128.0 * f64::EPSILON;
    let value = crate::expression::power;
    if y.low == y.high && is_whole_exponent(y.low) {
        let exponent = y.low;
        if exponent < 0.0 && x.contains(0.0) {
            return if exponent % 2.0 == 0.0 { Bounds::new(0.0, f64::INFINITY) } else { Bounds::ANYTHING };
        }
        let argument = if exponent % 2.0 == 0.0 { absolute(x) } else { x };
        return hull([value(argument.low, exponent), value(argument.high, exponent)]).widened(ERROR);
    }
    if x.low < 0.0 || x.is_unbounded() || y.is_unbounded() {
        return Bounds::UNDEFINED;
    }
    // Rising or falling in each operand, so that the extremes are at the corners; at 0 it jumps between 0, 1 and ∞.
    let corners = hull([value(x.low, y.low), value(x.low, y.high), value(x.high, y.low), value(x.high, y.high)]);
    let corners = if x.low == 0.0 {
        let most = if y.low < 0.0 { f64::INFINITY } else { 1.0 };
        corners.or(Bounds::new(0.0, most))
    } else {
        corners
    };
    let size = y.low.abs().max(y.high.abs()) * x.low.ln().abs().max(x.high.ln().abs());
    corners.widened(ERROR + if size.is_finite() { size * f64::EPSILON } else { 0.0 }).within(0.0, f64::INFINITY)
}

fn hull<const N: usize>(values: [f64; N]) -> Bounds {
    if values.iter().any(|value| value.is_nan()) {
        return Bounds::UNDEFINED;
    }
    let least = values.iter().copied().fold(f64::INFINITY, f64::min);
    Bounds::new(least, values.iter().copied().fold(f64::NEG_INFINITY, f64::max))
}

fn absolute(x: Bounds) -> Bounds {
    let most = x.low.abs().max(x.high.abs());
    Bounds::new(if x.contains(0.0) { 0.0 } else { x.low.abs().min(x.high.abs()) }, most)
}

fn minimum(x: Bounds, y: Bounds) -> Bounds {
    Bounds::new(x.low.min(y.low), x.high.min(y.high))
}

fn maximum(x: Bounds, y: Bounds) -> Bounds {
    Bounds::new(x.low.max(y.low), x.high.max(y.high))
}

fn cosine(x: Bounds) -> Bounds {
    let low = if has_point(x, PI, 2.0 * PI) { -1.0 } else { x.low.cos().min(x.high.cos()) };
    let high = if has_point(x, 0.0, 2.0 * PI) { 1.0 } else { x.low.cos().max(x.high.cos()) };
    // The argument of a sine was shifted, which rounds it.
    let error = f64::EPSILON * (16.0 + x.low.abs().max(x.high.abs()));
    Bounds::new(low - error, high + error).within(-1.0, 1.0)
}

/// Whether some `offset + k · period` lies in the interval, or so near that rounding could hide it.
fn has_point(x: Bounds, offset: f64, period: f64) -> bool {
    let near = 1e-12 * (1.0 + x.low.abs().max(x.high.abs()));
    ((x.low - near - offset) / period).ceil() <= ((x.high + near - offset) / period).floor()
}
