//! Formulas as short as their score allows: terms left out, digits rounded off.

use super::returns::Play;
use crate::engine::StageError;
use crate::formulas::Draft;
use crate::formulas::rounding::rounded as rounded_by;
use crate::stages::context::failed;

/// Roundings that are tried, in standard deviations of the outputs, the coarsest first.
const ROUNDINGS: [f64; 6] = [0.05, 0.02, 0.01, 0.005, 0.002, 0.0005];

/// Leaves out terms as long as the score on the seeds stays at `limit` or above: those that change the outputs least
/// first. Spends about `steps` environment steps.
///
/// # Errors
/// [`StageError`] where the environment fails.
pub fn shorten(
    mut draft: Draft,
    rows: &[f64],
    play: &Play<'_>,
    seeds: &[u64],
    limit: f64,
    steps: u64,
) -> Result<Draft, StageError> {
    let mut spent = 0;
    // What was missed once is not tried again.
    let mut missed = -1.0;
    loop {
        let mut found = None;
        for (effect, place) in draft.by_effect(rows, missed) {
            if spent >= steps {
                break;
            }
            let Some(shorter) = draft.without_constant(place) else { continue };
            let (score, steps) = play.score_of(&shorter, seeds)?;
            spent += steps;
            if score >= limit {
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

/// Rounds the constants as coarsely as the score on the seeds stays within a share `tolerance` of itself, or as finely as
/// there is.
///
/// # Errors
/// [`StageError`] where the environment fails.
pub fn rounded(
    draft: &Draft,
    rows: &[f64],
    play: &Play<'_>,
    seeds: &[u64],
    tolerance: f64,
) -> Result<Draft, StageError> {
    let exact = play.score_of(draft, seeds)?.0;
    let limit = exact - tolerance * exact.abs();
    let mut best = draft.clone();
    for tolerance in ROUNDINGS {
        best = rounded_by(draft, rows, tolerance).map_err(failed)?.0;
        if play.score_of(&best, seeds)?.0 >= limit {
            break;
        }
    }
    Ok(best)
}
