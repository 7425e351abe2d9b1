//! Affine forms: numbers that remember how they depend on where a box was entered.

use crate::{Interval, Local, Number};

/// `center + Σ terms[i]·εᵢ ± error`, where every εᵢ lies in ±1 and is the same in all numbers of a computation, and the
/// whole lies within `range`.
///
/// The symbols ε keep what intervals forget: that x − x is 0, and that a box turns and shears as it moves. What is not
/// linear in the symbols, and every rounding, goes to `error` (J. Stolfi and L. H. de Figueiredo, "Self-Validated
/// Numerical Methods and Applications", 1997, chapter 3; functions are replaced by lines with the middle of the range
/// of their slopes).
///
/// ```
/// use kanrl_interval::{Affine, Interval, Number};
/// let x: Affine<2> = Affine::symbol(Interval::new(1.0, 2.0), 0);
/// assert!(x.minus(&x).range().magnitude() < 1e-12);
/// assert_eq!((x.range() - x.range()).high.round(), 1.0);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Affine<const K: usize> {
    center: f64,
    terms: [f64; K],
    error: f64,
    range: Interval,
}

/// Relative to the sizes that go into an operation: its own roundings here, and that of the program it stands for.
const ROUNDING: f64 = 8.0 * f64::EPSILON;

impl<const K: usize> Affine<K> {
    /// All of the interval, entered by symbol `index`.
    ///
    /// # Panics
    /// If `index` is not below `K`.
    pub fn symbol(range: Interval, index: usize) -> Self {
        let mut terms = [0.0; K];
        terms[index] = range.radius();
        Self { center: range.middle(), terms, error: 0.0, range }
    }

    /// How it depends on each symbol.
    pub fn terms(&self) -> &[f64; K] {
        &self.terms
    }

    /// Its value where all symbols are 0, up to the error.
    pub fn center(&self) -> f64 {
        self.center
    }

    /// What does not depend on the symbols, at most.
    pub fn error(&self) -> f64 {
        self.error
    }

    /// Largest absolute value, without the range's help.
    #[inline]
    fn size(&self) -> f64 {
        self.center.abs() + self.spread()
    }

    #[inline]
    fn spread(&self) -> f64 {
        self.terms.iter().fold(self.error, |sum, term| sum + term.abs())
    }

    /// Checks and tightens what an operation gave.
    #[inline]
    fn settled(center: f64, terms: [f64; K], error: f64, range: Interval) -> Self {
        let mut form = Self { center, terms, error, range };
        let spread = form.spread() * (1.0 + ROUNDING);
        if !(center.is_finite() && spread.is_finite()) || range.is_undefined() {
            return Self::unknown(range);
        }
        form.range = Interval::around(center, spread).both(range);
        form
    }

    /// The states of a box, one symbol for each coordinate.
    ///
    /// # Panics
    /// If there are fewer symbols than coordinates.
    pub fn of_box<const N: usize>(sides: &[Interval; N]) -> [Self; N] {
        std::array::from_fn(|index| Self::symbol(sides[index], index))
    }

    /// The two halves of a vector of numbers, cut where the symbol of the largest share of the widest one is 0; widths are
    /// compared in `scales`. None where no symbol is left.
    pub fn halves<const N: usize>(numbers: &[Self; N], scales: &[f64; N]) -> Option<([Self; N], [Self; N])> {
        let width = |index: usize| numbers[index].range.radius() / scales[index];
        let widest = (0..N).fold(0, |best, index| if width(index) > width(best) { index } else { best });
        let share = |symbol: usize| numbers[widest].terms[symbol].abs();
        let symbol = (0..K).fold(0, |best, symbol| if share(symbol) > share(best) { symbol } else { best });
        let half = |side: f64| {
            numbers.map(|number| {
                let mut terms = number.terms;
                terms[symbol] *= 0.5;
                let center = number.center + side * terms[symbol];
                Self::settled(center, terms, number.error + ROUNDING * number.size(), number.range)
            })
        };
        (share(symbol) > 0.0).then(|| (half(-1.0), half(1.0)))
    }

    /// Turns the errors of a vector of numbers into symbols, so that they too are followed from now on. Where there are
    /// too few symbols, the smallest ones are replaced by a box around them (A. Girard, "Reachability of uncertain linear
    /// systems using zonotopes", 2005).
    ///
    /// # Panics
    /// If there are fewer symbols than coordinates.
    pub fn follow_errors<const N: usize>(numbers: &mut [Self; N]) {
        const { assert!(K >= N, "a symbol for each coordinate") };
        let scales: [f64; N] = std::array::from_fn(|row| 1.0 / numbers[row].spread().max(f64::MIN_POSITIVE));
        let mut order: [(f64, usize); K] = std::array::from_fn(|column| {
            let sizes = (0..N).map(|row| (numbers[row].terms[column] * scales[row]).abs());
            let (sum, largest) = sizes.fold((0.0_f64, 0.0_f64), |(sum, largest), size| (sum + size, largest.max(size)));
            (sum - largest, column)
        });
        // What is nearly a box already goes first; the sort is stable.
        order.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut sides: [f64; N] = std::array::from_fn(|row| numbers[row].error);
        for (_, column) in &order[..N] {
            for (side, number) in sides.iter_mut().zip(numbers.iter_mut()) {
                *side = (*side + number.terms[*column].abs()).next_up();
                number.terms[*column] = 0.0;
            }
        }
        for (row, side) in sides.into_iter().enumerate() {
            numbers[row].terms[order[row].1] = side;
            numbers[row].error = 0.0;
        }
    }
}

impl<const K: usize> Number for Affine<K> {
    #[inline]
    fn constant(value: f64) -> Self {
        Self { center: value, terms: [0.0; K], error: 0.0, range: Interval::point(value) }
    }

    fn unknown(range: Interval) -> Self {
        let error = if range.is_finite() { range.radius() } else { f64::INFINITY };
        let center = if range.is_finite() { range.middle() } else { 0.0 };
        Self { center, terms: [0.0; K], error, range }
    }

    #[inline]
    fn range(&self) -> Interval {
        self.range
    }

    #[inline]
    fn plus(&self, other: &Self) -> Self {
        let terms = std::array::from_fn(|index| self.terms[index] + other.terms[index]);
        let error = self.error + other.error + ROUNDING * (self.size() + other.size());
        Self::settled(self.center + other.center, terms, error, self.range + other.range)
    }

    #[inline]
    fn minus(&self, other: &Self) -> Self {
        self.plus(&other.negated())
    }

    #[inline]
    fn times(&self, other: &Self) -> Self {
        let terms = std::array::from_fn(|index| self.center * other.terms[index] + other.center * self.terms[index]);
        let (mine, theirs) = (self.spread(), other.spread());
        let error = mine * theirs + self.center.abs() * other.error + other.center.abs() * self.error;
        let sizes = (self.center.abs() + mine) * (other.center.abs() + theirs);
        Self::settled(self.center * other.center, terms, error + ROUNDING * sizes, self.range * other.range)
    }

    #[inline]
    fn negated(&self) -> Self {
        Self { center: -self.center, terms: self.terms.map(|term| -term), error: self.error, range: -self.range }
    }

    #[inline]
    fn scaled(&self, factor: f64) -> Self {
        let terms = self.terms.map(|term| factor * term);
        let error = factor.abs() * (self.error + ROUNDING * self.size());
        Self::settled(factor * self.center, terms, error, self.range * Interval::point(factor))
    }

    fn through(&self, function: &Local) -> Self {
        let Local { at_middle, slope, jumps, bend, values } = *function;
        if !at_middle.is_finite() || !self.error.is_finite() {
            return Self::unknown(values);
        }
        let (middle, radius) = (self.range.middle(), self.range.radius());
        // f(x) = f(m) + s·(x − m) with s within the slopes: their middle, off by their radius.
        let mut line = (slope.middle(), at_middle.middle(), slope.radius() * radius);
        // f(x) = f(m) + f′(m)·(x − m) + ½ c·(x − m)², and the square lies between 0 and r².
        if let Some((at, curvature)) = bend {
            let bow = Interval::new(0.0, (0.5 * radius * radius).next_up()) * curvature;
            let error = bow.radius() + at.radius() * radius;
            if error < line.2 || !line.2.is_finite() || !slope.is_finite() {
                line = (at.middle(), at_middle.middle() + bow.middle(), error);
            }
        }
        let (steepness, level, bent) = line;
        if !(steepness.is_finite() && bent.is_finite()) || (bend.is_none() && !slope.is_finite()) {
            return Self::unknown(values);
        }
        let terms = self.terms.map(|term| steepness * term);
        let center = level + steepness * (self.center - middle);
        let error = at_middle.radius() + bent + steepness.abs() * self.error + jumps;
        let sizes = level.abs() + bent + steepness.abs() * (self.size() + middle.abs());
        // Of the function itself, elsewhere than in the middle.
        let own = Interval::FUNCTION_ERROR * values.magnitude();
        let own = if own.is_finite() { own } else { f64::INFINITY };
        Self::settled(center, terms, error + ROUNDING * sizes + own, values)
    }

    fn either(&self, other: &Self) -> Self {
        // Terms that both share stay; the rest is an error.
        let terms: [f64; K] = std::array::from_fn(|index| 0.5 * (self.terms[index] + other.terms[index]));
        let center = 0.5 * (self.center + other.center);
        let distance = |from: &Self| {
            let terms = (0..K).map(|index| (from.terms[index] - terms[index]).abs()).sum::<f64>();
            (from.center - center).abs() + terms + from.error
        };
        let error = distance(self).max(distance(other)) + ROUNDING * (self.size() + other.size());
        Self::settled(center, terms, error, self.range.hull(other.range))
    }

    fn with_error(&self, size: f64) -> Self {
        Self::settled(self.center, self.terms, self.error + size, self.range.inflated(size))
    }

    fn known_within(&self, range: Interval) -> Self {
        let range = self.range.both(range);
        // Where the range says more than the form, the form is not worth its error.
        if range.is_finite() && range.radius() < self.error {
            return Self::unknown(range);
        }
        Self { range, ..*self }
    }
}
