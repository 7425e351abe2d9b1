//! What may be reversed or exchanged, exactly or nearly, and what it costs to make it exact.

use super::{ExplainError, Laboratory, Player, Symmetry, differing};
use kanrl_core::action::ActionBatch;
use kanrl_core::space::{ActionSpace, Coordinate};
use kanrl_symbolic::{ActionRule, Expression, Formula, SimplifyLimits};
use std::collections::BTreeMap;

/// Inputs of which every choice is reversed; of more, only some choices are tried.
const FEW_INPUTS: usize = 6;
/// A reversal of some inputs is worth a line from this share of the states on.
const NEARLY: f64 = 0.9;
/// What holds in fewer states than this is not a symmetry that could be made exact.
const PERHAPS: f64 = 0.5;

/// What is done to an observation; done twice, it is as before.
enum Change {
    /// The signs of these coordinates.
    Reverse(Vec<bool>),
    /// Two coordinates.
    Exchange(usize, usize),
}

/// What becomes of the action then.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Effect {
    Reversed,
    Kept,
}

/// Reversals of all inputs and of some, and exchanges of two that have the same unit.
pub(super) fn symmetries(laboratory: &Laboratory<'_>) -> Result<Vec<Symmetry>, ExplainError> {
    let (formula, spec) = (laboratory.formula, laboratory.rollouts.spec());
    let player = Player::new(formula, spec)?;
    let coordinates = &spec.observation_space.coordinates;
    let uses: Vec<bool> = coordinates.iter().map(|own| formula.used_inputs().any(|used| used == own.name)).collect();
    let holds = |change: &Change, effect: Effect| {
        let there = player.actions(&change.of_states(&laboratory.states, coordinates.len()));
        let expected = match effect {
            Effect::Reversed => opposite(&laboratory.actions, &spec.action_space),
            Effect::Kept => laboratory.actions.clone(),
        };
        share(&differing(&expected, &there, &spec.action_space))
    };
    let line = |what: String, change: &Change, effect: Effect, holds: f64| {
        let exact =
            if (PERHAPS..1.0).contains(&holds) { symmetrized(formula, change, effect, coordinates)? } else { None };
        let made_exact = exact.map(|exact| laboratory.difference(&exact)).transpose()?;
        Ok::<_, ExplainError>(Symmetry { what, holds, made_exact })
    };

    let mut found = Vec::new();
    let everything = Change::Reverse(vec![true; coordinates.len()]);
    for effect in [Effect::Reversed, Effect::Kept] {
        let of_all = holds(&everything, effect);
        let hint = if effect == Effect::Reversed { " (left-right)" } else { "" };
        let what = format!("reversing every observation {}{hint}", effect.words());
        found.push(line(what, &everything, effect, of_all)?);
        // The best reversal of some, where it is better than that of all.
        let some = reversals(coordinates, &uses).into_iter().map(|signs| {
            let change = Change::Reverse(signs);
            (holds(&change, effect), change)
        });
        let best = some.fold(None, |best: Option<(f64, Change)>, next| match best {
            Some(best) if best.0 >= next.0 => Some(best),
            _ => Some(next),
        });
        if let Some((share, change)) = best.filter(|(share, _)| *share >= NEARLY && *share > of_all) {
            let what = format!("reversing {} {}", change.names(coordinates), effect.words());
            found.push(line(what, &change, effect, share)?);
        }
    }
    for one in 0..coordinates.len() {
        for other in one + 1..coordinates.len() {
            if coordinates[one].unit == coordinates[other].unit && uses[one] && uses[other] {
                let change = Change::Exchange(one, other);
                let share = holds(&change, Effect::Kept);
                let what = format!("exchanging {} {}", change.names(coordinates), Effect::Kept.words());
                found.push(line(what, &change, Effect::Kept, share)?);
            }
        }
    }
    Ok(found)
}

/// Choices of coordinates to reverse, other than all that are used: fewer ones first. Of many, each alone, and all that are no
/// cosines, as for an angle that is seen in a mirror.
fn reversals(coordinates: &[Coordinate], uses: &[bool]) -> Vec<Vec<bool>> {
    let used: Vec<usize> = (0..uses.len()).filter(|index| uses[*index]).collect();
    let of = |chosen: &dyn Fn(usize) -> bool| -> Vec<bool> {
        (0..uses.len()).map(|index| uses[index] && chosen(index)).collect()
    };
    let mut choices: Vec<Vec<bool>> = if used.len() <= FEW_INPUTS {
        let bit = |choice: usize, index: usize| {
            used.iter().position(|own| *own == index).is_some_and(|at| choice >> at & 1 == 1)
        };
        (1..1_usize << used.len()).map(|choice| of(&|index| bit(choice, index))).collect()
    } else {
        let alone = used.iter().map(|own| of(&|index| index == *own));
        alone.chain([of(&|index| !coordinates[index].name.starts_with("cos"))]).collect()
    };
    choices.retain(|signs| signs.iter().any(|sign| *sign) && signs != uses);
    choices.sort_by_key(|signs| signs.iter().filter(|sign| **sign).count());
    choices
}

impl Effect {
    fn words(self) -> &'static str {
        match self {
            Self::Reversed => "reverses the action",
            Self::Kept => "keeps the action",
        }
    }
}

impl Change {
    fn of_states(&self, states: &[f64], size: usize) -> Vec<f64> {
        let mut states = states.to_vec();
        for row in states.chunks_exact_mut(size) {
            match self {
                Self::Reverse(signs) => {
                    row.iter_mut().zip(signs).filter(|(_, sign)| **sign).for_each(|(value, _)| *value = -*value);
                }
                Self::Exchange(one, other) => row.swap(*one, *other),
            }
        }
        states
    }

    fn names(&self, coordinates: &[Coordinate]) -> String {
        let name = |index: usize| coordinates[index].name.as_str();
        let names: Vec<&str> = match self {
            Self::Reverse(signs) => (0..signs.len()).filter(|index| signs[*index]).map(name).collect(),
            Self::Exchange(one, other) => vec![name(*one), name(*other)],
        };
        match names.split_last() {
            Some((last, [])) => (*last).to_owned(),
            Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
            None => String::new(),
        }
    }

    /// What stands for each variable afterward.
    fn substitution<'a>(&self, coordinates: &'a [Coordinate]) -> Result<BTreeMap<&'a str, Expression>, ExplainError> {
        let variable = |index: usize| Expression::variable(&coordinates[index].name);
        let name = |index: usize| coordinates[index].name.as_str();
        Ok(match self {
            Self::Reverse(signs) => {
                let reversed = (0..signs.len()).filter(|index| signs[*index]);
                reversed.map(|index| Ok((name(index), -variable(index)?))).collect::<Result<_, ExplainError>>()?
            }
            Self::Exchange(one, other) => {
                BTreeMap::from([(name(*one), variable(*other)?), (name(*other), variable(*one)?)])
            }
        })
    }
}

/// The mean of a formula and of what it would be from the other side: there the symmetry is exact, but where two actions are
/// equally good. None where the action's bounds are not symmetric.
fn symmetrized(
    formula: &Formula,
    change: &Change,
    effect: Effect,
    coordinates: &[Coordinate],
) -> Result<Option<Formula>, ExplainError> {
    let substitution = change.substitution(coordinates)?;
    let here = formula.expressions();
    let there: Vec<Expression> = here.iter().map(|expression| expression.substitute(&substitution)).collect();
    let zero = || Expression::constant(0.0);
    let sums: Vec<Expression> = match (formula.action(), effect) {
        (_, Effect::Kept) => here.into_iter().zip(there).map(|(here, there)| here + there).collect(),
        (ActionRule::Clip { low, high }, Effect::Reversed) => {
            if low.iter().zip(high).any(|(low, high)| *low != -high) {
                return Ok(None);
            }
            here.into_iter().zip(there).map(|(here, there)| here - there).collect()
        }
        (ActionRule::Argmax, Effect::Reversed) => {
            here.into_iter().zip(there.into_iter().rev()).map(|(here, there)| here + there).collect()
        }
        (ActionRule::Threshold, Effect::Reversed) => {
            // Scores of all actions: 0 for the first one. From the other side they stand in the reverse order.
            let reversed: Vec<Expression> = std::iter::once(zero()).chain(there).rev().collect();
            let first = reversed[0].clone();
            here.into_iter().zip(&reversed[1..]).map(|(here, there)| here + there.clone() - first.clone()).collect()
        }
    };
    let halved = sums.into_iter().map(|sum| (sum * 0.5).simplified(SimplifyLimits::default())).collect();
    Ok(Some(formula.with_expressions(halved)?))
}

/// The actions, from the other side: numbers reversed, the first discrete one for the last.
fn opposite(actions: &ActionBatch, space: &ActionSpace) -> ActionBatch {
    match (actions, space) {
        (ActionBatch::Discrete(actions), ActionSpace::Discrete(space)) => {
            ActionBatch::Discrete(actions.iter().map(|action| space.len() - 1 - action).collect())
        }
        (ActionBatch::Continuous { values, size }, _) => {
            ActionBatch::Continuous { values: values.iter().map(|value| -value).collect(), size: *size }
        }
        (actions, _) => actions.clone(),
    }
}

/// Share of those that do not differ.
fn share(differs: &[bool]) -> f64 {
    differs.iter().filter(|differs| !**differs).count() as f64 / differs.len().max(1) as f64
}
