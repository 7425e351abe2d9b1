//! Curves without a name: piecewise polynomials of one argument.

use super::SymbolicError;
use kanrl_core::graph::SplineEdge;
use kanrl_core::spline;

/// A function of one variable in pieces: a polynomial of degree 3 or less on each interval between neighboring
/// breakpoints, and a straight line on either side of them all.
///
/// The lines are its guard: far outside it grows no faster than its argument. A piece begins at its breakpoint and ends
/// before the next one; nothing need be continuous. Coefficients are those of 1, u, u² and u³, where u is how far the
/// argument is above the piece's own breakpoint (for the first piece, above the first breakpoint, so negative).
///
/// ```
/// use kanrl_symbolic::{Curve, Expression};
/// // 0 below 1, then a parabola, then a line.
/// let curve = Curve::new(vec![1.0, 3.0], vec![vec![0.0], vec![0.0, 0.0, 1.0], vec![4.0, 2.0]])?;
/// assert_eq!([0.0, 2.0, 5.0].map(|x| curve.value(x)), [0.0, 1.0, 8.0]);
/// let expression: Expression = "curve(theta; 1, 3; 0; 0, 0, 1; 4, 2)".parse()?;
/// assert_eq!(expression, Expression::curve(curve.into(), Expression::variable("theta")?));
/// # Ok::<(), kanrl_symbolic::SymbolicError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Curve {
    breakpoints: Vec<f64>,
    /// Padded with zeros.
    pieces: Vec<[f64; 4]>,
}

/// Most breakpoints of a curve.
pub(super) const MAXIMUM_BREAKPOINTS: usize = 1000;

impl Curve {
    /// A curve of its breakpoints, rising, and the coefficients of its pieces, one more than breakpoints.
    ///
    /// # Errors
    /// [`SymbolicError::Invalid`] for no breakpoints or more than 1000, breakpoints that do not rise, numbers that are
    /// not finite, another number of pieces, a piece of degree above 3, or a first or last piece of degree above 1.
    pub fn new(breakpoints: Vec<f64>, coefficients: Vec<Vec<f64>>) -> Result<Self, SymbolicError> {
        let invalid = |message: String| Err(SymbolicError::Invalid(format!("a curve {message}")));
        if let Some(long) = coefficients.iter().find(|piece| piece.is_empty() || piece.len() > 4) {
            return invalid(format!("has 1 to 4 coefficients in each piece, not {}", long.len()));
        }
        let padded = |piece: &Vec<f64>| std::array::from_fn(|power| piece.get(power).copied().unwrap_or(0.0));
        let curve = Self { breakpoints, pieces: coefficients.iter().map(padded).collect() };
        let (breakpoints, pieces) = (curve.breakpoints.len(), curve.pieces.len());
        if breakpoints == 0 || breakpoints > MAXIMUM_BREAKPOINTS {
            return invalid(format!("has 1 to {MAXIMUM_BREAKPOINTS} breakpoints, not {breakpoints}"));
        }
        if pieces != breakpoints + 1 {
            return invalid(format!("of {breakpoints} breakpoints has {} pieces, not {pieces}", breakpoints + 1));
        }
        if let Some(value) = curve.numbers().find(|value| !value.is_finite()) {
            return invalid(format!("has no number {value}"));
        }
        if let Some(pair) = curve.breakpoints.windows(2).find(|pair| pair[0] >= pair[1]) {
            return invalid(format!("has breakpoints that rise, not {} and then {}", pair[0], pair[1]));
        }
        if [curve.pieces[0], curve.pieces[breakpoints]].iter().any(|[.., square, cube]| *square != 0.0 || *cube != 0.0)
        {
            return invalid("ends in straight lines on both sides".to_owned());
        }
        Ok(curve)
    }

    /// The spline part of a network's edge, with 0 outside its extended knots; `None` for a degree above 3 or knots
    /// that are not finite.
    pub fn from_spline(edge: &SplineEdge) -> Option<Self> {
        if edge.degree > 3 || edge.knots.len() < 2 {
            return None;
        }
        // The coefficients of the spline and its derivatives, each a spline of one degree less over the same knots.
        let mut derivatives = vec![edge.coefficients.clone()];
        for degree in (1..=edge.degree).rev() {
            let last = derivatives.last().expect("the spline itself");
            let at = |index: usize| last.get(index).copied().unwrap_or(0.0);
            let slope = |index: usize| {
                let width = edge.knots[index + degree] - edge.knots[index];
                let before = if index == 0 { 0.0 } else { at(index - 1) };
                if width > 0.0 { degree as f64 * (at(index) - before) / width } else { 0.0 }
            };
            derivatives.push((0..=last.len()).map(slope).collect());
        }
        let mut breakpoints: Vec<f64> = edge.knots.clone();
        breakpoints.dedup();
        let inner = breakpoints[..breakpoints.len() - 1].iter().map(|start| {
            let mut factorial = 1.0;
            let coefficients = derivatives.iter().enumerate().map(|(order, coefficients)| {
                factorial *= order.max(1) as f64;
                spline::evaluate(&edge.knots, edge.degree - order, coefficients, *start).0 / factorial
            });
            coefficients.collect()
        });
        let outside = || std::iter::once(vec![0.0]);
        let pieces = outside().chain(inner).chain(outside()).collect();
        Self::new(breakpoints, pieces).ok()
    }

    /// Where pieces meet, rising.
    pub fn breakpoints(&self) -> &[f64] {
        &self.breakpoints
    }

    /// The pieces from left to right: where u is 0, and the coefficients of 1, u, u² and u³ without trailing zeros (at
    /// least one).
    pub fn pieces(&self) -> impl ExactSizeIterator<Item = (f64, &[f64])> {
        self.pieces.iter().enumerate().map(|(index, piece)| {
            let degree = piece.iter().rposition(|coefficient| *coefficient != 0.0).unwrap_or(0);
            (self.origin(index), &piece[..=degree])
        })
    }

    /// All numbers: breakpoints, then coefficients.
    pub(crate) fn numbers(&self) -> impl Iterator<Item = f64> {
        self.breakpoints.iter().chain(self.pieces.iter().flatten()).copied()
    }

    /// Its value.
    #[inline]
    pub fn value(&self, x: f64) -> f64 {
        let (u, piece) = self.locate(x);
        evaluate(piece, u)
    }

    /// Its derivative; of the piece that begins there at a breakpoint.
    #[inline]
    pub fn slope(&self, x: f64) -> f64 {
        let (u, [_, b, c, d]) = self.locate(x);
        if c == 0.0 && d == 0.0 { b } else { (3.0 * d * u + 2.0 * c) * u + b }
    }

    /// How far x is above its piece's breakpoint, and the piece.
    #[inline]
    fn locate(&self, x: f64) -> (f64, [f64; 4]) {
        let piece = self.piece_at(x);
        (x - self.origin(piece), self.pieces[piece])
    }

    /// The piece of x; the last one for NaN, as every export has it.
    #[inline]
    fn piece_at(&self, x: f64) -> usize {
        self.breakpoints.partition_point(|breakpoint| x >= *breakpoint || x.is_nan())
    }

    #[inline]
    fn origin(&self, piece: usize) -> f64 {
        self.breakpoints[piece.saturating_sub(1)]
    }

    /// Its derivative as a curve.
    #[must_use]
    pub fn derivative(&self) -> Self {
        let pieces = self.pieces.iter().map(|[_, b, c, d]| [*b, 2.0 * c, 3.0 * d, 0.0]);
        Self { breakpoints: self.breakpoints.clone(), pieces: pieces.collect() }
    }

    /// `scale · self + shift`; `None` where a number overflows.
    pub fn scaled(&self, scale: f64, shift: f64) -> Option<Self> {
        let piece = |piece: &[f64; 4]| {
            let [a, b, c, d] = piece.map(|coefficient| scale * coefficient + 0.0);
            [a + shift, b, c, d]
        };
        let curve = Self { breakpoints: self.breakpoints.clone(), pieces: self.pieces.iter().map(piece).collect() };
        let finite = curve.numbers().all(f64::is_finite);
        finite.then_some(curve)
    }

    /// The curve of `scale · x + shift`; `None` for a scale of 0, or where numbers overflow or breakpoints fall together.
    /// With a negative scale a jump keeps its place, but its point belongs to the other side.
    pub fn of_affine(&self, scale: f64, shift: f64) -> Option<Self> {
        let at = |breakpoint: &f64| (breakpoint - shift) / scale + 0.0;
        let mut breakpoints: Vec<f64> = self.breakpoints.iter().map(at).collect();
        let last = self.pieces.len() - 1;
        let mut pieces: Vec<Vec<f64>> = Vec::with_capacity(self.pieces.len());
        for (index, piece) in self.pieces.iter().enumerate() {
            // Backwards, an inner piece begins where it ended.
            let from = if scale < 0.0 && index > 0 && index < last {
                self.breakpoints[index] - self.breakpoints[index - 1]
            } else {
                0.0
            };
            let mut power = 1.0;
            let scaled = moved(*piece, from).map(|coefficient| {
                let scaled = coefficient * power + 0.0;
                power *= scale;
                scaled
            });
            pieces.push(scaled.to_vec());
        }
        if scale < 0.0 {
            breakpoints.reverse();
            pieces.reverse();
        }
        Self::new(breakpoints, pieces).ok()
    }

    /// The curve between `low` and `high`, and beyond them the lines that touch it there; `None` unless `low < high`.
    pub fn with_straight_ends(&self, low: f64, high: f64) -> Option<Self> {
        let inside = |breakpoint: &&f64| low < **breakpoint && **breakpoint < high;
        let inner: Vec<f64> = self.breakpoints.iter().filter(inside).copied().collect();
        let line = |[a, b, ..]: [f64; 4]| vec![a, b];
        let (u, piece) = self.locate(low);
        let first = moved(piece, u);
        // The piece that ends there, not the one that begins.
        let end = self.breakpoints.partition_point(|breakpoint| *breakpoint < high);
        let last = moved(self.pieces[end], high - self.origin(end));
        let pieces = std::iter::once(line(first))
            .chain([first.to_vec()])
            .chain(inner.iter().map(|breakpoint| self.pieces[self.piece_at(*breakpoint)].to_vec()))
            .chain([line(last)]);
        let breakpoints = [&[low][..], &inner, &[high]].concat();
        Self::new(breakpoints, pieces.collect()).ok()
    }

    /// The curve with breakpoints and coefficients of that many significant digits; breakpoints stay where they would fall
    /// together.
    #[must_use]
    pub(crate) fn rounded(&self, digits: u32) -> Self {
        let round = |value: f64| crate::rounding::to_digits(value, digits);
        let mut breakpoints: Vec<f64> = self.breakpoints.iter().copied().map(round).collect();
        if breakpoints.windows(2).any(|pair| pair[0] >= pair[1]) {
            breakpoints.clone_from(&self.breakpoints);
        }
        let pieces = self.pieces.iter().enumerate().map(|(index, piece)| {
            let at = breakpoints[index.saturating_sub(1)];
            moved(*piece, at - self.origin(index)).map(round)
        });
        Self { pieces: pieces.collect(), breakpoints }
    }

    /// Smallest and largest value for arguments within `low..=high`, widened by what rounding can do; infinite where a
    /// line never ends.
    pub(crate) fn bounds(&self, low: f64, high: f64) -> (f64, f64) {
        /// Rounding error relative to the sum of the terms' sizes, generously.
        const ERROR: f64 = 256.0 * f64::EPSILON;
        let (first, last) = (self.piece_at(low), self.piece_at(high));
        let mut hull = (f64::INFINITY, f64::NEG_INFINITY);
        for index in first..=last {
            let [a, b, c, d] = self.pieces[index];
            let origin = self.origin(index);
            let from = if index == first { low } else { self.breakpoints[index - 1] } - origin;
            let to = if index == last { high } else { self.breakpoints[index] } - origin;
            let (from, to) = (from.next_down(), to.next_up());
            let mut include = |u: f64| {
                let value = evaluate([a, b, c, d], u);
                let size = evaluate([a, b, c, d].map(f64::abs), u.abs());
                let error = if size.is_finite() { ERROR * size + f64::MIN_POSITIVE } else { 0.0 };
                hull = (hull.0.min(value - error), hull.1.max(value + error));
            };
            include(from);
            include(to);
            // Where the derivative b + 2c·u + 3d·u² is 0.
            let root = (c * c - 3.0 * b * d).max(0.0).sqrt();
            let turns = [-b / (c + root), -b / (c - root), (-c - root) / (3.0 * d), (-c + root) / (3.0 * d)];
            turns.into_iter().filter(|u| from < *u && *u < to).for_each(&mut include);
        }
        hull
    }
}

/// The polynomial in u as one in u − `by`.
fn moved([a, b, c, d]: [f64; 4], by: f64) -> [f64; 4] {
    [evaluate([a, b, c, d], by), (3.0 * d * by + 2.0 * c) * by + b, 3.0 * d * by + c, d]
}

/// `a + b·u + c·u² + d·u³`; a line without the products with 0 that are not numbers at infinity.
#[inline]
fn evaluate([a, b, c, d]: [f64; 4], u: f64) -> f64 {
    if c != 0.0 || d != 0.0 {
        ((d * u + c) * u + b) * u + a
    } else if b != 0.0 {
        b * u + a
    } else {
        a
    }
}
