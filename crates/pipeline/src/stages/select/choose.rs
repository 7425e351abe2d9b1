//! Which of all formulas is the run's result.

use super::Candidate;
use crate::run::statistics::{lowest_part_mean, mean, mean_interval};

/// Marks the Pareto front and gives the index of the shortest formula whose mean is not significantly below the best one's
/// on the same seeds, and by no more than `tolerance` of it. Failures may be too rare for the means to tell: the mean of the
/// worst twentieth may be below the best one's by twice `tolerance` of it.
pub(super) fn choose(candidates: &mut [Candidate], returns: &[Vec<f64>], tolerance: f64) -> usize {
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
    use super::{Candidate, choose};
    use crate::run::statistics::mean_interval;
    use crate::stages::polish::returns::WORST;
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
