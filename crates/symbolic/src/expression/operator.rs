//! The operators of an expression: names, number of operands, values.

use super::Native;

/// What a node of an [`Expression`](super::Expression) computes from its operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Operator {
    /// Sum of two or more.
    Add,
    /// Product of two or more.
    Multiply,
    /// `-x`.
    Negate,
    /// `x / y`.
    Divide,
    /// `x ^ y`.
    Power,
    /// Natural exponential.
    Exp,
    /// Natural logarithm.
    Log,
    /// Square root.
    Sqrt,
    /// Sine, radians.
    Sin,
    /// Cosine, radians.
    Cos,
    /// Tangent, radians.
    Tan,
    /// Hyperbolic tangent.
    Tanh,
    /// Inverse sine.
    Arcsin,
    /// Inverse cosine.
    Arccos,
    /// Inverse tangent.
    Arctan,
    /// Inverse hyperbolic tangent.
    Arctanh,
    /// Absolute value.
    Abs,
    /// −1, 0 or 1.
    Sign,
    /// `exp(-x²)`.
    Gaussian,
    /// 1 where x > 0, else 0.
    Step,
    /// Smallest of two or more.
    Min,
    /// Largest of two or more.
    Max,
    /// `clip(x, low, high) = min(max(x, low), high)`.
    Clip,
    /// `gate(x, y, z)`: y where x > 0, else z.
    Gate,
    /// A function of the program's own.
    Native(Native),
}

impl Operator {
    /// All that are built in.
    pub const ALL: [Self; 24] = [
        Self::Add,
        Self::Multiply,
        Self::Negate,
        Self::Divide,
        Self::Power,
        Self::Exp,
        Self::Log,
        Self::Sqrt,
        Self::Sin,
        Self::Cos,
        Self::Tan,
        Self::Tanh,
        Self::Arcsin,
        Self::Arccos,
        Self::Arctan,
        Self::Arctanh,
        Self::Abs,
        Self::Sign,
        Self::Gaussian,
        Self::Step,
        Self::Min,
        Self::Max,
        Self::Clip,
        Self::Gate,
    ];

    /// Its name in the JSON tree, and in plain text where it is written as a function.
    pub fn name(self) -> &'static str {
        match self {
            Self::Add => "add",
            Self::Multiply => "multiply",
            Self::Negate => "negate",
            Self::Divide => "divide",
            Self::Power => "power",
            Self::Exp => "exp",
            Self::Log => "log",
            Self::Sqrt => "sqrt",
            Self::Sin => "sin",
            Self::Cos => "cos",
            Self::Tan => "tan",
            Self::Tanh => "tanh",
            Self::Arcsin => "arcsin",
            Self::Arccos => "arccos",
            Self::Arctan => "arctan",
            Self::Arctanh => "arctanh",
            Self::Abs => "abs",
            Self::Sign => "sign",
            Self::Gaussian => "gaussian",
            Self::Step => "step",
            Self::Min => "min",
            Self::Max => "max",
            Self::Clip => "clip",
            Self::Gate => "gate",
            Self::Native(native) => native.function().name,
        }
    }

    /// The operator of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        let built_in = Self::ALL.into_iter().find(|operator| operator.name() == name);
        built_in.or_else(|| Native::find(name).map(Self::Native))
    }

    /// Whether plain text writes it as `name(operands)`.
    pub fn is_function(self) -> bool {
        !matches!(self, Self::Add | Self::Multiply | Self::Negate | Self::Divide | Self::Power)
    }

    /// Fewest and most operands; `None` for no upper limit.
    pub fn arity(self) -> (usize, Option<usize>) {
        match self {
            Self::Add | Self::Multiply | Self::Min | Self::Max => (2, None),
            Self::Divide | Self::Power => (2, Some(2)),
            Self::Clip | Self::Gate => (3, Some(3)),
            _ => (1, Some(1)),
        }
    }

    /// Whether it takes that many operands.
    pub fn accepts(self, operands: usize) -> bool {
        let (least, most) = self.arity();
        operands >= least && most.is_none_or(|most| operands <= most)
    }

    /// Its value, as IEEE 754 doubles give it: NaN or infinite outside its domain.
    ///
    /// # Panics
    /// If it does not take that many operands.
    pub fn value(self, operands: &[f64]) -> f64 {
        assert!(self.accepts(operands.len()), "{} operands for {}", operands.len(), self.name());
        let x = operands[0];
        match self {
            Self::Add => operands[1..].iter().fold(x, |sum, term| sum + term),
            Self::Multiply => operands[1..].iter().fold(x, |product, factor| product * factor),
            Self::Negate => -x,
            Self::Divide => x / operands[1],
            Self::Power => power(x, operands[1]),
            Self::Exp => x.exp(),
            Self::Log => x.ln(),
            Self::Sqrt => x.sqrt(),
            Self::Sin => x.sin(),
            Self::Cos => x.cos(),
            Self::Tan => x.tan(),
            Self::Tanh => x.tanh(),
            Self::Arcsin => x.asin(),
            Self::Arccos => x.acos(),
            Self::Arctan => x.atan(),
            Self::Arctanh => x.atanh(),
            Self::Abs => x.abs(),
            Self::Sign => sign(x),
            Self::Gaussian => (-(x * x)).exp(),
            Self::Step => step(x),
            Self::Min => operands[1..].iter().fold(x, |least, value| minimum(least, *value)),
            Self::Max => operands[1..].iter().fold(x, |most, value| maximum(most, *value)),
            Self::Clip => minimum(maximum(x, operands[1]), operands[2]),
            Self::Gate => gate(x, operands[1], operands[2]),
            Self::Native(native) => (native.function().value)(x),
        }
    }
}

/// Whether a number is raised to `exponent` by repeated multiplication.
#[inline]
pub(crate) fn is_whole_exponent(exponent: f64) -> bool {
    exponent == exponent.trunc() && exponent.abs() <= 64.0
}

/// `x ^ y`; small whole exponents by repeated multiplication, which is exact for exact squares and the same everywhere.
#[inline]
pub(crate) fn power(x: f64, y: f64) -> f64 {
    if is_whole_exponent(y) { integer_power(x, y as i32) } else { x.powf(y) }
}

/// `x ^ exponent` by squaring.
#[inline]
pub(crate) fn integer_power(x: f64, exponent: i32) -> f64 {
    let mut result = 1.0;
    let mut square = x;
    let mut remaining = exponent.unsigned_abs();
    while remaining > 0 {
        if remaining & 1 == 1 {
            result *= square;
        }
        square *= square;
        remaining >>= 1;
    }
    if exponent < 0 { 1.0 / result } else { result }
}

#[inline]
pub(crate) fn sign(x: f64) -> f64 {
    if x > 0.0 {
        1.0
    } else if x < 0.0 {
        -1.0
    } else {
        x
    }
}

#[inline]
pub(crate) fn step(x: f64) -> f64 {
    if x > 0.0 { 1.0 } else { 0.0 }
}

#[inline]
pub(crate) fn gate(x: f64, positive: f64, otherwise: f64) -> f64 {
    if x > 0.0 { positive } else { otherwise }
}

/// As C's `a < b ? a : b`, which every export can write; NaN in `a` gives `b`.
#[inline]
pub(crate) fn minimum(a: f64, b: f64) -> f64 {
    if a < b { a } else { b }
}

/// As C's `a > b ? a : b`; NaN in `a` gives `b`.
#[inline]
pub(crate) fn maximum(a: f64, b: f64) -> f64 {
    if a > b { a } else { b }
}
