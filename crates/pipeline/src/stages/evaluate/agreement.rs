//! How often a policy does what the expert does.

use crate::head::StudentHead;
use crate::stages::evaluate::Agreement;
use kanrl_core::action::ActionBatch;
use kanrl_core::dataset::Dataset;
use kanrl_core::policy::{Policy, PolicyError};

/// Actions of a policy and of the expert in the same states.
pub type Actions = (ActionBatch, ActionBatch);

/// How far the policy's actions are the expert's, over all states.
///
/// # Panics
/// If the two act in different spaces.
pub fn agreement(episodes: &[Actions]) -> Agreement {
    let (mut rows, mut same, mut is_vector) = (0, 0, false);
    for episode in episodes {
        match episode {
            (ActionBatch::Discrete(own), ActionBatch::Discrete(expert)) => {
                same += equal(own, expert);
                rows += expert.len();
            }
            _ => is_vector = true,
        }
    }
    if !is_vector {
        return Agreement::SameAction { value: same as f64 / rows.max(1) as f64 };
    }
    let pairs: Vec<(f64, f64)> = episodes.iter().flat_map(pairs).collect();
    let error: f64 = pairs.iter().map(|(own, expert)| (own - expert).powi(2)).sum();
    let total = total(&pairs);
    Agreement::RSquared { value: if total > 0.0 { 1.0 - error / total } else { f64::from(u8::from(error == 0.0)) } }
}

/// The same for each episode. For vector actions: 1 less the mean square error over the variance of all episodes, so that an
/// episode in which the expert hardly moves does not weigh more.
///
/// # Panics
/// As [`agreement`].
pub fn of_each_episode(episodes: &[Actions]) -> Vec<f64> {
    let all: Vec<(f64, f64)> =
        episodes.iter().filter(|(own, _)| matches!(own, ActionBatch::Continuous { .. })).flat_map(pairs).collect();
    let variance = total(&all) / all.len().max(1) as f64;
    let score = |episode: &Actions| match episode {
        (ActionBatch::Discrete(own), ActionBatch::Discrete(expert)) => {
            equal(own, expert) as f64 / expert.len().max(1) as f64
        }
        vectors => {
            let own: Vec<f64> = pairs(vectors).map(|(own, expert)| (own - expert).powi(2)).collect();
            let error = own.iter().sum::<f64>() / own.len().max(1) as f64;
            if variance > 0.0 { 1.0 - error / variance } else { f64::from(u8::from(error == 0.0)) }
        }
    };
    episodes.iter().map(score).collect()
}

/// What a policy does in the states of a log, beside what is logged there.
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

fn equal(own: &[usize], expert: &[usize]) -> usize {
    own.iter().zip(expert).filter(|(own, expert)| own == expert).count()
}

/// Every number of the vector actions.
fn pairs((own, expert): &Actions) -> impl Iterator<Item = (f64, f64)> + '_ {
    let (ActionBatch::Continuous { values: own, .. }, ActionBatch::Continuous { values: expert, .. }) = (own, expert)
    else {
        unreachable!("both act in the same space")
    };
    own.iter().zip(expert).map(|(own, expert)| (f64::from(*own), f64::from(*expert)))
}

/// Sum of the squares of the expert's numbers about their mean.
fn total(pairs: &[(f64, f64)]) -> f64 {
    let mean = pairs.iter().map(|(_, expert)| expert).sum::<f64>() / pairs.len() as f64;
    pairs.iter().map(|(_, expert)| (expert - mean).powi(2)).sum()
}

#[cfg(test)]
mod tests {
    use super::{agreement, of_each_episode};
    use crate::stages::evaluate::Agreement;
    use kanrl_core::action::ActionBatch;

    fn vector(values: &[f32]) -> ActionBatch {
        ActionBatch::Continuous { values: values.to_vec(), size: 1 }
    }

    #[test]
    fn equal_actions_are_counted() {
        let episodes = [
            (ActionBatch::Discrete(vec![0, 1, 1, 0]), ActionBatch::Discrete(vec![0, 1, 0, 0])),
            (ActionBatch::Discrete(vec![1]), ActionBatch::Discrete(vec![1])),
        ];
        assert_eq!(agreement(&episodes), Agreement::SameAction { value: 0.8 });
        assert_eq!(of_each_episode(&episodes), [0.75, 1.0]);
    }

    #[test]
    fn the_error_of_vectors_is_compared_with_their_variance() {
        let episodes = [(vector(&[1.0, -1.0]), vector(&[1.0, -1.0])), (vector(&[0.5]), vector(&[0.0]))];
        assert_eq!(agreement(&episodes), Agreement::RSquared { value: 1.0 - 0.25 / 2.0 });
        assert_eq!(of_each_episode(&episodes), [1.0, 1.0 - 0.25 / (2.0 / 3.0)]);
    }
}
