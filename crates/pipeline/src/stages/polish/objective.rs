//! What tuning looks for: return − λ · disagreement with the expert.

use super::returns::{Play, WORST};
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
    /// 0 for the expert's actions: the mean of 1 − fidelity over the expert's states and the formula's own. 0 too where it
    /// is not looked at.
    pub disagreement: f64,
}

impl Worth {
    /// One number, the more the better: the return in `unit`s less λ times the disagreement. Of a return and a disagreement
    /// of one percent each, the disagreement is worth λ times as much.
    pub fn value(self, unit: f64, lambda: f64) -> f64 {
        (self.score / unit - lambda * self.disagreement).max(WORST)
    }
}

impl Objective<'_> {
    /// States that the formula visits on these seeds, none where nobody can be asked about them; with its return there and the
    /// environment steps that it took.
    ///
    /// # Errors
    /// [`StageError`] where the environment or the expert fails.
    pub fn visit(&self, draft: &Draft, seeds: &[u64]) -> Result<(Option<States>, f64, u64), StageError> {
        let (played, episodes) = self.play.record(draft, seeds)?;
        let visited = |expert: &dyn ExpertPolicy| States::visited(expert, &episodes, STATES);
        let states = self.expert.filter(|_| !episodes.is_empty()).map(visited).transpose()?;
        Ok((states, self.play.score(&played.returns), played.steps))
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
