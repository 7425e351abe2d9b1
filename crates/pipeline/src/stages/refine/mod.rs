//! From a named network to a formula: all constants fitted together, terms dropped, constants rounded.

mod formulas;

use crate::engine::{Input, Output, StageError};
use crate::formulas::Draft;
use crate::formulas::fit::{Fitted, agreement, refit, shorten};
use crate::formulas::rounding::rounded;
use crate::rows::Rows;
use crate::stages::artifacts::{FaithfulFormulas, LatestData, NamedNetworks};
use crate::stages::baselines::sparse;
use crate::stages::collect::ExpertData;
use crate::stages::context::StageContext;
use crate::stages::context::failed;
use crate::stages::dagger::rounds::{Best, Dagger};
use crate::stages::per_student::PerStudent;
use kanrl_core::approximator::FitTask;
use kanrl_symbolic::Formula;

/// Rows that terms are left out by; the fit after it uses all.
const TRIAL_ROWS: usize = 3000;
/// L-BFGS steps after a term is left out.
const TRIAL_STEPS: usize = 15;

/// Products stay where the loss falls to this share of what it was.
const PRODUCTS_GAIN: f64 = 0.8;
/// Share of the actions that may become others where a term is left out: a small term can decide near a switching line.
const ACTIONS_LOST: f64 = 0.05;
/// The same where only what does not decide is left out.
const CHOICES_LOST: f64 = 0.002;

/// Turns every named network into expressions and fits their constants to the expert, in the states of the formula too.
pub fn refine(
    mut made: Output<FaithfulFormulas>,
    setting: StageContext<'_>,
    data: LatestData,
    networks: Input<NamedNetworks>,
) -> Result<(), StageError> {
    let dagger = Dagger::new(&setting, "refine")?;
    let mut formulas = Vec::new();
    for (name, network) in networks.iter() {
        let draft = Draft::from_graph(setting.head(), &network.0).map_err(failed)?.simplified();
        let faithful = faithful(&setting, dagger.as_ref(), "refine", name, draft, data.of(name).clone())?;
        formulas.push((name.to_owned(), faithful));
    }
    made.set(PerStudent::new(formulas));
    Ok(())
}

/// From a draft to the formula that explains the expert: needless terms left out, constants fitted in the states of the
/// expert and then of the formula, rounded.
pub(crate) fn faithful(
    setting: &StageContext<'_>,
    dagger: Option<&Dagger<'_>>,
    stage: &'static str,
    name: &str,
    draft: Draft,
    data: ExpertData,
) -> Result<Formula, StageError> {
    let section = &setting.config().refine;
    let reporter = &setting.reporter;
    let loss = setting.head().loss(&data.train);
    let mut first = fitted(setting, stage, name, &draft, &data)?;
    if section.products > 0 {
        let grown =
            sparse::with_products(&first.draft, data.train.samples(), &loss, section.products).map_err(failed)?;
        if grown.operations() > first.draft.operations() {
            let grown = fitted(setting, stage, name, &grown, &data)?;
            if grown.loss < PRODUCTS_GAIN * first.loss {
                let line = format!("{name}: loss {:.4e}, {:.4e} with products of observations", first.loss, grown.loss);
                reporter.message(stage, line);
                first = grown;
            }
        }
    }
    let few = Rows::spread(data.train.samples(), TRIAL_ROWS, draft.inputs().len(), draft.expressions().len());
    let task = FitTask { train: few.samples(), validation: Some(data.validation.samples()), loss: &loss };
    let limit = first.loss + section.tolerance * loss.of_best_constant(data.validation.samples());
    let before = first.draft.operations();
    let agreed = agreement(&first.draft, data.validation.samples());
    let is_as_good = |trial: &Fitted| {
        trial.loss <= limit && agreement(&trial.draft, data.validation.samples()) >= agreed - ACTIONS_LOST
    };
    let short = shorten(first, task, TRIAL_STEPS, &is_as_good, &mut || !reporter.is_cancelled());
    let operations = short.draft.operations();
    reporter.message(stage, format!("{name}: {before} operations, {operations} without needless terms"));
    let draft = decided(setting, stage, name, short.draft.simplified(), &data)?;
    let best = learnt(setting, dagger, stage, name, draft, data)?;
    let rows = &best.data.train.observations;
    let (draft, digits) = rounded(&best.student, rows, section.rounding_tolerance).map_err(failed)?;
    let played = dagger.map_or_else(String::new, |_| format!(", mean return {:.2} (round {})", best.mean, best.round));
    let line = format!("{name}: {} operations, constants of at most {digits} digits{played}", draft.operations());
    reporter.message(stage, line);
    draft.formula().map_err(failed)
}

/// A draft without what its choice does not need, where the choice stays as good.
fn decided(
    setting: &StageContext<'_>,
    stage: &str,
    name: &str,
    draft: Draft,
    data: &ExpertData,
) -> Result<Draft, StageError> {
    let part = draft.deciding_part();
    if part == draft {
        return Ok(draft);
    }
    let part = fitted(setting, stage, name, &part, data)?.draft;
    let rows = data.validation.samples();
    Ok(if agreement(&part, rows) >= agreement(&draft, rows) - CHOICES_LOST { part } else { draft })
}

/// A draft after its own rounds, where there is an expert for them.
pub(crate) fn learnt(
    setting: &StageContext<'_>,
    dagger: Option<&Dagger<'_>>,
    stage: &'static str,
    name: &str,
    draft: Draft,
    data: ExpertData,
) -> Result<Best<Draft>, StageError> {
    let first = fitted(setting, stage, name, &draft, &data)?.draft;
    let Some(dagger) = dagger else {
        return Ok(Best { student: first, data, mean: f64::NAN, fidelity: f64::NAN, round: 0 });
    };
    dagger.rounds(name, first, data, &|draft: &Draft| Box::new(draft.policy(draft.constants())), &mut |draft, data| {
        Ok(fitted(setting, stage, name, draft, data)?.draft)
    })
}

/// A draft's constants fitted to all rows.
fn fitted(
    setting: &StageContext<'_>,
    stage: &str,
    name: &str,
    draft: &Draft,
    data: &ExpertData,
) -> Result<Fitted, StageError> {
    let (steps, reporter) = (setting.config().refine.steps, &setting.reporter);
    let loss = setting.head().loss(&data.train);
    let task = FitTask { train: data.train.samples(), validation: Some(data.validation.samples()), loss: &loss };
    let fitted = refit(draft, task, steps, &mut |step, value| {
        reporter.progress(stage, step as u64, steps as u64, format!("steps of {name}, loss {value:.3e}"));
        !reporter.is_cancelled()
    });
    if reporter.is_cancelled() { Err(StageError::Cancelled) } else { Ok(fitted) }
}
