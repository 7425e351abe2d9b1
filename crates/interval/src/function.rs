//! Functions of one variable: what they give over an interval, and how steep they are there.

use crate::{Interval, Local};
use std::f64::consts::{FRAC_PI_2, PI};

/// A function of one variable that a policy or the dynamics of an environment may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Function {
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
    /// 1 where x > 0, else 0.
    Step,
    /// `exp(−x²)`.
    Gaussian,
    /// `x ^ n`.
    WholePower(i32),
    /// Not below 0.
    Positive,
}

impl Function {
    /// What is known of it over an interval.
    pub fn local(self, x: Interval) -> Local {
        let middle = Interval::point(x.middle());
        let bend = self.curvature(x).filter(|curvature| curvature.is_finite());
        Local {
            at_middle: self.value(middle),
            slope: self.slope(x),
            jumps: 0.0,
            bend: bend.map(|curvature| (self.slope(middle), curvature)),
            values: self.value(x),
        }
    }

    /// Bounds of its second derivative, where it has one.
    fn curvature(self, x: Interval) -> Option<Interval> {
        let two = Interval::point(2.0);
        Some(match self {
            Self::Exp => self.value(x),
            Self::Log => -x.whole_power(-2),
            Self::Sqrt => -Interval::point(0.25) / (x * Self::Sqrt.value(x)),
            Self::Sin => -x.sine(),
            Self::Cos => -x.cosine(),
            Self::Tan => two * self.value(x) * self.slope(x),
            Self::Tanh => -two * self.value(x) * self.slope(x),
            Self::Arcsin | Self::Arccos => x * self.slope(x).whole_power(3),
            Self::Arctan => -two * x * self.slope(x) * self.slope(x),
            Self::Arctanh => two * x * self.slope(x) * self.slope(x),
            Self::Gaussian => (Interval::point(4.0) * x.whole_power(2) - two) * self.value(x),
            Self::WholePower(0 | 1) => Interval::ZERO,
            Self::WholePower(exponent) => {
                let exponent = f64::from(exponent);
                Interval::point(exponent * (exponent - 1.0)) * x.whole_power(exponent as i32 - 2)
            }
            _ => return None,
        })
    }

    /// Its values over an interval.
    pub fn value(self, x: Interval) -> Interval {
        if x.is_undefined() {
            return Interval::UNDEFINED;
        }
        match self {
            Self::Exp => x.rising(f64::exp).within(0.0, f64::INFINITY),
            Self::Log | Self::Sqrt if x.low < 0.0 => Interval::UNDEFINED,
            Self::Log => x.rising(f64::ln),
            Self::Sqrt => x.rising(f64::sqrt).within(0.0, f64::INFINITY),
            Self::Sin => x.sine(),
            Self::Cos => x.cosine(),
            Self::Tan if !x.is_finite() => Interval::UNDEFINED,
            // No double is a pole, but between two of them the tangent takes every value.
            Self::Tan if x.has_point(FRAC_PI_2, PI) => Interval::ANYTHING,
            Self::Tan => x.rising(f64::tan),
            Self::Tanh => x.rising(f64::tanh).within(-1.0, 1.0),
            Self::Arcsin | Self::Arccos | Self::Arctanh if x.low < -1.0 || x.high > 1.0 => Interval::UNDEFINED,
            Self::Arcsin => x.rising(f64::asin),
            Self::Arccos => (-x).rising(|x| (-x).acos()),
            Self::Arctan => x.rising(f64::atan),
            Self::Arctanh => x.rising(f64::atanh),
            Self::Abs => x.absolute(),
            Self::Sign => {
                let sign = |x: f64| if x == 0.0 { 0.0 } else { x.signum() };
                Interval { low: sign(x.low), high: sign(x.high) }
            }
            Self::Step => {
                let step = |x: f64| f64::from(u8::from(x > 0.0));
                Interval { low: step(x.low), high: step(x.high) }
            }
            Self::Gaussian => {
                let size = x.absolute();
                let value = |x: f64| (-(x * x)).exp();
                Interval { low: value(size.high), high: value(size.low) }
                    .widened(Interval::FUNCTION_ERROR * (1.0 + size.high.min(40.0)))
                    .within(0.0, 1.0)
            }
            Self::WholePower(exponent) => x.whole_power(exponent),
            Self::Positive => x.maximum(Interval::ZERO),
        }
    }

    /// Bounds of `(f(x) − f(y)) / (x − y)` for all x and y of the interval; infinite where it has none, as at a jump.
    pub fn slope(self, x: Interval) -> Interval {
        if x.is_undefined() {
            return Interval::UNDEFINED;
        }
        let one = Interval::point(1.0);
        match self {
            Self::Exp => self.value(x),
            Self::Log => one / x,
            Self::Sqrt => one / (Interval::point(2.0) * Self::Sqrt.value(x)),
            Self::Sin => x.cosine(),
            Self::Cos => -x.sine(),
            Self::Tan => one + Self::Tan.value(x).whole_power(2),
            Self::Tanh => one - Self::Tanh.value(x).whole_power(2),
            Self::Arcsin => one / Self::Sqrt.value((one - x.whole_power(2)).within(0.0, 1.0)),
            Self::Arccos => -Self::Arcsin.slope(x),
            Self::Arctan => one / (one + x.whole_power(2)),
            Self::Arctanh => one / (one - x.whole_power(2)),
            Self::Abs if x.low >= 0.0 => one,
            Self::Abs if x.high <= 0.0 => -one,
            Self::Abs => Interval { low: -1.0, high: 1.0 },
            Self::Sign | Self::Step if x.contains(0.0) => Interval { low: 0.0, high: f64::INFINITY },
            Self::Sign | Self::Step => Interval::ZERO,
            Self::Gaussian => Interval::point(-2.0) * x * self.value(x),
            Self::WholePower(0) => Interval::ZERO,
            Self::WholePower(exponent) => {
                Interval::point(f64::from(exponent)) * x.whole_power(exponent.saturating_sub(1))
            }
            Self::Positive if x.low >= 0.0 => one,
            Self::Positive if x.high <= 0.0 => Interval::ZERO,
            Self::Positive => Interval { low: 0.0, high: 1.0 },
        }
    }
}
