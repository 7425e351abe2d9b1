use crate::artifacts::{ExpertData, Formulas, Network, PerStudent};
use crate::dagger::{Best, Dagger};
use crate::engine::{Get, Make, StageError};
use crate::formulas::fit::{Fitted, agreement, refit, shorten};
use crate::formulas::rounding::rounded;
use crate::formulas::{Draft, sparse};
use crate::rows::{Rows, variance};
use crate::run::Setting;
use crate::students::{LINEAR, QUADRATIC};
use kanrl_core::approximator::FitTask;
use kanrl_symbolic::{Formula, SymbolicError};

/// Rows that terms are left out by; the fit after it uses all.
const TRIAL_ROWS: usize = 3000;
/// L-BFGS steps after a term is left out.
const TRIAL_STEPS: usize = 15;

/// Products stay where the loss falls to this share of what it was.
const PRODUCTS_GAIN: f64 = 0.8;
/// Share of the actions that may become others where a term is left out: a small term can decide near a switching line.
const ACTIONS_LOST: f64 = 0.05;

/// Turns every named network into expressions and fits their constants to the expert, in the states of the formula too.
pub fn refine(
    mut made: Make<'_, PerStudent<Formulas>>,
    setting: Setting<'_>,
    data: Get<'_, PerStudent<ExpertData>>,
    networks: Get<'_, PerStudent<Network>>,
) -> Result<(), StageError> {
    let dagger = Dagger::new(&setting, "refine")?;
    let mut formulas = Vec::new();
    for ((name, network), (_, data)) in networks.0.iter().zip(&data.0) {
        let draft = Draft::from_graph(setting.head(), &network.0).map_err(failed)?.simplified();
        let faithful = faithful(&setting, dagger.as_ref(), "refine", name, draft, data.clone())?;
        formulas.push((name.clone(), Formulas { faithful, polished: None }));
    }
    made.set(PerStudent(formulas));
    Ok(())
}

/// Adds the formulas that need no network: a linear and a sparse quadratic one.
pub fn rivals(
    setting: Setting<'_>,
    data: Get<'_, ExpertData>,
    mut formulas: Make<'_, PerStudent<Formulas>>,
) -> Result<(), StageError> {
    let config = setting.config();
    if !config.students.rivals {
        return Ok(());
    }
    let dagger = Dagger::new(&setting, "rivals")?;
    let (head, loss) = (setting.head(), setting.head().loss());
    let names = setting.spec().observation_space.names();
    let line = sparse::linear(&head, &names, data.train.samples(), &loss).map_err(failed)?;
    let line = learnt(&setting, dagger.as_ref(), "rivals", LINEAR, line, data.clone())?;
    // Products are chosen among what the linear one saw: more than the expert's own states.
    let samples = line.data.train.samples();
    let terms = config.students.quadratic_terms;
    let square = sparse::quadratic(&head, &names, samples, &loss, terms).map_err(failed)?;
    for (name, draft) in [(LINEAR, line.student.clone()), (QUADRATIC, square)] {
        if formulas.get_mut().get(name).is_none() {
            let faithful = faithful(&setting, dagger.as_ref(), "rivals", name, draft, line.data.clone())?;
            formulas.get_mut().0.push((name.to_owned(), Formulas { faithful, polished: None }));
        }
    }
    Ok(())
}

/// From a draft to the formula that explains the expert: needless terms left out, constants fitted in the states of the
/// expert and then of the formula, rounded.
fn faithful(
    setting: &Setting<'_>,
    dagger: Option<&Dagger<'_>>,
    stage: &'static str,
    name: &str,
    draft: Draft,
    data: ExpertData,
) -> Result<Formula, StageError> {
    let section = &setting.config().refine;
    let reporter = &setting.reporter;
    let loss = setting.head().loss();
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
    let limit = first.loss + section.tolerance * variance(data.validation.samples(), draft.expressions().len());
    let before = first.draft.operations();
    let agreed = agreement(&first.draft, data.validation.samples());
    let is_as_good = |trial: &Fitted| {
        trial.loss <= limit && agreement(&trial.draft, data.validation.samples()) >= agreed - ACTIONS_LOST
    };
    let short = shorten(first, task, TRIAL_STEPS, &is_as_good, &mut || !reporter.is_cancelled());
    let operations = short.draft.operations();
    reporter.message(stage, format!("{name}: {before} operations, {operations} without needless terms"));
    let best = learnt(setting, dagger, stage, name, short.draft.simplified(), data)?;
    let rows = &best.data.train.observations;
    let (draft, digits) = rounded(&best.student, rows, section.rounding_tolerance).map_err(failed)?;
    let played = dagger.map_or_else(String::new, |_| format!(", mean return {:.2} (round {})", best.mean, best.round));
    let line = format!("{name}: {} operations, constants of at most {digits} digits{played}", draft.operations());
    reporter.message(stage, line);
    draft.formula().map_err(failed)
}

/// A draft after its own rounds, where there is an expert for them.
fn learnt(
    setting: &Setting<'_>,
    dagger: Option<&Dagger<'_>>,
    stage: &'static str,
    name: &str,
    draft: Draft,
    data: ExpertData,
) -> Result<Best<Draft>, StageError> {
    let first = fitted(setting, stage, name, &draft, &data)?.draft;
    let Some(dagger) = dagger else { return Ok(Best { student: first, data, mean: f64::NAN, round: 0 }) };
    dagger.rounds(name, first, data, &|draft: &Draft| Box::new(draft.policy(draft.constants())), &mut |draft, data| {
        Ok(fitted(setting, stage, name, draft, data)?.draft)
    })
}

/// A draft's constants fitted to all rows.
fn fitted(
    setting: &Setting<'_>,
    stage: &str,
    name: &str,
    draft: &Draft,
    data: &ExpertData,
) -> Result<Fitted, StageError> {
    let (steps, reporter) = (setting.config().refine.steps, &setting.reporter);
    let loss = setting.head().loss();
    let task = FitTask { train: data.train.samples(), validation: Some(data.validation.samples()), loss: &loss };
    let fitted = refit(draft, task, steps, &mut |step, value| {
        reporter.progress(stage, step as u64, steps as u64, format!("steps of {name}, loss {value:.3e}"));
        !reporter.is_cancelled()
    });
    if reporter.is_cancelled() { Err(StageError::Cancelled) } else { Ok(fitted) }
}

pub(super) fn failed(error: SymbolicError) -> StageError {
    StageError::Other(Box::new(error))
}
