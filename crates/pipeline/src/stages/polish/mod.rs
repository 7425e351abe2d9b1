//! Tuning constants on return.

pub mod returns;
pub mod search;
mod shorten;

use crate::engine::{Make, StageError};
use crate::formulas::Draft;
use crate::formulas::rounding::spread;
use crate::rollouts::play;
use crate::run::seeds::{self, Purpose};
use crate::stages::context::StageContext;
use crate::stages::context::failed;
use crate::stages::evaluate::variants::{Group, variant};
use crate::stages::per_student::PerStudent;
use crate::stages::polish::returns::{Play, shown};
use crate::stages::polish::search::{Search, SearchOptions};
use crate::stages::polish::shorten::{rounded, shorten};
use crate::stages::refine::Formulas;
use kanrl_core::rollout::RolloutOptions;

/// Episodes whose states the scales of the constants are measured on.
const SCALE_EPISODES: usize = 5;
/// Rows of them.
const SCALE_ROWS: usize = 1000;
/// Fewest and most episodes that a candidate is judged by.
const EPISODES: (usize, usize) = (2, 32);
/// Fewest and most episodes that leaving out a term is judged by.
const TRIAL_EPISODES: (u64, u64) = (20, 200);
/// Shares of the budget: for all formulas, for the better half, for leaving out its terms, and for what is left of them.
const SHARES: [f64; 4] = [0.4, 0.3, 0.1, 0.2];

/// A student whose formula is tuned, and what it is tuned by.
struct Tuned<'a> {
    index: usize,
    name: String,
    draft: Draft,
    rows: Vec<f64>,
    play: Play<'a>,
}

/// Tunes the formulas' constants on return: all of them at first, then the better half, whose needless terms go.
pub fn polish(setting: StageContext<'_>, mut formulas: Make<'_, PerStudent<Formulas>>) -> Result<(), StageError> {
    let section = &setting.config().polish;
    if !section.enabled || section.environment_steps == 0 || formulas.get_mut().0.is_empty() {
        return Ok(());
    }
    let reporter = &setting.reporter;
    if !setting.is_played() {
        reporter.message("polish", "nothing is played: no constants are tuned on return");
        return Ok(());
    }
    let budget = section.environment_steps;
    let environments = environments(&setting)?;
    let mut students = Vec::new();
    for (index, (name, student)) in formulas.get_mut().0.iter().enumerate() {
        let draft = Draft::from_formula(setting.head(), &student.faithful).map_err(failed)?;
        let rows = match visited(&setting, &draft) {
            Err(error) if error.leaves_domain() => {
                reporter.message("polish", format!("{name} is left out: it leaves its domain"));
                continue;
            }
            rows => rows?,
        };
        let noise = noise(&rows, draft.inputs().len(), section.noise);
        let play = Play { variants: &environments, tail_weight: section.tail_weight, noise, reporter };
        students.push(Tuned { index, name: name.clone(), draft, rows, play });
    }
    let mut spent = 0;
    let mut advance = |student: &Tuned<'_>, search: &mut Search<'_>, steps: u64| -> Result<(), StageError> {
        let before = search.steps();
        search.advance(steps, &mut |taken, score| {
            let message = format!("environment steps, {}: score {}", student.name, shown(score));
            reporter.progress("polish", (spent + taken).min(budget), budget, message);
            !reporter.is_cancelled()
        })?;
        spent += search.steps() - before;
        if reporter.is_cancelled() { Err(StageError::Cancelled) } else { Ok(()) }
    };
    let share = |phase: usize, formulas: usize| (budget as f64 * SHARES[phase] / formulas as f64) as u64;
    let mut searches = Vec::new();
    for student in &students {
        let mut search = Search::new(student.draft.clone(), &student.rows, &student.play, options(&setting))?;
        let before = shown(search.score());
        advance(student, &mut search, share(0, students.len()))?;
        let now = shown(search.score());
        reporter.message("polish", format!("{}: score {before}, now {now}", student.name));
        searches.push((student, search));
    }
    // A stable sort: of equal ones the first in the config's order.
    searches.sort_by(|(_, first), (_, second)| second.score().total_cmp(&first.score()));
    let rest = searches.split_off(students.len().div_ceil(2));
    let count = searches.len();
    for (student, mut search) in searches {
        advance(student, &mut search, share(1, count))?;
        let before = search.draft().operations();
        let mut search = shortened(&setting, student, &search, share(2, count))?;
        advance(student, &mut search, share(3, count))?;
        let (score, now) = (shown(search.score()), search.draft().operations());
        let line = format!("{}: score {score}, {before} operations, {now} without needless terms", student.name);
        reporter.message("polish", line);
        finish(&setting, student, &search.draft(), formulas.get_mut())?;
    }
    for (student, search) in &rest {
        finish(&setting, student, &search.draft(), formulas.get_mut())?;
    }
    Ok(())
}

fn options(setting: &StageContext<'_>) -> SearchOptions {
    let config = setting.config();
    SearchOptions {
        seed: config.seed,
        step_size: config.polish.step_size,
        episodes: EPISODES,
        generations: config.polish.generations.max(1),
        validation_episodes: config.dagger.validation_episodes.max(1),
    }
}

/// The environment, and its perturbed variants if there are to be any.
fn environments(setting: &StageContext<'_>) -> Result<Vec<kanrl_core::rollout::Rollouts>, StageError> {
    let mut all = vec![setting.rollouts()?];
    let share = setting.config().polish.perturbation;
    if share > 0.0 {
        for group in [Group::TimeStep, Group::Masses] {
            for factor in [1.0 - share, 1.0 + share] {
                all.extend(variant(setting, group, factor)?);
            }
        }
    }
    Ok(all)
}

/// Some of the states that a draft visits.
fn visited(setting: &StageContext<'_>, draft: &Draft) -> Result<Vec<f64>, StageError> {
    let seeds = seeds::episodes(setting.config().seed, Purpose::Polish, SCALE_EPISODES);
    let options = RolloutOptions { record: true, ..RolloutOptions::default() };
    let policy = draft.policy(draft.constants());
    let episodes = play(&setting.rollouts()?, &policy, &seeds, &options, &setting.reporter, "polish", "episodes")?;
    let rows: Vec<f64> = episodes
        .iter()
        .filter_map(|episode| episode.trajectory.as_ref())
        .flat_map(|trajectory| trajectory.observations.iter().copied())
        .collect();
    Ok(spread(&rows, draft.inputs().len(), SCALE_ROWS))
}

/// Deviation of the noise on each observation; empty for none.
fn noise(rows: &[f64], inputs: usize, share: f64) -> Vec<f64> {
    if share <= 0.0 {
        return Vec::new();
    }
    let count = (rows.len() / inputs).max(1) as f64;
    let deviation = |input: usize| {
        let column = || rows.iter().skip(input).step_by(inputs);
        let mean = column().sum::<f64>() / count;
        share * (column().map(|value| (value - mean).powi(2)).sum::<f64>() / count).sqrt()
    };
    (0..inputs).map(deviation).collect()
}

/// A new search from the formula without the terms that its return does not need.
fn shortened<'a>(
    setting: &StageContext<'_>,
    student: &'a Tuned<'a>,
    search: &Search<'_>,
    steps: u64,
) -> Result<Search<'a>, StageError> {
    let config = setting.config();
    let Tuned { rows, play, .. } = student;
    let draft = search.draft();
    let episodes = steps / (draft.free().len() as u64 * search.episode_length()).max(1);
    let episodes = episodes.clamp(TRIAL_EPISODES.0, TRIAL_EPISODES.1) as usize;
    let seeds = seeds::episodes(config.seed, Purpose::Validate, episodes);
    let (score, _) = play.score_of(&draft, &seeds)?;
    let limit = score - config.polish.tolerance * score.abs();
    let short = shorten(draft, rows, play, &seeds, limit, 2 * steps)?;
    Search::new(short.simplified(), rows, play, options(setting))
}

/// Rounds the constants as coarsely as the return allows.
fn finish(
    setting: &StageContext<'_>,
    student: &Tuned<'_>,
    draft: &Draft,
    formulas: &mut PerStudent<Formulas>,
) -> Result<(), StageError> {
    let config = setting.config();
    let seeds = seeds::episodes(config.seed, Purpose::Validate, config.dagger.validation_episodes.max(1));
    let draft = rounded(draft, &student.rows, &student.play, &seeds, config.polish.tolerance)?;
    formulas.0[student.index].1.polished = Some(draft.formula().map_err(failed)?);
    Ok(())
}
