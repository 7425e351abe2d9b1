//! From a named network to a formula: all constants fitted together, terms dropped, constants rounded.

mod formulas;
pub(crate) mod section;
mod shorter;

pub use section::RefineSection;

use crate::engine::{Input, Output, StageError};
use crate::formulas::Draft;
use crate::formulas::fit::{self, Fitted, agreement, refit};
use crate::formulas::rounding::rounded;
use crate::run::statistics::mean;
use crate::stages::artifacts::{FaithfulFormulas, LatestData, NamedNetworks};
use crate::stages::baselines::sparse;
use crate::stages::collect::ExpertData;
use crate::stages::context::StageContext;
use crate::stages::context::failed;
use crate::stages::dagger::rounds::{Best, Dagger};
use crate::stages::per_student::PerStudent;
use crate::stages::refine::shorter::Shortening;
use crate::stages::symbolify::judge::{Judge, plays_no_worse};
use kanrl_core::approximator::FitTask;
use kanrl_symbolic::Formula;

/// Products stay where the loss falls to this share of what it was.
const PRODUCTS_GAIN: f64 = 0.8;
/// Shares of the rounding tolerance, where a formula that makes use of all of it plays worse.
const STRICTER: [f64; 3] = [1.0, 0.25, 0.05];
/// Share of the actions that may become others where terms are left out: a small term can decide near a switching line.
const ACTIONS_LOST: f64 = 0.01;
/// The same where only what does not decide is left out.
const CHOICES_LOST: f64 = 0.002;

/// Turns every named network into expressions and fits their constants to the expert, in the states of the formula too; makes
/// shorter formulas from the best one.
pub fn refine(
    mut made: Output<FaithfulFormulas>,
    setting: StageContext<'_>,
    data: LatestData,
    networks: Input<NamedNetworks>,
) -> Result<(), StageError> {
    let dagger = Dagger::new(&setting, "refine")?;
    let mut formulas = Vec::new();
    let mut best: Option<(&str, Best<Draft>)> = None;
    for (name, network) in networks.iter() {
        let draft = Draft::from_graph(setting.head(), &network.0).map_err(failed)?.simplified();
        let (formula, learned) = faithful(&setting, dagger.as_ref(), "refine", name, draft, data.of(name).clone())?;
        formulas.push((name.to_owned(), formula));
        if best.as_ref().is_none_or(|(_, best)| learned.is_better_than(best)) {
            best = Some((name, learned));
        }
    }
    if let Some((name, best)) = best {
        formulas.extend(shorter::shorter(&setting, name, best, data.of(name))?);
    }
    made.set(PerStudent::new(formulas));
    Ok(())
}

/// From a draft to the formula that explains the expert: constants fitted in the states of the expert and then of the
/// formula, needless terms left out, rounded. Each of these is done as far as the formula plays no worse for it.
pub(crate) fn faithful(
    setting: &StageContext<'_>,
    dagger: Option<&Dagger<'_>>,
    stage: &'static str,
    name: &str,
    draft: Draft,
    data: ExpertData,
) -> Result<(Formula, Best<Draft>), StageError> {
    let section = &setting.config().refine;
    let reporter = &setting.reporter;
    let loss = setting.head().loss(&data.train);
    let mut play = Play::new(setting, stage, &draft)?;
    let mut first = play.fitted(name, &draft, &data)?;
    if section.products > 0 {
        let grown =
            sparse::with_products(&first.draft, data.train.samples(), &loss, section.products).map_err(failed)?;
        if grown.operations() > first.draft.operations() {
            let grown = fitted(setting, stage, name, &grown, &data)?;
            if grown.loss < PRODUCTS_GAIN * first.loss && play.accepts(&grown.draft)? {
                let line = format!("{name}: loss {:.4e}, {:.4e} with products of observations", first.loss, grown.loss);
                reporter.message(stage, line);
                first = grown;
            }
        }
    }
    let before = first.draft.operations();
    let tolerance = setting.config().refine.tolerance;
    let short = Shortening::new(setting, stage, &first, &data)?.shortened(name, first, tolerance, ACTIONS_LOST)?.draft;
    if short.operations() < before {
        let line = format!("{name}: {before} operations, {} without needless terms", short.operations());
        reporter.message(stage, line);
    }
    finished(setting, dagger, stage, name, short, data, &mut play)
}

/// From a draft that is as short as it will be to its formula: without what its choice does not need, fitted in its own states
/// too, rounded.
fn finished(
    setting: &StageContext<'_>,
    dagger: Option<&Dagger<'_>>,
    stage: &'static str,
    name: &str,
    short: Draft,
    data: ExpertData,
    play: &mut Play<'_>,
) -> Result<(Formula, Best<Draft>), StageError> {
    let rounding_tolerance = setting.config().refine.rounding_tolerance;
    let short = short.simplified();
    let decided = decided(setting, stage, name, short.clone(), &data)?;
    let short = if play.accepts(&decided)? { decided } else { short };
    let best = learned_in_play(setting, dagger, stage, name, short, data, play)?;
    let rows = &best.data.train.observations;
    let conditioned = best.student.well_conditioned(rows);
    let student = if play.accepts(&conditioned)? { conditioned } else { best.student.clone() };
    let mut result = rounded(&student, rows, rounding_tolerance * STRICTER[2]).map_err(failed)?;
    for share in STRICTER {
        let (draft, digits) = rounded(&student, rows, rounding_tolerance * share).map_err(failed)?;
        if play.accepts(&draft)? {
            result = (draft, digits);
            break;
        }
    }
    let (draft, digits) = result;
    let played = dagger.map_or_else(String::new, |_| format!(", mean return {:.2} (round {})", best.mean, best.round));
    let curves = match draft.curves() {
        0 => String::new(),
        count => format!(" with {count} curves"),
    };
    let line =
        format!("{name}: {} operations{curves}, constants of at most {digits} digits{played}", draft.operations());
    setting.reporter.message(stage, line);
    Ok((draft.formula().map_err(failed)?, best))
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
pub(crate) fn learned(
    setting: &StageContext<'_>,
    dagger: Option<&Dagger<'_>>,
    stage: &'static str,
    name: &str,
    draft: Draft,
    data: ExpertData,
) -> Result<Best<Draft>, StageError> {
    let mut play = Play::new(setting, stage, &draft)?;
    learned_in_play(setting, dagger, stage, name, draft, data, &mut play)
}

fn learned_in_play(
    setting: &StageContext<'_>,
    dagger: Option<&Dagger<'_>>,
    stage: &'static str,
    name: &str,
    draft: Draft,
    data: ExpertData,
    play: &mut Play<'_>,
) -> Result<Best<Draft>, StageError> {
    let first = play.fitted(name, &draft, &data)?.draft;
    let Some(dagger) = dagger else {
        return Ok(Best { student: first, data, mean: f64::NAN, fidelity: f64::NAN, round: 0, is_good_enough: false });
    };
    dagger.rounds(name, first, data, &|draft: &Draft| Box::new(draft.policy(draft.constants())), &mut |draft, data| {
        Ok(fitted(setting, stage, name, draft, data)?.draft)
    })
}

/// What a formula must not fall behind.
struct Play<'a> {
    setting: &'a StageContext<'a>,
    stage: &'static str,
    judge: Judge<'a>,
    /// Returns of the best formula so far.
    best: Vec<f64>,
}

impl<'a> Play<'a> {
    fn new(setting: &'a StageContext<'a>, stage: &'static str, draft: &Draft) -> Result<Self, StageError> {
        let judge = Judge::new(setting, stage)?;
        let best = judge.returns(draft)?;
        Ok(Self { setting, stage, judge, best })
    }

    fn accepts(&mut self, draft: &Draft) -> Result<bool, StageError> {
        let returns = self.judge.returns(draft)?;
        let accepted = plays_no_worse(&returns, &self.best);
        if mean(&returns) > mean(&self.best) {
            self.best = returns;
        }
        Ok(accepted)
    }

    /// The draft with its constants fitted to all rows, or as it is where it would play worse.
    fn fitted(&mut self, name: &str, draft: &Draft, data: &ExpertData) -> Result<Fitted, StageError> {
        let fitted = fitted(self.setting, self.stage, name, draft, data)?;
        if self.accepts(&fitted.draft)? {
            return Ok(fitted);
        }
        let loss = self.setting.head().loss(&data.train);
        let of = |samples| fit::loss(draft, draft.constants(), samples, &loss);
        let (train_loss, loss) = (of(data.train.samples()), of(data.validation.samples()));
        Ok(Fitted { draft: draft.clone(), train_loss, loss })
    }
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
