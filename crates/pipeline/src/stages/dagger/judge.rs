//! How students are compared: by their returns beside the expert's, and by how far they do what it does.

use crate::engine::StageError;
use crate::rollouts::play;
use crate::run::seeds::{self, Purpose};
use crate::run::statistics::{mean, mean_interval};
use crate::stages::context::StageContext;
use crate::stages::polish::states::States;
use kanrl_core::policy::{ExpertPolicy, Policy};
use kanrl_core::rollout::{RolloutOptions, Rollouts};
use kanrl_core::space::ActionSpace;

/// States of the student's own that fidelity is measured in.
const STATES: usize = 5_000;
/// Fresh seeds for each one that rounds are compared by.
const FRESH: usize = 2;
/// A mean within this share of another one is close to it,
pub(super) const CLOSE: f64 = 0.01;
/// and within this one not far from it.
const NEAR: f64 = 0.03;
/// Share of equal actions, and coefficient of determination, from which on a student imitates well.
const SAME_ACTIONS: f64 = 0.97;
const R_SQUARED: f64 = 0.95;

/// What a student did.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Judged {
    /// One for each seed; −∞ for a student that gives no finite action somewhere.
    pub(super) returns: Vec<f64>,
    /// In the states that it visited; −∞ for the same.
    pub(super) fidelity: f64,
}

impl Judged {
    pub(super) fn mean(&self) -> f64 {
        mean(&self.returns)
    }

    /// Whether the paired difference to others cannot be told from 0 or is above it, and the mean is close.
    pub(super) fn is_as_good_as(&self, others: &[f64]) -> bool {
        let differences: Vec<f64> = self.returns.iter().zip(others).map(|(own, other)| own - other).collect();
        mean_interval(&differences).high >= 0.0 && mean(&differences) >= -CLOSE * mean(others).abs()
    }
}

/// Plays students on the same seeds.
pub(super) struct Judge<'a> {
    setting: &'a StageContext<'a>,
    expert: &'a dyn ExpertPolicy,
    rollouts: Rollouts,
    stage: &'static str,
    seeds: Vec<u64>,
    fresh: Vec<u64>,
    expert_returns: Vec<f64>,
}

impl<'a> Judge<'a> {
    /// Plays the expert.
    ///
    /// # Errors
    /// [`StageError`] where the environment or the expert fails.
    pub(super) fn new(
        setting: &'a StageContext<'a>,
        expert: &'a dyn ExpertPolicy,
        stage: &'static str,
    ) -> Result<Self, StageError> {
        let config = setting.config();
        let count = config.dagger.validation_episodes.max(1);
        let mut seeds = seeds::episodes(config.seed, Purpose::Validate, (1 + FRESH) * count);
        let fresh = seeds.split_off(count);
        let rollouts = setting.rollouts()?;
        let options = RolloutOptions::default();
        let what = "validation episodes of the expert";
        let episodes = play(&rollouts, expert, &seeds, &options, &setting.reporter, stage, what)?;
        let expert_returns = episodes.iter().map(|episode| episode.episode_return).collect();
        Ok(Self { setting, expert, rollouts, stage, seeds, fresh, expert_returns })
    }

    /// The expert's mean return on the seeds that rounds are compared by.
    pub(super) fn of_expert(&self) -> f64 {
        mean(&self.expert_returns)
    }

    /// On the seeds that rounds are compared by.
    ///
    /// # Errors
    /// [`StageError`] where the environment fails.
    pub(super) fn judge(&self, student: &dyn Policy) -> Result<Judged, StageError> {
        self.on(&self.seeds, student)
    }

    /// On seeds that no round was compared by.
    ///
    /// # Errors
    /// As [`Self::judge`].
    pub(super) fn judge_again(&self, student: &dyn Policy) -> Result<Judged, StageError> {
        self.on(&self.fresh, student)
    }

    /// Whether a student, [judged](Self::judge), plays as well as the expert and does nearly always what it does.
    pub(super) fn is_as_good_as_the_expert(&self, judged: &Judged) -> bool {
        self.imitates_well(judged) && judged.is_as_good_as(&self.expert_returns)
    }

    /// Whether a student, [judged](Self::judge), plays nearly as well as the expert and does nearly always what it does.
    pub(super) fn is_close_to_the_expert(&self, judged: &Judged) -> bool {
        let wanted = mean(&self.expert_returns);
        self.imitates_well(judged) && judged.mean() >= wanted - NEAR * wanted.abs()
    }

    fn imitates_well(&self, judged: &Judged) -> bool {
        let least = match self.setting.spec().action_space {
            ActionSpace::Discrete(_) => SAME_ACTIONS,
            ActionSpace::Box(_) => R_SQUARED,
        };
        judged.fidelity >= least
    }

    /// What fidelity is, in words.
    pub(super) fn measure(&self) -> &'static str {
        match self.setting.spec().action_space {
            ActionSpace::Discrete(_) => "share of equal actions",
            ActionSpace::Box(_) => "R²",
        }
    }

    fn on(&self, seeds: &[u64], student: &dyn Policy) -> Result<Judged, StageError> {
        let options = RolloutOptions { record: true, ..RolloutOptions::default() };
        let what = "validation episodes";
        match play(&self.rollouts, student, seeds, &options, &self.setting.reporter, self.stage, what) {
            Ok(episodes) => Ok(Judged {
                returns: episodes.iter().map(|episode| episode.episode_return).collect(),
                fidelity: States::visited(self.expert, &episodes, STATES)?.fidelity(student)?,
            }),
            Err(error) if error.leaves_domain() => {
                Ok(Judged { returns: vec![f64::NEG_INFINITY; seeds.len()], fidelity: f64::NEG_INFINITY })
            }
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Judged;

    #[test]
    fn what_is_close_and_may_be_luck_is_as_good() {
        let others: Vec<f64> = (0..30).map(|index| 500.0 + f64::from(index % 7)).collect();
        let judged = |by: f64| {
            let returns = others.iter().enumerate().map(|(index, own)| own + by + (index * 11 % 5) as f64 - 2.0);
            Judged { returns: returns.collect(), fidelity: 1.0 }
        };
        assert!(judged(0.0).is_as_good_as(&others));
        assert!(judged(30.0).is_as_good_as(&others));
        // Certain, but small; and large.
        assert!(!judged(-3.0).is_as_good_as(&others));
        assert!(!judged(-30.0).is_as_good_as(&others));
        let fallen = Judged { returns: vec![f64::NEG_INFINITY; 30], fidelity: f64::NEG_INFINITY };
        assert!(!fallen.is_as_good_as(&others));
    }
}
