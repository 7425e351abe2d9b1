//! One step of the dial: all formulas tuned for one λ, then the better half, whose needless terms go.

use super::objective::{Objective, Worth};
use super::returns::shown;
use super::search::{Search, SearchOptions};
use super::shorten::{Judge, rounded, shorten};
use crate::engine::StageError;
use crate::events::Reporter;
use crate::formulas::Draft;
use crate::run::seeds::{self, Purpose};
use crate::stages::context::{StageContext, failed};
use crate::stages::polish::tuned::{TunedFormula, TunedFormulas};

/// Fewest and most episodes that a candidate is judged by.
const EPISODES: (usize, usize) = (2, 32);
/// Fewest and most episodes that leaving out a term is judged by.
const TRIAL_EPISODES: (u64, u64) = (20, 200);
/// Shares of a step's budget: for all formulas, for the better half, for leaving out its terms, and for what is left of them.
const SHARES: [f64; 4] = [0.4, 0.3, 0.1, 0.2];
/// What the first step is multiplied by where disagreement counts: formulas begin near the expert, and a long step leads away.
const CAREFUL: f64 = 0.3;
/// How far the disagreement may rise where terms are left out, and where digits are.
const FURTHER: [f64; 2] = [0.005, 0.002];

/// A student whose formula is tuned.
pub(super) struct Student<'a> {
    /// Its place among the run's formulas, and its name.
    pub(super) index: usize,
    pub(super) name: String,
    /// What the last step of the dial led to.
    pub(super) draft: Draft,
    /// Observations that scales and effects of constants are measured on, `[rows, inputs]`.
    pub(super) rows: Vec<f64>,
    /// What it is tuned for, but for λ.
    pub(super) objective: Objective<'a>,
}

/// How much of the budget is spent.
pub(super) struct Progress<'a> {
    pub(super) reporter: &'a Reporter,
    /// Environment steps so far, and in all.
    pub(super) spent: u64,
    pub(super) budget: u64,
}

impl Progress<'_> {
    fn advance(&mut self, name: &str, search: &mut Search<'_>, steps: u64) -> Result<(), StageError> {
        let Self { reporter, spent, budget } = *self;
        let before = search.steps();
        search.advance(steps, &mut |taken, worth| {
            let message = format!("environment steps, {name}: score {}", shown(worth.score));
            reporter.progress("polish", (spent + taken).min(budget), budget, message);
            !reporter.is_cancelled()
        })?;
        self.spent += search.steps() - before;
        if reporter.is_cancelled() { Err(StageError::Cancelled) } else { Ok(()) }
    }
}

/// Tunes all formulas for one λ with a share of the budget. Of the better half, the formulas before and after leaving out
/// terms are kept; where return is all that counts, the shorter one only, and the other half's too.
pub(super) fn tune(
    setting: &StageContext<'_>,
    students: &mut [Student<'_>],
    lambda: f64,
    share: f64,
    progress: &mut Progress<'_>,
    formulas: &mut [(String, TunedFormulas)],
) -> Result<(), StageError> {
    let count = students.len();
    let budget = progress.budget as f64 * share;
    let steps = |share: f64, formulas: usize| (budget * share / formulas as f64) as u64;
    let options = options(setting, lambda);
    let mut searches = Vec::new();
    for student in &*students {
        let search = Search::new(student.draft.clone(), &student.rows, &student.objective, options)?;
        let before = described(search.worth(), lambda);
        searches.push((student, search, before));
    }
    let half = count.div_ceil(2);
    // Beside fidelity a search gains little that would change who is best: only the better half is tuned at all then.
    let first = if lambda > 0.0 { 0 } else { count };
    for (student, search, before) in searches.iter_mut().take(first) {
        progress.advance(&student.name, search, steps(SHARES[0], count))?;
        let now = described(search.worth(), lambda);
        setting.reporter.message("polish", format!("λ {lambda}, {}: {before}, now {now}", student.name));
    }
    // A stable sort: of equal ones the first in the config's order.
    searches.sort_by(|(_, first, _), (_, second, _)| second.value().total_cmp(&first.value()));
    let long = if lambda > 0.0 { SHARES[0] + SHARES[1] } else { SHARES[1] };
    let mut tuned = Vec::new();
    for (place, (student, mut search, before)) in searches.into_iter().enumerate() {
        let mut kept = Vec::new();
        if place < half {
            progress.advance(&student.name, &mut search, steps(long, half))?;
            if lambda > 0.0 {
                let now = described(search.worth(), lambda);
                setting.reporter.message("polish", format!("λ {lambda}, {}: {before}, now {now}", student.name));
            }
            if lambda > 0.0 {
                kept.push(finished(setting, student, &search, lambda)?);
            }
            let before = search.draft().operations();
            let mut short = shortened(setting, student, &search, options, steps(SHARES[2], half))?;
            progress.spent += short.steps();
            progress.advance(&student.name, &mut short, steps(SHARES[3], half))?;
            let (worth, now) = (described(short.worth(), lambda), short.draft().operations());
            let line =
                format!("λ {lambda}, {}: {worth}, {before} operations, {now} without needless terms", student.name);
            setting.reporter.message("polish", line);
            if lambda == 0.0 || now < before {
                kept.push(finished(setting, student, &short, lambda)?);
            }
        } else if lambda == 0.0 {
            kept.push(finished(setting, student, &search, lambda)?);
        }
        tuned.push((student.index, search.draft(), kept));
    }
    for (index, draft, kept) in tuned {
        formulas[index].1.0.extend(kept.into_iter().map(|formula| TunedFormula { lambda, formula }));
        if let Some(student) = students.iter_mut().find(|student| student.index == index) {
            student.draft = draft;
        }
    }
    Ok(())
}

fn described(worth: Worth, lambda: f64) -> String {
    let score = shown(worth.score);
    if lambda > 0.0 {
        format!("score {score}, disagreement {:.2} %", 100.0 * worth.disagreement)
    } else {
        format!("score {score}")
    }
}

fn options(setting: &StageContext<'_>, lambda: f64) -> SearchOptions {
    let config = setting.config();
    SearchOptions {
        seed: config.seed,
        lambda,
        step_size: if lambda > 0.0 { CAREFUL * config.polish.step_size } else { config.polish.step_size },
        episodes: EPISODES,
        generations: config.polish.generations.max(1),
        validation_episodes: config.dagger.validation_episodes.max(1),
    }
}

/// A new search from the formula without the terms that it does not need.
fn shortened<'a>(
    setting: &StageContext<'_>,
    student: &'a Student<'a>,
    search: &Search<'_>,
    options: SearchOptions,
    steps: u64,
) -> Result<Search<'a>, StageError> {
    let config = setting.config();
    let Student { rows, objective, .. } = student;
    let draft = search.draft();
    let episodes = steps / (draft.free().len() as u64 * search.episode_length()).max(1);
    let episodes = episodes.clamp(TRIAL_EPISODES.0, TRIAL_EPISODES.1) as usize;
    let seeds = seeds::episodes(config.seed, Purpose::Validate, episodes);
    let further = (options.lambda > 0.0).then_some(FURTHER[0]);
    let own_states = search.own_states();
    let mut judge = Judge::new(objective, own_states, &draft, seeds, config.polish.tolerance, further)?;
    let short = shorten(draft, rows, &mut judge, 2 * steps)?;
    Search::new(short.simplified(), rows, objective, options)
}

/// What a search has found, rounded as coarsely as return and fidelity allow.
fn finished(
    setting: &StageContext<'_>,
    student: &Student<'_>,
    search: &Search<'_>,
    lambda: f64,
) -> Result<kanrl_symbolic::Formula, StageError> {
    let config = setting.config();
    let seeds = seeds::episodes(config.seed, Purpose::Validate, config.dagger.validation_episodes.max(1));
    let further = (lambda > 0.0).then_some(FURTHER[1]);
    let draft = search.draft();
    let (objective, own_states) = (&student.objective, search.own_states());
    let mut judge = Judge::new(objective, own_states, &draft, seeds, config.polish.tolerance, further)?;
    rounded(&draft, &student.rows, &mut judge)?.formula().map_err(failed)
}
