//! Rolling out policies inside a stage: progress, and cancellation.

use crate::engine::StageError;
use crate::events::Reporter;
use bevy_ecs::component::Component;
use bevy_ecs::world::World;
use kanrl_core::policy::Policy;
use kanrl_core::rollout::{Episode, RolloutError, RolloutOptions, Rollouts};
use rayon::prelude::*;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU64, Ordering};

/// What one policy plays in one environment.
#[derive(Clone, Copy)]
pub struct Game<'a> {
    /// The environment, as it is or changed.
    pub environment: &'a Rollouts,
    /// Who plays.
    pub policy: &'a dyn Policy,
    /// One episode for each.
    pub seeds: &'a [u64],
}

/// Part of a lane: which game it plays, and from which of its seeds on.
#[derive(Clone, Copy, Component, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Share {
    game: usize,
    first: usize,
}

/// Part of a lane: what came of it, none while it has not been played.
#[derive(Component, Debug, Default)]
struct Played(Option<Result<Vec<Episode>, RolloutError>>);

/// Plays several games at once and tells the run's readers how far it is; see [`play_observed`].
///
/// # Errors
/// [`StageError::Cancelled`].
pub fn play_all(
    games: &[Game<'_>],
    reporter: &Reporter,
    stage: &str,
    what: &str,
) -> Result<Vec<Result<Vec<Episode>, RolloutError>>, StageError> {
    let total: usize = games.iter().map(|game| game.seeds.len()).sum();
    let options = RolloutOptions::default();
    play_observed(games, &options, reporter, &|done| reporter.progress(stage, done, total as u64, what))
}

/// Plays several games at once. Each is cut into lanes, entities that are played side by side whatever game they belong to,
/// so that no core waits for the last long episode of a game while others are to be played; episodes are those that [`play`]
/// would give. `told` hears how many have ended. The results are in the order of the games; a game that fails leaves the
/// others alone.
///
/// # Errors
/// [`StageError::Cancelled`].
pub fn play_observed(
    games: &[Game<'_>],
    options: &RolloutOptions,
    reporter: &Reporter,
    told: &(dyn Fn(u64) + Sync),
) -> Result<Vec<Result<Vec<Episode>, RolloutError>>, StageError> {
    let mut lanes = World::new();
    for (game, Game { seeds, .. }) in games.iter().enumerate() {
        for first in (0..seeds.len()).step_by(options.lanes) {
            lanes.spawn((Share { game, first }, Played::default()));
        }
    }
    let done = AtomicU64::new(0);
    let play_lane = |share: Share| {
        let Game { environment, policy, seeds } = games[share.game];
        let own = &seeds[share.first..(share.first + options.lanes).min(seeds.len())];
        let episodes = environment.run_observed(policy, own, options, &|_| {
            if reporter.is_cancelled() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        told(done.fetch_add(own.len() as u64, Ordering::Relaxed) + own.len() as u64);
        episodes
    };
    let mut query = lanes.query::<(&Share, &mut Played)>();
    let waiting: Vec<_> = query.iter_mut(&mut lanes).collect();
    waiting.into_par_iter().with_max_len(1).for_each(|(share, mut played)| played.0 = Some(play_lane(*share)));

    let mut ended: Vec<_> = query.iter_mut(&mut lanes).map(|(share, mut played)| (*share, played.0.take())).collect();
    ended.sort_unstable_by_key(|(share, _)| *share);
    let mut results: Vec<Result<Vec<Episode>, RolloutError>> = games.iter().map(|_| Ok(Vec::new())).collect();
    for (share, played) in ended {
        match (&mut results[share.game], played.expect("every lane was played")) {
            (_, Err(RolloutError::Cancelled { .. })) => return Err(StageError::Cancelled),
            (Ok(episodes), Ok(more)) => episodes.extend(more),
            (result @ Ok(_), Err(error)) => *result = Err(error),
            (Err(_), _) => {}
        }
    }
    Ok(results)
}

/// Plays one episode for each seed and tells the run's readers how far it is.
///
/// # Errors
/// [`StageError::Rollout`], or [`StageError::Cancelled`].
pub fn play(
    rollouts: &Rollouts,
    policy: &(impl Policy + ?Sized),
    seeds: &[u64],
    options: &RolloutOptions,
    reporter: &Reporter,
    stage: &str,
    what: &str,
) -> Result<Vec<Episode>, StageError> {
    let result = rollouts.run_observed(policy, seeds, options, &|progress| {
        reporter.progress(stage, progress.episodes as u64, progress.total as u64, what);
        if reporter.is_cancelled() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    let episodes = match result {
        Err(RolloutError::Cancelled { .. }) => return Err(StageError::Cancelled),
        other => other?,
    };
    for Episode { seed, length, diverged, .. } in &episodes {
        if let Some(reason) = diverged {
            let text = format!("the episode with seed {seed} was cut off after {length} steps: it diverged: {reason}");
            reporter.message(stage, text);
        }
    }
    Ok(episodes)
}

#[cfg(test)]
mod tests {
    use super::{Game, play_all};
    use crate::engine::StageError;
    use crate::events::Reporter;
    use kanrl_core::environment::{EnvironmentRegistry, KeywordArguments};
    use kanrl_core::rollout::{RolloutError, RolloutOptions, Rollouts};
    use kanrl_experts::FunctionPolicy;
    use std::sync::atomic::Ordering;

    #[test]
    fn games_side_by_side_are_the_games_alone() {
        let mut registry = EnvironmentRegistry::new();
        kanrl_envs_classic::register(&mut registry).unwrap();
        let environment =
            || Rollouts::new(registry.get("CartPole-v1").unwrap(), &KeywordArguments::new()).expect("no arguments");
        let (plain, mut heavy) = (environment(), environment());
        heavy.set_parameter("masspole", 1.0).expect("a parameter");
        let policy = |text| FunctionPolicy::from_text(text, plain.spec()).expect("a formula");
        let (good, poor, broken) = (policy("0; 3*theta + theta_dot"), policy("0; x"), policy("0; 1/0 + x"));
        let seeds: Vec<u64> = (0..37).collect();
        let game = |environment, policy| Game { environment, policy, seeds: &seeds };
        let games = [game(&plain, &good), game(&heavy, &poor), game(&plain, &broken), game(&heavy, &good)];
        let reporter = Reporter::new();
        let results = play_all(&games, &reporter, "test", "episodes").expect("nobody cancels");
        for (game, result) in games.iter().zip(&results) {
            let alone = game.environment.run(game.policy, game.seeds, &RolloutOptions::default());
            match (result, alone) {
                (Ok(together), Ok(alone)) => assert_eq!(together, &alone),
                (Err(RolloutError::Policy { seed, .. }), Err(RolloutError::Policy { seed: alone, .. })) => {
                    assert_eq!(*seed, alone);
                }
                (together, alone) => panic!("{together:?} and {alone:?}"),
            }
        }
        assert!(results[2].is_err() && results.iter().filter(|result| result.is_ok()).count() == 3);

        reporter.cancel_flag().store(true, Ordering::Relaxed);
        assert!(matches!(play_all(&games, &reporter, "test", "episodes"), Err(StageError::Cancelled)));
    }
}
