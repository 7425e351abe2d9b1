//! What formulas are worth on the seeds that they are chosen by.

use super::selection::Fidelity;
use crate::engine::StageError;
use crate::rollouts::{Game, play, play_all};
use crate::run::Agreement;
use crate::run::seeds::{self, Purpose};
use crate::stages::collect::ExpertData;
use crate::stages::context::StageContext;
use crate::stages::evaluate::imitation::{of_each_episode, with_log};
use crate::stages::polish::states::States;
use crate::stages::teacher::{Log, Teacher};
use kanrl_core::policy::{ExpertPolicy, Policy, PolicyError};
use kanrl_core::rollout::{Episode, RolloutError, RolloutOptions, Rollouts};
use std::ops::Range;

/// Episodes whose states fidelity is measured in, and states of each kind.
const FIDELITY_EPISODES: usize = 20;
const FIDELITY_STATES: usize = 5000;

/// Steps that each formula plays at first, as far as they are as many episodes.
const STEPS: usize = 100_000;
const FEWEST_EPISODES: usize = 50;
const MOST_EPISODES: usize = 200;
/// Episodes of what may be the result, for each of those.
const FINAL: usize = 4;

/// What all formulas are worth, and what their scores are.
pub(super) struct Scores {
    /// In words.
    pub(super) measure: &'static str,
    /// Digits after the point that say something.
    pub(super) digits: usize,
    /// The expert's, one for each episode; none where there is only a log.
    pub(super) of_expert: Option<Vec<f64>>,
    /// Each policy's on the first or on all of the same episodes; none for one that gives no finite action somewhere.
    pub(super) of_each: Vec<Option<Vec<f64>>>,
    /// How far each does what the expert does.
    pub(super) fidelities: Vec<Fidelity>,
}

/// Plays the expert and all policies on the same seeds; where nothing is played, a score is the agreement with the episodes
/// of the log that are there to choose by.
///
/// # Errors
/// [`StageError`] where the environment or the expert fails.
pub(super) fn score(
    setting: &StageContext<'_>,
    data: &ExpertData,
    policies: &[&dyn Policy],
) -> Result<Scores, StageError> {
    match setting.teacher() {
        Teacher::Log(log) if !setting.is_played() => agreements(setting, log, policies),
        Teacher::Log(_) => {
            let of_each = returns(setting, policies, 0..episodes(setting))?;
            let states = States::of_data(&data.validation, &setting.head(), FIDELITY_STATES);
            let fidelity = |policy: &&dyn Policy| {
                Ok(Fidelity { expert_states: finite(states.fidelity(*policy))?, own_states: None })
            };
            let fidelities = policies.iter().map(fidelity).collect::<Result<_, PolicyError>>()?;
            Ok(Scores { measure: "mean return", digits: 2, of_expert: None, of_each, fidelities })
        }
        Teacher::Expert(expert) => {
            let expert = expert.as_ref();
            let players: Vec<&dyn Policy> =
                std::iter::once(expert as &dyn Policy).chain(policies.iter().copied()).collect();
            let mut of_each = returns(setting, &players, 0..episodes(setting))?;
            let of_expert = of_each.remove(0);
            let environment = setting.rollouts()?;
            let expert_states = visited(setting, &environment, expert, expert)?;
            let fidelity = |policy: &&dyn Policy| {
                let own_states = visited(setting, &environment, expert, *policy)?;
                let own_states = own_states.map(|states| finite(states.fidelity(*policy))).transpose()?.flatten();
                let expert_states = expert_states.as_ref().map(|states| finite(states.fidelity(*policy)));
                Ok(Fidelity { expert_states: expert_states.transpose()?.flatten(), own_states })
            };
            let fidelities = policies.iter().map(fidelity).collect::<Result<_, StageError>>()?;
            Ok(Scores { measure: "mean return", digits: 2, of_expert, of_each, fidelities })
        }
    }
}

/// Lets the expert and some of the policies play on, on further seeds.
///
/// # Errors
/// As [`score`].
pub(super) fn play_on(
    setting: &StageContext<'_>,
    scores: &mut Scores,
    policies: &[&dyn Policy],
    finalists: &[usize],
) -> Result<(), StageError> {
    let Teacher::Expert(expert) = setting.teacher() else { return Ok(()) };
    let players: Vec<&dyn Policy> =
        std::iter::once(expert.as_ref() as &dyn Policy).chain(finalists.iter().map(|index| policies[*index])).collect();
    let first = episodes(setting);
    let mut more = returns(setting, &players, first..FINAL * first)?.into_iter();
    if let (Some(own), Some(more)) = (&mut scores.of_expert, more.next().flatten()) {
        own.extend(more);
    }
    for (index, more) in finalists.iter().zip(more) {
        scores.of_each[*index] = scores.of_each[*index].take().zip(more).map(|(own, more)| [own, more].concat());
    }
    Ok(())
}

/// How many episodes each formula plays: the more, the shorter they are.
fn episodes(setting: &StageContext<'_>) -> usize {
    let longest = setting.spec().max_episode_steps.map_or(FEWEST_EPISODES, |steps| STEPS / (steps as usize).max(1));
    let default = longest.clamp(FEWEST_EPISODES, MOST_EPISODES);
    setting.config().select.episodes.unwrap_or(default).max(2)
}

/// Agreement with the log's episodes instead of returns.
fn agreements(setting: &StageContext<'_>, log: &Log, policies: &[&dyn Policy]) -> Result<Scores, StageError> {
    let agreement = |policy: &&dyn Policy| finite(with_log(*policy, &setting.head(), &log.validation));
    let actions = policies.iter().map(agreement).collect::<Result<Vec<_>, PolicyError>>()?;
    let of_each = actions.iter().map(|actions| actions.as_deref().map(of_each_episode)).collect();
    let fidelity = |actions: &Option<Vec<_>>| Fidelity {
        expert_states: actions.as_deref().map(|actions| Agreement::of(actions).value()),
        own_states: None,
    };
    let fidelities = actions.iter().map(fidelity).collect();
    Ok(Scores { measure: "agreement", digits: 4, of_expert: None, of_each, fidelities })
}

/// All policies' returns on the same seeds, none for one that gives no finite action somewhere.
fn returns(
    setting: &StageContext<'_>,
    policies: &[&dyn Policy],
    places: Range<usize>,
) -> Result<Vec<Option<Vec<f64>>>, StageError> {
    let seeds = seeds::episodes(setting.config().seed, Purpose::Select, places.end).split_off(places.start);
    let environment = setting.rollouts()?;
    let games: Vec<Game<'_>> =
        policies.iter().map(|policy| Game { environment: &environment, policy: *policy, seeds: &seeds }).collect();
    let returns = |played: Result<Vec<Episode>, RolloutError>| match played {
        Ok(episodes) => Ok(Some(episodes.iter().map(|episode| episode.episode_return).collect())),
        Err(RolloutError::Policy { source: PolicyError::NotFinite { .. }, .. }) => Ok(None),
        Err(error) => Err(StageError::from(error)),
    };
    let played = play_all(&games, &setting.reporter, "select", "episodes, all formulas")?;
    played.into_iter().map(returns).collect()
}

/// States that a policy visits, with what the expert would do there; none where it gives no finite action.
fn visited(
    setting: &StageContext<'_>,
    environment: &Rollouts,
    expert: &dyn ExpertPolicy,
    policy: &dyn Policy,
) -> Result<Option<States>, StageError> {
    let config = setting.config();
    let seeds = seeds::episodes(config.seed, Purpose::Select, FIDELITY_EPISODES.min(episodes(setting)));
    let options = RolloutOptions { record: true, ..RolloutOptions::default() };
    match play(environment, policy, &seeds, &options, &setting.reporter, "select", "recorded episodes") {
        Ok(episodes) => Ok(Some(States::visited(expert, &episodes, FIDELITY_STATES)?)),
        Err(error) if error.leaves_domain() => Ok(None),
        Err(error) => Err(error),
    }
}

fn finite<T>(result: Result<T, PolicyError>) -> Result<Option<T>, PolicyError> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(PolicyError::NotFinite { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}
