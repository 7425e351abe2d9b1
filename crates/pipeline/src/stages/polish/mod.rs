//! Tuning constants on return.

pub mod returns;
pub mod search;

use crate::engine::{Make, StageError};
use crate::formulas::Draft;
use crate::formulas::rounding::{rounded, spread};
use crate::rollouts::play;
use crate::run::seeds::{self, Purpose};
use crate::stages::context::StageContext;
use crate::stages::context::failed;
use crate::stages::evaluate::variants::{Group, variant};
use crate::stages::per_student::PerStudent;
use crate::stages::polish::returns::{Play, shown};
use crate::stages::polish::search::{Search, SearchOptions, shorten};
use crate::stages::refine::Formulas;
use kanrl_core::rollout::RolloutOptions;
use std::sync::Arc;

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
/// Roundings that are tried, in standard deviations of the outputs, the coarsest first.
const ROUNDINGS: [f64; 6] = [0.05, 0.02, 0.01, 0.005, 0.002, 0.0005];

/// A formula on its way.
struct Polished {
    index: usize,
    name: String,
    rows: Vec<f64>,
    search: Search,
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
    let mut searches = Vec::new();
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
        let environments = Arc::new(Play::new(environments(&setting)?, section.tail_weight, noise));
        let search = Search::new(draft, &rows, environments, options(&setting));
        searches.push(Polished { index, name: name.clone(), rows, search });
    }
    let mut spent = 0;
    let mut advance = |polished: &mut Polished, steps: u64| -> Result<(), StageError> {
        let Polished { name, search, .. } = polished;
        let before = search.steps();
        search.advance(steps, &mut |taken, score| {
            let message = format!("environment steps, {name}: score {}", shown(score));
            reporter.progress("polish", (spent + taken).min(budget), budget, message);
            !reporter.is_cancelled()
        })?;
        spent += search.steps() - before;
        if reporter.is_cancelled() { Err(StageError::Cancelled) } else { Ok(()) }
    };
    let share = |phase: usize, formulas: usize| (budget as f64 * SHARES[phase] / formulas as f64) as u64;
    let count = searches.len();
    if count == 0 {
        return Ok(());
    }
    for polished in &mut searches {
        let before = polished.search.score();
        advance(polished, share(0, count))?;
        let (before, now) = (shown(before), shown(polished.search.score()));
        reporter.message("polish", format!("{}: score {before}, now {now}", polished.name));
    }
    // A stable sort: of equal ones the first in the config's order.
    searches.sort_by(|first, second| second.search.score().total_cmp(&first.search.score()));
    let rest = searches.split_off(count.div_ceil(2));
    let count = searches.len();
    for mut polished in searches {
        advance(&mut polished, share(1, count))?;
        let before = polished.search.draft().operations();
        let mut polished = shortened(&setting, polished, share(2, count))?;
        advance(&mut polished, share(3, count))?;
        let draft = polished.search.draft();
        reporter.message(
            "polish",
            format!(
                "{}: score {}, {before} operations, {} without needless terms",
                polished.name,
                shown(polished.search.score()),
                draft.operations()
            ),
        );
        finish(&setting, &polished, formulas.get_mut())?;
    }
    for polished in &rest {
        finish(&setting, polished, formulas.get_mut())?;
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

/// The formula without the terms that its return does not need, and a new search from there.
fn shortened(setting: &StageContext<'_>, polished: Polished, steps: u64) -> Result<Polished, StageError> {
    let config = setting.config();
    let reporter = &setting.reporter;
    let Polished { index, name, rows, search } = polished;
    let draft = search.draft();
    let environments = search.play();
    let episodes = steps / (draft.free().len() as u64 * search.episode_length()).max(1);
    let episodes = episodes.clamp(TRIAL_EPISODES.0, TRIAL_EPISODES.1) as usize;
    let seeds = seeds::episodes(config.seed, Purpose::Validate, episodes);
    let score = environments.score(&environments.play(&draft, draft.constants(), &seeds)?.returns);
    let limit = score - config.polish.tolerance * score.abs();
    let short = shorten(draft, &rows, &environments, &seeds, limit, 2 * steps, &mut |_| !reporter.is_cancelled())?;
    let short = short.simplified();
    let search = Search::new(short, &rows, environments, options(setting));
    Ok(Polished { index, name, rows, search })
}

/// Rounds the constants as coarsely as the return allows.
fn finish(
    setting: &StageContext<'_>,
    polished: &Polished,
    formulas: &mut PerStudent<Formulas>,
) -> Result<(), StageError> {
    let config = setting.config();
    let draft = polished.search.draft();
    let environments = polished.search.play();
    let seeds = seeds::episodes(config.seed, Purpose::Validate, config.dagger.validation_episodes.max(1));
    let score = |draft: &Draft| -> Result<f64, StageError> {
        Ok(environments.score(&environments.play(draft, draft.constants(), &seeds)?.returns))
    };
    let exact = score(&draft)?;
    let limit = exact - config.polish.tolerance * exact.abs();
    let mut best = draft.clone();
    for tolerance in ROUNDINGS {
        let (coarse, _) = rounded(&draft, &polished.rows, tolerance).map_err(failed)?;
        best = coarse;
        if score(&best)? >= limit {
            break;
        }
    }
    formulas.0[polished.index].1.polished = Some(best.formula().map_err(failed)?);
    Ok(())
}
