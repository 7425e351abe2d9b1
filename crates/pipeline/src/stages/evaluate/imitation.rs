//! How far a policy does what the expert does, and how far a constant would.

use crate::head::StudentHead;
use crate::run::Agreement;
use kanrl_core::action::ActionBatch;
use kanrl_core::dataset::Dataset;
use kanrl_core::policy::{Policy, PolicyError};

/// Actions of a policy and of the expert in the same states.
pub type Actions = (ActionBatch, ActionBatch);

impl Agreement {
    /// Of some episodes' actions.
    ///
    /// # Panics
    /// If the two act in different spaces.
    pub fn of(episodes: &[Actions]) -> Self {
        let is_discrete = episodes.iter().all(|(own, _)| matches!(own, ActionBatch::Discrete(_)));
        if is_discrete { same_action(episodes) } else { r_squared(episodes) }
    }
}

fn same_action(episodes: &[Actions]) -> Agreement {
    let pairs = || {
        episodes.iter().flat_map(|episode| match episode {
            (ActionBatch::Discrete(own), ActionBatch::Discrete(expert)) => {
                own.iter().copied().zip(expert.iter().copied())
            }
            _ => unreachable!("both act in the same space"),
        })
    };
    let actions = pairs().map(|(own, expert)| own.max(expert) + 1).max().unwrap_or(0);
    let (mut own_counts, mut expert_counts, mut same) = (vec![0; actions], vec![0; actions], vec![0; actions]);
    for (own, expert) in pairs() {
        own_counts[own] += 1;
        expert_counts[expert] += 1;
        same[expert] += usize::from(own == expert);
    }
    let states = expert_counts.iter().sum::<usize>();
    let share = |count: usize| count as f64 / states.max(1) as f64;
    let value = share(same.iter().sum());
    let by_chance: f64 = own_counts.iter().zip(&expert_counts).map(|(own, expert)| share(*own) * share(*expert)).sum();
    let recall = expert_counts.iter().zip(&same);
    Agreement::SameAction {
        value,
        most_frequent: share(expert_counts.iter().copied().max().unwrap_or(0)),
        kappa: if by_chance < 1.0 { (value - by_chance) / (1.0 - by_chance) } else { 1.0 },
        recall: recall.map(|(count, same)| (*count > 0).then(|| *same as f64 / *count as f64)).collect(),
        states,
    }
}

fn r_squared(episodes: &[Actions]) -> Agreement {
    let size = episodes.iter().map(|episode| vectors(episode).2).max().unwrap_or(1);
    let pairs = |coordinate: Option<usize>| -> Vec<(f64, f64)> {
        let all = episodes.iter().flat_map(pairs).enumerate();
        all.filter(|(index, _)| coordinate.is_none_or(|own| index % size == own)).map(|(_, pair)| pair).collect()
    };
    let all = pairs(None);
    let coordinate = |coordinate: usize| {
        let own = pairs(Some(coordinate));
        let total = total(&own);
        (total > 0.0).then(|| 1.0 - squares(&own) / total)
    };
    // About the mean of all coordinates together, as the best single number would have it.
    let (error, total) = (squares(&all), total(&all));
    Agreement::RSquared {
        value: if total > 0.0 { 1.0 - error / total } else { f64::from(u8::from(error == 0.0)) },
        coordinates: (0..size).map(coordinate).collect(),
        states: all.len() / size,
    }
}

/// [`Agreement::value`] of each episode. For vector actions: 1 less the mean square error over the variance of all episodes,
/// so that an episode in which the expert hardly moves does not weigh more.
///
/// # Panics
/// As [`Agreement::of`].
pub fn of_each_episode(episodes: &[Actions]) -> Vec<f64> {
    let all: Vec<(f64, f64)> =
        episodes.iter().filter(|(own, _)| matches!(own, ActionBatch::Continuous { .. })).flat_map(pairs).collect();
    let variance = total(&all) / all.len().max(1) as f64;
    let score = |episode: &Actions| match episode {
        (ActionBatch::Discrete(_), _) => same_action(std::slice::from_ref(episode)).value(),
        vectors => {
            let own: Vec<(f64, f64)> = pairs(vectors).collect();
            let error = squares(&own) / own.len().max(1) as f64;
            if variance > 0.0 { 1.0 - error / variance } else { f64::from(u8::from(error == 0.0)) }
        }
    };
    episodes.iter().map(score).collect()
}

/// What a policy does in the states of a log, paired with the logged actions.
///
/// # Errors
/// [`PolicyError`] where it gives no finite action.
pub fn with_log(policy: &dyn Policy, head: &StudentHead, log: &Dataset) -> Result<Vec<Actions>, PolicyError> {
    let (inputs, outputs) = (log.input_names.len(), log.output_names.len());
    let episode = |index: usize| {
        let rows = log.episode_rows(index);
        let mut own = ActionBatch::zeros(head.action_space(), 0);
        let mut expert = own.clone();
        let observations = &log.observations[rows.start * inputs..rows.end * inputs];
        policy.act(observations, &vec![0; rows.len()], &mut own)?;
        head.act(&log.targets[rows.start * outputs..rows.end * outputs], &mut expert);
        Ok((own, expert))
    };
    (0..log.episodes()).map(episode).collect()
}

fn vectors((own, expert): &Actions) -> (&[f32], &[f32], usize) {
    let (ActionBatch::Continuous { values: own, .. }, ActionBatch::Continuous { values: expert, size }) = (own, expert)
    else {
        unreachable!("both act in the same space")
    };
    (own, expert, *size)
}

/// Every number of the vector actions.
fn pairs(episode: &Actions) -> impl Iterator<Item = (f64, f64)> + '_ {
    let (own, expert, _) = vectors(episode);
    own.iter().zip(expert).map(|(own, expert)| (f64::from(*own), f64::from(*expert)))
}

/// Sum of the squares of the differences.
fn squares(pairs: &[(f64, f64)]) -> f64 {
    pairs.iter().map(|(own, expert)| (own - expert).powi(2)).sum()
}

/// Sum of the squares of the expert's numbers about their mean.
fn total(pairs: &[(f64, f64)]) -> f64 {
    let mean = pairs.iter().map(|(_, expert)| expert).sum::<f64>() / pairs.len() as f64;
    pairs.iter().map(|(_, expert)| (expert - mean).powi(2)).sum()
}

#[cfg(test)]
mod tests {
    use super::{Agreement, of_each_episode};
    use kanrl_core::action::ActionBatch;

    fn vector(values: &[f32], size: usize) -> ActionBatch {
        ActionBatch::Continuous { values: values.to_vec(), size }
    }

    fn discrete(own: &[usize], expert: &[usize]) -> (ActionBatch, ActionBatch) {
        (ActionBatch::Discrete(own.to_vec()), ActionBatch::Discrete(expert.to_vec()))
    }

    #[test]
    fn equal_actions_are_counted_beside_what_the_most_frequent_one_reaches() {
        let episodes = [discrete(&[0, 1, 1, 0], &[0, 1, 0, 0]), discrete(&[1], &[1])];
        let Agreement::SameAction { value, most_frequent, kappa, recall, states } = Agreement::of(&episodes) else {
            panic!("discrete")
        };
        assert_eq!((value, most_frequent, states), (0.8, 0.6, 5));
        // By chance 0.4 · 0.6 + 0.6 · 0.4 = 0.48.
        assert!((kappa - 0.32 / 0.52).abs() < 1e-12, "{kappa}");
        assert_eq!(recall, [Some(2.0 / 3.0), Some(1.0)]);
        assert_eq!(of_each_episode(&episodes), [0.75, 1.0]);
    }

    #[test]
    fn what_a_constant_would_reach_is_warned_of() {
        let mut expert = vec![0; 1000];
        expert[17..22].fill(1);
        let warning = |own: &[usize]| Agreement::of(&[discrete(own, &expert)]).warning();
        let text = warning(&[0; 1000]).unwrap();
        assert!(text.contains("99.5 % of 1000 states") && text.contains("κ 0.00"), "{text}");
        assert_eq!(warning(&expert), None);
        // An expert that is a constant is explained by one.
        assert_eq!(Agreement::of(&[discrete(&[2; 9], &[2; 9])]).warning(), None);
        // A coin that is guessed.
        let coin: Vec<usize> = (0..1000).map(|index| index * 7919 % 1009 % 2).collect();
        let guess: Vec<usize> = (0..1000).map(|index| index * 6007 % 1013 % 2).collect();
        assert!(Agreement::of(&[discrete(&guess, &coin)]).warning().is_some());
        let flat = Agreement::of(&[(vector(&[0.5; 4], 1), vector(&[0.0, 1.0, 0.0, 1.0], 1))]);
        assert!(flat.warning().unwrap().contains("R² is 0.000"), "{flat:?}");
    }

    #[test]
    fn the_error_of_vectors_is_compared_with_their_variance() {
        let episodes = [(vector(&[1.0, -1.0], 1), vector(&[1.0, -1.0], 1)), (vector(&[0.5], 1), vector(&[0.0], 1))];
        let value = 1.0 - 0.25 / 2.0;
        assert_eq!(Agreement::of(&episodes), Agreement::RSquared { value, coordinates: vec![Some(value)], states: 3 });
        assert_eq!(of_each_episode(&episodes), [1.0, 1.0 - 0.25 / (2.0 / 3.0)]);
        let two = [(vector(&[1.0, 5.0, -1.0, 5.0], 2), vector(&[1.0, 4.0, -1.0, 4.0], 2))];
        let Agreement::RSquared { coordinates, states, .. } = Agreement::of(&two) else { panic!("vectors") };
        assert_eq!((coordinates, states), (vec![Some(1.0), None], 2));
    }
}
