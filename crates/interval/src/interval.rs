//! Intervals with outward rounding.

use std::f64::consts::{FRAC_PI_2, PI};

/// All numbers between two bounds, both included; the bounds may be infinite.
///
/// Every operation encloses what a program computes in doubles from operands within the intervals, not only what exact
/// arithmetic would: results are widened by what rounding can do, library functions by 16 units in the last place.
/// Where an operation may leave its domain, the result is [`Self::UNDEFINED`], which every further operation keeps.
///
/// ```
/// use kanrl_interval::Interval;
/// let x = Interval::new(-1.0, 2.0);
/// let square = x * x - Interval::point(1.0);
/// assert!(square.contains(-1.0) && square.contains(3.0));
/// assert!(!(Interval::point(1.0) / x).is_finite());
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// No value is below it.
    pub low: f64,
    /// No value is above it.
    pub high: f64,
}

impl Interval {
    /// Relative error granted to a library function, generously.
    pub const FUNCTION_ERROR: f64 = 16.0 * f64::EPSILON;
    /// What may be anything, NaN included.
    pub const UNDEFINED: Self = Self { low: f64::NAN, high: f64::NAN };
    /// Any number, infinite ones included.
    pub const ANYTHING: Self = Self { low: f64::NEG_INFINITY, high: f64::INFINITY };
    /// Nothing but 0.
    pub const ZERO: Self = Self { low: 0.0, high: 0.0 };

    /// From `low` to `high`; undefined where they are not in order.
    #[inline]
    pub fn new(low: f64, high: f64) -> Self {
        if low <= high { Self { low, high } } else { Self::UNDEFINED }
    }

    /// One number.
    #[inline]
    pub fn point(value: f64) -> Self {
        Self { low: value, high: value }
    }

    /// `middle ± radius`, rounded outward.
    #[inline]
    pub fn around(middle: f64, radius: f64) -> Self {
        Self { low: (middle - radius).next_down(), high: (middle + radius).next_up() }
    }

    /// Whether it may be NaN.
    #[inline]
    pub fn is_undefined(self) -> bool {
        self.low.is_nan() || self.high.is_nan()
    }

    /// Whether every value is a finite number.
    #[inline]
    pub fn is_finite(self) -> bool {
        self.low.is_finite() && self.high.is_finite()
    }

    /// Whether the value is one of its.
    #[inline]
    pub fn contains(self, value: f64) -> bool {
        self.is_undefined() || (self.low <= value && value <= self.high)
    }

    /// Whether all of `other` is within.
    #[inline]
    pub fn encloses(self, other: Self) -> bool {
        self.is_undefined() || (self.low <= other.low && other.high <= self.high)
    }

    /// Whether the two share a number.
    #[inline]
    pub fn touches(self, other: Self) -> bool {
        !(self.low > other.high || other.low > self.high)
    }

    /// Its middle; 0 where a bound is infinite.
    #[inline]
    pub fn middle(self) -> f64 {
        let middle = 0.5 * self.low + 0.5 * self.high;
        if middle.is_finite() { middle } else { 0.0 }
    }

    /// Distance from [`Self::middle`] to the farther bound, rounded up.
    #[inline]
    pub fn radius(self) -> f64 {
        let middle = self.middle();
        (self.high - middle).max(middle - self.low).next_up()
    }

    /// Largest absolute value.
    #[inline]
    pub fn magnitude(self) -> f64 {
        if self.is_undefined() { f64::INFINITY } else { self.low.abs().max(self.high.abs()) }
    }

    /// Smallest absolute value.
    pub fn least_magnitude(self) -> f64 {
        if self.contains(0.0) { 0.0 } else { self.low.abs().min(self.high.abs()) }
    }

    /// The smallest interval around both; undefined where one is.
    #[inline]
    pub fn hull(self, other: Self) -> Self {
        if self.is_undefined() || other.is_undefined() {
            return Self::UNDEFINED;
        }
        Self { low: self.low.min(other.low), high: self.high.max(other.high) }
    }

    /// What both hold. Both must enclose the same value, so that they share a number; an undefined one says nothing.
    #[inline]
    pub fn both(self, other: Self) -> Self {
        // `max` and `min` pass over NaN.
        Self { low: self.low.max(other.low), high: self.high.min(other.high) }
    }

    /// Within `low..=high`, where an operation's own range is known.
    #[inline]
    pub(crate) fn within(self, low: f64, high: f64) -> Self {
        if self.is_undefined() { self } else { Self { low: self.low.max(low), high: self.high.min(high) } }
    }

    /// Outward by a relative error and one unit in the last place.
    #[inline]
    #[must_use]
    pub fn widened(self, error: f64) -> Self {
        let low = self.low - self.low.abs() * error;
        let high = self.high + self.high.abs() * error;
        // ∞ − ∞ keeps the end it came from.
        let low = if low.is_nan() { self.low } else { low.next_down() };
        let high = if high.is_nan() { self.high } else { high.next_up() };
        Self { low, high }
    }

    /// Outward by an absolute error.
    #[inline]
    #[must_use]
    pub fn inflated(self, error: f64) -> Self {
        Self { low: (self.low - error).next_down(), high: (self.high + error).next_up() }
    }

    /// The two halves.
    pub fn halves(self) -> (Self, Self) {
        let middle = self.middle();
        (Self { low: self.low, high: middle }, Self { low: middle, high: self.high })
    }

    /// Every value rounded to the nearest f32: exact, since rounding is monotonic.
    #[inline]
    #[must_use]
    pub fn to_f32(self) -> Self {
        Self { low: f64::from(self.low as f32), high: f64::from(self.high as f32) }
    }

    /// The least of each; as C's `a < b ? a : b`.
    #[inline]
    #[must_use]
    pub fn minimum(self, other: Self) -> Self {
        if self.is_undefined() || other.is_undefined() {
            return Self::UNDEFINED;
        }
        Self { low: self.low.min(other.low), high: self.high.min(other.high) }
    }

    /// The largest of each.
    #[inline]
    #[must_use]
    pub fn maximum(self, other: Self) -> Self {
        -(-self).minimum(-other)
    }

    /// `self ^ exponent` for any operands.
    #[must_use]
    pub fn power(self, exponent: Self) -> Self {
        if exponent.low == exponent.high && is_whole(exponent.low) {
            return self.whole_power(exponent.low as i32);
        }
        let (x, y) = (self, exponent);
        if x.is_undefined() || y.is_undefined() || x.low < 0.0 || !x.is_finite() || !y.is_finite() {
            return Self::UNDEFINED;
        }
        // Monotonic in each operand, so that the extremes are at the corners; at 0 it jumps between 0, 1 and ∞.
        let value = f64::powf;
        let corners = hull([value(x.low, y.low), value(x.low, y.high), value(x.high, y.low), value(x.high, y.high)]);
        let corners = if x.low == 0.0 {
            corners.hull(Self::new(0.0, if y.low < 0.0 { f64::INFINITY } else { 1.0 }))
        } else {
            corners
        };
        let size = y.magnitude() * x.low.ln().abs().max(x.high.ln().abs());
        corners
            .widened(POWER_ERROR + if size.is_finite() { size * f64::EPSILON } else { 0.0 })
            .within(0.0, f64::INFINITY)
    }

    /// `self ^ exponent`, by repeated multiplication or a library's function.
    #[must_use]
    pub fn whole_power(self, exponent: i32) -> Self {
        if self.is_undefined() {
            return self;
        }
        let even = exponent % 2 == 0;
        if exponent < 0 && self.contains(0.0) {
            return if even { Self::new(0.0, f64::INFINITY) } else { Self::ANYTHING };
        }
        let argument = if even { self.absolute() } else { self };
        hull([argument.low.powi(exponent), argument.high.powi(exponent)]).widened(POWER_ERROR)
    }

    /// Absolute values.
    #[inline]
    #[must_use]
    pub fn absolute(self) -> Self {
        if self.is_undefined() {
            return self;
        }
        Self { low: self.least_magnitude(), high: self.magnitude() }
    }

    /// The values of a rising function.
    pub(crate) fn rising(self, function: impl Fn(f64) -> f64) -> Self {
        Self { low: function(self.low), high: function(self.high) }.widened(Self::FUNCTION_ERROR)
    }

    /// Cosines.
    #[must_use]
    pub fn cosine(self) -> Self {
        if !self.is_finite() {
            return Self::UNDEFINED;
        }
        let low = if self.has_point(PI, 2.0 * PI) { -1.0 } else { self.low.cos().min(self.high.cos()) };
        let high = if self.has_point(0.0, 2.0 * PI) { 1.0 } else { self.low.cos().max(self.high.cos()) };
        Self { low, high }.inflated(Self::FUNCTION_ERROR).within(-1.0, 1.0)
    }

    /// Sines.
    #[must_use]
    pub fn sine(self) -> Self {
        if !self.is_finite() {
            return Self::UNDEFINED;
        }
        let low = if self.has_point(-FRAC_PI_2, 2.0 * PI) { -1.0 } else { self.low.sin().min(self.high.sin()) };
        let high = if self.has_point(FRAC_PI_2, 2.0 * PI) { 1.0 } else { self.low.sin().max(self.high.sin()) };
        Self { low, high }.inflated(Self::FUNCTION_ERROR).within(-1.0, 1.0)
    }

    /// Whether some `offset + k · period` lies in it, or so near that rounding could hide it.
    pub(crate) fn has_point(self, offset: f64, period: f64) -> bool {
        let near = 1e-12 * (1.0 + self.magnitude());
        ((self.low - near - offset) / period).ceil() <= ((self.high + near - offset) / period).floor()
    }
}

/// Repeated multiplication, or a library's power function.
const POWER_ERROR: f64 = 128.0 * f64::EPSILON;

/// Whether a number is raised to `exponent` by repeated multiplication.
pub(crate) fn is_whole(exponent: f64) -> bool {
    exponent == exponent.trunc() && exponent.abs() <= 64.0
}

/// The interval around the values; undefined where one is NaN.
fn hull<const N: usize>(values: [f64; N]) -> Interval {
    if values.iter().any(|value| value.is_nan()) {
        return Interval::UNDEFINED;
    }
    let least = values.iter().copied().fold(f64::INFINITY, f64::min);
    Interval { low: least, high: values.iter().copied().fold(f64::NEG_INFINITY, f64::max) }
}

impl std::ops::Neg for Interval {
    type Output = Self;

    #[inline]
    fn neg(self) -> Self {
        Self { low: -self.high, high: -self.low }
    }
}

impl std::ops::Add for Interval {
    type Output = Self;

    #[inline]
    fn add(self, other: Self) -> Self {
        let sum = Self { low: self.low + other.low, high: self.high + other.high };
        let cancels = (self.low == f64::NEG_INFINITY && other.high == f64::INFINITY)
            || (self.high == f64::INFINITY && other.low == f64::NEG_INFINITY);
        if cancels || sum.is_undefined() {
            Self::UNDEFINED
        } else {
            let low = if is_exact_sum(self.low, other.low, sum.low) { sum.low } else { sum.low.next_down() };
            let high = if is_exact_sum(self.high, other.high, sum.high) { sum.high } else { sum.high.next_up() };
            Self { low, high }
        }
    }
}

/// Whether a sum is what the numbers add up to, without rounding (Knuth's TwoSum): where a program rounds it again, to f32, even
/// the last place decides.
#[inline]
fn is_exact_sum(x: f64, y: f64, sum: f64) -> bool {
    let part = sum - x;
    (x - (sum - part)) + (y - part) == 0.0
}

/// Whether it is an f32: the product of two is exact, unless it is tiny.
#[inline]
fn is_f32(value: f64) -> bool {
    f64::from(value as f32) == value
}

impl std::ops::Sub for Interval {
    type Output = Self;

    #[inline]
    fn sub(self, other: Self) -> Self {
        self + -other
    }
}

impl std::ops::Mul for Interval {
    type Output = Self;

    #[inline]
    fn mul(self, other: Self) -> Self {
        let (x, y) = (self, other);
        if !(x.is_finite() && y.is_finite()) {
            let is_unbounded = |x: Self| x.low.is_infinite() || x.high.is_infinite();
            if (is_unbounded(x) && y.contains(0.0)) || (is_unbounded(y) && x.contains(0.0)) {
                return Self::UNDEFINED;
            }
            return hull([x.low * y.low, x.low * y.high, x.high * y.low, x.high * y.high]).widened(0.0);
        }
        let corners = [x.low * y.low, x.low * y.high, x.high * y.low, x.high * y.high];
        let low = corners[0].min(corners[1]).min(corners[2].min(corners[3]));
        let high = corners[0].max(corners[1]).max(corners[2].max(corners[3]));
        let is_exact = [x.low, x.high, y.low, y.high].into_iter().all(is_f32)
            && corners.iter().all(|corner| *corner == 0.0 || corner.abs() > 1e-280);
        if is_exact { Self { low, high } } else { Self { low: low.next_down(), high: high.next_up() } }
    }
}

impl std::ops::Div for Interval {
    type Output = Self;

    fn div(self, other: Self) -> Self {
        let (x, y) = (self, other);
        if x.is_undefined()
            || y.is_undefined()
            || (!x.is_finite() && !y.is_finite())
            || (x.contains(0.0) && y.contains(0.0))
        {
            return Self::UNDEFINED;
        }
        if y.contains(0.0) {
            return Self::ANYTHING;
        }
        hull([x.low / y.low, x.low / y.high, x.high / y.low, x.high / y.high]).widened(0.0)
    }
}

impl std::fmt::Display for Interval {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.is_undefined() {
            return formatter.write_str("undefined");
        }
        write!(formatter, "[{}, {}]", self.low, self.high)
    }
}
