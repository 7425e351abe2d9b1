//! The rule in words, by templates, from the signs and sizes of gains.

use crate::card::number;
use kanrl_core::environment::EnvironmentSpec;
use kanrl_core::space::ActionSpace;
use kanrl_symbolic::{ActionRule, Expression, Formula, Tape};

/// What an input does to a score in the states that are visited.
struct Influence {
    index: usize,
    /// Mean gain.
    gain: f64,
    /// Share of the states in which the gain has that sign.
    steady: f64,
    /// Mean size of gain times the input's standard deviation.
    weight: f64,
}

/// Sentences about a formula in the states that it visits.
pub(super) fn rule(formula: &Formula, spec: &EnvironmentSpec, states: &[f64]) -> Vec<String> {
    let mut sentences = Vec::new();
    let actions = match &spec.action_space {
        ActionSpace::Discrete(space) => space.actions.clone(),
        ActionSpace::Box(_) => Vec::new(),
    };
    for (index, output) in formula.outputs().iter().enumerate() {
        let does = match (formula.action(), &spec.action_space) {
            (ActionRule::Threshold, _) => actions.get(index + 1).cloned(),
            (ActionRule::Argmax, _) => actions.get(index).cloned(),
            (ActionRule::Clip { .. }, ActionSpace::Box(space)) => {
                space.coordinates.get(index).map(|coordinate| format!("raises {}", coordinate.name))
            }
            _ => None,
        };
        let does = does.unwrap_or_else(|| format!("raises {}", output.name));
        let influences = influences(&output.expression, spec, states);
        if influences.is_empty() {
            sentences.push(format!("`{does}` has the constant score {}.", output.expression));
            continue;
        }
        let coordinates = &spec.observation_space.coordinates;
        let reasons: Vec<String> = influences
            .iter()
            .filter(|influence| influence.weight >= 0.02 * influences[0].weight)
            .map(|influence| {
                let coordinate = &coordinates[influence.index];
                let what = if coordinate.description.is_empty() {
                    coordinate.name.clone()
                } else {
                    // The description's first half: what follows a comma says how it is counted.
                    let about = coordinate.description.split([',', ':']).next().unwrap_or_default();
                    format!("the {about} ({})", coordinate.name)
                };
                match (influence.steady >= 0.95, influence.gain > 0.0) {
                    (true, true) => format!("the larger {what} is"),
                    (true, false) => format!("the smaller {what} is"),
                    (false, _) => format!("depending on {what}, now one way, now the other"),
                }
            })
            .collect();
        let verb = match formula.action() {
            ActionRule::Clip { .. } => does.clone(),
            ActionRule::Threshold if formula.outputs().len() == 1 => {
                let other = actions.first().map_or_else(String::new, |other| format!(" rather than `{other}`"));
                format!("chooses `{does}`{other}")
            }
            _ => format!("prefers `{does}`"),
        };
        sentences.push(format!("It {verb} {}.", list(&reasons)));
        sentences.extend(derivative_law(&influences, spec, formula));
        if influences.len() > 1 && influences.iter().all(|influence| influence.steady >= 0.95) {
            let weights: f64 = influences.iter().map(|influence| influence.weight).sum();
            let shares: Vec<String> = influences
                .iter()
                .map(|influence| {
                    let name = &coordinates[influence.index].name;
                    format!("{name} {:.0} %", 100.0 * influence.weight / weights)
                })
                .collect();
            sentences.push(format!("Weight in the states that it visits: {}.", shares.join(", ")));
        }
    }
    sentences
}

/// By weight, the heaviest first.
fn influences(score: &Expression, spec: &EnvironmentSpec, states: &[f64]) -> Vec<Influence> {
    let names = spec.observation_space.names();
    let size = names.len();
    let rows = states.len() / size.max(1);
    let mut found: Vec<Influence> = names
        .iter()
        .enumerate()
        .filter_map(|(index, name)| {
            let tape = Tape::compile(&[score.derivative(name)], &names).ok()?;
            let mut gains = vec![0.0; rows];
            tape.evaluate(states, &mut gains);
            gains.retain(|gain| gain.is_finite());
            let count = gains.len().max(1) as f64;
            let gain = gains.iter().sum::<f64>() / count;
            let steady = gains.iter().filter(|own| **own * gain > 0.0).count() as f64 / count;
            let values = || states.iter().skip(index).step_by(size.max(1));
            let mean = values().sum::<f64>() / rows.max(1) as f64;
            let std = (values().map(|value| (value - mean).powi(2)).sum::<f64>() / rows.max(1) as f64).sqrt();
            let weight = gains.iter().map(|gain| gain.abs()).sum::<f64>() / count * std;
            (weight > 0.0).then_some(Influence { index, gain, steady, weight })
        })
        .collect();
    found.sort_by(|a, b| b.weight.total_cmp(&a.weight));
    found
}

/// A quantity and its own rate in one score: a proportional-derivative law, if both gains are steady and of one sign.
fn derivative_law(influences: &[Influence], spec: &EnvironmentSpec, formula: &Formula) -> Vec<String> {
    let coordinates = &spec.observation_space.coordinates;
    let name = |influence: &Influence| coordinates[influence.index].name.as_str();
    let mut sentences = Vec::new();
    for quantity in influences.iter().filter(|influence| influence.steady >= 0.95) {
        let own = name(quantity);
        let rate = influences.iter().find(|other| {
            let other_name = name(other);
            other.steady >= 0.95 && (other_name == format!("{own}_dot") || (own == "x" && other_name == "v"))
        });
        let Some(rate) = rate else { continue };
        let (gain, damping) = (number(quantity.gain), number(rate.gain));
        if quantity.gain * rate.gain > 0.0 {
            let time = rate.gain / quantity.gain;
            let mut sentence = format!(
                "That is a proportional-derivative law on {own}: proportional gain {gain}, derivative gain {damping}, \
                 derivative time {} s",
                number(time)
            );
            if matches!(formula.action(), ActionRule::Threshold) {
                sentence += &format!(
                    "; it switches where {} = −{own}/{}, so that along the switching line {own} fades with a time \
                     constant of {} s",
                    name(rate),
                    number(time),
                    number(time)
                );
            }
            sentences.push(sentence + ".");
        } else {
            sentences.push(format!(
                "The gains of {own} ({gain}) and {} ({damping}) have opposite signs: the rate is driven, not damped.",
                name(rate)
            ));
        }
    }
    sentences
}

/// `a, b and c`.
fn list(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}
