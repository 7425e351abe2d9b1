//! Boxes of starts, followed step by step: what is proved of every episode that begins in them.

use crate::Controller;
use kanrl_interval::{Affine, Aim, Branch, Dynamics, Interval, Number};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// Symbols of the affine forms: enough for four coordinates and two rounds of errors.
const SYMBOLS: usize = 12;

/// A set of states, followed.
pub type Set<const N: usize> = [Affine<SYMBOLS>; N];

/// How far a proof may go. All of it is counted, so that the result is the same on every machine.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct TubeOptions {
    /// Boxes of starts that are followed, in all. Default 20,000.
    pub boxes: usize,
    /// How often a box is halved at most. Default 40.
    pub halvings: u32,
    /// Branches that one box may be in at the same time. Default 512.
    pub branches: usize,
    /// A set is cut once it is wider than this share of how far its numbers range. Default 1/64.
    pub widest: f64,
    /// A box that is proved is halved on as long as its bound of the return is less than this, so that the bound says more.
    /// Default: never.
    pub wanted: Option<f64>,
}

impl Default for TubeOptions {
    fn default() -> Self {
        Self { boxes: 20_000, halvings: 40, branches: 512, widest: 1.0 / 64.0, wanted: None }
    }
}

/// What became of the starts.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Tubes {
    /// Whether success is proved from every start.
    pub complete: bool,
    /// Share of their volume from which success is proved; 1 where it is all of it.
    pub proved: f64,
    /// Share in boxes that hold a start which fails when it is simulated.
    pub refuted: f64,
    /// No episode that begins in the proved share returns less; none where nothing is proved.
    pub least_return: Option<f64>,
    /// Every episode, from any start, is proved to go on for so many steps before anything fails or is given up.
    pub horizon: u32,
    /// No episode, from any start, is ended by the task's own rules in fewer steps.
    pub earliest: u32,
    /// Boxes that were followed.
    pub boxes: usize,
    /// Starts that fail when they are simulated, at most ten.
    pub counter_examples: Vec<Vec<f64>>,
}

/// What was proved of one box.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Followed {
    /// Whether every episode succeeds.
    pub proved: bool,
    /// None of them returns less.
    pub least_return: f64,
    /// Until then none of them has failed.
    pub steps: u32,
    /// None of them is ended by the task's own rules in fewer steps.
    pub earliest: u32,
}

/// Follows one box of starts until everything is decided. `arrived` ends a branch successfully, before its step.
pub fn follow<const N: usize>(
    dynamics: &impl Dynamics<N>,
    controller: &Controller,
    sides: &[Interval; N],
    options: &TubeOptions,
    arrived: impl Fn(&Set<N>, u32) -> bool,
) -> Followed {
    let (aim, scales) = (dynamics.aim(), dynamics.scales());
    let limit = dynamics.limit();
    let mut followed = Followed { proved: true, least_return: f64::INFINITY, steps: limit, earliest: limit };
    // All branches step by step, with the least that each has collected.
    let mut branches_now: Vec<(Set<N>, f64)> = vec![(Affine::of_box(sides), 0.0)];
    for step in 0..=dynamics.limit() {
        branches_now.retain(|(set, collected)| {
            let is_over = arrived(set, step) || (step == dynamics.limit() && aim == Aim::Last);
            if is_over {
                followed.least_return = followed.least_return.min(*collected);
            }
            !is_over
        });
        if branches_now.is_empty() {
            return followed;
        }
        let mut next = Vec::with_capacity(branches_now.len());
        let mut failed = step == dynamics.limit();
        for (set, collected) in &branches_now {
            let choices = controller.choices(&dynamics.observe(set));
            failed |= choices.is_empty();
            let outcomes =
                |choice| if step == 0 { dynamics.first_step(set, choice) } else { dynamics.step(set, choice) };
            for Branch { mut state, reward, ended } in choices.iter().flat_map(outcomes) {
                let value = (collected + reward.low).next_down();
                if ended {
                    followed.earliest = followed.earliest.min(step + 1);
                }
                let is_lost = state.iter().any(|number| !number.range().is_finite()) || !value.is_finite();
                match (aim, ended) {
                    (Aim::End, true) if !is_lost => followed.least_return = followed.least_return.min(value),
                    (_, false) if !is_lost => {
                        Affine::follow_errors(&mut state);
                        cut(state, &scales, options.widest, options.branches, &mut |piece| next.push((piece, value)));
                    }
                    _ => failed = true,
                }
            }
            merge_points(&mut next);
            if aim == Aim::Last && next.len() > options.branches {
                // Too many to keep apart: a box around them all still says for how long nothing falls.
                let around = |index: usize| next.iter().map(move |(set, _): &(Set<N>, f64)| set[index].range());
                let sides =
                    std::array::from_fn(|index| around(index).reduce(Interval::hull).unwrap_or(Interval::UNDEFINED));
                let least = next.iter().map(|(_, value)| *value).fold(f64::INFINITY, f64::min);
                next = vec![(Affine::of_box(&sides), least)];
            }
            if failed || next.len() > options.branches {
                let earliest = followed.earliest.min(step + 1);
                return Followed { proved: false, steps: step, earliest, ..followed };
            }
        }
        branches_now = next;
    }
    followed
}

/// Keeps one of the branches that are in exactly the same state: the one that has collected the least.
fn merge_points<const N: usize>(branches: &mut Vec<(Set<N>, f64)>) {
    if branches.len() < 2 {
        return;
    }
    let point = |set: &Set<N>| {
        let ranges = set.each_ref().map(Number::range);
        ranges.iter().all(|range| range.low == range.high).then(|| ranges.map(|range| range.low.to_bits()))
    };
    let mut least: HashMap<[u64; N], f64> = HashMap::new();
    for (set, collected) in branches.iter() {
        if let Some(point) = point(set) {
            least.entry(point).and_modify(|least| *least = least.min(*collected)).or_insert(*collected);
        }
    }
    branches.retain_mut(|(set, collected)| match point(set).map(|point| least.remove(&point)) {
        None => true,
        Some(None) => false,
        Some(Some(least)) => {
            *collected = least;
            true
        }
    });
}

/// Cuts a set into pieces that are narrow enough.
fn cut<const N: usize>(set: Set<N>, scales: &[f64; N], widest: f64, most: usize, take: &mut impl FnMut(Set<N>)) {
    let mut open = vec![set];
    let mut pieces = 0;
    while let Some(set) = open.pop() {
        let is_wide = set.iter().zip(scales).any(|(number, scale)| number.range().radius() > 0.5 * widest * scale);
        match Affine::halves(&set, scales).filter(|_| is_wide && pieces + open.len() <= most) {
            Some((one, other)) => open.extend([other, one]),
            None => {
                pieces += 1;
                take(set);
            }
        }
    }
}

/// Splits the starts until each piece is proved, refuted by `fails`, or the budget ends.
///
/// `fails` says whether the simulated episode from a start fails. Boxes are followed in parallel, a generation at a time,
/// so that the result does not depend on the number of threads.
pub fn prove<const N: usize>(
    dynamics: &impl Dynamics<N>,
    controller: &Controller,
    options: &TubeOptions,
    arrived: impl Fn(&Set<N>, u32) -> bool + Sync,
    fails: impl Fn(&[f64; N]) -> bool + Sync,
) -> Tubes {
    let starts = dynamics.starts();
    prove_from(dynamics, controller, options, vec![starts], arrived, fails)
}

/// As [`prove`], from boxes within the starts; shares are of the starts' volume.
pub fn prove_from<const N: usize>(
    dynamics: &impl Dynamics<N>,
    controller: &Controller,
    options: &TubeOptions,
    boxes: Vec<[Interval; N]>,
    arrived: impl Fn(&Set<N>, u32) -> bool + Sync,
    fails: impl Fn(&[f64; N]) -> bool + Sync,
) -> Tubes {
    let starts = dynamics.starts();
    let limit = dynamics.limit();
    let mut tubes = Tubes { horizon: limit, earliest: limit, complete: true, ..Tubes::default() };
    let mut generation: Vec<Piece<N>> = boxes.into_iter().map(|sides| Piece { sides, halvings: 0, of: None }).collect();
    let mut least = f64::INFINITY;
    while !generation.is_empty() {
        let left = options.boxes.saturating_sub(tubes.boxes);
        // What is not followed any more is as good as the box that it is a half of.
        let rest = generation.split_off(left.min(generation.len()));
        tubes.boxes += generation.len();
        let results: Vec<Followed> =
            generation.par_iter().map(|piece| follow(dynamics, controller, &piece.sides, options, &arrived)).collect();
        let mut done: Vec<([Interval; N], Followed)> =
            rest.into_iter().map(|piece| (piece.sides, piece.of.unwrap_or(Followed::NOTHING))).collect();
        let budget_is_left = done.is_empty();
        let mut next = Vec::new();
        for (Piece { sides, halvings, of }, result) in generation.into_iter().zip(results) {
            // A half is proved wherever the whole is, whatever its own way was.
            let is_better = result.proved && of.is_none_or(|of| result.least_return >= of.least_return);
            let result = of.filter(|of| of.proved && !is_better).unwrap_or(result);
            let is_settled = result.proved && options.wanted.is_none_or(|wanted| result.least_return >= wanted);
            if !is_settled && halvings < options.halvings && budget_is_left {
                let (one, other) = halved(&sides, &starts);
                next.extend([one, other].map(|sides| Piece { sides, halvings: halvings + 1, of: Some(result) }));
            } else {
                done.push((sides, result));
            }
        }
        let open = |(sides, result): &([Interval; N], Followed)| !result.proved && fails(&sides.map(Interval::middle));
        let verdicts: Vec<bool> = done.par_iter().map(open).collect();
        for ((sides, result), fails) in done.into_iter().zip(verdicts) {
            tubes.earliest = tubes.earliest.min(result.earliest);
            if result.proved {
                tubes.proved += share(&sides, &starts);
                least = least.min(result.least_return);
                continue;
            }
            tubes.complete = false;
            tubes.horizon = tubes.horizon.min(result.steps);
            if fails {
                tubes.refuted += share(&sides, &starts);
                if tubes.counter_examples.len() < 10 {
                    tubes.counter_examples.push(sides.map(Interval::middle).to_vec());
                }
            }
        }
        generation = next;
    }
    // Shares are rounded as they are added: all is said of nothing less.
    tubes.proved = if tubes.complete { 1.0 } else { tubes.proved.min(1.0 - f64::EPSILON) };
    tubes.least_return = least.is_finite().then_some(least);
    tubes
}

/// A box that is to be followed.
struct Piece<const N: usize> {
    sides: [Interval; N],
    /// How often it was halved.
    halvings: u32,
    /// What is known of the box that it is a half of.
    of: Option<Followed>,
}

impl Followed {
    /// Nothing was proved.
    const NOTHING: Self = Self { proved: false, least_return: f64::INFINITY, steps: 0, earliest: 0 };
}

/// Share of the starts' volume; coordinates in which they are one number do not count.
fn share<const N: usize>(sides: &[Interval; N], starts: &[Interval; N]) -> f64 {
    let widths = sides.iter().zip(starts).map(|(side, all)| (side.high - side.low, all.high - all.low));
    widths.filter(|(_, all)| *all > 0.0).map(|(own, all)| own / all).product()
}

/// Halves of the side that is longest for its length at the start.
fn halved<const N: usize>(sides: &[Interval; N], starts: &[Interval; N]) -> ([Interval; N], [Interval; N]) {
    let length = |index: usize| {
        let all = starts[index].high - starts[index].low;
        if all > 0.0 { (sides[index].high - sides[index].low) / all } else { 0.0 }
    };
    let longest = (0..N).fold(0, |best, index| if length(index) > length(best) * (1.0 + 1e-9) { index } else { best });
    let (mut one, mut other) = (*sides, *sides);
    (one[longest], other[longest]) = sides[longest].halves();
    (one, other)
}
