//! Whether a change of a formula is accepted: by what it does in play, on the same episodes before and after.

use crate::engine::StageError;
use crate::formulas::Draft;
use crate::rollouts::play;
use crate::run::seeds::{self, Purpose};
use crate::run::statistics::{lowest_part_mean, mean, mean_interval};
use crate::stages::context::StageContext;
use kanrl_core::rollout::{RolloutOptions, Rollouts};

/// Share of the best network's mean return by which another one is far below.
const FAR: f64 = 0.2;
/// A formula may lose this share of the return in any case,
const LOST: f64 = 0.02;
/// and this much where the difference cannot be told from 0.
const LOST_BY_CHANCE: f64 = 0.05;

/// The lower tail is the lowest tenth, of which it may lose this share.
const TAIL: usize = 10;
const LOST_IN_THE_TAIL: f64 = 0.1;
/// Environment steps that a formula is judged by, as far as they are as many episodes.
const STEPS: usize = 32_000;
const FEWEST_EPISODES: usize = 24;
const MOST_EPISODES: usize = 200;
/// The part of the episodes that is played first.
const FIRST: usize = 4;

/// Plays formulas on episodes that nothing else is chosen by.
pub(crate) struct Judge<'a> {
    setting: &'a StageContext<'a>,
    stage: &'static str,
    rollouts: Option<Rollouts>,
    seeds: Vec<u64>,
}

impl<'a> Judge<'a> {
    /// A judge that plays as many episodes for each formula as `symbolify.episodes` says; none without an environment.
    ///
    /// # Errors
    /// [`StageError`] where the environment cannot be made.
    pub(crate) fn new(setting: &'a StageContext<'a>, stage: &'static str) -> Result<Self, StageError> {
        let config = setting.config();
        let episodes = episodes(config.symbolify.episodes, setting.spec().max_episode_steps);
        let rollouts = (setting.is_played() && episodes > 0).then(|| setting.rollouts()).transpose()?;
        // Behind those that chose the round, and judged it once more.
        let before = 3 * config.dagger.validation_episodes;
        let seeds = seeds::episodes(config.seed, Purpose::Validate, before + episodes).split_off(before);
        Ok(Self { setting, stage, rollouts, seeds })
    }

    /// The draft's returns, −∞ for a draft that gives no finite action; empty where nothing is played.
    ///
    /// # Errors
    /// [`StageError`] where the environment fails or the run was cancelled.
    pub(crate) fn returns(&self, draft: &Draft) -> Result<Vec<f64>, StageError> {
        self.returns_on(draft, &self.seeds)
    }

    /// Whether the draft plays no worse than something that had these returns. Few episodes settle it where it plays far
    /// worse.
    ///
    /// # Errors
    /// As [`Self::returns`].
    pub(crate) fn accepts(&self, draft: &Draft, before: &[f64]) -> Result<bool, StageError> {
        let few = self.seeds.len().min(before.len()).div_ceil(FIRST);
        let (first, rest) = self.seeds.split_at(few);
        let mut returns = self.returns_on(draft, first)?;
        if trails(&returns, &before[..returns.len()]) {
            return Ok(false);
        }
        returns.extend(self.returns_on(draft, rest)?);
        Ok(plays_no_worse(&returns, before))
    }

    fn returns_on(&self, draft: &Draft, seeds: &[u64]) -> Result<Vec<f64>, StageError> {
        let Some(rollouts) = &self.rollouts else { return Ok(Vec::new()) };
        let policy = draft.policy(draft.constants());
        let options = RolloutOptions::default();
        match play(rollouts, &policy, seeds, &options, &self.setting.reporter, self.stage, "episodes to judge by") {
            Ok(episodes) => Ok(episodes.iter().map(|episode| episode.episode_return).collect()),
            Err(error) if error.leaves_domain() => Ok(vec![f64::NEG_INFINITY; seeds.len()]),
            Err(error) => Err(error),
        }
    }
}

/// How many episodes a formula is judged by: the more, the shorter they are.
fn episodes(configured: Option<usize>, longest: Option<u32>) -> usize {
    let longest = longest.map_or(FEWEST_EPISODES, |steps| STEPS / (steps as usize).max(1));
    configured.unwrap_or(longest.clamp(FEWEST_EPISODES, MOST_EPISODES))
}

/// Whether returns are no worse than those before on the same episodes, as far as can be told, in the mean and in the lower
/// tail; so they are where nothing was played.
pub(crate) fn plays_no_worse(returns: &[f64], before: &[f64]) -> bool {
    if returns.is_empty() || before.is_empty() {
        return true;
    }
    let differences: Vec<f64> = returns.iter().zip(before).map(|(new, old)| new - old).collect();
    let (lost, scale) = (-mean(&differences), mean(before).abs());
    let tail = lowest_part_mean(before, TAIL);
    let keeps_tail =
        returns.len() < FEWEST_EPISODES || lowest_part_mean(returns, TAIL) >= tail - LOST_IN_THE_TAIL * tail.abs();
    keeps_tail && (lost <= LOST * scale || lost <= LOST_BY_CHANCE * scale && mean_interval(&differences).high >= 0.0)
}

/// Whether returns are far below the best ones on the same episodes, and certainly: naming, the longest part of a run, is
/// for networks that play.
pub(crate) fn trails(returns: &[f64], best: &[f64]) -> bool {
    if returns.is_empty() || best.is_empty() {
        return false;
    }
    let missing: Vec<f64> = best.iter().zip(returns).map(|(best, own)| best - own).collect();
    let low = mean_interval(&missing).low;
    // NaN where actions that are not finite made returns −∞.
    mean(returns) < mean(best) - FAR * mean(best).abs() && (low > 0.0 || low.is_nan())
}

#[cfg(test)]
mod tests {
    use super::{episodes, plays_no_worse, trails};

    #[test]
    fn a_network_trails_where_much_is_missing_for_certain() {
        let best: Vec<f64> = (0..24).map(|index| 250.0 + f64::from(index * 7 % 24)).collect();
        let below = |by: f64| best.iter().map(|value| value - by).collect::<Vec<_>>();
        assert!(!trails(&best, &best) && !trails(&below(20.0), &best) && trails(&below(90.0), &best));
        // One failure in 24 may be chance.
        let mut once = best.clone();
        once[3] = -2000.0;
        assert!(!trails(&once, &best));
        assert!(trails(&[f64::NEG_INFINITY; 24], &best));
        assert!(!trails(&[], &best) && !trails(&best, &[]));
    }

    #[test]
    fn a_loss_counts_where_it_is_large_or_certain() {
        let before = [100.0, 90.0, 110.0, 100.0];
        let less = |lost: [f64; 4]| [0, 1, 2, 3].map(|index: usize| before[index] - lost[index]);
        assert!(plays_no_worse(&less([1.0; 4]), &before));
        assert!(!plays_no_worse(&less([4.0; 4]), &before), "certain");
        assert!(plays_no_worse(&less([14.0, -6.0, 11.0, -3.0]), &before), "by chance");
        assert!(!plays_no_worse(&less([40.0, -10.0, 20.0, -10.0]), &before), "too large");
        assert!(!plays_no_worse(&[f64::NEG_INFINITY; 4], &before));
        assert!(plays_no_worse(&[], &[]));
    }

    #[test]
    fn a_few_episodes_that_are_lost_count_though_the_mean_hides_them() {
        let before = [100.0; 40];
        let mut after = [101.0; 40];
        after[..2].fill(40.0);
        assert!(!plays_no_worse(&after, &before));
        after[..2].fill(90.0);
        assert!(plays_no_worse(&after, &before));
    }

    #[test]
    fn short_episodes_are_played_more_often() {
        let of = |configured, longest| episodes(configured, longest);
        assert_eq!([of(None, Some(1000)), of(None, Some(500)), of(None, Some(100)), of(None, None)], [32, 64, 200, 24]);
        assert_eq!((of(Some(5), Some(500)), of(Some(0), None), of(None, Some(50_000))), (5, 0, 24));
    }
}
