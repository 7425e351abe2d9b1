//! What may be reversed or exchanged.

use super::{ExplainError, Laboratory, Player, Symmetry, differing};
use kanrl_core::action::ActionBatch;
use kanrl_core::space::ActionSpace;
use kanrl_symbolic::{ActionRule, Expression, Formula};
use std::collections::BTreeMap;

/// Reversals of all inputs, and exchanges of two that have the same unit.
pub(super) fn symmetries(laboratory: &Laboratory<'_>) -> Result<Vec<Symmetry>, ExplainError> {
    let (formula, spec) = (laboratory.formula, laboratory.rollouts.spec());
    let player = Player::new(formula, spec)?;
    let mut found = Vec::new();

    let reversed: Vec<f64> = laboratory.states.iter().map(|value| -value).collect();
    let there = player.actions(&reversed);
    let opposite = opposite(&laboratory.actions, &spec.action_space);
    let holds = share(&differing(&opposite, &there, &spec.action_space));
    let made_exact = match odd_part(formula, &spec.action_space) {
        Some(odd) if holds < 1.0 => Some(laboratory.difference(&formula.with_expressions(odd)?)?),
        _ => None,
    };
    let what = "reversing every observation reverses the action (left-right)".to_owned();
    found.push(Symmetry { what, holds, made_exact });

    let holds = share(&differing(&laboratory.actions, &there, &spec.action_space));
    found.push(Symmetry { what: "reversing every observation keeps the action".to_owned(), holds, made_exact: None });

    let coordinates = &spec.observation_space.coordinates;
    let size = coordinates.len();
    let uses = |index: usize| formula.used_inputs().any(|used| used == coordinates[index].name);
    for one in 0..size {
        for other in one + 1..size {
            if coordinates[one].unit != coordinates[other].unit || !(uses(one) && uses(other)) {
                continue;
            }
            let mut exchanged = laboratory.states.clone();
            exchanged.chunks_exact_mut(size).for_each(|row| row.swap(one, other));
            let holds = share(&differing(&laboratory.actions, &player.actions(&exchanged), &spec.action_space));
            let what = format!("exchanging {} and {} keeps the action", coordinates[one].name, coordinates[other].name);
            found.push(Symmetry { what, holds, made_exact: None });
        }
    }
    Ok(found)
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

/// Outputs that are exactly odd: (f(x) − f(−x)) / 2; for one score or a vector.
fn odd_part(formula: &Formula, space: &ActionSpace) -> Option<Vec<Expression>> {
    let symmetric = match (formula.action(), space) {
        (ActionRule::Threshold, _) => formula.outputs().len() == 1,
        (ActionRule::Clip { low, high }, _) => low.iter().zip(high).all(|(low, high)| *low == -high),
        (ActionRule::Argmax, _) => false,
    };
    if !symmetric {
        return None;
    }
    let negated: BTreeMap<&str, Expression> = formula
        .inputs()
        .iter()
        .filter_map(|input| Some((input.as_str(), -Expression::variable(input).ok()?)))
        .collect();
    let odd = |expression: Expression| {
        let mirrored = expression.substitute(&negated);
        ((expression - mirrored) * 0.5).simplified(kanrl_symbolic::SimplifyLimits::default())
    };
    Some(formula.expressions().into_iter().map(odd).collect())
}

/// Share of those that do not differ.
fn share(differs: &[bool]) -> f64 {
    differs.iter().filter(|differs| !**differs).count() as f64 / differs.len().max(1) as f64
}
