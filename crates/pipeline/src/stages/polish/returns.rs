//! What a formula's constants are worth in play.

use super::elsewhere::Pool;
use crate::engine::StageError;
use crate::events::Reporter;
use crate::formulas::Draft;
use crate::rollouts::{Game, play_observed};
use crate::run::seeds;
use crate::run::statistics::{lowest_part_mean, mean};
use kanrl_core::action::ActionBatch;
use kanrl_core::policy::{Policy, PolicyError};
use kanrl_core::rollout::{Episode, RolloutError, RolloutOptions, Rollouts};
use kanrl_core::space::ActionSpace;
use serde::{Deserialize, Serialize};

/// Worse than any return, and finite: what a formula gets that gives no finite action somewhere.
pub const WORST: f64 = -1e30;

/// A score as people read it.
pub fn shown(score: f64) -> String {
    // Means of some episodes that were played, and of others that were not, are on the way to the worst.
    if score < 1e-6 * WORST { "none (it leaves its domain)".to_owned() } else { format!("{score:.2}") }
}

/// Returns of formulas in one or several variants of an environment.
pub struct Play<'a> {
    /// The environment as it is, then its variants; episodes are dealt out among them in turn.
    pub variants: &'a [Rollouts],
    /// Weight of the worst quarter's mean in a score.
    pub tail_weight: f64,
    /// Deviation of the noise on each observation; empty for none.
    pub noise: Vec<f64>,
    /// Who may cancel it.
    pub reporter: &'a Reporter,
    /// Where candidates play instead of here, to the same returns.
    pub elsewhere: Option<&'a Pool>,
}

/// Returns of some episodes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Played {
    /// One for each seed; [`WORST`] where the formula gave no finite action.
    pub returns: Vec<f64>,
    /// Steps taken.
    pub steps: u64,
}

impl Played {
    fn of(episodes: &[(usize, Episode)], seeds: usize) -> Self {
        let mut played = Self { returns: vec![WORST; seeds], steps: 0 };
        for (place, episode) in episodes {
            played.returns[*place] = episode.episode_return;
            played.steps += u64::from(episode.length);
        }
        played
    }
}

impl Play<'_> {
    /// Each candidate's episodes, one for each seed: the formula with the candidate's constants.
    ///
    /// # Errors
    /// [`StageError::Rollout`] where the environment fails; a formula that gives no finite action is not an error.
    pub fn play(&self, draft: &Draft, candidates: &[Vec<f64>], seeds: &[u64]) -> Result<Vec<Played>, StageError> {
        if self.reporter.is_cancelled() {
            return Err(StageError::Cancelled);
        }
        // One candidate, such as the center of a search, is not worth the way. What is not finite has no way.
        let is_finite = candidates.iter().flatten().all(|constant| constant.is_finite());
        if let Some(pool) = self.elsewhere.filter(|_| candidates.len() > 1 && is_finite) {
            return pool.play(draft, &self.noise, candidates, seeds);
        }
        let policies: Vec<_> = candidates.iter().map(|constants| self.noisy(draft.policy(constants))).collect();
        let policies: Vec<&dyn Policy> = policies.iter().map(|policy| policy as &dyn Policy).collect();
        let all = self.episodes(&policies, seeds, &RolloutOptions::default())?;
        Ok(all.iter().map(|episodes| Played::of(episodes, seeds.len())).collect())
    }

    /// A policy's own episodes, without noise.
    ///
    /// # Errors
    /// As [`Self::play`].
    pub fn play_policy(&self, policy: &dyn Policy, seeds: &[u64]) -> Result<Played, StageError> {
        let episodes = self.episodes(&[policy], seeds, &RolloutOptions::default())?.remove(0);
        Ok(Played::of(&episodes, seeds.len()))
    }

    /// The same for the formula as it is, with what happened in the episodes that could be played.
    ///
    /// # Errors
    /// As [`Self::play`].
    pub fn record(&self, draft: &Draft, seeds: &[u64]) -> Result<(Played, Vec<Episode>), StageError> {
        let options = RolloutOptions { record: true, ..RolloutOptions::default() };
        let policy = self.noisy(draft.policy(draft.constants()));
        let episodes = self.episodes(&[&policy], seeds, &options)?.remove(0);
        Ok((Played::of(&episodes, seeds.len()), episodes.into_iter().map(|(_, episode)| episode).collect()))
    }

    fn noisy<P: Policy>(&self, policy: P) -> Noisy<'_, P> {
        Noisy { policy, deviations: &self.noise }
    }

    /// Each policy's episodes with the places of their seeds.
    fn episodes(
        &self,
        policies: &[&dyn Policy],
        seeds: &[u64],
        options: &RolloutOptions,
    ) -> Result<Vec<Vec<(usize, Episode)>>, StageError> {
        let places = |variant: usize| (variant..seeds.len()).step_by(self.variants.len());
        let dealt: Vec<Vec<u64>> =
            (0..self.variants.len()).map(|variant| places(variant).map(|place| seeds[place]).collect()).collect();
        let mut games = Vec::with_capacity(policies.len() * self.variants.len());
        for policy in policies {
            games.extend(self.variants.iter().zip(&dealt).map(|(environment, seeds)| Game {
                environment,
                policy: *policy,
                seeds,
            }));
        }
        let mut results = play_observed(&games, options, self.reporter, &|_| ())?.into_iter();
        let mut all = Vec::with_capacity(policies.len());
        for _ in policies {
            let mut played = Vec::with_capacity(seeds.len());
            for variant in 0..self.variants.len() {
                match results.next().expect("a game for each policy and variant") {
                    Ok(episodes) => played.extend(places(variant).zip(episodes)),
                    Err(RolloutError::Policy { source: PolicyError::NotFinite { .. }, .. }) => {}
                    Err(error) => return Err(error.into()),
                }
            }
            all.push(played);
        }
        Ok(all)
    }

    /// How much less a formula gets than its expert: the mean over the seeds of what it misses, whatever it gains on others.
    /// So a rare failure is not made up for by many small gains.
    pub fn shortfall(returns: &[f64], expert: &[f64]) -> f64 {
        let missed: Vec<f64> = returns.iter().zip(expert).map(|(own, expert)| (expert - own).max(0.0)).collect();
        mean(&missed)
    }

    /// One number for some returns: their mean, plus the worst quarter's times its weight.
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
    use super::{Play, WORST, shown};

    #[test]
    fn what_is_gained_on_one_seed_does_not_make_up_for_what_is_missed_on_another() {
        assert_eq!(Play::shortfall(&[100.0, 40.0], &[80.0, 50.0]), 5.0);
        assert_eq!(Play::shortfall(&[-3.0, -2.0], &[-3.0, -4.0]), 0.0);
    }

    #[test]
    fn no_score_is_shown_of_what_leaves_its_domain() {
        assert_eq!(shown(-1431.994), "-1431.99");
        for score in [WORST, 1.25 * WORST, WORST / 200.0 + 500.0] {
            assert_eq!(shown(score), "none (it leaves its domain)");
        }
    }
}
