//! Tuning constants: for return less λ times the disagreement with the expert, λ falling from faithful to polished.

pub mod elsewhere;
pub mod objective;
pub mod returns;
mod round;
pub mod search;
pub(crate) mod section;
mod shorten;
pub mod states;
pub(crate) mod tuned;
mod variants;

pub use section::{PolishSection, PolishWorkers};
pub use tuned::{TunedFormula, TunedFormulas};

use crate::engine::{Input, Output, StageError, code};
use crate::formulas::Draft;
use crate::formulas::rounding::spread;
use crate::rollouts::play;
use crate::run::seeds::{self, Purpose};
use crate::run::statistics::mean;
use crate::stages::artifacts::{ExplainingFormulas, PolishedFormulas};
use crate::stages::collect::ExpertData;
use crate::stages::context::StageContext;
use crate::stages::context::failed;
use crate::stages::per_student::PerStudent;
use crate::stages::polish::elsewhere::Pool;
use crate::stages::polish::objective::{Objective, STATES};
use crate::stages::polish::returns::Play;
use crate::stages::polish::round::{Progress, Student, tune};
use crate::stages::polish::states::States;
use crate::stages::polish::variants::variants;
use crate::stages::teacher::Teacher;
use kanrl_core::policy::Policy;
use kanrl_core::rollout::{RolloutOptions, Rollouts};

/// Episodes whose states the scales of the constants are measured on.
const SCALE_EPISODES: usize = 5;
/// Rows of them.
const SCALE_ROWS: usize = 1000;
/// Share of the budget that goes to return alone.
const POLISHED_SHARE: f64 = 0.5;

/// Tunes the formulas' constants, first for fidelity as much as for return, at last for return alone. Each step of the dial
/// begins where the one before has led.
pub fn polish(
    setting: StageContext<'_>,
    data: Input<ExpertData>,
    formulas: ExplainingFormulas,
    mut made: Output<PolishedFormulas>,
) -> Result<(), StageError> {
    let section = &setting.config().polish;
    let mut tuned: Vec<(String, TunedFormulas)> =
        formulas.iter().map(|(name, _)| (name.to_owned(), TunedFormulas::default())).collect();
    if section.enabled && section.environment_steps > 0 && !tuned.is_empty() {
        if setting.is_played() {
            tune_all(&setting, &data, &formulas, &mut tuned)?;
        } else {
            setting.reporter.message("polish", "nothing is played: no constants are tuned on return");
        }
    }
    made.set(PerStudent::new(tuned));
    Ok(())
}

fn tune_all(
    setting: &StageContext<'_>,
    data: &ExpertData,
    formulas: &ExplainingFormulas<'_, '_>,
    tuned: &mut [(String, TunedFormulas)],
) -> Result<(), StageError> {
    let (section, reporter) = (&setting.config().polish, &setting.reporter);
    let environments = variants(setting.registry(), setting.config())?;
    let pool = match section.workers {
        PolishWorkers::Local => None,
        PolishWorkers::Ray => Some(Pool::start(on_ray(), setting.config())?),
    };
    let expert_states = States::of_data(&data.train, &setting.head(), STATES);
    let expert = match setting.teacher() {
        Teacher::Expert(expert) => Some(expert.as_ref()),
        Teacher::Log(_) => None,
    };
    let mut unit = expert.map(|expert| unit(setting, &environments[0], expert)).transpose()?;
    let mut students = Vec::new();
    for (index, (name, formula)) in formulas.iter().enumerate() {
        let draft = Draft::from_formula(setting.head(), formula).map_err(failed)?;
        let rows = match visited(setting, &draft) {
            Err(error) if error.leaves_domain() => {
                reporter.message("polish", format!("{name} is left out: it leaves its domain"));
                continue;
            }
            rows => rows?,
        };
        let unit = match unit {
            Some(unit) => unit,
            None => *unit.insert(self::unit(setting, &environments[0], &draft.policy(draft.constants()))?),
        };
        let noise = noise(&rows, draft.inputs().len(), section.noise);
        let play = Play {
            variants: &environments,
            tail_weight: section.tail_weight,
            noise,
            reporter,
            elsewhere: pool.as_ref(),
        };
        let objective = Objective { play, unit, expert, expert_states: &expert_states };
        students.push(Student { index, name: name.to_owned(), draft, rows, objective });
    }
    let mut progress = Progress { reporter, spent: 0, budget: section.environment_steps };
    let mut lambdas: Vec<f64> = section.lambdas.iter().copied().filter(|lambda| *lambda > 0.0).collect();
    lambdas.sort_by(|first, second| second.total_cmp(first));
    let polished = if lambdas.is_empty() { 1.0 } else { POLISHED_SHARE };
    for lambda in &lambdas {
        let share = (1.0 - polished) / lambdas.len() as f64;
        tune(setting, &mut students, *lambda, share, &mut progress, tuned)?;
    }
    tune(setting, &mut students, 0.0, polished, &mut progress, tuned)
}

/// What returns are measured in: the size of what the policy gets, or their deviation where that is larger.
fn unit(setting: &StageContext<'_>, environment: &Rollouts, policy: &dyn Policy) -> Result<f64, StageError> {
    let config = setting.config();
    let seeds = seeds::episodes(config.seed, Purpose::Validate, config.dagger.validation_episodes.max(1));
    let options = RolloutOptions::default();
    let episodes = play(environment, policy, &seeds, &options, &setting.reporter, "polish", "episodes")?;
    let returns: Vec<f64> = episodes.iter().map(|episode| episode.episode_return).collect();
    let center = mean(&returns);
    let squares: Vec<f64> = returns.iter().map(|value| (value - center).powi(2)).collect();
    Ok(center.abs().max(mean(&squares).sqrt()).max(f64::MIN_POSITIVE.sqrt()))
}

/// The Python package's pool of workers on Ray; they run this program.
fn on_ray() -> std::process::Command {
    const POOL: &str = "from kanrl._polish import main; main()";
    let mut command = crate::python::command(POOL);
    command.env("KANRL_CODE", code::executable());
    if std::env::var_os("KANRL").is_none() {
        command.envs(code::program().map(|program| ("KANRL", program)));
    }
    command
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
