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
use crate::stages::select::score::Scores;
use crate::students::network_of;
use kanrl_core::policy::Policy;
use kanrl_core::space::ActionSpace;
use kanrl_experts::FunctionPolicy;
use kanrl_symbolic::{Expression, Formula, SymbolicError};

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
    let own = own_formula(&setting)?;
    let all: Vec<(&str, &Formula, Option<f64>)> = formulas
        .iter()
        .flat_map(|(name, faithful)| {
            let tuned = polished.get().and_then(|polished| polished.get(name));
            let tuned = tuned.into_iter().flat_map(|tuned| &tuned.0);
            std::iter::once((name, faithful, None))
                .chain(tuned.map(move |tuned| (name, &tuned.formula, Some(tuned.lambda))))
        })
        .chain(own.as_ref().map(|formula| (OWN, formula, None)))
        .collect();
    let policy = |(name, formula, _): &(&str, &Formula, Option<f64>)| {
        FunctionPolicy::from_formula(formula, setting.spec(), format!("the formula of {name}"))
    };
    let policies: Vec<FunctionPolicy> = all.iter().map(policy).collect::<Result<_, _>>()?;
    let policies: Vec<&dyn Policy> = policies.iter().map(|policy| policy as &dyn Policy).collect();
    let mut scores = score::score(&setting, &data, &policies)?;
    let mut candidates: Vec<Candidate> = Vec::new();
    for ((name, formula, lambda), fidelity) in all.into_iter().zip(&scores.fidelities) {
        candidates.push(Candidate { lambda, fidelity: *fidelity, ..Candidate::new(name, formula.clone()) });
    }
    let mut returns = judged(&mut candidates, &scores);
    if let Some(expert) = scores.of_expert.as_deref() {
        let mut finalists = choose::finalists(&candidates, &returns, expert, section.prefer);
        let last = candidates.len() - 1;
        if own.is_some() && candidates[last].mean.is_some() && !finalists.contains(&last) {
            finalists.push(last);
        }
        score::play_on(&setting, &mut scores, &policies, &finalists)?;
        returns = judged(&mut candidates, &scores);
    }
    let expert = scores.of_expert.as_deref();
    let mut choice = choose::choose(&mut candidates, &returns, expert, section.prefer, section.tolerance);
    if own.is_some() {
        choice.headline = candidates.len() - 1;
        choice.reason = "the formula that the config names".to_owned();
    }
    let network = network_beside(&candidates, &choice, &networks);
    let selection = Selection::new(candidates, choice, network);
    describe::describe(&setting.reporter, &selection, &scores);
    made.set(selection);
    Ok(())
}

/// Writes down what each formula has returned; gives the returns, the worst there are for what leaves its domain.
fn judged(candidates: &mut [Candidate], scores: &Scores) -> Vec<Vec<f64>> {
    let count = scores.of_each.iter().flatten().map(Vec::len).next().unwrap_or(1);
    let judge = |(candidate, played): (&mut Candidate, &Option<Vec<f64>>)| {
        let played = played.as_deref();
        candidate.mean = played.map(mean);
        candidate.interval = played.map(mean_interval);
        candidate.worst_5_percent = played.map(|returns| lowest_part_mean(returns, 20));
        played.map_or_else(|| vec![WORST; count], <[f64]>::to_vec)
    };
    candidates.iter_mut().zip(&scores.of_each).map(judge).collect()
}

/// What a formula of the config is called among the students.
const OWN: &str = "own";

/// The formula that the config names as the result, if it does.
fn own_formula(setting: &StageContext<'_>) -> Result<Option<Formula>, StageError> {
    let texts = &setting.config().select.formula;
    if texts.is_empty() {
        return Ok(None);
    }
    let head = setting.head();
    let unusable = |reason: String| StageError::Unsupported { reason: format!("`select.formula` {reason}") };
    let expressions = texts.iter().map(|text| text.parse()).collect::<Result<Vec<Expression>, SymbolicError>>();
    let mut expressions = expressions.map_err(|error| unusable(format!("is not usable: {error}")))?;
    let (found, wanted) = (expressions.len(), head.outputs());
    if found == wanted + 1 && matches!(setting.spec().action_space, ActionSpace::Discrete(_)) {
        // An argmax has an output for action 0, too; only how much better the others are matters.
        let first = expressions.remove(0);
        if first.as_constant() != Some(0.0) {
            let minus = first.affine(-1.0, 0.0);
            expressions = expressions.into_iter().map(|own| Expression::sum([own, minus.clone()])).collect();
        }
    } else if found != wanted {
        let s = if found == 1 { "" } else { "s" };
        return Err(unusable(format!("has {found} expression{s}, but {wanted} are needed")));
    }
    let formula = head.formula(setting.spec().observation_space.names(), expressions);
    formula.map(Some).map_err(|error| unusable(format!("is not usable: {error}")))
}

/// The student whose network is shown beside the headline: its own, or the best one's that has a network.
fn network_beside(candidates: &[Candidate], choice: &Choice, networks: &NamedNetworks) -> String {
    let has_network = |candidate: &&Candidate| networks.get(network_of(&candidate.student)).is_some();
    let score = |candidate: &Candidate| candidate.mean.unwrap_or(WORST);
    let best = || candidates.iter().filter(has_network).max_by(|a, b| score(a).total_cmp(&score(b)));
    let own = Some(&candidates[choice.headline]).filter(has_network);
    own.or_else(best).map_or_else(String::new, |candidate| network_of(&candidate.student).to_owned())
}
