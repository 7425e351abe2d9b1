//! What is measured of a policy, with a confidence that holds.

use crate::card::{Certainty, ProofCard, number};
use crate::upper_failure_probability;
use kanrl_core::policy::Policy;
use kanrl_core::rollout::{Episode, RolloutError, RolloutOptions, Rollouts};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::ops::ControlFlow;

/// Confidence of every measured bound.
pub const CONFIDENCE: f64 = 0.99;

/// Episodes that are played at a time.
const BATCH: u64 = 20_000;

/// Many episodes, summed up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Statistics {
    /// Episodes that were played.
    pub episodes: u64,
    /// The seed of the first; the others follow.
    pub first_seed: u64,
    /// An episode that returns less has failed.
    pub fails_below: f64,
    /// Episodes that failed.
    pub failures: u64,
    /// With a confidence of 99 % an episode fails with no larger probability (Clopper and Pearson).
    pub failure_probability: f64,
    /// Mean return.
    pub mean: f64,
    /// Standard deviation of the returns.
    pub std: f64,
    /// The ten episodes that returned the least, worst first: what `kanrl play --seed` shows.
    pub worst: Vec<Start>,
}

/// An episode by its seed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Start {
    /// The seed.
    pub seed: u64,
    /// What it returned.
    pub episode_return: f64,
    /// Steps it took.
    pub steps: u32,
}

impl Statistics {
    /// Plays episodes on the seeds from `first_seed` on, in parallel; `progress` hears how many are done.
    ///
    /// # Errors
    /// [`RolloutError`], as of [`Rollouts::run`].
    pub fn measure<P: Policy + ?Sized>(
        rollouts: &Rollouts,
        policy: &P,
        first_seed: u64,
        episodes: u64,
        fails_below: f64,
        progress: &(dyn Fn(u64) -> ControlFlow<()> + Sync),
    ) -> Result<Self, RolloutError> {
        let (mut failures, mut sum, mut squares) = (0, 0.0, 0.0);
        let mut worst: Vec<Start> = Vec::new();
        for from in (0..episodes).step_by(BATCH as usize) {
            let seeds: Vec<u64> =
                (from..episodes.min(from + BATCH)).map(|index| first_seed.wrapping_add(index)).collect();
            let observer = |done: kanrl_core::rollout::RolloutProgress| progress(from + done.episodes as u64);
            let played = rollouts.run_observed(
                policy,
                &seeds,
                &RolloutOptions { lanes: 64, ..RolloutOptions::default() },
                &observer,
            )?;
            for Episode { seed, episode_return, length, .. } in played {
                failures += u64::from(episode_return < fails_below);
                sum += episode_return;
                squares += episode_return * episode_return;
                if worst.len() < 10 || worst.last().is_some_and(|last| episode_return < last.episode_return) {
                    worst.push(Start { seed, episode_return, steps: length });
                    worst.sort_by(|a, b| a.episode_return.total_cmp(&b.episode_return));
                    worst.truncate(10);
                }
            }
        }
        let n = episodes.max(1) as f64;
        let mean = sum / n;
        Ok(Self {
            episodes,
            first_seed,
            fails_below,
            failures,
            failure_probability: upper_failure_probability(failures, episodes, CONFIDENCE),
            mean,
            std: (squares / n - mean * mean).max(0.0).sqrt(),
            worst,
        })
    }

    /// Adds it to a card.
    pub fn claim(&self, card: &mut ProofCard) {
        let Self { episodes, failures, fails_below, failure_probability, mean, .. } = self;
        let text = format!(
            "an episode returns less than {} with a probability of at most {} (99 % confidence; {failures} of {episodes} did)",
            number(*fails_below),
            number(*failure_probability),
        );
        card.say("failures", Certainty::Measured, text, serde_json::to_value(self).unwrap_or_default());
        let worst: Vec<String> = self
            .worst
            .iter()
            .take(3)
            .map(|start| format!("{} (seed {})", number(start.episode_return), start.seed))
            .collect();
        let text = format!("mean return {}, worst {}", number(*mean), worst.join(", "));
        card.say("returns", Certainty::Measured, text, json!({ "mean": mean, "std": self.std }));
    }
}
