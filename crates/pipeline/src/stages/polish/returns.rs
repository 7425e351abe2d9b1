//! What a draft's constants are worth in play.

use crate::engine::StageError;
use crate::formulas::Draft;
use crate::run::seeds;
use crate::run::statistics::{lowest_part_mean, mean};
use kanrl_core::action::ActionBatch;
use kanrl_core::policy::{Policy, PolicyError};
use kanrl_core::rollout::{RolloutError, RolloutOptions, Rollouts};
use kanrl_core::space::ActionSpace;

/// Worse than any return, and finite: what a formula gets that gives no finite action somewhere.
pub const WORST: f64 = -1e30;

/// A score as people read it.
pub fn shown(score: f64) -> String {
    // Means of some episodes that were played, and of others that were not, are on the way to the worst.
    if score < 1e-6 * WORST { "none (it leaves its domain)".to_owned() } else { format!("{score:.2}") }
}

/// Returns of drafts in one or several variants of an environment.
#[derive(Debug)]
pub struct Play {
    /// The environment as it is, then its variants; episodes are dealt out among them in turn.
    variants: Vec<Rollouts>,
    tail_weight: f64,
    /// Deviation of the noise on each observation.
    noise: Vec<f64>,
}

/// Returns of some episodes.
#[derive(Clone, Debug, PartialEq)]
pub struct Played {
    /// One for each seed; [`WORST`] where the draft gave no finite action.
    pub returns: Vec<f64>,
    /// Steps taken.
    pub steps: u64,
}

impl Play {
    /// Episodes of these environments; a score is the mean plus `tail_weight` times the mean of the worst quarter. `noise`
    /// is the deviation of the noise on each observation, empty for none.
    ///
    /// # Panics
    /// Without any environment.
    pub fn new(variants: Vec<Rollouts>, tail_weight: f64, noise: Vec<f64>) -> Self {
        assert!(!variants.is_empty(), "an environment");
        Self { variants, tail_weight, noise }
    }

    /// One episode for each seed with these constants of the draft.
    ///
    /// # Errors
    /// [`StageError::Rollout`] where the environment fails; a draft that gives no finite action is no error.
    pub fn play(&self, draft: &Draft, constants: &[f64], seeds: &[u64]) -> Result<Played, StageError> {
        let policy = Noisy { policy: draft.policy(constants), deviations: &self.noise };
        let mut played = Played { returns: vec![WORST; seeds.len()], steps: 0 };
        for (index, rollouts) in self.variants.iter().enumerate() {
            let places: Vec<usize> = (index..seeds.len()).step_by(self.variants.len()).collect();
            let own: Vec<u64> = places.iter().map(|place| seeds[*place]).collect();
            if own.is_empty() {
                continue;
            }
            match rollouts.run(&policy, &own, &RolloutOptions::default()) {
                Ok(episodes) => {
                    for (place, episode) in places.into_iter().zip(episodes) {
                        played.returns[place] = episode.episode_return;
                        played.steps += u64::from(episode.length);
                    }
                }
                Err(RolloutError::Policy { source: PolicyError::NotFinite { .. }, .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(played)
    }

    /// One number for some returns.
    pub fn score(&self, returns: &[f64]) -> f64 {
        mean(returns) + self.tail_weight * lowest_part_mean(returns, 4)
    }
}

/// A policy that sees its observations with noise, which depends on the observation and the step alone.
struct Noisy<'a, P> {
    policy: P,
    deviations: &'a [f64],
}

impl<P: Policy> Policy for Noisy<'_, P> {
    fn observation_size(&self) -> usize {
        self.policy.observation_size()
    }

    fn action_space(&self) -> &ActionSpace {
        self.policy.action_space()
    }

    fn act(&self, observations: &[f64], elapsed_steps: &[u32], actions: &mut ActionBatch) -> Result<(), PolicyError> {
        if self.deviations.is_empty() {
            return self.policy.act(observations, elapsed_steps, actions);
        }
        let mut seen = observations.to_vec();
        for (row, step) in seen.chunks_exact_mut(self.deviations.len()).zip(elapsed_steps) {
            let units: Vec<f64> = (0..row.len() as u64).map(|index| seeds::unit(index, row, *step)).collect();
            for ((value, unit), deviation) in row.iter_mut().zip(units).zip(self.deviations) {
                // Uniform, with that deviation.
                *value += deviation * 12.0_f64.sqrt() * (unit - 0.5);
            }
        }
        self.policy.act(&seen, elapsed_steps, actions)
    }
}

#[cfg(test)]
mod tests {
    use super::{WORST, shown};

    #[test]
    fn no_score_is_shown_of_what_leaves_its_domain() {
        assert_eq!(shown(-1431.994), "-1431.99");
        for score in [WORST, 1.25 * WORST, WORST / 200.0 + 500.0] {
            assert_eq!(shown(score), "none (it leaves its domain)");
        }
    }
}
