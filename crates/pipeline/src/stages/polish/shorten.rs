//! Formulas as short as what they are worth allows: terms left out, digits rounded off.

use super::objective::{Objective, Worth};
use super::states::States;
use crate::engine::StageError;
use crate::formulas::Draft;
use crate::formulas::rounding::rounded as rounded_by;
use crate::stages::context::failed;

/// Roundings that are tried, in standard deviations of the outputs, the coarsest first.
const ROUNDINGS: [f64; 6] = [0.05, 0.02, 0.01, 0.005, 0.002, 0.0005];

/// What a shorter formula has to be worth at least.
pub struct Judge<'a> {
    objective: &'a Objective<'a>,
    /// States of the formula; none where disagreement does not count.
    own_states: Option<&'a States>,
    seeds: Vec<u64>,
    counts_disagreement: bool,
    /// The expert's returns on the seeds; none where disagreement does not count, or there is no expert to play.
    of_expert: Option<Vec<f64>>,
    /// Most that may be missing in play: to the expert's return, or to 0 where return is all that counts.
    most_missing: f64,
    most_disagreement: f64,
    /// Environment steps that were taken so far.
    steps: u64,
}

impl<'a> Judge<'a> {
    /// A judge who lets what is missed on the seeds grow by a share `tolerance` of the score and the disagreement rise by
    /// `further`; `further` is none where disagreement does not count.
    ///
    /// # Errors
    /// [`StageError`] where the environment or the expert fails.
    pub fn new(
        objective: &'a Objective<'a>,
        own_states: Option<&'a States>,
        draft: &Draft,
        seeds: Vec<u64>,
        tolerance: f64,
        further: Option<f64>,
    ) -> Result<Self, StageError> {
        let counts_disagreement = further.is_some();
        let played = if counts_disagreement { objective.of_expert(&seeds)? } else { None };
        let steps = played.as_ref().map_or(0, |played| played.steps);
        let of_expert = played.map(|played| played.returns);
        let (most_missing, most_disagreement) = (f64::INFINITY, f64::INFINITY);
        let mut judge = Self {
            objective,
            own_states,
            seeds,
            counts_disagreement,
            of_expert,
            most_missing,
            most_disagreement,
            steps,
        };
        let worth = judge.worth(draft)?;
        judge.most_missing = worth.shortfall + tolerance * worth.score.abs();
        judge.most_disagreement = further.map_or(f64::INFINITY, |further| worth.disagreement + further);
        Ok(judge)
    }

    fn worth(&mut self, draft: &Draft) -> Result<Worth, StageError> {
        let constants = [draft.constants().to_vec()];
        let disagreement = if self.counts_disagreement {
            self.objective.disagreements(draft, &constants, self.own_states)?[0]
        } else {
            0.0
        };
        if disagreement > self.most_disagreement {
            // Nothing needs to be played.
            return Ok(Worth { score: f64::NEG_INFINITY, shortfall: f64::INFINITY, disagreement });
        }
        let played = &self.objective.play.play(draft, &constants, &self.seeds)?[0];
        self.steps += played.steps;
        Ok(self.objective.worth(&played.returns, self.of_expert.as_deref(), disagreement))
    }

    fn accepts(&mut self, draft: &Draft) -> Result<bool, StageError> {
        let worth = self.worth(draft)?;
        Ok(worth.shortfall <= self.most_missing && worth.disagreement <= self.most_disagreement)
    }
}

/// Leaves out terms as long as the judge accepts it: those that change the outputs least first. Spends about `steps`
/// environment steps.
///
/// # Errors
/// [`StageError`] where the environment or the expert fails.
pub fn shorten(mut draft: Draft, rows: &[f64], judge: &mut Judge<'_>, steps: u64) -> Result<Draft, StageError> {
    // What was missed once is not tried again.
    let mut missed = -1.0;
    loop {
        let mut found = None;
        for (effect, place) in draft.by_effect(rows, missed) {
            if judge.steps >= steps {
                break;
            }
            let Some(shorter) = draft.without_constants(&[place]) else { continue };
            if judge.accepts(&shorter)? {
                found = Some(shorter);
                break;
            }
            missed = effect;
        }
        match found {
            // Places have moved.
            Some(shorter) => draft = shorter,
            None => return Ok(draft),
        }
    }
}

/// Rounds the constants as coarsely as the judge accepts, or as finely as there is.
///
/// # Errors
/// [`StageError`] where the environment or the expert fails.
pub fn rounded(draft: &Draft, rows: &[f64], judge: &mut Judge<'_>) -> Result<Draft, StageError> {
    let mut best = draft.clone();
    for tolerance in ROUNDINGS {
        best = rounded_by(draft, rows, tolerance).map_err(failed)?.0;
        if judge.accepts(&best)? {
            break;
        }
    }
    Ok(best)
}
