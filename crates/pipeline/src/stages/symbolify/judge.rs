//! Whether a change of a formula is accepted: by what it does in play, on the same episodes before and after.

use crate::engine::StageError;
use crate::formulas::Draft;
use crate::rollouts::play;
use crate::run::seeds::{self, Purpose};
use crate::run::statistics::{mean, mean_interval};
use crate::stages::context::StageContext;
use kanrl_core::rollout::{RolloutOptions, Rollouts};

/// Share of the best network's mean return by which another one is far below.
const FAR: f64 = 0.2;
/// A formula may lose this share of the return in any case,
const LOST: f64 = 0.02;
/// and this much where the difference cannot be told from 0.
const LOST_BY_CHANCE: f64 = 0.05;

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
    /// A judge that plays this many episodes for each formula, or none without an environment.
    ///
    /// # Errors
    /// [`StageError`] where the environment cannot be made.
    pub(crate) fn new(setting: &'a StageContext<'a>, stage: &'static str, episodes: usize) -> Result<Self, StageError> {
        let config = setting.config();
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

/// Whether returns are no worse than those before on the same episodes, as far as can be told; so they are where nothing
/// was played.
pub(crate) fn plays_no_worse(returns: &[f64], before: &[f64]) -> bool {
    if returns.is_empty() || before.is_empty() {
        return true;
    }
    let differences: Vec<f64> = returns.iter().zip(before).map(|(new, old)| new - old).collect();
    let (lost, scale) = (-mean(&differences), mean(before).abs());
    lost <= LOST * scale || lost <= LOST_BY_CHANCE * scale && mean_interval(&differences).high >= 0.0
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
    use super::{plays_no_worse, trails};

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
}
