//! Shapes between a name and a curve: hinges, sums of two functions, and curves of few pieces.

use super::LibraryFunction;
use super::regression::regress;
use crate::expression::{Curve, Expression};
use kanrl_core::function::{Domain, FittedFunction, SampledCurve, SymbolicLibrary};
use kanrl_core::graph::{BaseFunction, SplineEdge};
use kanrl_core::spline;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Places where a hinge is tried.
const PLACES: usize = 24;
/// Digits of the constants that a shape's text has.
const DIGITS: usize = 5;

/// Broken lines: one that is flat on one side, one with two slopes, one that is flat in the middle (a dead zone) and one
/// with three slopes, each with its best breaks, written with `max(x − t, 0)`. Best r² first; none for fewer than 8
/// different x.
pub fn broken_lines(curve: &SampledCurve) -> Vec<FittedFunction> {
    let places = places(&curve.x);
    let Some((x, y)) = (places.len() > 3).then_some((&curve.x[..], &curve.y[..])) else { return Vec::new() };
    let above: Vec<Vec<f64>> = places.iter().map(|place| x.iter().map(|x| (x - place).max(0.0)).collect()).collect();
    let below: Vec<Vec<f64>> = places.iter().map(|place| x.iter().map(|x| (place - x).max(0.0)).collect()).collect();
    let mut one = Best::default();
    let mut two_slopes = Best::default();
    let mut dead_zone = Best::default();
    let mut three_slopes = Best::default();
    for (right, up) in above.iter().enumerate() {
        one.offer(regress([up], y), || format!("max(x - {}, 0)", short(places[right])));
        one.offer(regress([&below[right]], y), || format!("max({} - x, 0)", short(places[right])));
        if let Some(([line, hinge], constant, r_squared)) = regress([x, up], y) {
            two_slopes.offer(Some(([1.0], constant, r_squared)), || {
                format!("{}*x + {}*max(x - {}, 0)", short(line), short(hinge), short(places[right]))
            });
        }
        for left in 0..right {
            if let Some(([low, high], constant, r_squared)) = regress([&below[left], up], y) {
                dead_zone.offer(Some(([1.0], constant, r_squared)), || {
                    let [left, right] = [places[left], places[right]].map(short);
                    format!("{}*max({left} - x, 0) + {}*max(x - {right}, 0)", short(low), short(high))
                });
            }
            if let Some(([line, first, second], constant, r_squared)) = regress([x, &above[left], up], y) {
                three_slopes.offer(Some(([1.0], constant, r_squared)), || {
                    let [left, right] = [places[left], places[right]].map(short);
                    let [line, first, second] = [line, first, second].map(short);
                    format!("{line}*x + {first}*max(x - {left}, 0) + {second}*max(x - {right}, 0)")
                });
            }
        }
    }
    let all = [(one, 2.5), (two_slopes, 3.5), (dead_zone, 4.5), (three_slopes, 5.0)];
    let mut found: Vec<FittedFunction> =
        all.into_iter().filter_map(|(best, complexity)| spelled(&best.text?, complexity, curve)).collect();
    found.sort_by(|first, second| second.r_squared.total_cmp(&first.r_squared));
    found
}

/// Sums of two functions of a library: each of the first `firsts` of `singles` (of [`SymbolicLibrary::candidates`], fitted
/// to the same curve) and a line, with what fits best what they leave. Best r² first.
pub fn pairs(
    library: &dyn SymbolicLibrary,
    singles: &[FittedFunction],
    firsts: usize,
    curve: &SampledCurve,
) -> Vec<FittedFunction> {
    let line = || singles.iter().find(|single| single.function.name() == "x");
    let mut found: Vec<FittedFunction> = Vec::new();
    let mut chosen: Vec<&FittedFunction> = singles.iter().take(firsts).chain(line()).collect();
    chosen.dedup_by(|second, first| first.function.name() == second.function.name());
    for first in chosen {
        let values: Vec<f64> = curve.x.iter().map(|x| first.value(*x)).collect();
        let rest =
            SampledCurve { x: curve.x.clone(), y: curve.y.iter().zip(&values).map(|(y, value)| y - value).collect() };
        for second in library.candidates(&rest).into_iter().take(2) {
            let others: Vec<f64> = curve.x.iter().map(|x| second.function.value(second.a * x + second.b)).collect();
            let own: Vec<f64> = curve.x.iter().map(|x| first.function.value(first.a * x + first.b)).collect();
            let Some(([factor, other], ..)) = regress([&own, &others], &curve.y) else { continue };
            let parts = [(first, factor), (&second, other)].map(|(part, factor)| text(part, factor));
            let [Some(own), Some(other)] = parts else { continue };
            let complexity = first.function.complexity() + second.function.complexity() + 1.0;
            found.extend(spelled(&format!("{own} + {other}"), complexity, curve));
        }
    }
    found.sort_by(|first, second| second.r_squared.total_cmp(&first.r_squared));
    found
}

/// A smooth curve of `pieces` cubics on the range of the samples, as near to them as it can come, with straight lines
/// beyond. `None` for too few samples or pieces.
pub fn smooth(curve: &SampledCurve, pieces: usize) -> Option<FittedFunction> {
    let mut sorted = curve.x.clone();
    sorted.sort_by(f64::total_cmp);
    let (low, high) = (*sorted.first()?, *sorted.last()?);
    if pieces == 0 || sorted.len() < 4 * (pieces + 3) || high - low <= 1e-9 * high.abs().max(low.abs()) {
        return None;
    }
    // Half way between equal distances and equal numbers of samples.
    let inner = |index: usize| {
        let share = index as f64 / pieces as f64;
        let quantile = sorted[(share * (sorted.len() - 1) as f64) as usize];
        0.5 * quantile + 0.5 * (low + share * (high - low))
    };
    let inner: Vec<f64> = (0..=pieces).map(|index| if index == pieces { high } else { inner(index) }).collect();
    if inner.windows(2).any(|pair| pair[1] - pair[0] <= 1e-6 * (high - low)) {
        return None;
    }
    let knots = spline::extend_knots(&inner, 3);
    let coefficients = spline::least_squares(&knots, 3, &curve.x, &curve.y, 1);
    let edge = SplineEdge { base: BaseFunction::Zero, scale_base: 0.0, degree: 3, knots, coefficients };
    let found = Curve::from_spline(&edge)?.with_straight_ends(low, high)?;
    let complexity = 3.0 + found.pieces().len() as f64;
    spelled(&format!("curve(x; {found})"), complexity, curve)
}

/// The function with its argument clipped to what `low..=high` leads to, on the sides where it would otherwise leave the
/// domain or overflow; itself where it does neither. `None` where it has no expression or is not defined on that range.
pub fn guarded(fitted: FittedFunction, low: f64, high: f64) -> Option<FittedFunction> {
    /// An argument beyond any that a state leads to.
    const FAR: f64 = 1e12;
    let domain = fitted.function.domain();
    let overflows = |x: f64| !fitted.function.value(x).is_finite();
    if domain == Domain::All && !overflows(FAR) && !overflows(-FAR) {
        return Some(fitted);
    }
    let [first, last] = [low, high].map(|x| fitted.a * x + fitted.b);
    let (low, high) = (first.min(last), first.max(last));
    if !domain.contains(low, high) {
        return None;
    }
    let [low_text, high_text] = [low, high].map(|bound| format!("{bound:?}"));
    let needs = [
        !domain.contains(f64::NEG_INFINITY, high) || overflows(-FAR),
        !domain.contains(low, f64::INFINITY) || overflows(FAR),
    ];
    let argument = match needs {
        [true, true] => format!("clip(x, {low_text}, {high_text})"),
        [true, false] => format!("max(x, {low_text})"),
        _ => format!("min(x, {high_text})"),
    };
    let expression: Expression = fitted.function.expression()?.parse().ok()?;
    let text = expression.substitute(&BTreeMap::from([("x", argument.parse().ok()?)])).to_string();
    let function = LibraryFunction::spelled(&text, fitted.function.complexity() + 1.0).ok()?;
    Some(FittedFunction { function: Arc::new(function), ..fitted })
}

/// The best of several fits.
#[derive(Default)]
struct Best {
    r_squared: f64,
    text: Option<String>,
}

impl Best {
    fn offer<const N: usize>(&mut self, fit: Option<([f64; N], f64, f64)>, text: impl FnOnce() -> String) {
        if let Some((_, _, r_squared)) = fit
            && r_squared > self.r_squared
        {
            (self.r_squared, self.text) = (r_squared, Some(text()));
        }
    }
}

/// Where hinges may be: half of them at equal distances, half at equal numbers of samples.
fn places(x: &[f64]) -> Vec<f64> {
    let mut sorted = x.to_vec();
    sorted.sort_by(f64::total_cmp);
    let (Some(low), Some(high)) = (sorted.first(), sorted.last()) else { return Vec::new() };
    let half = PLACES / 2;
    let even = (1..=half).map(|index| low + (high - low) * index as f64 / (half + 1) as f64);
    let quantiles = (1..=half).map(|index| sorted[index * (sorted.len() - 1) / (half + 1)]);
    let mut places: Vec<f64> = even.chain(quantiles).filter(|place| low < place && place < high).map(rounded).collect();
    places.sort_by(f64::total_cmp);
    places.dedup();
    places
}

/// A function that its own text names, with c and d fitted to the curve.
fn spelled(text: &str, complexity: f64, curve: &SampledCurve) -> Option<FittedFunction> {
    let function = LibraryFunction::spelled(text, complexity).ok()?;
    let mut values = vec![0.0; curve.x.len()];
    function.values(&curve.x, &mut values);
    let ([c], d, r_squared) = regress([&values], &curve.y)?;
    Some(FittedFunction { function: Arc::new(function), a: 1.0, b: 0.0, c, d, r_squared })
}

/// `factor·f(a·x + b)` as text over x.
fn text(part: &FittedFunction, factor: f64) -> Option<String> {
    let expression: Expression = part.function.expression()?.parse().ok()?;
    let argument = Expression::variable("x").ok()?.affine(rounded(part.a), rounded(part.b));
    let value = expression.substitute(&BTreeMap::from([("x", argument)])).folded();
    Some((value * rounded(factor)).to_string())
}

fn rounded(value: f64) -> f64 {
    crate::rounding::to_digits(value, DIGITS as u32)
}

/// A number that may stand behind any sign.
fn short(value: f64) -> String {
    let text = crate::expression::number(rounded(value));
    if text.starts_with('-') { format!("({text})") } else { text }
}
