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
    least_score: f64,
    most_disagreement: f64,
    /// Environment steps that were taken so far.
    steps: u64,
}

impl<'a> Judge<'a> {
    /// A judge who lets the score on the seeds fall by a share `tolerance` of it and the disagreement rise by
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
        let (least_score, most_disagreement, steps) = (f64::NEG_INFINITY, f64::INFINITY, 0);
        let mut judge = Self { objective, own_states, seeds, least_score, most_disagreement, steps };
        let Worth { score, disagreement } = judge.worth(draft, further.is_some())?;
        judge.least_score = score - tolerance * score.abs();
        judge.most_disagreement = further.map_or(f64::INFINITY, |further| disagreement + further);
        Ok(judge)
    }

    fn worth(&mut self, draft: &Draft, counts_disagreement: bool) -> Result<Worth, StageError> {
        let constants = [draft.constants().to_vec()];
        let disagreement = if counts_disagreement {
            self.objective.disagreements(draft, &constants, self.own_states)?[0]
        } else {
            0.0
        };
        if disagreement > self.most_disagreement {
            // Nothing needs to be played.
            return Ok(Worth { score: f64::NEG_INFINITY, disagreement });
        }
        let played = &self.objective.play.play(draft, &constants, &self.seeds)?[0];
        self.steps += played.steps;
        Ok(Worth { score: self.objective.play.score(&played.returns), disagreement })
    }

    fn accepts(&mut self, draft: &Draft) -> Result<bool, StageError> {
        let worth = self.worth(draft, self.most_disagreement.is_finite())?;
        Ok(worth.score >= self.least_score && worth.disagreement <= self.most_disagreement)
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
