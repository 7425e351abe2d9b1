//! Arithmetic on numbers in fixed point, with what is proved of each.

use super::program::{Id, Op, Program, Step};
use super::smooth::Smooth;
use super::table::{self, Argument, Proved, exponent};
use super::word::Word;
use kanrl_interval::Interval;
use kanrl_symbolic::Curve;
use std::collections::HashMap;

/// Error granted to the formula's own evaluation in doubles, relative to the value, for each operation.
const DOUBLE: f64 = 4.0 * f64::EPSILON;

/// A number in fixed point: a step's, of which `fraction` bits are a fraction.
#[derive(Clone, Copy, Debug)]
pub(super) struct Value {
    pub id: Id,
    pub fraction: i32,
    /// Bounds of the step.
    pub low: i64,
    pub high: i64,
    /// What the formula's number can be.
    pub exact: Interval,
    /// This number less the formula's.
    pub error: Interval,
}

/// Why a number cannot be had.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Trouble {
    /// It may be infinite or undefined.
    Undefined,
    /// A function is too steep or a curve has too many pieces for a table.
    NoTable,
}

pub(super) type Result = std::result::Result<Value, Trouble>;

pub(super) struct Builder {
    pub word: Word,
    pub program: Program,
    known: HashMap<Op, Id>,
}

/// Bits for the size of a number between two bounds.
fn size(low: i64, high: i64) -> u32 {
    64 - low.unsigned_abs().max(high.unsigned_abs()).leading_zeros()
}

fn half_up(x: i64, bits: u32) -> i64 {
    if bits == 0 { x } else { (x + (1 << (bits - 1))) >> bits }
}

fn unit(fraction: i32) -> f64 {
    f64::exp2(-f64::from(fraction))
}

impl Value {
    fn size(&self) -> u32 {
        size(self.low, self.high)
    }

    /// Largest size of what it stands for.
    fn magnitude(&self) -> f64 {
        self.low.unsigned_abs().max(self.high.unsigned_abs()) as f64 * unit(self.fraction)
    }

    /// What it stands for can be.
    pub fn range(&self) -> Interval {
        self.exact + self.error
    }

    /// Its size in bits after a shift to the right.
    fn size_after(&self, bits: u32) -> u32 {
        size(half_up(self.low, bits), half_up(self.high, bits))
    }
}

impl Builder {
    pub fn new(word: Word) -> Self {
        Self { word, program: Program::default(), known: HashMap::new() }
    }

    /// Adds a step whose bounds are known from its operands'.
    fn push(&mut self, op: Op, [low, high]: [i64; 2], fraction: i32, exact: Interval, error: Interval) -> Result {
        let error = error.inflated(exact.magnitude() * DOUBLE);
        let range = (exact + error) * Interval::point(f64::exp2(f64::from(fraction)));
        if !range.is_finite() {
            return Err(Trouble::Undefined);
        }
        let low = low.max(range.low.floor().max(-9e18) as i64);
        let high = high.min(range.high.ceil().min(9e18) as i64);
        // A table that is far from its function has no room for what it may be wrong by.
        if low > high || size(low, high) > self.word.wide_size() {
            return Err(Trouble::Undefined);
        }
        let id = match self.known.get(&op) {
            Some(id) => *id,
            None => {
                self.program.steps.push(Step { op, low, high, meaning: None });
                self.known.insert(op, self.program.steps.len() - 1);
                self.program.steps.len() - 1
            }
        };
        // Equal steps have the same numbers, whatever is known of them by another way.
        let step = &mut self.program.steps[id];
        (step.low, step.high) = (step.low.max(low), step.high.min(high));
        Ok(Value { id, fraction, low: step.low, high: step.high, exact, error })
    }

    /// Says what a value stands for, where nothing says it yet.
    pub fn name(&mut self, value: Value, meaning: String) {
        let step = &mut self.program.steps[value.id];
        if step.meaning.is_none() {
            step.meaning = Some((meaning, value.fraction));
        }
    }

    /// An observation within bounds, rounded to the nearest number there is.
    pub fn input(&mut self, index: usize, low: f64, high: f64) -> Result {
        let fraction = self.word.size() as i32 - exponent(low.abs().max(high.abs()));
        let scale = f64::exp2(f64::from(fraction));
        let most = (1_i64 << self.word.size()) - 1;
        let raw = |value: f64| ((value * scale).round() as i64).clamp(-most, most);
        let (raw_low, raw_high) = (raw(low), raw(high));
        let unit = unit(fraction);
        // At the ends of a word a whole unit may be missing, elsewhere half of one.
        let [below, above] = [raw_high == most, raw_low == -most].map(|full| if full { unit } else { 0.5 * unit });
        let op = Op::Input { index, low: raw_low, high: raw_high };
        self.push(op, [raw_low, raw_high], fraction, Interval::new(low, high), Interval::new(-below, above))
    }

    /// A number, to as many bits as a word has.
    pub fn constant(&mut self, value: f64) -> Result {
        let (mantissa, fraction) = self.mantissa(value);
        let exact = Interval::point(value);
        let error = Interval::point(mantissa as f64 * unit(fraction)) - exact;
        self.push(Op::Constant(mantissa), [mantissa; 2], fraction, exact, error)
    }

    /// A number of which only bounds are known.
    fn known(&mut self, exact: Interval) -> Result {
        if !exact.is_finite() {
            return Err(Trouble::Undefined);
        }
        let middle = self.constant(exact.middle())?;
        Ok(Value { exact, error: middle.error + (Interval::point(exact.middle()) - exact), ..middle })
    }

    /// A number as a whole one without needless zeros, and its fraction's bits.
    fn mantissa(&self, value: f64) -> (i64, i32) {
        if value == 0.0 {
            return (0, 0);
        }
        let fraction = self.word.size() as i32 - exponent(value.abs());
        let mantissa = (value * f64::exp2(f64::from(fraction))).round() as i64;
        if mantissa == 0 {
            return (0, 0);
        }
        let zeros = mantissa.trailing_zeros();
        (mantissa >> zeros, fraction - zeros as i32)
    }

    pub fn negate(&mut self, x: Value) -> Result {
        if let Op::Constant(value) = self.program.steps[x.id].op {
            return self.push(Op::Constant(-value), [-value; 2], x.fraction, -x.exact, -x.error);
        }
        self.push(Op::Negate(x.id), [-x.high, -x.low], x.fraction, -x.exact, -x.error)
    }

    fn right(&mut self, x: Value, bits: u32) -> Result {
        if bits == 0 {
            return Ok(x);
        }
        let fraction = x.fraction - bits as i32;
        if bits >= self.word.wide_size() {
            return self.push(Op::Constant(0), [0, 0], fraction, x.exact, -x.exact);
        }
        let bounds = [half_up(x.low, bits), half_up(x.high, bits)];
        let rounding = 0.5 * unit(fraction);
        if let Op::Constant(value) = self.program.steps[x.id].op {
            return self.push(
                Op::Constant(half_up(value, bits)),
                bounds,
                fraction,
                x.exact,
                x.error.inflated(rounding),
            );
        }
        self.push(Op::Right(x.id, bits), bounds, fraction, x.exact, x.error.inflated(rounding))
    }

    fn left(&mut self, x: Value, bits: u32) -> Result {
        if bits == 0 {
            return Ok(x);
        }
        let bounds = [x.low << bits, x.high << bits];
        if let Op::Constant(value) = self.program.steps[x.id].op {
            return self.push(Op::Constant(value << bits), bounds, x.fraction + bits as i32, x.exact, x.error);
        }
        self.push(Op::Left(x.id, bits), bounds, x.fraction + bits as i32, x.exact, x.error)
    }

    /// The same number with another fraction.
    pub fn with_fraction(&mut self, x: Value, fraction: i32) -> Result {
        match fraction - x.fraction {
            more if more >= 0 => self.left(x, more as u32),
            less => self.right(x, less.unsigned_abs()),
        }
    }

    /// The finest common fraction in which numbers have room, their sum as well where `summed`.
    fn common(&self, values: &[Value], summed: bool) -> i32 {
        let finest = values.iter().map(|value| value.fraction).max().unwrap_or(0);
        let size = if summed {
            values.iter().map(Value::magnitude).sum::<f64>()
        } else {
            values.iter().map(Value::magnitude).fold(0.0, f64::max)
        };
        // A unit for the rounding of each.
        let most = f64::exp2(f64::from(self.word.wide_size())) - 1.0 - values.len() as f64;
        let mut fraction = finest.min(self.word.wide_size() as i32 - exponent(size) + 1);
        while size * f64::exp2(f64::from(fraction)) > most {
            fraction -= 1;
        }
        fraction
    }

    pub fn align(&mut self, values: &[Value]) -> std::result::Result<Vec<Value>, Trouble> {
        let fraction = self.common(values, false);
        values.iter().map(|value| self.with_fraction(*value, fraction)).collect()
    }

    pub fn add(&mut self, values: &[Value]) -> Result {
        let fraction = self.common(values, true);
        let mut sum: Option<Value> = None;
        for value in values {
            let next = self.with_fraction(*value, fraction)?;
            sum = Some(match sum {
                None => next,
                Some(sum) => {
                    let (exact, error) = (sum.exact + next.exact, sum.error + next.error);
                    match self.program.steps[next.id].op {
                        Op::Negate(negated) => {
                            let bounds = [sum.low + next.low, sum.high + next.high];
                            self.push(Op::Subtract(sum.id, negated), bounds, fraction, exact, error)?
                        }
                        _ => {
                            let bounds = [sum.low + next.low, sum.high + next.high];
                            self.push(Op::Add(sum.id, next.id), bounds, fraction, exact, error)?
                        }
                    }
                }
            });
        }
        sum.ok_or(Trouble::Undefined)
    }

    /// How far two factors are shifted to the right so that their product has room, `fixed` bits of the second being needed.
    fn cuts(&self, x: Value, y: Value) -> (u32, u32) {
        let (most, room) = (self.word.factor_size(), self.word.wide_size());
        let (mut cut_x, mut cut_y) = (0, 0);
        loop {
            let (size_x, size_y) = (x.size_after(cut_x), y.size_after(cut_y));
            if size_x > most || size_x + size_y > room && size_x >= size_y {
                cut_x += 1;
            } else if size_y > most || size_x + size_y > room {
                cut_y += 1;
            } else {
                return (cut_x, cut_y);
            }
        }
    }

    pub fn multiply(&mut self, x: Value, y: Value) -> Result {
        let (cut_x, cut_y) = self.cuts(x, y);
        let (x, y) = (self.right(x, cut_x)?, self.right(y, cut_y)?);
        let exact = x.exact * y.exact;
        let error = x.exact * y.error + y.exact * x.error + x.error * y.error;
        let corners = [x.low * y.low, x.low * y.high, x.high * y.low, x.high * y.high];
        let bounds = [corners.into_iter().min().unwrap_or(0), corners.into_iter().max().unwrap_or(0)];
        let (first, second) = (x.id.min(y.id), x.id.max(y.id));
        self.push(Op::Multiply(first, second), bounds, x.fraction + y.fraction, exact, error)
    }

    pub fn square(&mut self, x: Value) -> Result {
        let value = self.multiply(x, x)?;
        Ok(Value { exact: value.exact.both(x.exact.whole_power(2)), low: value.low.max(0), ..value })
    }

    /// `factor · x`, where `factor` is known to lie within bounds and to be about `about`.
    pub fn scale(&mut self, x: Value, factor: Interval, about: f64) -> Result {
        let (mantissa, fraction) = self.mantissa(about);
        let used = Interval::point(mantissa as f64 * unit(fraction));
        let wrong = used - factor;
        let exact = x.exact * factor;
        if mantissa == 0 {
            return self.push(Op::Constant(0), [0, 0], x.fraction, exact, -exact);
        }
        let of = |x: Value| used * x.error + wrong * x.exact;
        if mantissa.abs() == 1 {
            let moved = Value { fraction: x.fraction + fraction, exact, error: of(x), ..x };
            if mantissa == 1 {
                return Ok(moved);
            }
            return self.push(Op::Negate(x.id), [-x.high, -x.low], moved.fraction, exact, moved.error);
        }
        let room = self.word.wide_size() - size(mantissa, mantissa);
        let mut cut = 0;
        while x.size_after(cut) > room.min(self.word.factor_size()) {
            cut += 1;
        }
        let x = self.right(x, cut)?;
        let (one, other) = (x.low * mantissa, x.high * mantissa);
        let bounds = [one.min(other), one.max(other)];
        self.push(Op::Scale(x.id, mantissa), bounds, x.fraction + fraction, exact, of(x))
    }

    pub fn absolute(&mut self, x: Value) -> Result {
        if x.low >= 0 && x.exact.low >= 0.0 {
            return Ok(x);
        }
        let most = x.error.magnitude();
        let bounds =
            [if x.low <= 0 && x.high >= 0 { 0 } else { x.low.abs().min(x.high.abs()) }, x.low.abs().max(x.high.abs())];
        self.push(Op::Absolute(x.id), bounds, x.fraction, x.exact.absolute(), Interval::new(-most, most))
    }

    pub fn minimum(&mut self, x: Value, y: Value) -> Result {
        let pair = self.align(&[x, y])?;
        let (x, y) = (pair[0], pair[1]);
        let bounds = [x.low.min(y.low), x.high.min(y.high)];
        self.push(Op::Minimum(x.id, y.id), bounds, x.fraction, x.exact.minimum(y.exact), x.error.hull(y.error))
    }

    pub fn maximum(&mut self, x: Value, y: Value) -> Result {
        let pair = self.align(&[x, y])?;
        let (x, y) = (pair[0], pair[1]);
        let bounds = [x.low.max(y.low), x.high.max(y.high)];
        self.push(Op::Maximum(x.id, y.id), bounds, x.fraction, x.exact.maximum(y.exact), x.error.hull(y.error))
    }

    /// `positive` where the condition is above 0, else `otherwise`; wrong about which only where the condition is as small as its
    /// error.
    pub fn select(&mut self, condition: Value, positive: Value, otherwise: Value) -> Result {
        if condition.low > 0 && condition.exact.low > 0.0 {
            return Ok(positive);
        }
        if condition.high <= 0 && condition.exact.high <= 0.0 {
            return Ok(otherwise);
        }
        let pair = self.align(&[positive, otherwise])?;
        let (x, y) = (pair[0], pair[1]);
        let bounds = [x.low.min(y.low), x.high.max(y.high)];
        let op = Op::Select(condition.id, x.id, y.id);
        self.push(op, bounds, x.fraction, x.exact.hull(y.exact), x.error.hull(y.error))
    }

    pub fn divide(&mut self, x: Value, y: Value) -> Result {
        let mut cut = 0;
        while y.size_after(cut) > self.word.size() {
            cut += 1;
        }
        let y = self.right(y, cut)?;
        if y.range().contains(0.0) || y.exact.contains(0.0) || (y.low <= 0 && y.high >= 0) {
            return Err(Trouble::Undefined);
        }
        // As many bits as there is room for, and the quotient has no more.
        let room = self.word.wide_size().saturating_sub(x.size());
        let x = if x.low == 0 && x.high == 0 { x } else { self.left(x, room)? };
        let fraction = x.fraction - y.fraction;
        let exact = x.exact / y.exact;
        let error = (x.error - exact * y.error) / y.range();
        let corners = [x.low / y.low, x.low / y.high, x.high / y.low, x.high / y.high];
        let mut bounds = [corners.into_iter().min().unwrap_or(0), corners.into_iter().max().unwrap_or(0)];
        if x.low <= 0 && x.high >= 0 {
            bounds = [bounds[0].min(0), bounds[1].max(0)];
        }
        self.push(Op::Divide(x.id, y.id), bounds, fraction, exact, error.inflated(unit(fraction)))
    }

    /// A number with no more bits than a table's argument has.
    fn narrowed(&mut self, x: Value) -> Result {
        let mut cut = 0;
        while x.size_after(cut) > self.word.factor_size() {
            cut += 1;
        }
        self.right(x, cut)
    }

    pub fn table(&mut self, x: Value, function: Smooth, name: &str) -> Result {
        let x = self.narrowed(x)?;
        let around = x.exact.hull(x.range());
        let local = function.local(around);
        let exact = function.local(x.exact).values;
        if x.low == x.high {
            return self.known(exact);
        }
        // No slope, no bound of what an error of the argument does, but for what the function's values are.
        let moved = local.slope * x.error;
        let (first, second) = (local.values, local.values);
        let moved = if moved.is_finite() { moved } else { first - second };
        let proved = table::tabulate(&function, name, argument(x), self.word).ok_or(Trouble::Undefined)?;
        if !moved.is_finite() {
            return Err(Trouble::Undefined);
        }
        self.push_table(x, proved, exact, moved)
    }

    pub fn curve(&mut self, x: Value, curve: &Curve, name: &str) -> Result {
        let x = self.narrowed(x)?;
        let around = x.exact.hull(x.range());
        if x.low == x.high {
            return self.known(curve.interval(x.exact));
        }
        let slope = curve.derivative().interval(around);
        let pieces: Vec<(f64, Vec<f64>)> = curve.pieces().map(|(origin, piece)| (origin, piece.to_vec())).collect();
        let at = |piece: usize, x: f64| {
            let (origin, coefficients) = &pieces[piece];
            coefficients.iter().rev().fold(Interval::ZERO, |sum, value| {
                sum * (Interval::point(x) - Interval::point(*origin)) + Interval::point(*value)
            })
        };
        let jumps = curve.breakpoints().iter().enumerate().filter(|(_, breakpoint)| around.contains(**breakpoint));
        let jumps: f64 =
            jumps.map(|(index, breakpoint)| (at(index, *breakpoint) - at(index + 1, *breakpoint)).magnitude()).sum();
        let moved = (slope * x.error).inflated(jumps);
        let proved = table::tabulate_curve(curve, name, argument(x), self.word).ok_or(Trouble::NoTable)?;
        if !moved.is_finite() {
            return Err(Trouble::Undefined);
        }
        self.push_table(x, proved, curve.interval(x.exact), moved)
    }

    fn push_table(&mut self, x: Value, proved: Proved, exact: Interval, moved: Interval) -> Result {
        let Proved { table, fraction, error } = proved;
        let tables = &mut self.program.tables;
        let number = tables.iter().position(|known| *known == table).unwrap_or_else(|| {
            tables.push(table);
            tables.len() - 1
        });
        self.push(Op::Table(x.id, number), [i64::MIN, i64::MAX], fraction, exact, error + moved)
    }
}

fn argument(x: Value) -> Argument {
    Argument { low: x.low, high: x.high, fraction: x.fraction }
}
