//! Shorter formulas: what each point of fidelity buys in length.

use super::{Play, finished};
use crate::engine::StageError;
use crate::formulas::Draft;
use crate::formulas::fit::{Fitted, agreement};
use crate::formulas::shorten::shorten;
use crate::rows::Rows;
use crate::stages::collect::ExpertData;
use crate::stages::context::StageContext;
use crate::stages::dagger::rounds::Best;
use crate::stages::symbolify::judge::Judge;
use crate::students::SHORT;
use kanrl_core::approximator::{FitTask, Loss};
use kanrl_symbolic::Formula;

const STAGE: &str = "refine";
/// A formula is worth its place among the others where it has at most this share of the last one's operations.
const SHORTER: f64 = 0.9;
/// Rows that edits are judged by; the fit after all of them uses more.
const TRIAL_ROWS: usize = 3000;
/// Formulas on the way to the shortest that are asked to play, the shortest first.
const MOST_STEPS_BACK: usize = 40;
/// Steps of the fit after an edit.
const TRIAL_STEPS: usize = 4;

/// What a shorter formula is compared with.
pub(super) struct Shortening<'a> {
    setting: &'a StageContext<'a>,
    stage: &'static str,
    data: &'a ExpertData,
    loss: Loss,
    few: Rows,
    /// Of the formula that it is made from: the loss, the share of equal actions, and the returns.
    least: f64,
    agreed: f64,
    before: Vec<f64>,
    judge: Judge<'a>,
}

impl<'a> Shortening<'a> {
    /// Formulas will be compared with this one.
    ///
    /// # Errors
    /// [`StageError`] where the environment fails or the run was cancelled.
    pub(super) fn new(
        setting: &'a StageContext<'a>,
        stage: &'static str,
        whole: &Fitted,
        data: &'a ExpertData,
    ) -> Result<Self, StageError> {
        let (inputs, outputs) = (whole.draft.inputs().len(), whole.draft.expressions().len());
        let judge = Judge::new(setting, stage)?;
        Ok(Self {
            setting,
            stage,
            data,
            loss: setting.head().loss(&data.train),
            few: Rows::spread(data.train.samples(), TRIAL_ROWS, inputs, outputs),
            least: whole.loss,
            agreed: agreement(&whole.draft, data.validation.samples()),
            before: judge.returns(&whole.draft)?,
            judge,
        })
    }

    /// A formula as short as it gets while it plays no worse than the one that all are compared with, its loss is higher by
    /// less than `share` of the best constant's, and it acts otherwise on a share of the rows of at most `actions`.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub(super) fn shortened(
        &self,
        name: &str,
        formula: Fitted,
        share: f64,
        actions: f64,
    ) -> Result<Fitted, StageError> {
        let Self { setting, stage, data, loss, least, agreed, before, judge, .. } = self;
        let validation = data.validation.samples();
        let task = FitTask { train: self.few.samples(), validation: Some(validation), loss };
        let limit = least + share * loss.of_best_constant(validation);
        let explains = |trial: &Fitted| trial.loss <= limit && agreement(&trial.draft, validation) >= agreed - actions;
        let whole = formula.draft.operations();
        let mut more = |operations: usize| {
            let done = whole.saturating_sub(operations) as u64;
            setting.reporter.progress(stage, done, whole as u64, format!("operations of {name} less"));
            !setting.reporter.is_cancelled()
        };
        let library = setting.library();
        // Play is too fitful to be asked after every step: first as short as the rows allow, and from there back to what plays.
        let mut path = vec![formula.clone()];
        let mut is_as_good = |trial: &Fitted| {
            let is_good = explains(trial);
            if is_good {
                path.push(trial.clone());
            }
            is_good
        };
        shorten(formula.clone(), task, TRIAL_STEPS, library, &mut is_as_good, &mut more);
        let mut playing = formula;
        for trial in path.into_iter().skip(1).rev().take(MOST_STEPS_BACK) {
            if judge.accepts(&trial.draft, before)? {
                playing = trial;
                break;
            }
        }
        let mut failure = None;
        let mut is_as_good = |trial: &Fitted| {
            let plays = || judge.accepts(&trial.draft, before);
            explains(trial)
                && plays().unwrap_or_else(|error| {
                    failure.get_or_insert(error);
                    false
                })
        };
        let short = shorten(playing, task, TRIAL_STEPS, library, &mut is_as_good, &mut more);
        match failure {
            _ if setting.reporter.is_cancelled() => Err(StageError::Cancelled),
            Some(failure) => Err(failure),
            None => Ok(short),
        }
    }
}

/// A formula for each share that `refine.shorter` has, as far as it gets shorter; each is made from the one before. They have no
/// rounds of their own: the rows are those of the best one's rounds, or `before` where those made nothing better.
pub(super) fn shorter(
    setting: &StageContext<'_>,
    name: &str,
    best: Best<Draft>,
    before: &ExpertData,
) -> Result<Vec<(String, Formula)>, StageError> {
    let Best { student, data, round, .. } = best;
    let data = if round == 0 { before } else { &data };
    let mut last = student.operations();
    let mut current = Play::new(setting, STAGE, &student)?.fitted(name, &student, data)?;
    let shortening = Shortening::new(setting, STAGE, &current, data)?;
    let mut formulas = Vec::new();
    for share in &setting.config().refine.shorter {
        current = shortening.shortened(name, current, *share, *share)?;
        let operations = current.draft.operations();
        if operations as f64 > SHORTER * last as f64 {
            continue;
        }
        let own = format!("{name}{SHORT}{}", formulas.len() + 1);
        let (loss, least) = (current.loss, shortening.least);
        let line = format!("{own}: {last} operations, {operations} at a loss of {loss:.3e}, {least:.3e} before");
        setting.reporter.message(STAGE, line);
        last = operations;
        let mut play = Play::new(setting, STAGE, &current.draft)?;
        let (formula, _) = finished(setting, None, STAGE, &own, current.draft.clone(), data.clone(), &mut play)?;
        formulas.push((own, formula));
    }
    Ok(formulas)
}
