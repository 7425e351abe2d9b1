//! Shorter formulas of the best one: what each point of fidelity buys in length.

use super::{Play, TRIAL_ROWS, TRIAL_STEPS, finished, fitted};
use crate::engine::StageError;
use crate::formulas::Draft;
use crate::formulas::fit::{Fitted, agreement};
use crate::formulas::shorten::shorten;
use crate::rows::Rows;
use crate::stages::context::StageContext;
use crate::stages::dagger::rounds::Best;
use crate::stages::symbolify::judge::Judge;
use crate::students::SHORT;
use kanrl_core::approximator::FitTask;
use kanrl_symbolic::Formula;

const STAGE: &str = "refine";
/// A formula is worth its place among the others where it has at most this share of the last one's operations.
const SHORTER: f64 = 0.9;

/// A formula for each share that `refine.shorter` has, as far as it gets shorter; each is made from the one before,
/// and plays no worse than the best one did. They have no rounds of their own: the rows are those of the best one's rounds.
pub(super) fn shorter(
    setting: &StageContext<'_>,
    name: &str,
    best: Best<Draft>,
) -> Result<Vec<(String, Formula)>, StageError> {
    let Best { student, data, .. } = best;
    let reporter = &setting.reporter;
    let loss = setting.head().loss(&data.train);
    let (inputs, outputs) = (student.inputs().len(), student.expressions().len());
    let few = Rows::spread(data.train.samples(), TRIAL_ROWS, inputs, outputs);
    let validation = data.validation.samples();
    let task = FitTask { train: few.samples(), validation: Some(validation), loss: &loss };
    let mut last = student.operations();
    let mut current = fitted(setting, STAGE, name, &student, &data)?;
    let (least, agreed) = (current.loss, agreement(&current.draft, validation));
    let constant = loss.of_best_constant(validation);
    let judge = Judge::new(setting, STAGE)?;
    let before = judge.returns(&current.draft)?;
    let mut formulas = Vec::new();
    let shares = &setting.config().refine.shorter;
    for (index, share) in shares.iter().enumerate() {
        let mut failure = None;
        let mut is_as_good = |trial: &Fitted| {
            let explains =
                trial.loss <= least + share * constant && agreement(&trial.draft, validation) >= agreed - share;
            explains
                && judge.accepts(&trial.draft, &before).unwrap_or_else(|error| {
                    failure.get_or_insert(error);
                    false
                })
        };
        current = shorten(current, task, TRIAL_STEPS, Some(setting.library()), &mut is_as_good, &mut |operations| {
            let message = format!("shorter formulas of {name}, {operations} operations");
            reporter.progress(STAGE, index as u64, shares.len() as u64, message);
            !reporter.is_cancelled()
        });
        if let Some(failure) = failure {
            return Err(failure);
        }
        if reporter.is_cancelled() {
            return Err(StageError::Cancelled);
        }
        let operations = current.draft.operations();
        if operations as f64 > SHORTER * last as f64 {
            continue;
        }
        let own = format!("{name}{SHORT}{}", formulas.len() + 1);
        reporter.message(
            STAGE,
            format!("{own}: {last} operations, {operations} at a loss of {:.3e}, {least:.3e} before", current.loss),
        );
        last = operations;
        let mut play = Play::new(setting, STAGE, &current.draft)?;
        let (formula, _) = finished(setting, None, STAGE, &own, current.draft.clone(), data.clone(), &mut play)?;
        formulas.push((own, formula));
    }
    Ok(formulas)
}
