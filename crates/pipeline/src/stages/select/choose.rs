//! Which of all formulas is the run's result.

use super::section::Prefer;
use super::selection::Candidate;
use crate::run::statistics::{lowest_part_mean, mean, mean_interval};

/// A formula plays as well as the expert where its mean is below by no more than this share of the expert's, or not
/// significantly, …
const MEAN_SLACK: f64 = 0.02;
/// … and the mean of its worst twentieth by no more than this share.
const WORST_SLACK: f64 = 0.05;
/// Formulas whose fidelity differs by no more than this are as faithful as each other.
const FIDELITY_SLACK: f64 = 0.02;
/// Formulas that have no more than this share of operations above the shortest are as short as it.
const LENGTH_SLACK: f64 = 0.1;

/// How far apart few episodes may make what is as good, for a formula to be judged by more: so many times the slack.
const DOUBT: f64 = 3.0;
/// Formulas that are judged by more episodes at most.
const FINALISTS: usize = 8;

/// The formulas that have names, as indices of the candidates.
#[derive(Clone, Debug, PartialEq)]
pub struct Choice {
    /// The run's result.
    pub headline: usize,
    /// The one that explains the expert best, of those that nothing was tuned on return in.
    pub faithful: usize,
    /// The one that plays best, of those that were tuned on return alone.
    pub polished: Option<usize>,
    /// Why the headline is the headline, in a sentence.
    pub reason: String,
}

/// The formulas that may be the headline as far as these episodes can tell: they play nearly as well as the expert, and are
/// nearly as faithful as the most faithful of those, or short, or return most, whatever is preferred. Where none plays nearly
/// as well, those that return most.
pub(super) fn finalists(candidates: &[Candidate], returns: &[Vec<f64>], expert: &[f64], prefer: Prefer) -> Vec<usize> {
    let playing = || (0..candidates.len()).filter(|index| candidates[*index].mean.is_some());
    let mut finalists: Vec<usize> =
        playing().filter(|index| plays_as_well(&candidates[*index], &returns[*index], expert, DOUBT)).collect();
    let fidelity = |index: usize| candidates[index].fidelity.value();
    let by_return = |first: &usize, second: &usize| mean(&returns[*second]).total_cmp(&mean(&returns[*first]));
    if finalists.is_empty() {
        finalists = playing().collect();
        finalists.sort_by(by_return);
    } else if prefer == Prefer::Return {
        finalists.sort_by(by_return);
    } else {
        if prefer == Prefer::Fidelity {
            let most = finalists.iter().map(|index| fidelity(*index)).fold(f64::NEG_INFINITY, f64::max);
            finalists.retain(|index| fidelity(*index) >= most - DOUBT * FIDELITY_SLACK);
        }
        finalists.sort_by_key(|index| candidates[*index].operations);
    }
    finalists.truncate(FINALISTS);
    finalists
}

/// Marks the front and gives the formulas that have names. `returns` are each candidate's on the same seeds as the
/// `expert`'s, which are none where there is only a log. `tolerance` is what [`best_playing`] allows.
///
/// The headline is, by what is preferred: the most faithful formula that plays as well as the expert, of those as faithful as
/// that one the shortest, and of those as short as that one the one that plays best; or the [`best_playing`] one; or the
/// shortest that plays as well as the expert. Where none plays as well, the same is asked of those that play
/// [`no_worse_than_the_best`]; where there is no expert to play, it is the best-playing one.
///
/// # Panics
/// Without candidates.
pub(super) fn choose(
    candidates: &mut [Candidate],
    returns: &[Vec<f64>],
    expert: Option<&[f64]>,
    prefer: Prefer,
    tolerance: f64,
) -> Choice {
    mark_front(candidates);
    let candidates = &*candidates;
    let all: Vec<usize> = (0..candidates.len()).collect();
    let faithful: Vec<usize> = all.iter().copied().filter(|index| candidates[*index].is_faithful()).collect();
    let polished: Vec<usize> = all.iter().copied().filter(|index| candidates[*index].is_polished()).collect();
    let best = |among: &[usize]| best_playing(candidates, returns, among, tolerance);
    let as_good: Option<Vec<usize>> = expert.map(|expert| {
        all.iter().copied().filter(|index| plays_as_well(&candidates[*index], &returns[*index], expert, 1.0)).collect()
    });
    let (headline, reason) = match (as_good, prefer) {
        (None, _) | (_, Prefer::Return) => {
            (best(&all), "the shortest formula that plays no worse than the best one".to_owned())
        }
        (Some(as_good), Prefer::Fidelity) if !as_good.is_empty() => (
            most_faithful(candidates, &as_good),
            "among the shortest within two points of the most faithful formula that plays as well as the expert".to_owned(),
        ),
        (Some(as_good), Prefer::Brevity) if !as_good.is_empty() => {
            (shortest(candidates, &as_good), "the shortest formula that plays as well as the expert".to_owned())
        }
        (Some(_), Prefer::Fidelity) => (
            most_faithful(candidates, &no_worse_than_the_best(candidates, returns, &all, tolerance)),
            "no formula plays as well as the expert: this is among the shortest within two points of the most faithful \
             that plays no worse than the best one"
                .to_owned(),
        ),
        (Some(_), Prefer::Brevity) => (
            best(&all),
            "no formula plays as well as the expert: this is the shortest that plays no worse than the best one"
                .to_owned(),
        ),
    };
    let faithful = if faithful.is_empty() { &all } else { &faithful };
    Choice {
        headline,
        faithful: most_faithful(candidates, faithful),
        polished: (!polished.is_empty()).then(|| best(&polished)),
        reason,
    }
}

/// Marks what no other formula is at least as good as in everything and better than in something: in return (the mean, and
/// the mean of the worst twentieth, half and half), fidelity and operations.
fn mark_front(candidates: &mut [Candidate]) {
    let merits: Vec<(f64, f64, usize)> = candidates
        .iter()
        .map(|candidate| (level(candidate), candidate.fidelity.value(), candidate.operations))
        .collect();
    for (candidate, own) in candidates.iter_mut().zip(&merits) {
        let beats =
            |other: &(f64, f64, usize)| other.0 >= own.0 && other.1 >= own.1 && other.2 <= own.2 && other != own;
        candidate.on_front = candidate.mean.is_some() && !merits.iter().any(beats);
    }
}

/// How well a formula plays: the mean, and the mean of the worst twentieth, half and half.
fn level(candidate: &Candidate) -> f64 {
    let worst = candidate.worst_5_percent.unwrap_or(f64::NEG_INFINITY);
    candidate.mean.map_or(f64::NEG_INFINITY, |mean| (mean + worst) / 2.0)
}

/// Whether a formula plays as well as the expert did on the same seeds, of which the expert may have played more; `slack` times
/// what is usual may be missing.
fn plays_as_well(candidate: &Candidate, returns: &[f64], expert: &[f64], slack: f64) -> bool {
    let expert = &expert[..returns.len().min(expert.len())];
    let differences: Vec<f64> = returns.iter().zip(expert).map(|(own, expert)| own - expert).collect();
    let is_close =
        mean(&differences) >= -slack * MEAN_SLACK * mean(expert).abs() || mean_interval(&differences).high >= 0.0;
    let worst = lowest_part_mean(expert, 20);
    candidate.mean.is_some() && is_close && lowest_part_mean(returns, 20) >= worst - slack * WORST_SLACK * worst.abs()
}

/// The shortest of those that are as faithful as the most faithful one, and of those as short as that one the one that plays
/// best; of equally good ones the shorter, then the more faithful.
fn most_faithful(candidates: &[Candidate], among: &[usize]) -> usize {
    let fidelity = |index: usize| {
        let candidate = &candidates[index];
        // What leaves its domain explains nothing.
        if candidate.mean.is_some() { candidate.fidelity.value() } else { f64::NEG_INFINITY }
    };
    let most = among.iter().map(|index| fidelity(*index)).fold(f64::NEG_INFINITY, f64::max);
    let close: Vec<usize> = among.iter().copied().filter(|index| fidelity(*index) >= most - FIDELITY_SLACK).collect();
    let operations = |index: usize| candidates[index].operations as f64;
    let most = operations(shortest(candidates, &close)) * (1.0 + LENGTH_SLACK);
    let short: Vec<usize> = close.into_iter().filter(|index| operations(*index) <= most).collect();
    let best = short.iter().map(|index| level(&candidates[*index])).fold(f64::NEG_INFINITY, f64::max);
    let best: Vec<usize> = short.into_iter().filter(|index| level(&candidates[*index]) >= best).collect();
    shortest(candidates, &best)
}

/// The shortest; of equally short ones the most faithful, then the first.
fn shortest(candidates: &[Candidate], among: &[usize]) -> usize {
    let order = |a: &&usize, b: &&usize| {
        let (a, b) = (&candidates[**a], &candidates[**b]);
        a.operations.cmp(&b.operations).then(b.fidelity.value().total_cmp(&a.fidelity.value()))
    };
    *among.iter().min_by(order).expect("some formula")
}

/// The shortest of those that play [`no_worse_than_the_best`].
fn best_playing(candidates: &[Candidate], returns: &[Vec<f64>], among: &[usize], tolerance: f64) -> usize {
    let order = |a: &usize, b: &usize| {
        let by_length = candidates[*a].operations.cmp(&candidates[*b].operations);
        by_length.then(mean(&returns[*b]).total_cmp(&mean(&returns[*a])))
    };
    no_worse_than_the_best(candidates, returns, among, tolerance).into_iter().min_by(order).expect("the best one")
}

/// The formulas whose mean is not significantly below the best one's on the same seeds, and by no more than `tolerance` of
/// it. Failures may be too rare for the means to tell: the mean of the worst twentieth may be below the best one's by twice
/// `tolerance` of it.
fn no_worse_than_the_best(
    candidates: &[Candidate],
    returns: &[Vec<f64>],
    among: &[usize],
    tolerance: f64,
) -> Vec<usize> {
    let mean_of = |index: usize| mean(&returns[index]);
    let best = among.iter().copied().rev().max_by(|a, b| mean_of(*a).total_cmp(&mean_of(*b))).expect("some formula");
    let slack = tolerance * mean_of(best).abs();
    let worst = |index: usize| lowest_part_mean(&returns[index], 20);
    let lowest = worst(best) - 2.0 * tolerance * worst(best).abs();
    let is_as_good = |index: &usize| {
        let differences: Vec<f64> = returns[best].iter().zip(&returns[*index]).map(|(best, own)| best - own).collect();
        let is_close = mean(&differences) <= slack && mean_interval(&differences).low <= 0.0;
        *index == best || (candidates[*index].mean.is_some() && is_close && worst(*index) >= lowest)
    };
    among.iter().copied().filter(is_as_good).collect()
}

#[cfg(test)]
mod tests {
    use super::{Choice, choose, finalists};
    use crate::run::statistics::{lowest_part_mean, mean, mean_interval};
    use crate::stages::polish::returns::WORST;
    use crate::stages::select::{Candidate, Fidelity, Prefer};
    use kanrl_symbolic::{ActionRule, Formula};

    fn candidate(operations: usize, lambda: Option<f64>, fidelity: f64, returns: &[f64]) -> Candidate {
        Candidate {
            student: "kan".into(),
            lambda,
            operations,
            mean: Some(mean(returns)),
            interval: Some(mean_interval(returns)),
            worst_5_percent: Some(lowest_part_mean(returns, 20)),
            fidelity: Fidelity { expert_states: Some(fidelity), own_states: Some(fidelity) },
            on_front: false,
            formula: Formula::parse(&["x"], &[("a", "x")], ActionRule::Threshold).unwrap(),
        }
    }

    fn headline(candidates: &mut [Candidate], returns: &[Vec<f64>], expert: Option<&[f64]>, prefer: Prefer) -> usize {
        choose(candidates, returns, expert, prefer, 0.01).headline
    }

    /// Returns around a level, the same ups and downs on each seed.
    fn around(level: f64) -> Vec<f64> {
        (0..200).map(|index| level + f64::from(index * 37 % 41) - 20.0).collect()
    }

    #[test]
    fn the_shortest_formula_that_is_as_good_as_the_best_is_taken_for_return() {
        let best: Vec<f64> = (0..50).map(|index| 100.0 + f64::from(index % 7)).collect();
        let as_good: Vec<f64> = (0..50).map(|index| 100.0 + f64::from((index + 3) % 7)).collect();
        let worse: Vec<f64> = best.iter().map(|value| value - 3.0).collect();
        let returns = vec![best, as_good, worse];
        let operations = [40, 20, 5];
        let mut candidates: Vec<Candidate> = operations
            .into_iter()
            .zip(&returns)
            .map(|(operations, own)| candidate(operations, None, 0.9, own))
            .collect();
        assert_eq!(headline(&mut candidates, &returns, None, Prefer::Return), 1);
        // A larger tolerance is no excuse for a difference that is certain.
        assert_eq!(choose(&mut candidates, &returns, None, Prefer::Return, 0.1).headline, 1);
        assert!(candidates.iter().all(|candidate| candidate.on_front || candidate.operations > 20));
    }

    #[test]
    fn the_headline_is_faithful_first_and_then_short_among_those_that_play_as_well_as_the_expert() {
        let expert = around(500.0);
        let returns = [470.0, 495.0, 498.0, 520.0, 510.0].map(around).to_vec();
        let mut candidates = vec![
            // Faithful, but below the expert.
            candidate(50, None, 0.99, &returns[0]),
            candidate(30, Some(3.0), 0.97, &returns[1]),
            // Shorter, and within two points.
            candidate(12, Some(0.5), 0.955, &returns[2]),
            candidate(20, Some(0.0), 0.70, &returns[3]),
            candidate(4, Some(0.0), 0.60, &returns[4]),
        ];
        let mut chosen = |prefer| choose(&mut candidates, &returns, Some(&expert), prefer, 0.01);
        assert_eq!(chosen(Prefer::Fidelity).headline, 2);
        assert_eq!(chosen(Prefer::Return).headline, 3);
        assert_eq!(chosen(Prefer::Brevity).headline, 4);
        let Choice { faithful, polished, reason, .. } = chosen(Prefer::Fidelity);
        assert_eq!((faithful, polished), (0, Some(3)));
        assert!(reason.contains("as well as the expert"), "{reason}");
        // The second is beaten by none: it is more faithful than all that play as well.
        assert!(candidates.iter().all(|candidate| candidate.on_front), "{candidates:?}");
    }

    #[test]
    fn of_formulas_that_are_as_short_as_each_other_the_one_that_plays_best_is_taken() {
        let expert = around(500.0);
        let returns = [498.0, 503.0, 510.0].map(around).to_vec();
        let mut candidates = vec![
            candidate(38, None, 0.97, &returns[0]),
            candidate(41, None, 0.96, &returns[1]),
            // Plays better still, and is longer.
            candidate(42, None, 0.97, &returns[2]),
        ];
        assert_eq!(headline(&mut candidates, &returns, Some(&expert), Prefer::Fidelity), 1);
        assert_eq!(headline(&mut candidates, &returns, Some(&expert), Prefer::Brevity), 0);
    }

    #[test]
    fn where_none_plays_as_well_the_best_playing_one_is_taken_and_the_reason_says_so() {
        let expert = around(500.0);
        let returns = [300.0, 400.0].map(around).to_vec();
        let mut candidates = vec![candidate(5, None, 0.99, &returns[0]), candidate(30, Some(0.0), 0.4, &returns[1])];
        let choice = choose(&mut candidates, &returns, Some(&expert), Prefer::Fidelity, 0.01);
        assert_eq!(choice.headline, 1);
        assert!(choice.reason.starts_with("no formula plays as well as the expert"), "{}", choice.reason);
    }

    #[test]
    fn what_leaves_its_domain_is_not_taken() {
        let returns = vec![vec![WORST; 20], vec![-500.0; 20]];
        let mut candidates = vec![candidate(3, None, 0.99, &returns[0]), candidate(30, None, 0.5, &returns[1])];
        (candidates[0].mean, candidates[0].interval, candidates[0].worst_5_percent) = (None, None, None);
        let expert = vec![-500.0; 20];
        for prefer in [Prefer::Fidelity, Prefer::Return, Prefer::Brevity] {
            let choice = choose(&mut candidates, &returns, Some(&expert), prefer, 0.01);
            assert_eq!((choice.headline, choice.faithful), (1, 1));
        }
        assert!(!candidates[0].on_front && candidates[1].on_front);
    }

    #[test]
    fn what_may_be_the_result_is_judged_by_more_episodes() {
        let expert = around(500.0);
        let returns = [498.0, 480.0, 300.0, 499.0].map(around).to_vec();
        let candidates = [(50, 0.99), (30, 0.96), (20, 0.98), (5, 0.8)];
        let candidates: Vec<Candidate> = candidates
            .into_iter()
            .zip(&returns)
            .map(|((operations, fidelity), own)| candidate(operations, None, fidelity, own))
            .collect();
        let finalists = |prefer| finalists(&candidates, &returns, &expert, prefer);
        // The third plays far worse; the fourth is far from the expert.
        assert_eq!(finalists(Prefer::Fidelity), [1, 0]);
        assert_eq!(finalists(Prefer::Brevity), [3, 1, 0]);
        assert_eq!(finalists(Prefer::Return), [3, 0, 1]);
    }

    #[test]
    fn a_rare_failure_counts() {
        let safe = vec![500.0; 200];
        let mut risky = safe.clone();
        risky[17] = 200.0;
        let returns = vec![safe.clone(), risky];
        let mut candidates = vec![candidate(5, None, 0.9, &returns[0]), candidate(3, None, 0.9, &returns[1])];
        assert_eq!(headline(&mut candidates, &returns, None, Prefer::Return), 0);
        for prefer in [Prefer::Fidelity, Prefer::Brevity] {
            assert_eq!(headline(&mut candidates, &returns, Some(&safe), prefer), 0);
        }
    }
}
