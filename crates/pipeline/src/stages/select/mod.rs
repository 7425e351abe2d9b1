//! Choosing the formula that is the run's result.

mod selection;

pub use selection::{Candidate, Selection};

use crate::engine::{Get, Make, StageError};
use crate::formulas::Draft;
use crate::rollouts::{Game, play_all};
use crate::run::seeds::{self, Purpose};
use crate::run::statistics::{Interval, lowest_part_mean, mean, mean_interval};
use crate::stages::context::StageContext;
use crate::stages::context::failed;
use crate::stages::evaluate::agreement::{of_each_episode, with_log};
use crate::stages::fit::Network;
use crate::stages::per_student::PerStudent;
use crate::stages::polish::returns::WORST;
use crate::stages::refine::Formulas;
use crate::stages::teacher::Teacher;
use kanrl_core::policy::PolicyError;
use kanrl_core::rollout::{Episode, RolloutError};
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
    let seeds = seeds::episodes(config.seed, Purpose::Select, config.select.episodes.max(2));
    let all: Vec<(&String, &Formula, bool)> = formulas
        .0
        .iter()
        .flat_map(|(name, formulas)| {
            let polished = formulas.polished.iter().map(move |formula| (name, formula, true));
            std::iter::once((name, &formulas.faithful, false)).chain(polished)
        })
        .collect();
    let drafts: Vec<Draft> = all
        .iter()
        .map(|(_, formula, _)| Draft::from_formula(setting.head(), formula).map_err(failed))
        .collect::<Result<_, _>>()?;
    let policies: Vec<_> = drafts.iter().map(|draft| draft.policy(draft.constants())).collect();
    // None for a formula that gives no finite action somewhere: it is no candidate for the best.
    let (measure, digits, scores) = match setting.teacher() {
        Teacher::Log(log) if !setting.is_played() => {
            let score = |policy| match with_log(policy, &setting.head(), &log.validation) {
                Ok(actions) => Ok(Some(of_each_episode(&actions))),
                Err(PolicyError::NotFinite { .. }) => Ok(None),
                Err(error) => Err(StageError::from(error)),
            };
            ("agreement", 4, policies.iter().map(|policy| score(policy)).collect::<Result<Vec<_>, _>>()?)
        }
        _ => {
            let environment = setting.rollouts()?;
            let games: Vec<Game<'_>> =
                policies.iter().map(|policy| Game { environment: &environment, policy, seeds: &seeds }).collect();
            let returns = |played: Result<Vec<Episode>, RolloutError>| match played {
                Ok(episodes) => Ok(Some(episodes.iter().map(|episode| episode.episode_return).collect())),
                Err(RolloutError::Policy { source: PolicyError::NotFinite { .. }, .. }) => Ok(None),
                Err(error) => Err(StageError::from(error)),
            };
            let played = play_all(&games, reporter, "select", "episodes, all formulas")?;
            ("mean return", 2, played.into_iter().map(returns).collect::<Result<Vec<_>, _>>()?)
        }
    };
    let mut candidates: Vec<Candidate> = Vec::new();
    let mut returns: Vec<Vec<f64>> = Vec::new();
    let count = scores.iter().flatten().map(Vec::len).next().unwrap_or(1);
    for ((name, formula, polished), played) in all.into_iter().zip(scores) {
        candidates.push(Candidate {
            student: name.clone(),
            polished,
            operations: formula.operations(),
            mean: played.as_deref().map(mean),
            interval: played.as_deref().map(mean_interval),
            on_front: false,
            formula: formula.clone(),
        });
        returns.push(played.unwrap_or_else(|| vec![WORST; count]));
    }
    let chosen = choose(&mut candidates, &returns, config.select.tolerance);
    for candidate in &candidates {
        let Candidate { student, polished, operations, on_front, .. } = candidate;
        let kind = if *polished { "polished" } else { "faithful" };
        let front = if *on_front { ", on the front" } else { "" };
        let score = candidate.mean.zip(candidate.interval).map_or_else(
            || "leaves its domain".to_owned(),
            |(mean, Interval { low, high })| format!("{measure} {mean:.digits$} ({low:.digits$} to {high:.digits$})"),
        );
        reporter.message("select", format!("{student}, {kind}: {score}, {operations} operations{front}"));
    }
    let has_network = |candidate: &&Candidate| networks.get(&candidate.student).is_some();
    let score = |candidate: &Candidate| candidate.mean.unwrap_or(WORST);
    let best_network = candidates.iter().filter(has_network).max_by(|a, b| score(a).total_cmp(&score(b)));
    let winner = &candidates[chosen];
    let network = if has_network(&winner) {
        winner.student.clone()
    } else {
        best_network.map_or_else(String::new, |candidate| candidate.student.clone())
    };
    if let (Some(best), Some(mean)) = (best_network, winner.mean)
        && winner.student != network
    {
        let against = best.mean.map_or_else(|| "none".to_owned(), |mean| format!("{mean:.digits$}"));
        let line = format!(
            "the {} rival wins: {mean:.digits$} with {} operations, against {against} with {} of the best network's formula ({})",
            winner.student, winner.operations, best.operations, best.student
        );
        reporter.message("select", line);
    }
    made.set(Selection::new(candidates, chosen, network));
    Ok(())
}

/// Marks the Pareto front and gives the index of the shortest formula whose mean is not significantly below the best one's
/// on the same seeds, and by no more than `tolerance` of it. Failures may be too rare for the means to tell: the mean of the
/// worst twentieth may be below the best one's by twice `tolerance` of it.
fn choose(candidates: &mut [Candidate], returns: &[Vec<f64>], tolerance: f64) -> usize {
    let means: Vec<f64> = returns.iter().map(|returns| mean(returns)).collect();
    for index in 0..candidates.len() {
        let own = &candidates[index];
        let beats = |other: &Candidate| {
            // None is below every number.
            other.operations <= own.operations
                && other.mean >= own.mean
                && (other.operations < own.operations || other.mean > own.mean)
        };
        candidates[index].on_front = own.mean.is_some() && !candidates.iter().any(beats);
    }
    let indices = || 0..candidates.len();
    let best = indices().rev().max_by(|a, b| means[*a].total_cmp(&means[*b])).unwrap_or(0);
    let slack = tolerance * means[best].abs();
    let worst = |index: usize| lowest_part_mean(&returns[index], 20);
    let lowest = worst(best) - 2.0 * tolerance * worst(best).abs();
    let is_as_good = |index: &usize| {
        let differences: Vec<f64> = returns[best].iter().zip(&returns[*index]).map(|(best, own)| best - own).collect();
        let is_close = mean(&differences) <= slack && mean_interval(&differences).low <= 0.0;
        *index == best || (is_close && worst(*index) >= lowest)
    };
    let order = |a: &usize, b: &usize| {
        candidates[*a].operations.cmp(&candidates[*b].operations).then(means[*b].total_cmp(&means[*a]))
    };
    indices().filter(is_as_good).min_by(order).unwrap_or(best)
}

#[cfg(test)]
mod tests {
    use super::{Candidate, WORST, choose};
    use crate::run::statistics::mean_interval;
    use kanrl_symbolic::{ActionRule, Formula};

    fn candidate(operations: usize, returns: &[f64]) -> Candidate {
        Candidate {
            student: "kan".into(),
            polished: false,
            operations,
            mean: Some(returns.iter().sum::<f64>() / returns.len() as f64),
            interval: Some(mean_interval(returns)),
            on_front: false,
            formula: Formula::parse(&["x"], &[("a", "x")], ActionRule::Threshold).unwrap(),
        }
    }

    #[test]
    fn the_shortest_formula_that_is_as_good_as_the_best_is_taken() {
        let best: Vec<f64> = (0..50).map(|index| 100.0 + f64::from(index % 7)).collect();
        let as_good: Vec<f64> = (0..50).map(|index| 100.0 + f64::from((index + 3) % 7)).collect();
        let worse: Vec<f64> = best.iter().map(|value| value - 3.0).collect();
        let returns = vec![best, as_good, worse];
        let mut candidates = vec![candidate(40, &returns[0]), candidate(20, &returns[1]), candidate(5, &returns[2])];
        assert_eq!(choose(&mut candidates, &returns, 0.01), 1);
        // A larger tolerance is no excuse for a difference that is certain.
        assert_eq!(choose(&mut candidates, &returns, 0.1), 1);
        assert!(candidates.iter().all(|candidate| candidate.on_front || candidate.operations > 20));
    }

    #[test]
    fn what_leaves_its_domain_is_not_taken() {
        let returns = vec![vec![WORST; 20], vec![-500.0; 20]];
        let mut candidates = vec![candidate(3, &returns[0]), candidate(30, &returns[1])];
        (candidates[0].mean, candidates[0].interval) = (None, None);
        assert_eq!(choose(&mut candidates, &returns, 0.01), 1);
        assert!(!candidates[0].on_front && candidates[1].on_front);
    }

    #[test]
    fn a_rare_failure_counts() {
        let safe = vec![500.0; 200];
        let mut risky = safe.clone();
        risky[17] = 300.0;
        let returns = vec![safe, risky];
        let mut candidates = vec![candidate(5, &returns[0]), candidate(3, &returns[1])];
        assert_eq!(choose(&mut candidates, &returns, 0.01), 0);
    }
}
