//! Functions that become tables: their values, and what a proof has to know of them.

use kanrl_interval::{Function, Interval, Local};

/// A smooth function of one variable.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Smooth {
    /// One that has a name.
    Named(Function),
    /// `x ^ exponent`, for x above 0.
    Power(f64),
    /// `base ^ x`, for a base above 0.
    Exponential(f64),
}

impl Smooth {
    /// Its value, to be fitted to: nothing is proved from it.
    pub fn value(self, x: f64) -> f64 {
        match self {
            Self::Power(exponent) => x.powf(exponent),
            Self::Exponential(base) => base.powf(x),
            Self::Named(function) => match function {
                Function::Exp => x.exp(),
                Function::Log => x.ln(),
                Function::Sqrt => x.sqrt(),
                Function::Sin => x.sin(),
                Function::Cos => x.cos(),
                Function::Tan => x.tan(),
                Function::Tanh => x.tanh(),
                Function::Arcsin => x.asin(),
                Function::Arccos => x.acos(),
                Function::Arctan => x.atan(),
                Function::Arctanh => x.atanh(),
                Function::Gaussian => (-x * x).exp(),
                other => other.value(Interval::point(x)).middle(),
            },
        }
    }

    /// What is known of it over an interval.
    pub fn local(self, x: Interval) -> Local {
        let middle = Interval::point(x.middle());
        let (values, slope, curvature): (fn(f64, Interval) -> Interval, _, _) = match self {
            Self::Named(function) => return function.local(x),
            Self::Power(exponent) => {
                let slope = |x: Interval| Interval::point(exponent) * power(exponent - 1.0, x);
                let factor = Interval::point(exponent) * Interval::point(exponent - 1.0);
                (power, [slope(x), slope(middle)], factor * power(exponent - 2.0, x))
            }
            Self::Exponential(base) => {
                let rate = Function::Log.value(Interval::point(base));
                let slope = |x: Interval| rate * exponential(base, x);
                (exponential, [slope(x), slope(middle)], rate * rate * exponential(base, x))
            }
        };
        let parameter = match self {
            Self::Power(parameter) | Self::Exponential(parameter) => parameter,
            Self::Named(_) => 0.0,
        };
        Local {
            at_middle: values(parameter, middle),
            slope: slope[0],
            jumps: 0.0,
            bend: curvature.is_finite().then_some((slope[1], curvature)),
            values: values(parameter, x),
        }
    }
}

fn power(exponent: f64, x: Interval) -> Interval {
    x.power(Interval::point(exponent))
}

fn exponential(base: f64, x: Interval) -> Interval {
    Interval::point(base).power(x)
}
