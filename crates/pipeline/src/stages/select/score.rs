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

/// Episodes whose states fidelity is measured in, and states of each kind.
const FIDELITY_EPISODES: usize = 20;
const FIDELITY_STATES: usize = 5000;

/// What all formulas are worth, and what their scores are.
pub(super) struct Scores {
    /// In words.
    pub(super) measure: &'static str,
    /// Digits after the point that say something.
    pub(super) digits: usize,
    /// The expert's, one for each episode; none where there is only a log.
    pub(super) of_expert: Option<Vec<f64>>,
    /// Each policy's on the same episodes; none for one that gives no finite action somewhere.
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
            let of_each = returns(setting, policies)?;
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
            let mut of_each = returns(setting, &players)?;
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
fn returns(setting: &StageContext<'_>, policies: &[&dyn Policy]) -> Result<Vec<Option<Vec<f64>>>, StageError> {
    let config = setting.config();
    let seeds = seeds::episodes(config.seed, Purpose::Select, config.select.episodes.max(2));
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
    let seeds = seeds::episodes(config.seed, Purpose::Select, FIDELITY_EPISODES.min(config.select.episodes.max(2)));
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
