//! An expert whose play is disturbed, so that what it does about it is in the data (DART: Laskey et al. 2017,
//! arXiv 1703.09327).

use crate::run::seeds;
use kanrl_core::action::ActionBatch;
use kanrl_core::policy::{ExpertPolicy, Policy, PolicyError};
use kanrl_core::space::{ActionSpace, Coordinate};

/// What counts as the range of an action without bounds.
const UNBOUNDED: f64 = 2.0;

/// The expert with Gaussian noise on every action dimension, of which `share` of the dimension's range is the standard
/// deviation; of discrete actions, that share is any action.
pub(super) struct Disturbed<'a> {
    pub(super) expert: &'a dyn ExpertPolicy,
    pub(super) share: f64,
    pub(super) seed: u64,
}

impl Policy for Disturbed<'_> {
    fn observation_size(&self) -> usize {
        self.expert.observation_size()
    }

    fn action_space(&self) -> &ActionSpace {
        self.expert.action_space()
    }

    fn act(&self, observations: &[f64], elapsed_steps: &[u32], actions: &mut ActionBatch) -> Result<(), PolicyError> {
        self.expert.act(observations, elapsed_steps, actions)?;
        let rows = observations.chunks_exact(self.observation_size()).zip(elapsed_steps);
        let generators = rows.map(|(row, step)| seeds::generator(self.seed, row, *step));
        match (actions, self.action_space()) {
            (ActionBatch::Discrete(actions), ActionSpace::Discrete(space)) => {
                for (action, mut random) in actions.iter_mut().zip(generators) {
                    if random.uniform(0.0, 1.0) < self.share {
                        *action = random.uniform(0.0, space.len() as f64) as usize;
                    }
                }
            }
            (ActionBatch::Continuous { values, size }, ActionSpace::Box(space)) => {
                for (values, mut random) in values.chunks_exact_mut(*size).zip(generators) {
                    for (value, Coordinate { low, high, .. }) in values.iter_mut().zip(&space.coordinates) {
                        let range = if (high - low).is_finite() { high - low } else { UNBOUNDED };
                        let disturbed = random.normal(f64::from(*value), self.share * range);
                        *value = disturbed.clamp(*low, *high) as f32;
                    }
                }
            }
            _ => unreachable!("actions are of the space"),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Disturbed;
    use kanrl_core::action::ActionBatch;
    use kanrl_core::environment::{EnvironmentRegistry, KeywordArguments};
    use kanrl_core::policy::Policy;
    use kanrl_experts::FunctionPolicy;

    fn actions(environment: &str, expert: &str, share: f64) -> ActionBatch {
        let mut registry = EnvironmentRegistry::new();
        kanrl_envs_classic::register(&mut registry).unwrap();
        let environment = registry.make(environment, &KeywordArguments::new()).unwrap();
        let expert = FunctionPolicy::from_text(expert, environment.spec()).unwrap();
        let disturbed = Disturbed { expert: &expert, share, seed: 3 };
        let rows = 2000;
        let observations: Vec<f64> =
            (0..rows * disturbed.observation_size()).map(|index| (index as f64).sin()).collect();
        let mut actions = ActionBatch::zeros(disturbed.action_space(), rows);
        disturbed.act(&observations, &vec![0; rows], &mut actions).unwrap();
        let mut again = ActionBatch::zeros(disturbed.action_space(), rows);
        disturbed.act(&observations, &vec![0; rows], &mut again).unwrap();
        assert_eq!(actions, again, "the same row leads to the same action");
        actions
    }

    #[test]
    fn noise_has_its_share_of_the_range_as_deviation() {
        let deviation = |share: f64| {
            let ActionBatch::Continuous { values, .. } = actions("Pendulum-v1", "0", share) else { panic!("a torque") };
            (values.iter().map(|value| f64::from(value * value)).sum::<f64>() / values.len() as f64).sqrt()
        };
        assert_eq!(deviation(0.0), 0.0);
        // The torque is between -2 and 2.
        assert!((deviation(0.05) - 0.2).abs() < 0.01, "{}", deviation(0.05));
    }

    #[test]
    fn a_share_of_discrete_actions_is_any_action() {
        let ones = |share: f64| {
            let ActionBatch::Discrete(values) = actions("CartPole-v1", "0; 1", share) else { panic!("choices") };
            values.iter().sum::<usize>() as f64 / values.len() as f64
        };
        assert_eq!(ones(0.0), 1.0);
        assert!((ones(0.4) - 0.8).abs() < 0.03, "{}", ones(0.4));
    }
}
