//! What is proved of every episode, from every start.

use crate::card::{Certainty, ProofCard, number, percent};
use crate::cells::{CellOptions, Cells};
use crate::tubes::{TubeOptions, Tubes, prove, prove_from};
use crate::{Controller, Played};
use kanrl_interval::{Aim, Dynamics, Interval, Number};
use serde_json::{Value, json};

/// How far proofs about episodes may go.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ReachOptions {
    /// For boxes of starts.
    pub tubes: TubeOptions,
    /// For cells of a plane.
    pub cells: CellOptions,
}

/// Adds what is proved of the episodes from all starts. `simulate` plays the episode from a start; `worst` is the lowest
/// return that was measured.
pub fn claim_reach<const N: usize>(
    card: &mut ProofCard,
    dynamics: &impl Dynamics<N>,
    controller: &Controller,
    options: &ReachOptions,
    worst: Option<f64>,
    simulate: impl Fn(&[f64; N]) -> Option<Played> + Sync,
) {
    // In a larger space most boxes branch until they are given up, which takes long.
    let boxes = if N > 2 { options.tubes.boxes / 100 } else { options.tubes.boxes };
    // A bound that is within a fiftieth of what was measured says enough.
    let wanted = options.tubes.wanted.or(worst.map(|worst| worst - 0.02 * worst.abs()));
    let own = TubeOptions { boxes, wanted, ..options.tubes };
    let tubes = match dynamics.aim() {
        Aim::End => {
            let fails = |start: &[f64; N]| simulate(start).is_some_and(|played| !played.terminated);
            prove(dynamics, controller, &own, |_, _| false, fails)
        }
        Aim::Last => {
            let fails = |start: &[f64; N]| simulate(start).is_some_and(|played| played.terminated);
            prove(dynamics, controller, &own, |_, _| false, fails)
        }
        Aim::Keep { region, allowed, speeds } => {
            let mut cells = Cells::new(dynamics, controller, speeds, options.cells);
            cells.keep(region, allowed);
            claim_kept(card, &cells);
            cells.reach(dynamics.limit());
            let starts = dynamics.starts();
            let (proved, open) = cells.proved(&[starts[0], starts[1]]);
            let open = open.into_iter().map(|sides| std::array::from_fn(|index| sides[index])).collect();
            let arrived = |set: &crate::tubes::Set<N>, step: u32| {
                cells.holds(&[set[0].range(), set[1].range()], step, dynamics.limit())
            };
            let fails = |start: &[f64; N]| {
                simulate(start).is_some_and(|played| {
                    let turn = 2.0 * std::f64::consts::PI;
                    let angle = played.state.first().map_or(0.0, |angle| angle - (angle / turn).round() * turn);
                    !allowed[0].contains(angle)
                })
            };
            let own = TubeOptions { wanted: None, ..own };
            let mut tubes = prove_from(dynamics, controller, &own, open, arrived, fails);
            tubes.proved = if tubes.complete { 1.0 } else { (tubes.proved + proved).min(1.0 - f64::EPSILON) };
            tubes.least_return = None;
            tubes.boxes += options.cells.angles * options.cells.speeds;
            tubes
        }
    };
    claim_tubes(card, dynamics, &tubes, worst);
}

fn claim_kept(card: &mut ProofCard, cells: &Cells) {
    let (count, hull) = cells.kept();
    match hull {
        Some([angle, speed]) => {
            let text = format!(
                "once the angle is within [{}, {}] rad and the speed within a set of {count} cells inside [{}, {}] rad/s, both stay there for good",
                number(angle.low),
                number(angle.high),
                number(speed.low),
                number(speed.high)
            );
            let values = json!({ "cells": count, "angle": [angle.low, angle.high], "speed": [speed.low, speed.high] });
            card.say("stays", Certainty::Proved, text, values);
        }
        None => card.say("stays", Certainty::NotKnown, "no set was found that is never left".to_owned(), Value::Null),
    }
}

fn claim_tubes<const N: usize>(card: &mut ProofCard, dynamics: &impl Dynamics<N>, tubes: &Tubes, worst: Option<f64>) {
    let limit = dynamics.limit();
    let what = match dynamics.aim() {
        Aim::End => format!("the goal is reached within {limit} steps"),
        Aim::Last => format!("nothing falls in {limit} steps"),
        Aim::Keep { .. } => format!("the pole is up within {limit} steps and stays up"),
    };
    let values = serde_json::to_value(tubes).unwrap_or_default();
    let share = tubes.proved;
    let certainty = if share > 0.0 { Certainty::Proved } else { Certainty::NotKnown };
    let mut text = match share {
        _ if share >= 1.0 => format!("from every start {what}"),
        _ if share > 0.0 => format!("from {} of the volume of starts {what}", percent(share)),
        _ => format!("that {what} is proved for no box of starts"),
    };
    if tubes.refuted > 0.0 {
        text += &format!("; {} lies in boxes with a start that fails", percent(tubes.refuted));
    }
    text += &format!(" ({} boxes)", tubes.boxes);
    card.say("starts", certainty, text, values);
    if let Some(least) = tubes.least_return {
        let measured =
            worst.map_or_else(String::new, |worst| format!("; the worst that was measured is {}", number(worst)));
        let starts = if share >= 1.0 { "any start" } else { "those starts" };
        let text = format!("no episode from {starts} returns less than {}{measured}", number(least));
        card.say("least return", Certainty::Proved, text, json!({ "least_return": least, "measured": worst }));
    }
    if matches!(dynamics.aim(), Aim::End) && tubes.earliest > 1 {
        let earliest = tubes.earliest;
        let text = format!("from no start is the goal reached in fewer than {earliest} steps");
        card.say("earliest", Certainty::Proved, text, json!({ "earliest": earliest }));
    }
    if matches!(dynamics.aim(), Aim::Last) && share < 1.0 {
        let (certainty, horizon) = (Certainty::Proved, tubes.horizon);
        let text = format!("from every start nothing falls in the first {horizon} steps");
        card.say("horizon", certainty, text, json!({ "horizon": horizon }));
    }
    if let Some(start) = tubes.counter_examples.first() {
        let start: Vec<String> =
            dynamics.names().iter().zip(start).map(|(name, value)| format!("{name} = {}", number(*value))).collect();
        let text = format!("an episode from {} fails", start.join(", "));
        card.say("counter-example", Certainty::Proved, text, json!({ "starts": tubes.counter_examples }));
    }
}

/// The box of an environment's starts: middle and radius of each of the state's numbers, and their names.
pub fn start_ranges<const N: usize>(dynamics: &impl Dynamics<N>) -> (Vec<(f64, f64)>, Vec<String>) {
    let ranges = dynamics.starts().iter().map(|side: &Interval| (side.middle(), side.radius())).collect();
    (ranges, dynamics.names().iter().map(|name| (*name).to_owned()).collect())
}
