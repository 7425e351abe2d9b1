//! Functions as tables of polynomials over whole numbers, with proved errors.

use super::smooth::Smooth;
use super::word::Word;
use kanrl_interval::Interval;
use kanrl_symbolic::Curve;

/// Most pieces of a table.
const MOST_PIECES: i64 = 1024;
/// Highest degree of a piece.
const HIGHEST_DEGREE: usize = 5;
/// Fewest and most boxes in which a piece's error is bounded.
const BOXES: (i64, i64) = (16, 1 << 16);

/// A function of a whole number: polynomials of how far the number is into its piece.
///
/// With `t` that part in `t_bits` bits, a piece's value is `c₁·t + … ` by Horner's rule, each sum rounded to the format of the
/// rising coefficients, and at last `c₀` in its own.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Table {
    /// Where pieces begin.
    pub pieces: Pieces,
    /// How many bits of an offset into a piece are left out of `t`.
    pub cut: u32,
    /// Bits of `t`.
    pub t_bits: u32,
    /// For each piece its coefficients, of the constant first, all as many.
    pub coefficients: Vec<Vec<i64>>,
    /// How far the product with `t` is shifted right to get to the result's format.
    pub last_shift: u32,
    /// How far the constant is shifted left to get there.
    pub constant_shift: u32,
    /// What it is a table of.
    pub name: String,
}

/// Where the pieces of a table begin.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Pieces {
    /// At `origin`, and then every `2^bits`.
    Even { origin: i64, bits: u32 },
    /// At each of these; the first is the least number there is.
    Uneven(Vec<i64>),
}

impl Table {
    /// Number of a piece, and how far `x` is into it.
    pub fn place(&self, x: i64) -> (usize, i64) {
        match &self.pieces {
            Pieces::Even { origin, bits } => {
                let offset = x - origin;
                ((offset >> bits) as usize, offset & ((1 << bits) - 1))
            }
            Pieces::Uneven(starts) => {
                let piece = starts.partition_point(|start| x >= *start).max(1) - 1;
                (piece, x - starts[piece])
            }
        }
    }

    /// Its value.
    pub fn value(&self, x: i64) -> i64 {
        let (piece, offset) = self.place(x);
        let t = offset >> self.cut;
        let coefficients = &self.coefficients[piece];
        let Some((last, rising)) = coefficients[1..].split_last() else {
            return coefficients[0] << self.constant_shift;
        };
        let sum = rising.iter().rev().fold(*last, |sum, next| rounded(sum * t, self.t_bits) + next);
        rounded(sum * t, self.last_shift) + (coefficients[0] << self.constant_shift)
    }

    /// Bytes that its numbers take.
    pub fn bytes(&self, word: Word) -> usize {
        let starts = if let Pieces::Uneven(starts) = &self.pieces { starts.len() * 2 } else { 0 };
        (self.coefficients.iter().map(Vec::len).sum::<usize>() + starts) * word.bits() as usize / 8
    }
}

/// `x / 2^bits` to the nearest, a half upward.
fn rounded(x: i64, bits: u32) -> i64 {
    if bits == 0 { x } else { (x + (1 << (bits - 1))) >> bits }
}

/// A table and what is proved of it.
pub(super) struct Proved {
    pub table: Table,
    /// Bits of the result that are a fraction.
    pub fraction: i32,
    /// What the table gives less what the function gives at the same number.
    pub error: Interval,
}

/// Where a table's argument lies: `low..=high`, of which `fraction` bits are a fraction.
#[derive(Clone, Copy)]
pub(super) struct Argument {
    pub low: i64,
    pub high: i64,
    pub fraction: i32,
}

impl Argument {
    fn unit(self) -> f64 {
        f64::exp2(-f64::from(self.fraction))
    }
}

/// The smallest table of a function with an error of about the last bit of a word, or the best where none is that good; `None` where
/// the function is not bounded over the argument's range.
pub(super) fn tabulate(function: &Smooth, name: &str, argument: Argument, word: Word) -> Option<Proved> {
    let range = Interval::new(argument.low as f64, argument.high as f64) * Interval::point(argument.unit());
    let values = function.local(range).values;
    if !values.is_finite() {
        return None;
    }
    let constant_fraction = word.size() as i32 - exponent(values.magnitude());
    let target = 1.5 * f64::exp2(-f64::from(constant_fraction));
    let span = (argument.high - argument.low).max(1);
    let draft = |degree: usize, bits: u32| {
        let width = f64::exp2(f64::from(bits)) * argument.unit();
        let polynomial = |piece: i64| {
            let start = (argument.low + (piece << bits)) as f64 * argument.unit();
            // The last piece may reach beyond the range: it is fitted to as much of the function before its end.
            let end = (start + width).min(range.high);
            let from = (end - width).max(range.low).min(start);
            let fitted = interpolate(|x| function.value(x), from, end - from, degree);
            if end - from > 0.0 {
                of_affine(&fitted, (start - from) / (end - from), width / (end - from))
            } else {
                fitted
            }
        };
        let polynomials: Vec<Vec<f64>> = (0..=span >> bits).map(polynomial).collect();
        let finite = polynomials.iter().flatten().all(|coefficient| coefficient.is_finite());
        let starts = Pieces::Even { origin: argument.low, bits };
        finite.then(|| Draft::quantize(polynomials, starts, bits, constant_fraction, name, word)).flatten()
    };
    let prove = |draft: Draft, bits: u32| draft.prove(argument, bits, target, |piece, x| Error::of(function, piece, x));
    let (mut best, mut fallback): (Option<Proved>, Option<(f64, Draft, u32)>) = (None, None);
    for degree in 1..=HIGHEST_DEGREE {
        let widest = 64 - (span as u64).leading_zeros();
        for bits in (1..=widest).rev() {
            let pieces = (span >> bits) + 1;
            let size = pieces as usize * (degree + 1) * word.bits() as usize / 8;
            if pieces > MOST_PIECES || best.as_ref().is_some_and(|best| best.table.bytes(word) <= size) {
                break;
            }
            let Some(draft) = draft(degree, bits) else { continue };
            // Nothing is proved of a table that is seen to be worse.
            let seen = draft.largest_seen(function, argument, bits);
            if seen <= target
                && let Some(proved) = prove(draft.clone(), bits)
                && proved.error.magnitude() <= 1.2 * target
            {
                best = Some(proved);
                break;
            }
            if fallback.as_ref().is_none_or(|(least, ..)| seen < 0.7 * least) {
                fallback = Some((seen, draft, bits));
            }
        }
    }
    best.or_else(|| fallback.and_then(|(_, draft, bits)| prove(draft, bits)))
}

/// A curve's own pieces as a table; `None` where its numbers are too large.
pub(super) fn tabulate_curve(curve: &Curve, name: &str, argument: Argument, word: Word) -> Option<Proved> {
    let unit = argument.unit();
    let range = Interval::new(argument.low as f64, argument.high as f64) * Interval::point(unit);
    let values = curve.interval(range);
    if !values.is_finite() {
        return None;
    }
    // Where pieces begin, straight ones in several parts so that no piece is much wider than the curved ones.
    let mut starts = vec![argument.low];
    let firsts = curve.breakpoints().iter().map(|at| (at / unit).ceil());
    starts.extend(firsts.filter(|at| *at > argument.low as f64 && *at <= argument.high as f64).map(|at| at as i64));
    starts.dedup();
    let ends: Vec<i64> = starts[1..].iter().copied().chain([argument.high + 1]).collect();
    let inner = starts.iter().zip(&ends).skip(1).map(|(start, end)| end - start);
    let widest = inner.take(starts.len().saturating_sub(2)).max().unwrap_or(argument.high - argument.low + 1).max(2);
    let bits = 64 - ((widest - 1) as u64).leading_zeros();
    let mut parts = Vec::new();
    for (start, end) in starts.iter().zip(&ends) {
        parts.extend((*start..*end).step_by(1 << bits));
    }
    if parts.len() as i64 > MOST_PIECES {
        return None;
    }
    let constant_fraction = word.size() as i32 - exponent(values.magnitude());
    let width = f64::exp2(f64::from(bits)) * unit;
    let own: Vec<(f64, Vec<f64>)> = curve.pieces().map(|(origin, piece)| (origin, piece.to_vec())).collect();
    let at = |start: i64| {
        let x = start as f64 * unit;
        &own[curve.breakpoints().partition_point(|breakpoint| x >= *breakpoint)]
    };
    let polynomials = parts.iter().map(|start| {
        let (origin, coefficients) = at(*start);
        let piece: [f64; 4] = std::array::from_fn(|power| coefficients.get(power).copied().unwrap_or(0.0));
        let [a, b, c, d] = piece;
        let u = *start as f64 * unit - origin;
        let moved = [((d * u + c) * u + b) * u + a, (3.0 * d * u + 2.0 * c) * u + b, 3.0 * d * u + c, d];
        let degree = coefficients.len().max(2);
        (0..degree).map(|power| moved[power] * width.powi(power as i32)).collect()
    });
    let mut polynomials: Vec<Vec<f64>> = polynomials.collect();
    let terms = polynomials.iter().map(Vec::len).max().unwrap_or(2);
    polynomials.iter_mut().for_each(|polynomial| polynomial.resize(terms, 0.0));
    let draft = Draft::quantize(polynomials, Pieces::Uneven(parts.clone()), bits, constant_fraction, name, word)?;
    let target = f64::exp2(-f64::from(constant_fraction));
    draft.prove(argument, bits, target, |piece, x| {
        let start = piece.start / unit;
        let (origin, coefficients) = at(start.round() as i64);
        Error::of_polynomial(*origin, coefficients, piece, x)
    })
}

/// The power of 2 that is above a size.
pub(super) fn exponent(size: f64) -> i32 {
    if size < f64::MIN_POSITIVE { -200 } else { (size.log2().floor() as i32 + 1).max(-200) }
}

/// The polynomial in `t` from 0 to 1 through a function's values at Chebyshev's points of a piece.
fn interpolate(function: impl Fn(f64) -> f64, start: f64, width: f64, degree: usize) -> Vec<f64> {
    let count = degree + 1;
    let points: Vec<f64> = (0..count)
        .map(|index| 0.5 - 0.5 * (std::f64::consts::PI * (index as f64 + 0.5) / count as f64).cos())
        .collect();
    // Newton's divided differences, multiplied out.
    let mut differences: Vec<f64> = points.iter().map(|t| function(start + t * width)).collect();
    for order in 1..count {
        for index in (order..count).rev() {
            differences[index] =
                (differences[index] - differences[index - 1]) / (points[index] - points[index - order]);
        }
    }
    let mut coefficients = vec![0.0; count];
    for index in (0..count).rev() {
        // coefficients · (t − point) + difference
        for power in (1..count).rev() {
            coefficients[power] = coefficients[power - 1] - points[index] * coefficients[power];
        }
        coefficients[0] = differences[index] - points[index] * coefficients[0];
    }
    coefficients
}

/// The polynomial of `shift + scale · t`.
fn of_affine(coefficients: &[f64], shift: f64, scale: f64) -> Vec<f64> {
    let mut result = vec![0.0; coefficients.len()];
    for coefficient in coefficients.iter().rev() {
        // result · (shift + scale · t) + coefficient
        for power in (1..result.len()).rev() {
            result[power] = shift * result[power] + scale * result[power - 1];
        }
        result[0] = shift * result[0] + coefficient;
    }
    result
}

/// A table before its error is known.
#[derive(Clone)]
struct Draft {
    table: Table,
    fraction: i32,
    /// Fraction bits of the constants and of the other coefficients.
    fractions: [i32; 2],
}

/// A piece's polynomial as the table has it, over numbers as they are meant.
struct Piece {
    start: f64,
    width: f64,
    /// In `t` from 0 to 1, exactly.
    coefficients: Vec<f64>,
}

impl Draft {
    fn quantize(
        polynomials: Vec<Vec<f64>>,
        pieces: Pieces,
        bits: u32,
        constant_fraction: i32,
        name: &str,
        word: Word,
    ) -> Option<Self> {
        let t_bits = bits.min(word.size());
        let rising = |polynomial: &Vec<f64>| polynomial[1..].iter().map(|value| value.abs()).sum::<f64>();
        let largest = polynomials.iter().map(rising).fold(0.0, f64::max);
        // A unit for each rounding, so that no sum leaves a word.
        let mut rising_fraction =
            (word.size() as i32 - exponent(1.01 * largest)).min(constant_fraction + word.size() as i32);
        let terms = polynomials.first()?.len() as i64;
        let fits = |fraction: i32| {
            let scale = f64::exp2(f64::from(fraction));
            polynomials.iter().all(|polynomial| {
                let sum: f64 = polynomial[1..].iter().map(|value| (value * scale).round().abs() + 1.0).sum();
                sum + (terms as f64) < f64::exp2(f64::from(word.size()))
            })
        };
        while !fits(rising_fraction) {
            rising_fraction -= 1;
        }
        let product_fraction = rising_fraction + t_bits as i32;
        let whole_bits = word.size() as i32 - constant_fraction;
        let fraction = product_fraction.min(word.wide_size() as i32 - 1 - whole_bits).max(constant_fraction);
        if product_fraction < fraction {
            return None;
        }
        let (constant, rising) = (f64::exp2(f64::from(constant_fraction)), f64::exp2(f64::from(rising_fraction)));
        let most = f64::exp2(f64::from(word.size()));
        let mut coefficients = Vec::with_capacity(polynomials.len());
        for polynomial in &polynomials {
            // A constant may lie just outside of the values that the function takes.
            let first = (polynomial[0] * constant).round().clamp(-most, most - 1.0);
            let rest = polynomial[1..].iter().map(|value| (value * rising).round() as i64);
            coefficients.push(std::iter::once(first as i64).chain(rest).collect());
        }
        let table = Table {
            pieces,
            cut: bits - t_bits,
            t_bits,
            coefficients,
            last_shift: (product_fraction - fraction) as u32,
            constant_shift: (fraction - constant_fraction) as u32,
            name: name.to_owned(),
        };
        Some(Self { table, fraction, fractions: [constant_fraction, rising_fraction] })
    }

    /// The largest error that is seen at a few points of each piece.
    fn largest_seen(&self, function: &Smooth, argument: Argument, bits: u32) -> f64 {
        let step = (1_i64 << bits).div_euclid(7).max(1);
        let points = (argument.low..=argument.high).step_by(step as usize).chain([argument.high]);
        let scale = f64::exp2(-f64::from(self.fraction));
        let error = |x: i64| (self.table.value(x) as f64 * scale - function.value(x as f64 * argument.unit())).abs();
        points.map(error).fold(0.0, f64::max)
    }

    /// Bounds the error over the argument's range, with boxes as small as an error of about `target` asks for; `difference` is what a piece's polynomial gives less what the function gives, for
    /// numbers within an interval.
    fn prove(
        self,
        argument: Argument,
        bits: u32,
        target: f64,
        difference: impl Fn(&Piece, Interval) -> Interval,
    ) -> Option<Proved> {
        let unit = argument.unit();
        let scales = self.fractions.map(|fraction| f64::exp2(-f64::from(fraction)));
        let count = self.table.coefficients.len();
        let mut error = Interval::ZERO;
        for (index, raw) in self.table.coefficients.iter().enumerate() {
            let start = match &self.table.pieces {
                Pieces::Even { origin, bits } => origin + ((index as i64) << bits),
                Pieces::Uneven(starts) => starts[index],
            };
            let end = match &self.table.pieces {
                Pieces::Even { bits, .. } => start + (1 << bits) - 1,
                Pieces::Uneven(starts) if index + 1 < count => starts[index + 1] - 1,
                Pieces::Uneven(_) => argument.high,
            };
            let end = end.min(argument.high);
            let coefficients: Vec<f64> =
                raw.iter().enumerate().map(|(power, value)| *value as f64 * scales[usize::from(power > 0)]).collect();
            // What is left out of t: up to a unit of it less.
            let steep: f64 =
                coefficients.iter().enumerate().skip(1).map(|(power, value)| power as f64 * value.abs()).sum();
            let cut = if self.table.cut > 0 { steep * f64::exp2(-f64::from(self.table.t_bits)) } else { 0.0 };
            let roundings = (raw.len() as f64 - 2.0).max(0.0) * 0.5 * scales[1]
                + if self.table.last_shift > 0 { 0.5 * f64::exp2(-f64::from(self.fraction)) } else { 0.0 };
            let piece = Piece { start: start as f64 * unit, width: f64::exp2(f64::from(bits)) * unit, coefficients };
            // Within a box, a bend is known but for how it changes there.
            let small = piece.width / (4.0 * target).cbrt();
            let boxes = (end - start + 1).min((small.ceil() as i64).clamp(BOXES.0, BOXES.1));
            let mut own = Interval::UNDEFINED;
            for part in 0..boxes {
                let at = |part: i64| (start as f64 + (end - start) as f64 * part as f64 / boxes as f64) * unit;
                let (from, to) = (at(part).next_down().max(piece.start), at(part + 1).next_up().min(end as f64 * unit));
                let found = difference(&piece, Interval::new(from.min(to), to));
                if !found.is_finite() {
                    return None;
                }
                own = if part == 0 { found } else { own.hull(found) };
            }
            error = error.hull(own.inflated(cut + roundings));
        }
        error.is_finite().then_some(Proved { table: self.table, fraction: self.fraction, error })
    }
}

/// Bounds of differences between polynomials and functions.
struct Error;

impl Error {
    /// Polynomial less function, by its value in the middle and how it bends around.
    fn of(function: &Smooth, piece: &Piece, x: Interval) -> Interval {
        let local = function.local(x);
        let middle = Interval::point(x.middle());
        let around = x - middle;
        let [_, slope, bend] = piece.derivatives(x);
        let [value, middle_slope, _] = piece.derivatives(middle);
        let first = value - local.at_middle + (slope - local.slope) * around;
        let second = match local.bend {
            Some((at_middle, curvature)) => {
                // A square is never below 0.
                let square = around.whole_power(2);
                value - local.at_middle
                    + (middle_slope - at_middle) * around
                    + Interval::point(0.5) * (bend - curvature) * square
            }
            None => Interval::ANYTHING,
        };
        let plain = piece.derivatives(x)[0] - local.values;
        [first, second, plain]
            .into_iter()
            .filter(|bounds| !bounds.is_undefined())
            .fold(Interval::ANYTHING, Interval::both)
    }

    /// Polynomial less polynomial, the other in `x − origin`.
    fn of_polynomial(origin: f64, coefficients: &[f64], piece: &Piece, x: Interval) -> Interval {
        let middle = Interval::point(x.middle());
        let around = x - middle;
        let other = |x: Interval| derivatives(coefficients, x - Interval::point(origin));
        let [value, slope, _] = piece.derivatives(middle);
        let [other_value, other_slope, _] = other(middle);
        let (bend, other_bend) = (piece.derivatives(x)[2], other(x)[2]);
        let square = around.whole_power(2);
        value - other_value + (slope - other_slope) * around + Interval::point(0.5) * (bend - other_bend) * square
    }
}

impl Piece {
    /// Its value and derivatives by the argument.
    fn derivatives(&self, x: Interval) -> [Interval; 3] {
        // The width is a power of 2, so that dividing by it is exact.
        let inverse = Interval::point(1.0 / self.width);
        let t = (x - Interval::point(self.start)) * inverse;
        let [value, slope, bend] = derivatives(&self.coefficients, t);
        [value, slope * inverse, bend * inverse * inverse]
    }
}

/// A polynomial's value and derivatives.
fn derivatives(coefficients: &[f64], t: Interval) -> [Interval; 3] {
    let horner = |order: usize| {
        let factor = |power: usize| (0..order).map(|less| (power - less) as f64).product::<f64>();
        let terms = coefficients.iter().enumerate().skip(order).rev();
        terms.fold(Interval::ZERO, |sum, (power, value)| {
            sum * t + Interval::point(*value) * Interval::point(factor(power))
        })
    };
    [horner(0), horner(1), horner(2)]
}
