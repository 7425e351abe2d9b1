//! Rolling out a policy inside a stage: progress, and cancellation.

use crate::engine::StageError;
use crate::events::Reporter;
use kan_core::policy::Policy;
use kan_core::rollout::{Episode, RolloutError, RolloutOptions, Rollouts};
use std::ops::ControlFlow;

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
