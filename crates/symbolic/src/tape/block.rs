//! One instruction over a block of rows.

use crate::expression::{Curve, Operator, gate, integer_power, maximum, minimum, power};
use std::sync::Arc;

/// Rows in a block: long enough to spread the cost of an instruction, short enough for the columns of a usual formula
/// to stay in the first-level cache.
pub(super) const LANES: usize = 64;

/// An instruction over earlier columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Instruction {
    Unary(Operator, u32),
    Binary(Operator, u32, u32),
    IntegerPower(u32, i32),
    /// A curve by its number in the tape.
    Curve(u32, u32),
    Gate(u32, u32, u32),
}

impl Instruction {
    /// Writes `target.len()` rows; `columns` are those before the target's.
    pub(super) fn evaluate(self, columns: &[f64], curves: &[Arc<Curve>], target: &mut [f64]) {
        let column = |index: u32| &columns[index as usize * LANES..][..LANES];
        match self {
            Self::Unary(operator, x) => unary(operator, column(x), target),
            Self::Binary(operator, x, y) => binary(operator, column(x), column(y), target),
            Self::IntegerPower(x, 2) => map(column(x), target, |x| x * x),
            Self::IntegerPower(x, exponent) => map(column(x), target, |x| integer_power(x, exponent)),
            Self::Curve(number, x) => {
                let curve = &curves[number as usize];
                map(column(x), target, |x| curve.value(x));
            }
            Self::Gate(x, y, z) => {
                for (((target, x), y), z) in target.iter_mut().zip(column(x)).zip(column(y)).zip(column(z)) {
                    *target = gate(*x, *y, *z);
                }
            }
        }
    }
}

/// Monomorphized for each function, so that what the processor can do to several rows at once is done so.
#[inline(always)]
fn map(x: &[f64], target: &mut [f64], function: impl Fn(f64) -> f64) {
    for (target, x) in target.iter_mut().zip(x) {
        *target = function(*x);
    }
}

#[inline(always)]
fn map2(x: &[f64], y: &[f64], target: &mut [f64], function: impl Fn(f64, f64) -> f64) {
    for ((target, x), y) in target.iter_mut().zip(x).zip(y) {
        *target = function(*x, *y);
    }
}

fn unary(operator: Operator, x: &[f64], target: &mut [f64]) {
    match operator {
        Operator::Negate => map(x, target, |x| -x),
        Operator::Abs => map(x, target, f64::abs),
        Operator::Sqrt => map(x, target, f64::sqrt),
        Operator::Sign => map(x, target, crate::expression::sign),
        Operator::Step => map(x, target, crate::expression::step),
        other => map(x, target, |x| other.value(&[x])),
    }
}

fn binary(operator: Operator, x: &[f64], y: &[f64], target: &mut [f64]) {
    match operator {
        Operator::Add => map2(x, y, target, |x, y| x + y),
        Operator::Multiply => map2(x, y, target, |x, y| x * y),
        Operator::Divide => map2(x, y, target, |x, y| x / y),
        Operator::Power => map2(x, y, target, power),
        Operator::Min => map2(x, y, target, minimum),
        Operator::Max => map2(x, y, target, maximum),
        other => unreachable!("{} has no binary instruction", other.name()),
    }
}
