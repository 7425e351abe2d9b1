//! What each edge may become, and what that would cost.

use crate::rows::Rows;
use kanrl_core::approximator::Loss;
use kanrl_core::function::{FittedFunction, SampledCurve, SymbolicLibrary};
use kanrl_core::graph::{EdgeFunction, UnivariateGraph};
use kanrl_symbolic::library::{LibraryFunction, broken_lines, guarded, pairs, smooth};
use rayon::prelude::*;
use std::sync::Arc;

/// Samples that functions are fitted to.
const SAMPLES: usize = 400;
/// Functions of the library that are tried on an edge by themselves, and that a second one is added to.
const SINGLES: usize = 6;
const FIRSTS: usize = 2;
/// Sums of two functions that are tried.
const SUMS: usize = 3;
/// How much the length of a name counts beside what it costs; pykan's scale of both.
const SIMPLICITY: f64 = 0.2;
/// So much larger than what an edge gives may the parts be that a name adds up to it: beyond, a line or a parabola is
/// written as the difference of giants.
const CANCELLATION: f64 = 30.0;
/// A name may be this much larger than what the edge gives, so many ranges beyond it.
const EXPLOSION: f64 = 1e4;
const RANGES: f64 = 3.0;
/// Pieces of curves that are tried, the outer lines apart.
const PIECES: [usize; 5] = [2, 3, 4, 6, 10];

/// A function for an edge.
#[derive(Clone, Debug)]
pub(super) struct Choice {
    pub fitted: FittedFunction,
    /// What the loss of the whole network grows by if only this edge changes, in shares of the best constant's loss.
    pub harm: f64,
}

impl Choice {
    fn score(&self) -> f64 {
        SIMPLICITY * self.fitted.function.complexity() + (1.0 - SIMPLICITY) * (1e-5 + self.harm.max(0.0)).log2()
    }
}

/// What choices are made from.
pub(super) struct Chooser<'a> {
    pub library: &'a dyn SymbolicLibrary,
    /// A name must be defined this share of the range beyond the observed one, on both sides; its guard begins there.
    pub margin: f64,
    pub rows: &'a Rows,
    pub loss: &'a Loss,
    /// Loss of the best constant.
    pub constant: f64,
}

impl Chooser<'_> {
    /// Names for each of the edges, the best compromise of harm and length first.
    pub(super) fn names(&self, graph: &UnivariateGraph, edges: &[usize]) -> Vec<Vec<Choice>> {
        self.choices(graph, edges, |curve| {
            let singles = self.library.candidates(curve);
            let sums = pairs(self.library, &singles, FIRSTS, curve);
            let mut found: Vec<FittedFunction> = nothing(curve).into_iter().collect();
            found.extend(singles.into_iter().take(SINGLES));
            found.extend(broken_lines(curve));
            found.extend(sums.into_iter().take(SUMS));
            found
        })
    }

    /// Curves for each of the edges, the one with the fewest pieces first.
    pub(super) fn curves(&self, graph: &UnivariateGraph, edges: &[usize]) -> Vec<Vec<Choice>> {
        let mut choices =
            self.choices(graph, edges, |curve| PIECES.into_iter().filter_map(|pieces| smooth(curve, pieces)).collect());
        let length = |choice: &Choice| choice.fitted.function.complexity();
        choices.iter_mut().for_each(|own| own.sort_by(|first, second| length(first).total_cmp(&length(second))));
        choices
    }

    fn choices(
        &self,
        graph: &UnivariateGraph,
        edges: &[usize],
        candidates: impl Fn(&SampledCurve) -> Vec<FittedFunction> + Sync,
    ) -> Vec<Vec<Choice>> {
        let samples = self.rows.samples();
        let values = graph.node_values(samples.inputs);
        let before = graph.loss(samples, self.loss);
        let choices = edges.par_iter().map(|edge| {
            let x = &values[graph.edges[*edge].source];
            let Some((low, high)) = range(x) else { return Vec::new() };
            let step = x.len().div_ceil(SAMPLES).max(1);
            let x: Vec<f64> = x.iter().step_by(step).copied().chain([low, high]).collect();
            let y: Vec<f64> = x.iter().map(|x| graph.edges[*edge].value(*x)).collect();
            let margin = self.margin * (high - low);
            let curve = SampledCurve { x, y };
            let sound = candidates(&curve)
                .into_iter()
                .filter_map(|fitted| guarded(fitted, low - margin, high + margin))
                .filter(|fitted| !cancels(fitted, &curve) && !runs_away(fitted, &curve, low, high));
            let mut choices: Vec<Choice> = sound
                .filter_map(|fitted| {
                    let changed = graph.with_function(*edge, EdgeFunction::Symbolic(fitted.clone().into()));
                    let harm = (changed.loss(samples, self.loss) - before) / self.constant;
                    harm.is_finite().then_some(Choice { fitted, harm })
                })
                .collect();
            choices.sort_by(|first, second| first.score().total_cmp(&second.score()));
            choices
        });
        choices.collect()
    }
}

/// Smallest and largest; none without two different ones.
fn range(x: &[f64]) -> Option<(f64, f64)> {
    let low = x.iter().copied().fold(f64::INFINITY, f64::min);
    let high = x.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    (low < high && low.is_finite() && high.is_finite()).then_some((low, high))
}

/// The constant that an edge becomes which is not missed.
fn nothing(curve: &SampledCurve) -> Option<FittedFunction> {
    let function = Arc::new(LibraryFunction::builtin("0").ok()?);
    let mean = curve.y.iter().sum::<f64>() / curve.y.len() as f64;
    Some(FittedFunction { function, a: 1.0, b: 0.0, c: 0.0, d: mean, r_squared: 0.0 })
}

/// Whether a function's parts are far larger than what they add up to.
fn cancels(fitted: &FittedFunction, curve: &SampledCurve) -> bool {
    let parts = curve.x.iter().map(|x| (fitted.c * fitted.function.value(fitted.a * x + fitted.b)).abs());
    let largest = parts.fold(fitted.d.abs(), f64::max);
    let size = range(&curve.y).map_or(0.0, |(low, high)| (high - low).max(high.abs()).max(low.abs()));
    largest > CANCELLATION * size && fitted.c != 0.0
}

/// Whether a function explodes a few ranges beyond the samples, where a state may still come to be.
fn runs_away(fitted: &FittedFunction, curve: &SampledCurve, low: f64, high: f64) -> bool {
    let reach = RANGES * (high - low);
    let size = curve.y.iter().fold(0.0, |most: f64, y| most.max(y.abs()));
    [low - reach, high + reach].into_iter().any(|x| {
        let value = fitted.value(x).abs();
        value.is_nan() || value > EXPLOSION * size.max(f64::MIN_POSITIVE)
    })
}

#[cfg(test)]
mod tests {
    use super::{cancels, runs_away};
    use kanrl_core::function::{FittedFunction, SampledCurve};
    use kanrl_symbolic::library::LibraryFunction;
    use std::sync::Arc;

    #[test]
    fn a_line_written_as_a_difference_of_giants_is_seen() {
        let x: Vec<f64> = (0..50).map(|index| f64::from(index) / 25.0 - 1.0).collect();
        let curve = SampledCurve { y: x.iter().map(|x| 2.0 * x).collect(), x };
        let sine = |a: f64, b: f64, c: f64, d: f64| FittedFunction {
            function: Arc::new(LibraryFunction::builtin("sin").unwrap()),
            a,
            b,
            c,
            d,
            r_squared: 1.0,
        };
        assert!(cancels(&sine(1e-5, 1.0, 370_163.2, -311_481.6), &curve));
        assert!(!cancels(&sine(0.5, 0.0, 4.0, 0.0), &curve));
    }

    #[test]
    fn a_function_that_explodes_out_of_sight_is_not_a_name() {
        let x: Vec<f64> = (0..50).map(|index| f64::from(index) / 25.0 - 1.0).collect();
        let curve = SampledCurve { y: x.iter().map(|x| x.powi(4)).collect(), x };
        let function = |name: &str, a: f64, c: f64| FittedFunction {
            function: Arc::new(LibraryFunction::builtin(name).unwrap()),
            a,
            b: 0.0,
            c,
            d: 0.0,
            r_squared: 1.0,
        };
        assert!(!runs_away(&function("x^4", 1.0, 1.0), &curve, -1.0, 1.0));
        assert!(runs_away(&function("exp", 11.5, 3e-5), &curve, -1.0, 1.0));
    }
}
