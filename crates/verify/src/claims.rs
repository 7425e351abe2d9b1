//! What is claimed of a formula over the box of its observations.

use crate::card::{Certainty, ProofCard, Side, Source, number};
use crate::{Program, bounds_over};
use kanrl_core::space::BoxSpace;
use kanrl_interval::Interval;
use kanrl_symbolic::{ActionRule, Expression, Formula, Node, Operator, SymbolicError};
use serde_json::json;

/// Boxes for each bound, and how near the bound is to be to a value that is taken.
const BOXES: usize = 4000;
const TOLERANCE: f64 = 1e-3;

/// The box of a formula's observations: declared bounds, those that are given in their place, and for coordinates without
/// bounds twice the largest size that was `seen`.
///
/// ```
/// use kanrl_core::environment::EnvironmentSpec;
/// use kanrl_verify::{Source, observation_box};
/// let spec = EnvironmentSpec::new("Room-v0").observe("inside", "°C").observe_within("hour", "h", 0.0..=24.0);
/// let sides = observation_box(&spec.observation_space, &[], &[21.5, 24.0]);
/// assert_eq!((sides[0].low, sides[0].source), (-43.0, Source::Observed));
/// assert_eq!((sides[1].high, sides[1].source), (24.0, Source::Declared));
/// ```
pub fn observation_box(space: &BoxSpace, given: &[(String, f64, f64)], seen: &[f64]) -> Vec<Side> {
    let side = |(coordinate, seen): (&kanrl_core::space::Coordinate, f64)| {
        let (low, high, source) = match given.iter().find(|(name, ..)| *name == coordinate.name) {
            Some((_, low, high)) => (*low, *high, Source::Given),
            None if coordinate.low.is_finite() && coordinate.high.is_finite() => {
                (coordinate.low, coordinate.high, Source::Declared)
            }
            None => {
                let size = 2.0 * seen;
                let or = |bound: f64, size: f64| if bound.is_finite() { bound } else { size };
                (or(coordinate.low, -size), or(coordinate.high, size), Source::Observed)
            }
        };
        Side { name: coordinate.name.clone(), low, high, source }
    };
    let seen = seen.iter().copied().chain(std::iter::repeat(1.0));
    space.coordinates.iter().zip(seen).map(side).collect()
}

/// Adds what is proved of outputs, gains and the distance to the next switch, for observations in the card's box, each
/// rounded to f32 where the environment does so.
///
/// # Errors
/// [`SymbolicError`] for a formula whose inputs are not the box's coordinates.
pub fn claim_bounds(card: &mut ProofCard, formula: &Formula) -> Result<(), SymbolicError> {
    let mut sides = Vec::new();
    for input in formula.inputs() {
        let side = card.observations.iter().find(|side| side.name == *input).ok_or_else(|| {
            SymbolicError::Invalid(format!("the formula takes `{input}`, which the environment does not observe"))
        })?;
        // What is observed of a value in the box: the nearest f32, or the value itself.
        let range = Interval::new(side.low, side.high);
        sides.push(range.hull(range.to_f32()));
    }
    let names: Vec<&str> = formula.outputs().iter().map(|output| output.name.as_str()).collect();
    let outputs = bounds_over(&Program::new(&formula.expressions(), formula.inputs())?, &sides, BOXES, TOLERANCE);
    let finite = outputs.iter().all(|bounds| bounds.is_finite());
    let (certainty, text) = if finite {
        (Certainty::Proved, "every output is a finite number for every observation")
    } else {
        (Certainty::NotKnown, "an output may be infinite or undefined somewhere")
    };
    card.say("finite", certainty, text.to_owned(), json!({ "finite": finite }));
    for (name, bounds) in names.iter().zip(&outputs).filter(|(_, bounds)| bounds.is_finite()) {
        let text = format!("{name} lies between {} and {}", number(bounds.low), number(bounds.high));
        card.say("outputs", Certainty::Proved, text, json!({ "output": name, "low": bounds.low, "high": bounds.high }));
    }
    let scores = differences(formula);
    let gains = claim_gains(card, formula, &scores, &sides)?;
    claim_switches(card, formula, &scores, &sides, &gains)
}

/// What is compared for the action: each output's lead over the one before it, or the outputs themselves.
fn differences(formula: &Formula) -> Vec<(String, Expression)> {
    let own = formula.outputs().iter().map(|output| (output.name.clone(), output.expression.clone()));
    if *formula.action() != ActionRule::Argmax {
        return own.collect();
    }
    let outputs: Vec<(String, Expression)> = own.collect();
    let pairs = (0..outputs.len()).flat_map(|one| (one + 1..outputs.len()).map(move |other| (one, other)));
    pairs
        .map(|(one, other)| {
            let name = format!("{} − {}", outputs[other].0, outputs[one].0);
            (name, outputs[other].1.clone() - outputs[one].1.clone())
        })
        .collect()
}

/// For every score, the largest size of its gain by each input; infinite where it is not known.
fn claim_gains(
    card: &mut ProofCard,
    formula: &Formula,
    scores: &[(String, Expression)],
    sides: &[Interval],
) -> Result<Vec<Vec<f64>>, SymbolicError> {
    let mut gains = Vec::new();
    for (name, score) in scores {
        let derivatives: Vec<Expression> = formula.inputs().iter().map(|input| score.derivative(input)).collect();
        let program = Program::new(&derivatives, formula.inputs())?;
        let bounds = bounds_over(&program, sides, BOXES, 1e-2);
        let largest: Vec<f64> = bounds.iter().map(|bounds| bounds.magnitude()).collect();
        let texts: Vec<String> = formula
            .inputs()
            .iter()
            .zip(&bounds)
            .filter(|(_, bounds)| bounds.magnitude() > 0.0 && bounds.is_finite())
            .map(|(input, bounds)| {
                let (low, high) = (number(bounds.low), number(bounds.high));
                if low == high {
                    format!("∂{name}/∂{input} is {low}")
                } else {
                    format!("∂{name}/∂{input} from {low} to {high}")
                }
            })
            .collect();
        let jumps = if has_jumps(score) { "; it also jumps" } else { "" };
        let certainty =
            if largest.iter().all(|gain| gain.is_finite()) { Certainty::Proved } else { Certainty::NotKnown };
        let text = match certainty {
            Certainty::Proved if texts.is_empty() => format!("{name} does not depend on the observation{jumps}"),
            Certainty::Proved => texts.join(", ") + jumps,
            _ => format!("a gain of {name} may be infinite or undefined somewhere"),
        };
        card.say(
            "gains",
            certainty,
            text,
            json!({ "score": name, "inputs": formula.inputs(), "largest": finite_or_null(&largest) }),
        );
        gains.push(largest);
    }
    Ok(gains)
}

/// How far an observation is from the next switch, at least.
fn claim_switches(
    card: &mut ProofCard,
    formula: &Formula,
    scores: &[(String, Expression)],
    sides: &[Interval],
    gains: &[Vec<f64>],
) -> Result<(), SymbolicError> {
    if matches!(formula.action(), ActionRule::Clip { .. }) {
        return Ok(());
    }
    let expressions: Vec<Expression> = scores.iter().map(|(_, score)| score.clone()).collect();
    let bounds = bounds_over(&Program::new(&expressions, formula.inputs())?, sides, BOXES, TOLERANCE);
    for (((name, score), gains), bounds) in scores.iter().zip(gains).zip(bounds) {
        if !bounds.contains(0.0) {
            let lead = bounds.least_magnitude();
            let text = format!("{name} is never 0: its size is at least {}", number(lead));
            card.say("switches", Certainty::Proved, text, json!({ "score": name, "lead": lead }));
        } else if has_jumps(score) || gains.iter().any(|gain| !gain.is_finite()) {
            let text = format!("the sign of {name} may change anywhere");
            card.say("switches", Certainty::NotKnown, text, json!({ "score": name }));
        } else {
            let per_unit =
                |(input, gain): (&String, &f64)| (*gain > 0.0).then(|| format!("{input} by {}", number(0.999 / gain)));
            let texts: Vec<String> = formula.inputs().iter().zip(gains).filter_map(per_unit).collect();
            let distances: Vec<f64> = gains.iter().map(|gain| 1.0 / gain).collect();
            let text = format!(
                "for each unit of |{name}|, it takes at least {} alone to change its sign",
                texts.join(", or ")
            );
            card.say(
                "switches",
                Certainty::Proved,
                text,
                json!({ "score": name, "inputs": formula.inputs(), "distance": finite_or_null(&distances) }),
            );
        }
    }
    Ok(())
}

/// Whether an expression may jump: then its gains do not say how far it moves.
fn has_jumps(expression: &Expression) -> bool {
    expression.nodes().iter().any(|node| {
        matches!(node, Node::Operation(Operator::Sign | Operator::Step | Operator::Gate, _))
            || matches!(node, Node::Curve(curve) if jumps(curve))
    })
}

/// Whether neighboring pieces of a curve do not meet, rounding apart.
fn jumps(curve: &kanrl_symbolic::Curve) -> bool {
    curve.breakpoints().iter().any(|at| {
        let (left, right) = (curve.value(at.next_down()), curve.value(*at));
        (left - right).abs() > 1e-9 * (1.0 + left.abs())
    })
}

fn finite_or_null(values: &[f64]) -> serde_json::Value {
    values.iter().map(|value| if value.is_finite() { json!(value) } else { serde_json::Value::Null }).collect()
}
