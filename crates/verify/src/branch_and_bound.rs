//! Bounds by splitting: the largest and smallest value of an expression over a box.

use crate::Program;
use kanrl_interval::{Affine, Interval};
use rayon::prelude::*;
use std::cmp::Ordering;
use std::collections::BinaryHeap;

/// Inputs whose dependence is followed; others are intervals.
const SYMBOLS: usize = 8;

/// Bounds of every output of a program over a box, tightened by splitting it.
///
/// At most `boxes` boxes are looked at for each bound of each output, until the bound is within `tolerance` of a value that
/// is taken (relative to the size of the range, which is at least 1e-9). Bounds are sound at any budget.
///
/// ```
/// use kanrl_interval::Interval;
/// use kanrl_verify::{Program, bounds_over};
/// // Plain intervals say −2 to 2.
/// let program = Program::new(&["x*(1 - x) + x^2 - x".parse()?], &["x"])?;
/// let bounds = bounds_over(&program, &[Interval::new(0.0, 1.0)], 1000, 1e-3)[0];
/// assert!(bounds.contains(0.0) && bounds.magnitude() < 0.01);
/// # Ok::<(), kanrl_symbolic::SymbolicError>(())
/// ```
pub fn bounds_over(program: &Program, sides: &[Interval], boxes: usize, tolerance: f64) -> Vec<Interval> {
    let first = enclosures(program, sides);
    (0..program.outputs())
        .into_par_iter()
        .map(|output| {
            if !first[output].is_finite() && sides.iter().any(|side| !side.is_finite()) {
                return first[output];
            }
            let scale = (first[output].high - first[output].low).max(1e-9);
            let scale = if scale.is_finite() { scale } else { 1.0 };
            let high = greatest(program, sides, output, 1.0, boxes, tolerance * scale);
            let low = greatest(program, sides, output, -1.0, boxes, tolerance * scale);
            if high.is_nan() || low.is_nan() { Interval::UNDEFINED } else { Interval::new(-low, high) }
        })
        .collect()
}

/// The outputs over one box, by affine forms where there are few inputs.
pub(crate) fn enclosures(program: &Program, sides: &[Interval]) -> Vec<Interval> {
    let wide = sides.iter().filter(|side| side.high > side.low).count();
    if wide > SYMBOLS || sides.iter().any(|side| !side.is_finite()) {
        return program.evaluate(sides);
    }
    let mut symbol = 0;
    let inputs: Vec<Affine<SYMBOLS>> = sides
        .iter()
        .map(|side| {
            let input = Affine::symbol(*side, symbol.min(SYMBOLS - 1));
            symbol += usize::from(side.high > side.low);
            input
        })
        .collect();
    let forms = program.evaluate(&inputs);
    forms.iter().map(kanrl_interval::Number::range).collect()
}

struct Candidate {
    bound: f64,
    number: usize,
    sides: Vec<Interval>,
}

impl PartialEq for Candidate {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Candidate {}

impl PartialOrd for Candidate {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Candidate {
    fn cmp(&self, other: &Self) -> Ordering {
        self.bound.total_cmp(&other.bound).then(other.number.cmp(&self.number))
    }
}

/// No value of `sign · output` is greater; NaN where it may be undefined.
fn greatest(program: &Program, sides: &[Interval], output: usize, sign: f64, boxes: usize, tolerance: f64) -> f64 {
    let bound = |sides: &[Interval]| {
        let values = enclosures(program, sides)[output];
        match (values.is_undefined(), sign > 0.0) {
            (true, _) => f64::INFINITY,
            (false, true) => values.high,
            (false, false) => -values.low,
        }
    };
    let taken = |sides: &[Interval]| {
        let middle: Vec<Interval> = sides.iter().map(|side| Interval::point(side.middle())).collect();
        let value = program.evaluate(&middle)[output];
        if value.is_undefined() {
            f64::NAN
        } else if sign > 0.0 {
            value.low
        } else {
            -value.high
        }
    };
    let mut heap = BinaryHeap::from([Candidate { bound: bound(sides), number: 0, sides: sides.to_vec() }]);
    let mut best = taken(sides);
    for number in (1..boxes.max(1)).step_by(2) {
        let Some(candidate) = heap.pop() else { break };
        let length = |index: usize| {
            let all = sides[index].high - sides[index].low;
            if all > 0.0 { (candidate.sides[index].high - candidate.sides[index].low) / all } else { 0.0 }
        };
        let longest = (0..sides.len()).fold(0, |best, index| if length(index) > length(best) { index } else { best });
        if best.is_nan() || candidate.bound - best <= tolerance || length(longest) < 1e-9 {
            heap.push(candidate);
            break;
        }
        let (left, right) = candidate.sides[longest].halves();
        for (offset, half) in [left, right].into_iter().enumerate() {
            let mut sides = candidate.sides.clone();
            sides[longest] = half;
            best = best.max(taken(&sides));
            let bound = bound(&sides).min(candidate.bound);
            heap.push(Candidate { bound, number: number + offset, sides });
        }
    }
    let greatest = heap.pop().map_or(best, |candidate| candidate.bound);
    // Nothing but an undefined value keeps a bound infinite while all inputs are finite.
    if best.is_nan() { f64::NAN } else { greatest }
}
