//! What dynamics and formulas compute with, whatever is known of their numbers.

use crate::{Function, Interval};

/// What is known of a function over the range of its argument.
#[derive(Clone, Copy, Debug)]
pub struct Local {
    /// Its value at the middle of the range.
    pub at_middle: Interval,
    /// Bounds of its difference quotients `(f(x) − f(y)) / (x − y)`, jumps apart; infinite where there are none.
    pub slope: Interval,
    /// By how much it jumps within the range, all jumps together.
    pub jumps: f64,
    /// Its slope at the middle and bounds of its second derivative, where it is smooth over the whole range.
    pub bend: Option<(Interval, Interval)>,
    /// Its values over the range.
    pub values: Interval,
}

/// A number of which something is known: where it lies ([`Interval`]), or also how it depends on where a box is entered
/// ([`Affine`](crate::Affine)). Dynamics that are written for any `Number` run with each of them.
///
/// Every operation encloses what a program computes in doubles, rounding included.
pub trait Number: Clone {
    /// A known number.
    fn constant(value: f64) -> Self;
    /// Any number of the interval, of which nothing else is known.
    fn unknown(range: Interval) -> Self;
    /// Where it lies.
    fn range(&self) -> Interval;
    /// `self + other`.
    fn plus(&self, other: &Self) -> Self;
    /// `self − other`.
    fn minus(&self, other: &Self) -> Self;
    /// `self · other`.
    fn times(&self, other: &Self) -> Self;
    /// `−self`.
    fn negated(&self) -> Self;
    /// `factor · self`.
    fn scaled(&self, factor: f64) -> Self;
    /// A function of it.
    fn through(&self, function: &Local) -> Self;
    /// One of both, nobody knows which.
    fn either(&self, other: &Self) -> Self;
    /// The same with an unknown error of at most this size.
    fn with_error(&self, size: f64) -> Self;
    /// The same, known to lie within the interval: for values that were clipped, or are known to lie there otherwise.
    fn known_within(&self, range: Interval) -> Self;

    /// A function of it.
    fn function(&self, function: Function) -> Self {
        self.through(&function.local(self.range()))
    }

    /// `self / other`.
    fn over(&self, other: &Self) -> Self {
        let reciprocal = other.function(Function::WholePower(-1));
        let quotient = self.times(&reciprocal);
        // Two roundings instead of one, which the widening allows for.
        quotient.known_within((self.range() / other.range()).widened(4.0 * f64::EPSILON))
    }

    /// The lesser of both.
    fn minimum(&self, other: &Self) -> Self {
        let (x, y) = (self.range(), other.range());
        if x.high <= y.low {
            self.clone()
        } else if y.high <= x.low {
            other.clone()
        } else {
            // min(x, y) = x − max(x − y, 0), which is exact in y and off by a rounding in x.
            let least = self.minus(&self.minus(other).function(Function::Positive));
            least.known_within(x.minimum(y))
        }
    }

    /// The larger of both.
    fn maximum(&self, other: &Self) -> Self {
        self.negated().minimum(&other.negated()).negated()
    }

    /// `min(max(self, low), high)`.
    fn clipped(&self, low: f64, high: f64) -> Self {
        self.maximum(&Self::constant(low)).minimum(&Self::constant(high))
    }

    /// Rounded to f32.
    fn to_f32(&self) -> Self {
        let x = self.range();
        // Half a unit in the last place of 24 bits, or of the smallest numbers.
        let error = x.magnitude() * 2.0_f64.powi(-24) + 2.0_f64.powi(-150);
        self.with_error(error.next_up()).known_within(x.to_f32())
    }
}

impl Number for Interval {
    #[inline]
    fn constant(value: f64) -> Self {
        Self::point(value)
    }

    #[inline]
    fn unknown(range: Interval) -> Self {
        range
    }

    #[inline]
    fn range(&self) -> Interval {
        *self
    }

    #[inline]
    fn plus(&self, other: &Self) -> Self {
        *self + *other
    }

    #[inline]
    fn minus(&self, other: &Self) -> Self {
        *self - *other
    }

    #[inline]
    fn times(&self, other: &Self) -> Self {
        *self * *other
    }

    #[inline]
    fn negated(&self) -> Self {
        -*self
    }

    #[inline]
    fn scaled(&self, factor: f64) -> Self {
        *self * Self::point(factor)
    }

    #[inline]
    fn through(&self, function: &Local) -> Self {
        function.values
    }

    fn function(&self, function: Function) -> Self {
        function.value(*self)
    }

    fn over(&self, other: &Self) -> Self {
        *self / *other
    }

    fn minimum(&self, other: &Self) -> Self {
        Interval::minimum(*self, *other)
    }

    #[inline]
    fn either(&self, other: &Self) -> Self {
        self.hull(*other)
    }

    #[inline]
    fn with_error(&self, size: f64) -> Self {
        self.inflated(size)
    }

    #[inline]
    fn known_within(&self, range: Interval) -> Self {
        self.both(range)
    }

    fn to_f32(&self) -> Self {
        Interval::to_f32(*self)
    }
}
