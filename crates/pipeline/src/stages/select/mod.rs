//! Choosing the formula that is the run's result.

mod choose;
mod describe;
mod score;
pub(crate) mod section;
mod selection;

pub use choose::Choice;
pub use section::{Prefer, SelectSection};
pub use selection::{Candidate, Fidelity, Selection};

use crate::engine::{Input, OptionalInput, Output, StageError};
use crate::run::statistics::{lowest_part_mean, mean, mean_interval};
use crate::stages::artifacts::{ExplainingFormulas, NamedNetworks, PolishedFormulas};
use crate::stages::collect::ExpertData;
use crate::stages::context::StageContext;
use crate::stages::polish::returns::WORST;
use kanrl_core::policy::Policy;
use kanrl_experts::FunctionPolicy;
use kanrl_symbolic::Formula;

/// Compares all formulas on the same seeds in return, fidelity and operations, and gives names to the best of each kind.
pub fn select(
    mut made: Output<Selection>,
    setting: StageContext<'_>,
    data: Input<ExpertData>,
    formulas: ExplainingFormulas,
    polished: OptionalInput<PolishedFormulas>,
    networks: Input<NamedNetworks>,
) -> Result<(), StageError> {
    let section = &setting.config().select;
    let all: Vec<(&str, &Formula, Option<f64>)> = formulas
        .iter()
        .flat_map(|(name, faithful)| {
            let tuned = polished.get().and_then(|polished| polished.get(name));
            let tuned = tuned.into_iter().flat_map(|tuned| &tuned.0);
            std::iter::once((name, faithful, None))
                .chain(tuned.map(move |tuned| (name, &tuned.formula, Some(tuned.lambda))))
        })
        .collect();
    let policy = |(name, formula, _): &(&str, &Formula, Option<f64>)| {
        FunctionPolicy::from_formula(formula, setting.spec(), format!("the formula of {name}"))
    };
    let policies: Vec<FunctionPolicy> = all.iter().map(policy).collect::<Result<_, _>>()?;
    let policies: Vec<&dyn Policy> = policies.iter().map(|policy| policy as &dyn Policy).collect();
    let scores = score::score(&setting, &data, &policies)?;
    let mut candidates: Vec<Candidate> = Vec::new();
    let mut returns: Vec<Vec<f64>> = Vec::new();
    let count = scores.of_each.iter().flatten().map(Vec::len).next().unwrap_or(1);
    for (index, (name, formula, lambda)) in all.into_iter().enumerate() {
        let played = scores.of_each[index].as_deref();
        candidates.push(Candidate {
            student: name.to_owned(),
            lambda,
            operations: formula.operations(),
            mean: played.map(mean),
            interval: played.map(mean_interval),
            worst_5_percent: played.map(|returns| lowest_part_mean(returns, 20)),
            fidelity: scores.fidelities[index],
            on_front: false,
            formula: formula.clone(),
        });
        returns.push(played.map_or_else(|| vec![WORST; count], <[f64]>::to_vec));
    }
    let expert = scores.of_expert.as_deref();
    let choice = choose::choose(&mut candidates, &returns, expert, section.prefer, section.tolerance);
    let network = network_beside(&candidates, &choice, &networks);
    let selection = Selection::new(candidates, choice, network);
    describe::describe(&setting.reporter, &selection, &scores);
    made.set(selection);
    Ok(())
}

/// The student whose network is shown beside the headline: its own, or the best one's that has a network.
fn network_beside(candidates: &[Candidate], choice: &Choice, networks: &NamedNetworks) -> String {
    let has_network = |candidate: &&Candidate| networks.get(&candidate.student).is_some();
    let score = |candidate: &Candidate| candidate.mean.unwrap_or(WORST);
    let best = || candidates.iter().filter(has_network).max_by(|a, b| score(a).total_cmp(&score(b)));
    let own = Some(&candidates[choice.headline]).filter(has_network);
    own.or_else(best).map_or_else(String::new, |candidate| candidate.student.clone())
}
