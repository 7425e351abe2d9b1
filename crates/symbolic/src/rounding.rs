//! The fewest digits that keep a formula's values.

use crate::expression::{Curve, Expression, SymbolicError};
use crate::tape::Tape;
use std::sync::Arc;

/// What [`round`] found.
#[derive(Clone, Debug, PartialEq)]
pub struct Rounding {
    /// The rounded expressions: what is to be evaluated, printed and exported from now on.
    pub expressions: Vec<Expression>,
    /// Significant digits of the constants, coefficients of curves among them, that needed most.
    pub digits: u32,
    /// Largest change of any output on the data.
    pub largest_change: f64,
}

/// Most significant digits a double can need.
const MOST_DIGITS: u32 = 17;

/// Rounds every constant to the fewest significant digits such that no output changes by more than `tolerance`
/// (absolute) on the data: first the coefficients of each curve, by half of it; then one number of digits for all
/// constants, then each constant by itself as far as it can go, the least precise first.
///
/// # Shapes
/// `data` `[rows, inputs]`, row-major.
///
/// # Errors
/// [`SymbolicError::UnknownVariable`] for a variable that is not an input, [`SymbolicError::Invalid`] for data of another
/// shape or a tolerance that is not a number ≥ 0.
pub fn round<S: AsRef<str>>(
    expressions: &[Expression],
    inputs: &[S],
    data: &[f64],
    tolerance: f64,
) -> Result<Rounding, SymbolicError> {
    if tolerance.is_nan() || tolerance < 0.0 {
        return Err(SymbolicError::Invalid(format!("the tolerance is {tolerance}; it must be 0 or more")));
    }
    if data.is_empty() || !data.len().is_multiple_of(inputs.len().max(1)) {
        let (found, wanted) = (data.len(), inputs.len());
        return Err(SymbolicError::Invalid(format!("{found} numbers do not divide into rows of {wanted} inputs")));
    }
    let values = values(&Tape::compile(expressions, inputs)?, data);
    let (expressions, curve_digits) = with_rounded_curves(expressions, inputs, data, &values, tolerance / 2.0)?;
    let expressions = &expressions;
    let tape = Tape::compile_with_constants(expressions, inputs)?;
    let mut search = Search { tape: &tape, data, outputs: values.clone(), exact: values };
    let exact = tape.constants().to_vec();
    let fixed: Vec<bool> = expressions.iter().flat_map(Expression::fixed_constants).collect();
    let all = |digits: u32| -> Vec<f64> {
        let rounded =
            exact.iter().zip(&fixed).map(|(value, fixed)| if *fixed { *value } else { to_digits(*value, digits) });
        rounded.collect()
    };
    let digits = (1..MOST_DIGITS).find(|digits| search.change(&all(*digits)) <= tolerance).unwrap_or(MOST_DIGITS);
    let mut constants = all(digits);
    for index in 0..constants.len() {
        let kept = constants[index];
        if fixed[index] {
            continue;
        }
        for fewer in 0..digits {
            constants[index] = to_digits(exact[index], fewer);
            if search.change(&constants) <= tolerance {
                break;
            }
            constants[index] = kept;
        }
    }
    let largest_change = search.change(&constants);
    let mut values = constants.into_iter();
    let rounded = expressions.iter().map(|expression| {
        let count = expression.constants().count();
        expression.with_constants(values.by_ref().take(count).collect::<Vec<_>>()).folded()
    });
    Ok(Rounding { expressions: rounded.collect(), digits: digits.max(curve_digits), largest_change })
}

struct Search<'a> {
    tape: &'a Tape,
    data: &'a [f64],
    exact: Vec<f64>,
    outputs: Vec<f64>,
}

/// The tape's outputs on the data.
fn values(tape: &Tape, data: &[f64]) -> Vec<f64> {
    let mut values = vec![0.0; data.len() / tape.inputs().max(1) * tape.outputs()];
    tape.evaluate(data, &mut values);
    values
}

/// The expressions with the coefficients of each curve rounded, so that together they change no output by more than
/// `tolerance`, and the most digits that one needed.
fn with_rounded_curves<S: AsRef<str>>(
    expressions: &[Expression],
    inputs: &[S],
    data: &[f64],
    exact: &[f64],
    tolerance: f64,
) -> Result<(Vec<Expression>, u32), SymbolicError> {
    let mut best = expressions.to_vec();
    let mut most = 0;
    let mut curves: Vec<Arc<Curve>> = Vec::new();
    for curve in expressions.iter().flat_map(Expression::curves) {
        if !curves.contains(&curve) {
            curves.push(curve);
        }
    }
    for (index, curve) in curves.iter().enumerate() {
        let share = tolerance * (index + 1) as f64 / curves.len() as f64;
        for digits in 1..MOST_DIGITS {
            let rounded = Arc::new(curve.rounded(digits));
            let replaced = |other: &Arc<Curve>| if other == curve { rounded.clone() } else { other.clone() };
            let trial: Vec<Expression> = best.iter().map(|expression| expression.map_curves(replaced)).collect();
            let tape = Tape::compile(&trial, inputs)?;
            if change(&values(&tape, data), exact) <= share {
                (best, most) = (trial, most.max(digits));
                break;
            }
            if digits == MOST_DIGITS - 1 {
                most = MOST_DIGITS;
            }
        }
    }
    Ok((best, most))
}

/// Largest change of any output; infinite where one is no longer finite.
fn change(outputs: &[f64], exact: &[f64]) -> f64 {
    let changes = outputs.iter().zip(exact).map(|(new, old)| {
        // Equal infinities and NaN in both are not a change.
        if new.to_bits() == old.to_bits() { 0.0 } else { (new - old).abs() }
    });
    changes.fold(0.0, |most, change| {
        if change <= most {
            most
        } else if change.is_nan() {
            f64::INFINITY
        } else {
            change
        }
    })
}

impl Search<'_> {
    /// Largest change of any output; infinite where one is no longer finite.
    fn change(&mut self, constants: &[f64]) -> f64 {
        self.tape.evaluate_with(constants, self.data, &mut self.outputs);
        change(&self.outputs, &self.exact)
    }
}

/// The nearest number with that many significant decimal digits; 0 digits give 0.
pub(crate) fn to_digits(value: f64, digits: u32) -> f64 {
    match digits {
        0 => 0.0,
        // Decimal printing rounds correctly, and the result is the double nearest to the printed number.
        _ => format!("{value:.*e}", digits as usize - 1).parse().unwrap_or(value),
    }
}
