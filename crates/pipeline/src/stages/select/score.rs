//! What formulas are worth on the seeds that they are chosen by.

use crate::engine::StageError;
use crate::rollouts::{Game, play_all};
use crate::run::seeds::{self, Purpose};
use crate::stages::context::StageContext;
use crate::stages::evaluate::agreement::{of_each_episode, with_log};
use crate::stages::teacher::Teacher;
use kanrl_core::policy::{Policy, PolicyError};
use kanrl_core::rollout::{Episode, RolloutError};

/// Scores of all formulas, and what they are.
pub(super) struct Scores {
    /// In words.
    pub(super) measure: &'static str,
    /// Digits after the point that say something.
    pub(super) digits: usize,
    /// Each policy's, one for each episode; none for one that gives no finite action somewhere.
    pub(super) of_each: Vec<Option<Vec<f64>>>,
}

/// Plays all policies on the same seeds; where nothing is played, their agreement with the episodes of the log that are there
/// to choose by.
///
/// # Errors
/// [`StageError`] where the environment fails.
pub(super) fn score(setting: &StageContext<'_>, policies: &[&dyn Policy]) -> Result<Scores, StageError> {
    if let Teacher::Log(log) = setting.teacher()
        && !setting.is_played()
    {
        let agreement = |policy: &&dyn Policy| match with_log(*policy, &setting.head(), &log.validation) {
            Ok(actions) => Ok(Some(of_each_episode(&actions))),
            Err(PolicyError::NotFinite { .. }) => Ok(None),
            Err(error) => Err(StageError::from(error)),
        };
        let of_each = policies.iter().map(agreement).collect::<Result<_, _>>()?;
        return Ok(Scores { measure: "agreement", digits: 4, of_each });
    }
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
    let of_each = played.into_iter().map(returns).collect::<Result<_, _>>()?;
    Ok(Scores { measure: "mean return", digits: 2, of_each })
}
