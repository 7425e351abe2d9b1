//! Functions that become tables: their values, and what a proof has to know of them.

use kanrl_interval::{Function, Interval, Local};
use kanrl_symbolic::{Expression, Node, Operator};
use std::sync::Arc;

/// A smooth function of one variable.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Smooth {
    /// One that has a name.
    Named(Function),
    /// `x ^ exponent`, for x above 0.
    Power(f64),
    /// `base ^ x`, for a base above 0.
    Exponential(f64),
    /// An expression over one variable.
    Composed(Arc<Composed>),
}

/// An expression over one variable, with its derivatives.
#[derive(Debug, PartialEq)]
pub(super) struct Composed {
    variable: String,
    derivatives: [Expression; 3],
}

impl Composed {
    /// Bounds of a derivative.
    fn bounds(&self, order: usize, x: Interval) -> Interval {
        let bounds = self.derivatives[order].bounds(&[(&self.variable, x.low, x.high)]);
        match bounds {
            Ok(bounds) if bounds.defined => Interval::new(bounds.low, bounds.high),
            _ => Interval::UNDEFINED,
        }
    }
}

impl Smooth {
    /// The expression as a function of its only variable, where it has one and nothing in it has a kink.
    pub fn composed(expression: &Expression) -> Option<(Self, String)> {
        let [variable] = &expression.variables()[..] else { return None };
        let is_smooth = expression.nodes().iter().all(|node| match node {
            Node::Constant(_) | Node::Variable(_) => true,
            Node::Curve(_) => false,
            Node::Operation(operator, _) => !matches!(
                operator,
                Operator::Abs
                    | Operator::Sign
                    | Operator::Step
                    | Operator::Gate
                    | Operator::Min
                    | Operator::Max
                    | Operator::Clip
                    | Operator::Native(_)
            ),
        });
        let slope = expression.derivative(variable);
        let bend = slope.derivative(variable);
        let variable = variable.to_string();
        let composed = Composed { variable: variable.clone(), derivatives: [expression.clone(), slope, bend] };
        is_smooth.then(|| (Self::Composed(Arc::new(composed)), variable))
    }

    /// Its value, to be fitted to: nothing is proved from it.
    pub fn value(&self, x: f64) -> f64 {
        match self {
            Self::Composed(composed) => {
                composed.derivatives[0].evaluate(&[(&composed.variable, x)]).unwrap_or(f64::NAN)
            }
            Self::Power(exponent) => x.powf(*exponent),
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
    pub fn local(&self, x: Interval) -> Local {
        let middle = Interval::point(x.middle());
        let (values, slope, curvature): (fn(f64, Interval) -> Interval, _, _) = match self {
            Self::Named(function) => return function.local(x),
            Self::Composed(composed) => {
                let bend = composed.bounds(2, x);
                return Local {
                    at_middle: composed.bounds(0, middle),
                    slope: composed.bounds(1, x),
                    jumps: 0.0,
                    bend: bend.is_finite().then(|| (composed.bounds(1, middle), bend)),
                    values: composed.bounds(0, x),
                };
            }
            Self::Power(exponent) => {
                let exponent = *exponent;
                let slope = |x: Interval| Interval::point(exponent) * power(exponent - 1.0, x);
                let factor = Interval::point(exponent) * Interval::point(exponent - 1.0);
                (power, [slope(x), slope(middle)], factor * power(exponent - 2.0, x))
            }
            Self::Exponential(base) => {
                let base = *base;
                let rate = Function::Log.value(Interval::point(base));
                let slope = |x: Interval| rate * exponential(base, x);
                (exponential, [slope(x), slope(middle)], rate * rate * exponential(base, x))
            }
        };
        let parameter = match self {
            Self::Power(parameter) | Self::Exponential(parameter) => *parameter,
            Self::Named(_) | Self::Composed(_) => 0.0,
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
