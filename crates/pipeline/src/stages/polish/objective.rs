//! What tuning looks for: to play as well as the expert and do as the expert does, or return alone.

use super::returns::{Play, Played, WORST};
use super::states::States;
use crate::engine::StageError;
use crate::formulas::Draft;
use kanrl_core::policy::{ExpertPolicy, PolicyError};
use rayon::prelude::*;

/// States of each kind that a formula is compared with its expert in.
pub const STATES: usize = 1000;

/// The return of one formula with different constants, and how far it is from the expert.
pub struct Objective<'a> {
    /// Where it plays.
    pub play: Play<'a>,
    /// What a return is measured in, above 0: about as much as the expert's return.
    pub unit: f64,
    /// Who can be asked what it would do; none with a log.
    pub expert: Option<&'a dyn ExpertPolicy>,
    /// States that the expert visits.
    pub expert_states: &'a States,
}

/// What constants are worth.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Worth {
    /// Return, as [`Play::score`] counts it.
    pub score: f64,
    /// How much less than the expert it gets, as [`Play::shortfall`] counts it: to play better than the expert is worth
    /// nothing. The score with the other sign where return is all that counts, or there is no expert to play.
    pub shortfall: f64,
    /// 0 for the expert's actions: the mean of 1 − fidelity over the expert's states and the formula's own. 0 too where it
    /// is not looked at.
    pub disagreement: f64,
}

impl Worth {
    /// One number, the more the better: what is missed in play, in `unit`s, and λ times the disagreement count against it. Of
    /// one percent missed and one percent of disagreement, the disagreement counts λ times as much.
    pub fn value(self, unit: f64, lambda: f64) -> f64 {
        (-self.shortfall / unit - lambda * self.disagreement).max(WORST)
    }
}

impl Objective<'_> {
    /// What the expert gets on these seeds, where it can be played; the environment's perturbed variants are dealt out as for
    /// formulas.
    ///
    /// # Errors
    /// [`StageError`] where the environment or the expert fails.
    pub fn of_expert(&self, seeds: &[u64]) -> Result<Option<Played>, StageError> {
        self.expert.map(|expert| self.play.play_policy(expert, seeds)).transpose()
    }

    /// What some returns and a disagreement are worth beside the expert's returns on the same seeds.
    pub fn worth(&self, returns: &[f64], expert: Option<&[f64]>, disagreement: f64) -> Worth {
        let score = self.play.score(returns);
        let shortfall = expert.map_or(-score, |expert| Play::shortfall(returns, expert));
        Worth { score, shortfall, disagreement }
    }

    /// States that the formula visits on these seeds, none where nobody can be asked about them; with what it got there.
    ///
    /// # Errors
    /// [`StageError`] where the environment or the expert fails.
    pub fn visit(&self, draft: &Draft, seeds: &[u64]) -> Result<(Option<States>, Played), StageError> {
        let (played, episodes) = self.play.record(draft, seeds)?;
        let visited = |expert: &dyn ExpertPolicy| States::visited(expert, &episodes, STATES);
        let states = self.expert.filter(|_| !episodes.is_empty()).map(visited).transpose()?;
        Ok((states, played))
    }

    /// Each candidate's disagreement with the expert: the formula's with the candidate's constants.
    ///
    /// # Errors
    /// [`StageError`] where a policy fails otherwise than by giving no finite action, which is infinite disagreement.
    pub fn disagreements(
        &self,
        draft: &Draft,
        candidates: &[Vec<f64>],
        own: Option<&States>,
    ) -> Result<Vec<f64>, StageError> {
        let of_all = |constants: &Vec<f64>| {
            let policy = draft.policy(constants);
            let fidelity = |states: &States| match states.fidelity(&policy) {
                Err(PolicyError::NotFinite { .. }) => Ok(f64::NEG_INFINITY),
                fidelity => fidelity,
            };
            let expert = fidelity(self.expert_states)?;
            Ok(1.0 - own.map(fidelity).transpose()?.map_or(expert, |own| (expert + own) / 2.0))
        };
        candidates.par_iter().map(of_all).collect::<Result<_, PolicyError>>().map_err(StageError::from)
    }
}
