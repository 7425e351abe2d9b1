//! Choosing the formula that is the run's result.

mod choose;
mod describe;
mod score;
mod selection;

pub use selection::{Candidate, Selection};

use crate::engine::{Get, Make, StageError};
use crate::run::statistics::{mean, mean_interval};
use crate::stages::context::StageContext;
use crate::stages::fit::Network;
use crate::stages::per_student::PerStudent;
use crate::stages::polish::returns::WORST;
use crate::stages::refine::Formulas;
use kanrl_core::policy::Policy;
use kanrl_experts::FunctionPolicy;
use kanrl_symbolic::Formula;

/// Plays all formulas on the same seeds and takes the shortest one that is not worse than the best; where nothing is played,
/// by their agreement with the episodes of the log that are there to choose by.
pub fn select(
    mut made: Make<'_, Selection>,
    setting: StageContext<'_>,
    formulas: Get<'_, PerStudent<Formulas>>,
    networks: Get<'_, PerStudent<Network>>,
) -> Result<(), StageError> {
    let (config, reporter) = (setting.config(), &setting.reporter);
    let all: Vec<(&String, &Formula, bool)> = formulas
        .0
        .iter()
        .flat_map(|(name, formulas)| {
            let polished = formulas.polished.iter().map(move |formula| (name, formula, true));
            std::iter::once((name, &formulas.faithful, false)).chain(polished)
        })
        .collect();
    let policy = |(name, formula, _): &(&String, &Formula, bool)| {
        FunctionPolicy::from_formula(formula, setting.spec(), format!("the formula of {name}"))
    };
    let policies: Vec<FunctionPolicy> = all.iter().map(policy).collect::<Result<_, _>>()?;
    let policies: Vec<&dyn Policy> = policies.iter().map(|policy| policy as &dyn Policy).collect();
    let scores = score::score(&setting, &policies)?;
    let mut candidates: Vec<Candidate> = Vec::new();
    let mut returns: Vec<Vec<f64>> = Vec::new();
    let count = scores.of_each.iter().flatten().map(Vec::len).next().unwrap_or(1);
    for ((name, formula, polished), played) in all.into_iter().zip(&scores.of_each) {
        candidates.push(Candidate {
            student: name.clone(),
            polished,
            operations: formula.operations(),
            mean: played.as_deref().map(mean),
            interval: played.as_deref().map(mean_interval),
            on_front: false,
            formula: formula.clone(),
        });
        returns.push(played.clone().unwrap_or_else(|| vec![WORST; count]));
    }
    let chosen = choose::choose(&mut candidates, &returns, config.select.tolerance);
    describe::all(reporter, &candidates, &scores);
    let has_network = |candidate: &&Candidate| networks.get(&candidate.student).is_some();
    let score = |candidate: &Candidate| candidate.mean.unwrap_or(WORST);
    let best_network = candidates.iter().filter(has_network).max_by(|a, b| score(a).total_cmp(&score(b)));
    let winner = &candidates[chosen];
    let network = if has_network(&winner) { Some(winner) } else { best_network };
    if let Some(best) = best_network.filter(|_| !has_network(&winner)) {
        describe::rival(reporter, winner, best, scores.digits);
    }
    let network = network.map_or_else(String::new, |candidate| candidate.student.clone());
    made.set(Selection::new(candidates, chosen, network));
    Ok(())
}
