//! The smallest changes under which one policy fails while another one still succeeds.

use crate::conditions::{Conditions, PlayError};
use kanrl_core::environment::EnvironmentEntry;
use kanrl_core::policy::Policy;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// What is looked for, and how long.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HuntOptions {
    /// An episode that returns less has failed.
    pub fails_below: f64,
    /// Seeds that every change is tried on. Default 12.
    pub seeds: u64,
    /// The first of them.
    pub first_seed: u64,
    /// Halvings of the distance between a change that is borne and one that is not. Default 6.
    pub halvings: u32,
    /// Middle and radius of the state's numbers at the start, where the environment takes one.
    pub starts: Vec<(f64, f64)>,
    /// Names of the state's numbers.
    pub names: Vec<String>,
    /// Typical sizes of the observation's coordinates, by which noise is scaled.
    pub sizes: Vec<f64>,
}

impl Default for HuntOptions {
    fn default() -> Self {
        let (starts, names, sizes) = (Vec::new(), Vec::new(), Vec::new());
        Self { fails_below: 0.0, seeds: 12, first_seed: 0, halvings: 6, starts, names, sizes }
    }
}

/// A change under which the one fails and the other does not: a file that can be played again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Find {
    /// In words: `length × 1.9`.
    pub change: String,
    /// How large it is: 0 for none, comparable within a kind of change.
    pub size: f64,
    /// Which policy fails.
    pub fails: String,
    /// Which one still succeeds.
    pub succeeds: String,
    /// Mean return of the one that fails, over the seeds.
    pub failing_return: f64,
    /// Mean return of the one that succeeds.
    pub succeeding_return: f64,
    /// The episode in which the failing one does worst.
    pub conditions: Conditions,
}

/// A way of changing conditions by degrees.
struct Knob {
    /// Sizes that are tried, rising.
    sizes: Vec<f64>,
    turn: Box<dyn Fn(f64, u64) -> Conditions + Sync>,
    words: Box<dyn Fn(f64) -> String + Sync>,
    /// Whether only whole sizes make sense.
    whole: bool,
}

/// Looks for the smallest change of each kind (starts, constants, delay, noise, actuators) under which most episodes of one
/// policy fail and hardly any of the other's does, both ways round. Finds are in the order of the kinds.
///
/// # Errors
/// [`PlayError`] where an episode cannot be played at all; changes that an environment refuses are left out.
pub fn hunt(
    entry: &EnvironmentEntry,
    formula: (&str, &dyn Policy),
    expert: (&str, &dyn Policy),
    options: &HuntOptions,
) -> Result<Vec<Find>, PlayError> {
    let knobs = knobs(entry, options)?;
    let found: Vec<Vec<Find>> = knobs
        .par_iter()
        .map(|knob| {
            let ways = [(formula, expert), (expert, formula)];
            ways.iter().filter_map(|(fails, succeeds)| smallest(entry, *fails, *succeeds, knob, options)).collect()
        })
        .collect();
    Ok(found.into_iter().flatten().collect())
}

fn knobs(entry: &EnvironmentEntry, options: &HuntOptions) -> Result<Vec<Knob>, PlayError> {
    let environment = Conditions::default().environment(entry)?;
    let mut knobs = Vec::new();
    let starts = options.starts.clone();
    if !starts.is_empty() {
        // Corners of the box of starts, moved outward: a different one for each seed.
        for index in 0..starts.len() {
            for sign in [-1.0, 1.0] {
                let starts = starts.clone();
                let turn = move |size: f64, seed: u64| {
                    let mut random = kanrl_core::random::Generator::new(seed);
                    let start = starts.iter().enumerate().map(|(own, (middle, radius))| {
                        let inside = middle + radius * random.uniform(-1.0, 1.0);
                        if own == index { middle + sign * radius.max(1e-3) * (1.0 + size) } else { inside }
                    });
                    Conditions { seed, start: Some(start.collect()), ..Conditions::default() }
                };
                let side = if sign > 0.0 { "upper" } else { "lower" };
                let name = options.names.get(index).cloned().unwrap_or_else(|| format!("state {index}"));
                let words =
                    move |size: f64| format!("{name} starts {:.3} times as far out, at the {side} end", 1.0 + size);
                let sizes = (0..8).map(|power| f64::from(1 << power) * 0.5).collect();
                knobs.push(Knob { sizes, turn: Box::new(turn), words: Box::new(words), whole: false });
            }
        }
    }
    for parameter in environment.parameters().into_iter().filter(|parameter| parameter.value != 0.0) {
        for grows in [true, false] {
            let factor = move |size: f64| if grows { 1.0 + size } else { 1.0 / (1.0 + size) };
            let own = parameter.clone();
            let turn = move |size: f64, seed: u64| Conditions {
                seed,
                parameters: [(own.name.clone(), own.value * factor(size))].into(),
                ..Conditions::default()
            };
            let name = parameter.name.clone();
            let words = move |size: f64| format!("{name} × {:.3}", factor(size));
            let sizes = vec![0.1, 0.25, 0.5, 1.0, 2.0, 4.0];
            knobs.push(Knob { sizes, turn: Box::new(turn), words: Box::new(words), whole: false });
        }
    }
    let delayed = |size: f64, seed: u64| Conditions { seed, delay: size as usize, ..Conditions::default() };
    knobs.push(Knob {
        sizes: vec![1.0, 2.0, 3.0, 4.0, 6.0, 8.0],
        turn: Box::new(delayed),
        words: Box::new(|size| format!("actions {size} steps late")),
        whole: true,
    });
    let sizes = options.sizes.clone();
    let noisy = move |size: f64, seed: u64| Conditions {
        seed,
        noise: sizes.iter().map(|own| own * size).collect(),
        ..Conditions::default()
    };
    knobs.push(Knob {
        sizes: vec![0.02, 0.05, 0.1, 0.2, 0.5, 1.0],
        turn: Box::new(noisy),
        words: Box::new(|size| format!("noise of {:.3} of each coordinate's size", size)),
        whole: false,
    });
    if matches!(environment.spec().action_space, kanrl_core::space::ActionSpace::Box(_)) {
        let weak =
            |size: f64, seed: u64| Conditions { seed, actuators: Some(1.0 / (1.0 + size)), ..Conditions::default() };
        knobs.push(Knob {
            sizes: vec![0.1, 0.25, 0.5, 1.0, 2.0],
            turn: Box::new(weak),
            words: Box::new(|size| format!("actuators reach {:.3} of their bounds", 1.0 / (1.0 + size))),
            whole: false,
        });
    }
    Ok(knobs)
}

/// Returns over the seeds; none where the conditions are refused.
fn returns(
    entry: &EnvironmentEntry,
    policy: &dyn Policy,
    knob: &Knob,
    size: f64,
    options: &HuntOptions,
) -> Option<Vec<f64>> {
    let seeds = (0..options.seeds).map(|index| options.first_seed.wrapping_add(index));
    seeds.map(|seed| (knob.turn)(size, seed).play(entry, policy).ok().map(|played| played.episode_return)).collect()
}

fn smallest(
    entry: &EnvironmentEntry,
    fails: (&str, &dyn Policy),
    succeeds: (&str, &dyn Policy),
    knob: &Knob,
    options: &HuntOptions,
) -> Option<Find> {
    let failures = |returns: &[f64]| returns.iter().filter(|value| **value < options.fails_below).count() * 2;
    let has_failed =
        |size: f64| Some(failures(&returns(entry, fails.1, knob, size, options)?) >= options.seeds as usize);
    let mut borne = 0.0;
    let mut found = None;
    for size in &knob.sizes {
        if has_failed(*size)? {
            found = Some(*size);
            break;
        }
        borne = *size;
    }
    let mut size = found?;
    for _ in 0..if knob.whole { 0 } else { options.halvings } {
        let middle = 0.5 * (borne + size);
        if has_failed(middle)? { size = middle } else { borne = middle }
    }
    if knob.whole && size - borne > 1.0 && has_failed(size - 1.0)? {
        size -= 1.0;
    }
    let theirs = returns(entry, succeeds.1, knob, size, options)?;
    // One in ten is forgiven.
    if failures(&theirs) * 5 > options.seeds as usize {
        return None;
    }
    let ours = returns(entry, fails.1, knob, size, options)?;
    let worst = (0..ours.len()).min_by(|a, b| ours[*a].total_cmp(&ours[*b]))?;
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len().max(1) as f64;
    Some(Find {
        change: (knob.words)(size),
        size,
        fails: fails.0.to_owned(),
        succeeds: succeeds.0.to_owned(),
        failing_return: mean(&ours),
        succeeding_return: mean(&theirs),
        conditions: (knob.turn)(size, options.first_seed.wrapping_add(worst as u64)),
    })
}
