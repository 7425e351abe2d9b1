//! From a formula to fixed point.

use super::builder::{Builder, Trouble, Value};
use super::program::{Id, Program};
use super::smooth::Smooth;
use super::table::exponent;
use super::word::Word;
use kanrl_interval::{Function, Interval};
use kanrl_symbolic::{ActionRule, Expression, Formula, Node, Operator};

/// Where an observation lies.
#[derive(Clone, Debug, PartialEq)]
pub struct Range {
    /// Its name.
    pub name: String,
    /// Its least value.
    pub low: f64,
    /// Its greatest value.
    pub high: f64,
}

/// A formula over whole numbers, and what is proved of it.
///
/// An observation `x` is given as the whole number nearest to `x · 2^fraction`, and is held within its range first. For every
/// observation within the ranges each output then differs from the formula's by no more than its `bound`, the rounding of the
/// observation included, wherever the formula's [`Switch`]es are not just switching; and no step can overflow, whatever the observation.
///
/// ```
/// use kanrl_export::fixed::{Fixed, Range, Word};
/// use kanrl_symbolic::{ActionRule, Formula};
/// let formula = Formula::parse(&["theta", "theta_dot"], &[("a", "3*theta + tanh(theta_dot)")], ActionRule::Threshold)?;
/// let range = |name: &str, size: f64| Range { name: name.to_owned(), low: -size, high: size };
/// let fixed = Fixed::new(&formula, &[range("theta", 0.5), range("theta_dot", 4.0)], Word::Q15)?;
/// let raw = fixed.observe(&[0.1, -0.2]);
/// let output = fixed.outputs(&raw)[0];
/// assert!((output - (0.3 - 0.2_f64.tanh())).abs() <= fixed.outputs[0].bound && fixed.outputs[0].bound < 0.001);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Fixed {
    /// Size of the numbers.
    pub word: Word,
    /// The observation's coordinates.
    pub inputs: Vec<FixedInput>,
    /// The formula's outputs; those of an argmax all have the same fraction.
    pub outputs: Vec<FixedOutput>,
    /// How they become an action.
    pub action: FixedAction,
    /// Where the formula jumps.
    pub switches: Vec<Switch>,
    pub(crate) program: Program,
}

/// A coordinate of the observation.
#[derive(Clone, Debug, PartialEq)]
pub struct FixedInput {
    /// Its name.
    pub name: String,
    /// Whether the formula uses it.
    pub used: bool,
    /// Bits of it that are a fraction.
    pub fraction: i32,
    /// Its least value.
    pub low: f64,
    /// Its greatest value.
    pub high: f64,
}

/// An output.
#[derive(Clone, Debug, PartialEq)]
pub struct FixedOutput {
    /// Its name.
    pub name: String,
    /// Bits of it that are a fraction.
    pub fraction: i32,
    /// How far it is from the formula's output, at most.
    pub bound: f64,
    pub(crate) id: Id,
}

/// How outputs become an action.
#[derive(Clone, Debug, PartialEq)]
pub enum FixedAction {
    /// The number of the first largest output.
    Argmax,
    /// 1 where the output is above 0, else 0.
    Threshold,
    /// The outputs as words, held between two bounds.
    Clip(Vec<FixedCoordinate>),
}

/// A coordinate of a vector action.
#[derive(Clone, Debug, PartialEq)]
pub struct FixedCoordinate {
    /// Bits of it that are a fraction.
    pub fraction: i32,
    /// Lower bound, as a whole number.
    pub low: i64,
    /// Upper bound, as a whole number.
    pub high: i64,
    /// How far it is from the formula's action, at most.
    pub bound: f64,
}

/// A condition `x > 0` in a formula: where x is within its margin of 0, fixed point may take the other branch.
#[derive(Clone, Debug, PartialEq)]
pub struct Switch {
    /// x
    pub condition: Expression,
    /// How far the number is from the formula's, at most.
    pub margin: f64,
}

/// Why a formula has no fixed point.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum FixedError {
    /// An observation that the formula uses has no finite range.
    #[error("`{name}` has no finite range")]
    NoRange {
        /// The observation.
        name: String,
    },
    /// A part of the formula may be infinite, undefined, or as steep as that.
    #[error("`{part}` may be infinite, undefined, or infinitely steep within the observations' ranges")]
    Undefined {
        /// The part.
        part: String,
    },
    /// A function of the program's own.
    #[error("nothing is known of the slope of `{name}`, a function of the program's own")]
    Native {
        /// The function.
        name: &'static str,
    },
    /// A curve with more pieces than a table may have.
    #[error("`{part}` needs a table of more than 1024 pieces")]
    TooManyPieces {
        /// The part.
        part: String,
    },
}

impl Fixed {
    /// The formula in fixed point, for observations within ranges.
    ///
    /// # Errors
    /// [`FixedError`] where a number of the formula has no bounds.
    pub fn new(formula: &Formula, ranges: &[Range], word: Word) -> Result<Self, FixedError> {
        let used: Vec<&str> = formula.used_inputs().collect();
        let mut compiler = Compiler { builder: Builder::new(word), inputs: Vec::new(), switches: Vec::new() };
        let mut inputs = Vec::new();
        for (index, name) in formula.inputs().iter().enumerate() {
            let range = ranges.iter().find(|range| range.name == *name);
            let finite =
                range.filter(|range| range.low.is_finite() && range.high.is_finite() && range.low <= range.high);
            let used = used.contains(&name.as_str());
            let (low, high, fraction) = match finite {
                Some(range) if used => {
                    let value = compiler.builder.input(index, range.low, range.high);
                    let value = value.map_err(|_| FixedError::NoRange { name: name.clone() })?;
                    compiler.inputs.push((name.clone(), value));
                    (range.low, range.high, value.fraction)
                }
                None if used => return Err(FixedError::NoRange { name: name.clone() }),
                Some(range) => {
                    let size = range.low.abs().max(range.high.abs());
                    (range.low, range.high, word.size() as i32 - exponent(size).max(-100))
                }
                None => (0.0, 0.0, 0),
            };
            inputs.push(FixedInput { name: name.clone(), used, fraction, low, high });
        }
        let mut values = Vec::new();
        for output in formula.outputs() {
            let value = compiler.compile(&output.expression)?;
            compiler.builder.name(value, output.name.clone());
            values.push(value);
        }
        if *formula.action() == ActionRule::Argmax {
            values =
                compiler.builder.align(&values).map_err(|_| FixedError::Undefined { part: "argmax".to_owned() })?;
        }
        let outputs = formula.outputs().iter().zip(&values).map(|(output, value)| FixedOutput {
            name: output.name.clone(),
            fraction: value.fraction,
            bound: value.error.magnitude(),
            id: value.id,
        });
        let outputs: Vec<FixedOutput> = outputs.collect();
        let action = match formula.action() {
            ActionRule::Argmax => FixedAction::Argmax,
            ActionRule::Threshold => FixedAction::Threshold,
            ActionRule::Clip { low, high } => FixedAction::Clip(
                values
                    .iter()
                    .zip(low.iter().zip(high))
                    .map(|(value, (low, high))| coordinate(*value, *low, *high, word))
                    .collect(),
            ),
        };
        Ok(Self { word, inputs, outputs, action, switches: compiler.switches, program: compiler.builder.program })
    }

    /// Whole numbers for an observation.
    ///
    /// # Panics
    /// If the observation has not as many numbers as the formula has inputs.
    pub fn observe(&self, observation: &[f64]) -> Vec<i64> {
        assert_eq!(observation.len(), self.inputs.len(), "a number for each input");
        let most = (1_i64 << self.word.size()) - 1;
        let raw = |(input, value): (&FixedInput, &f64)| {
            ((value * f64::exp2(f64::from(input.fraction))).round() as i64).clamp(-most, most)
        };
        self.inputs.iter().zip(observation).map(raw).collect()
    }

    /// The outputs for whole numbers, as the exported code computes them, to the bit.
    ///
    /// # Panics
    /// If there are not as many numbers as the formula has inputs.
    pub fn outputs(&self, observation: &[i64]) -> Vec<f64> {
        let values = self.program.run(observation);
        let number = |output: &FixedOutput| values[output.id] as f64 * f64::exp2(-f64::from(output.fraction));
        self.outputs.iter().map(number).collect()
    }

    /// The action for whole numbers, as the exported code chooses it: its number, or the coordinates of a vector.
    ///
    /// # Panics
    /// As [`Self::outputs`].
    pub fn action(&self, observation: &[i64]) -> Vec<f64> {
        let values = self.program.run(observation);
        let outputs: Vec<i64> = self.outputs.iter().map(|output| values[output.id]).collect();
        match &self.action {
            FixedAction::Threshold => vec![f64::from(u8::from(outputs[0] > 0))],
            FixedAction::Argmax => {
                let best =
                    (1..outputs.len()).fold(0, |best, next| if outputs[next] > outputs[best] { next } else { best });
                vec![best as f64]
            }
            FixedAction::Clip(coordinates) => coordinates
                .iter()
                .zip(self.outputs.iter().zip(outputs))
                .map(|(coordinate, (output, value))| {
                    let moved = match output.fraction - coordinate.fraction {
                        0 => value,
                        bits if bits > 0 => (value + (1 << (bits - 1))) >> bits,
                        bits => value << -bits,
                    };
                    moved.clamp(coordinate.low, coordinate.high) as f64 * f64::exp2(-f64::from(coordinate.fraction))
                })
                .collect(),
        }
    }

    /// Bytes of all tables.
    pub fn table_bytes(&self) -> usize {
        self.program.tables.iter().map(|table| table.bytes(self.word)).sum()
    }

    /// Whether any of the formula's conditions is so near to switching that fixed point may take the other branch.
    pub fn is_switching(&self, observation: &[f64]) -> bool {
        let named: Vec<(&str, f64)> =
            self.inputs.iter().map(|input| input.name.as_str()).zip(observation.iter().copied()).collect();
        self.switches.iter().any(|switch| {
            let value = switch.condition.evaluate(&named);
            value.map_or(true, |value| value.is_nan() || value.abs() <= switch.margin)
        })
    }
}

/// An output's format as an action.
fn coordinate(value: Value, low: f64, high: f64, word: Word) -> FixedCoordinate {
    let range = value.range();
    let (least, most) = (range.low.max(low).min(range.high), range.high.min(high).max(range.low));
    let size = least.abs().max(most.abs());
    // No more than the output itself has, or the last bits would only be zeros.
    let fraction = (word.size() as i32 - exponent(size)).min(value.fraction);
    let scale = f64::exp2(f64::from(fraction));
    let word_most = (1_i64 << word.size()) - 1;
    let inside = |bound: f64, up: bool| {
        let raw = if up { (bound * scale).ceil() } else { (bound * scale).floor() };
        (raw.clamp(-1e18, 1e18) as i64).clamp(-word_most, word_most)
    };
    let (raw_low, raw_high) = (inside(low.max(-1e300), true), inside(high.min(1e300), false));
    let unit = f64::exp2(-f64::from(fraction));
    let rounding = if value.fraction > fraction { 0.5 * unit } else { 0.0 };
    // The action itself is rounded to f32, and its bounds are.
    let single = Interval::point(size * f64::exp2(-24.0));
    let ends = [(raw_low, low), (raw_high, high)];
    let short = ends.iter().filter(|(_, bound)| bound.is_finite() && range.contains(*bound));
    let missing = short.map(|(raw, bound)| (*raw as f64 * unit - bound).abs()).fold(0.0, f64::max);
    let full = if size * scale > word_most as f64 { unit } else { 0.0 };
    let bound =
        Interval::point(value.error.magnitude()) + Interval::point(rounding) + Interval::point(missing + full) + single;
    FixedCoordinate { fraction, low: raw_low, high: raw_high.max(raw_low), bound: bound.high }
}

struct Compiler {
    builder: Builder,
    inputs: Vec<(String, Value)>,
    switches: Vec<Switch>,
}

impl Compiler {
    /// An expression is at most [`kanrl_symbolic::MAXIMUM_DEPTH`] deep, so that this may recurse.
    fn compile(&mut self, expression: &Expression) -> Result<Value, FixedError> {
        let value = match expression.root() {
            Node::Constant(value) => self.builder.constant(*value),
            Node::Variable(name) => {
                let known = self.inputs.iter().find(|(known, _)| **known == **name);
                return known.map(|(_, value)| *value).ok_or_else(|| FixedError::NoRange { name: name.to_string() });
            }
            Node::Operation(operator, _) => match self.operation(*operator, &expression.operands()) {
                // The part that is undefined may be one of several of a harmless function of one observation.
                Err(error @ FixedError::Undefined { .. }) => return self.composed(expression).ok_or(error),
                value => value?,
            },
            Node::Curve(curve) => {
                let operand = self.compile(&expression.operands()[0])?;
                self.builder.curve(operand, curve, "curve")
            }
        };
        // What no step can compute may still be a function of one observation.
        let value = value.or_else(|trouble| self.composed(expression).ok_or(trouble));
        let value = value.map_err(|trouble| match trouble {
            Trouble::Undefined => FixedError::Undefined { part: expression.to_string() },
            Trouble::NoTable => FixedError::TooManyPieces { part: expression.to_string() },
        })?;
        self.builder.name(value, expression.to_string());
        Ok(value)
    }

    /// An expression of one observation as a table.
    fn composed(&mut self, expression: &Expression) -> Option<Value> {
        let (function, variable) = Smooth::composed(expression)?;
        let value = self.inputs.iter().find(|(name, _)| *name == variable).map(|(_, value)| *value)?;
        self.builder.table(value, function, &expression.to_string()).ok()
    }

    fn operation(&mut self, operator: Operator, operands: &[Expression]) -> Result<Result<Value, Trouble>, FixedError> {
        let constant = |index: usize| operands.get(index).and_then(Expression::as_constant);
        Ok(match operator {
            Operator::Add => {
                let values = self.all(operands)?;
                self.builder.add(&values)
            }
            Operator::Multiply => {
                let mut product: Option<Value> = None;
                let mut factor: Option<(Interval, f64)> = None;
                for operand in operands {
                    if let Some(value) = operand.as_constant() {
                        let own = Interval::point(value);
                        factor = Some(factor.map_or((own, value), |(factor, about)| (factor * own, about * value)));
                        continue;
                    }
                    let value = self.compile(operand)?;
                    product = Some(match product {
                        None => value,
                        Some(known) => match self.builder.multiply(known, value) {
                            Ok(value) => value,
                            Err(trouble) => return Ok(Err(trouble)),
                        },
                    });
                }
                match (product, factor) {
                    (Some(product), Some((factor, about))) => self.builder.scale(product, factor, about),
                    (Some(product), None) => Ok(product),
                    (None, factor) => self.builder.constant(factor.map_or(1.0, |(_, about)| about)),
                }
            }
            Operator::Negate => {
                let x = self.compile(&operands[0])?;
                self.builder.negate(x)
            }
            Operator::Divide => {
                let x = self.compile(&operands[0])?;
                match constant(1) {
                    Some(0.0) => Err(Trouble::Undefined),
                    Some(value) => self.builder.scale(x, Interval::point(1.0) / Interval::point(value), 1.0 / value),
                    None => {
                        let y = self.compile(&operands[1])?;
                        self.builder.divide(x, y)
                    }
                }
            }
            Operator::Power => return self.power(operands, constant(0), constant(1)),
            Operator::Abs => {
                let x = self.compile(&operands[0])?;
                self.builder.absolute(x)
            }
            Operator::Min | Operator::Max => {
                let values = self.all(operands)?;
                let mut chosen = values[0];
                for value in &values[1..] {
                    let next = match operator {
                        Operator::Min => self.builder.minimum(chosen, *value),
                        _ => self.builder.maximum(chosen, *value),
                    };
                    match next {
                        Ok(next) => chosen = next,
                        trouble => return Ok(trouble),
                    }
                }
                Ok(chosen)
            }
            Operator::Clip => {
                let values = self.all(operands)?;
                let raised = self.builder.maximum(values[0], values[1]);
                raised.and_then(|raised| self.builder.minimum(raised, values[2]))
            }
            Operator::Gate => {
                let values = self.all(operands)?;
                self.switch(values[0], &operands[0]);
                self.builder.select(values[0], values[1], values[2])
            }
            Operator::Step | Operator::Sign => {
                let x = self.compile(&operands[0])?;
                self.switch(x, &operands[0]);
                self.sign(x, operator == Operator::Sign)
            }
            Operator::Native(native) => return Err(FixedError::Native { name: native.function().name }),
            other => {
                let x = self.compile(&operands[0])?;
                match other.function() {
                    Some(function) => self.builder.table(x, Smooth::Named(function), other.name()),
                    None => Err(Trouble::Undefined),
                }
            }
        })
    }

    fn all(&mut self, operands: &[Expression]) -> Result<Vec<Value>, FixedError> {
        operands.iter().map(|operand| self.compile(operand)).collect()
    }

    fn power(
        &mut self,
        operands: &[Expression],
        base: Option<f64>,
        exponent: Option<f64>,
    ) -> Result<Result<Value, Trouble>, FixedError> {
        if let Some(exponent) = exponent {
            let x = self.compile(&operands[0])?;
            return Ok(if exponent == exponent.trunc() && exponent.abs() <= 64.0 {
                self.whole_power(x, exponent as i32)
            } else if exponent == 0.5 {
                self.builder.table(x, Smooth::Named(Function::Sqrt), "sqrt")
            } else {
                self.builder.table(x, Smooth::Power(exponent), &format!("x^{exponent}"))
            });
        }
        let y = self.compile(&operands[1])?;
        if let Some(base) = base {
            return Ok(if base > 0.0 {
                self.builder.table(y, Smooth::Exponential(base), &format!("{base}^x"))
            } else {
                Err(Trouble::Undefined)
            });
        }
        let x = self.compile(&operands[0])?;
        let logarithm = self.builder.table(x, Smooth::Named(Function::Log), "log");
        let product = logarithm.and_then(|logarithm| self.builder.multiply(logarithm, y));
        Ok(product.and_then(|product| self.builder.table(product, Smooth::Named(Function::Exp), "exp")))
    }

    fn whole_power(&mut self, x: Value, exponent: i32) -> Result<Value, Trouble> {
        let mut left = exponent.unsigned_abs();
        let mut square = x;
        let mut result: Option<Value> = None;
        while left > 0 {
            if left & 1 == 1 {
                result = Some(match result {
                    None => square,
                    Some(result) => self.builder.multiply(result, square)?,
                });
            }
            left >>= 1;
            if left > 0 {
                square = self.builder.square(square)?;
            }
        }
        let one = self.builder.constant(1.0)?;
        let result = result.unwrap_or(one);
        if exponent < 0 { self.builder.divide(one, result) } else { Ok(result) }
    }

    /// 1 where x is above 0, and below it 0, or for a sign −1; a sign is 0 at 0.
    fn sign(&mut self, x: Value, is_sign: bool) -> Result<Value, Trouble> {
        let (one, zero) = (self.builder.constant(1.0)?, self.builder.constant(0.0)?);
        let otherwise = if is_sign {
            let (minus, below) = (self.builder.constant(-1.0)?, self.builder.negate(x)?);
            self.builder.select(below, minus, zero)?
        } else {
            zero
        };
        self.builder.select(x, one, otherwise)
    }

    fn switch(&mut self, value: Value, condition: &Expression) {
        let margin = value.error.magnitude();
        let is_certain = value.exact.low > margin || value.exact.high < -margin;
        if !is_certain {
            self.switches.push(Switch { condition: condition.clone(), margin });
        }
    }
}
