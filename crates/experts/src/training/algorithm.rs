//! What all algorithms have in common, and which of a training's policies is kept.

use super::record::lowest_mean;
use super::{ArsTrainer, EvaluationRecord, Progress, Trainer, TrainingError};
use crate::NetworkPolicy;
use crate::network_file::NetworkFile;
use kanrl_core::environment::{EnvironmentEntry, EnvironmentRegistry, KeywordArguments};
use kanrl_core::rollout::{RolloutError, RolloutOptions, Rollouts};
use std::ops::Range;

/// A training run of any algorithm: it can be stepped, saved, and asked for the policy as it is.
pub trait PolicyTrainer {
    /// Takes one step of the algorithm.
    ///
    /// # Errors
    /// The environment's, or [`TrainingError::Diverged`].
    fn update(&mut self) -> Result<Progress, TrainingError>;
    /// Whether all environment steps have been taken.
    fn is_finished(&self) -> bool;
    /// Environment steps taken.
    fn timesteps(&self) -> u64;
    /// Environment steps in all.
    fn total_timesteps(&self) -> u64;
    /// The seed.
    fn seed(&self) -> u64;
    /// The policy as it is now, acting deterministically.
    fn policy(&self) -> NetworkPolicy;
    /// The same as a file; `evaluation` is the caller's measurement of it.
    fn network_file(&self, evaluation: Option<EvaluationRecord>) -> NetworkFile;
    /// The run as bytes, from which it goes on bit for bit.
    fn checkpoint(&self) -> Vec<u8>;
}

macro_rules! policy_trainer {
    ($trainer:ty) => {
        impl PolicyTrainer for $trainer {
            fn update(&mut self) -> Result<Progress, TrainingError> {
                self.update()
            }

            fn is_finished(&self) -> bool {
                self.is_finished()
            }

            fn timesteps(&self) -> u64 {
                self.timesteps()
            }

            fn total_timesteps(&self) -> u64 {
                self.config().n_timesteps
            }

            fn seed(&self) -> u64 {
                self.seed()
            }

            fn policy(&self) -> NetworkPolicy {
                self.policy()
            }

            fn network_file(&self, evaluation: Option<EvaluationRecord>) -> NetworkFile {
                self.network_file(evaluation)
            }

            fn checkpoint(&self) -> Vec<u8> {
                self.checkpoint()
            }
        }
    };
}

policy_trainer!(Trainer);
policy_trainer!(ArsTrainer);

/// Resumes a run of whatever algorithm wrote this checkpoint.
///
/// # Errors
/// [`TrainingError::BadCheckpoint`], or the environment's own.
pub fn resume(registry: &EnvironmentRegistry, bytes: &[u8]) -> Result<Box<dyn PolicyTrainer>, TrainingError> {
    // A checkpoint of PPO begins with eight bytes of a length, one of ARS is JSON.
    if bytes.first() == Some(&b'{') {
        Ok(Box::new(ArsTrainer::resume(registry, bytes)?))
    } else {
        Ok(Box::new(Trainer::resume(registry, bytes)?))
    }
}

/// Seeds of the episodes that choose among a training's policies.
const VALIDATION_SEEDS: Range<u64> = 1_000_000..1_000_100;
/// Of these, how many a policy plays while the training goes on.
const QUICK_EPISODES: usize = 20;

/// The best policy of a training so far, by the lower tail of its returns: training goes up and down, and an expert
/// that seldom falls is worth more than one whose best episodes are better.
pub struct BestPolicy {
    rollouts: Rollouts,
    best: Option<Kept>,
}

struct Kept {
    score: f64,
    policy: NetworkPolicy,
    file: NetworkFile,
}

impl BestPolicy {
    /// Nothing yet.
    ///
    /// # Errors
    /// The environment's.
    pub fn new(entry: &EnvironmentEntry, arguments: &KeywordArguments) -> Result<Self, TrainingError> {
        Ok(Self { rollouts: Rollouts::new(entry, arguments)?, best: None })
    }

    /// Lets the trainer's policy play 20 validation episodes, and keeps it where the mean of the worst quarter of its
    /// returns is above that of all before. Returns whether it is.
    ///
    /// # Errors
    /// The environment's.
    pub fn consider(&mut self, trainer: &dyn PolicyTrainer) -> Result<bool, TrainingError> {
        let policy = trainer.policy();
        let score = lowest_mean(self.returns(&policy, QUICK_EPISODES)?, 4);
        let is_best = self.best.as_ref().is_none_or(|best| score > best.score);
        if is_best {
            self.best = Some(Kept { score, policy, file: trainer.network_file(None) });
        }
        Ok(is_best)
    }

    /// The best policy, or the last one where that is at least as good in the worst twentieth of 100 validation episodes;
    /// as a policy and as a file.
    ///
    /// # Errors
    /// The environment's.
    pub fn choose(&self, trainer: &dyn PolicyTrainer) -> Result<(NetworkPolicy, NetworkFile), TrainingError> {
        let last = trainer.policy();
        if let Some(best) = &self.best {
            let worst = |policy: &NetworkPolicy| -> Result<f64, TrainingError> {
                Ok(lowest_mean(self.returns(policy, VALIDATION_SEEDS.count())?, 20))
            };
            if worst(&best.policy)? > worst(&last)? {
                return Ok((best.policy.clone(), best.file.clone()));
            }
        }
        Ok((last, trainer.network_file(None)))
    }

    fn returns(&self, policy: &NetworkPolicy, episodes: usize) -> Result<Vec<f64>, TrainingError> {
        let seeds: Vec<u64> = VALIDATION_SEEDS.take(episodes).collect();
        let played = self.rollouts.run(policy, &seeds, &RolloutOptions::default()).map_err(failed)?;
        Ok(played.iter().map(|episode| episode.episode_return).collect())
    }
}

/// Why episodes could not be played.
pub(super) fn failed(error: RolloutError) -> TrainingError {
    match error {
        RolloutError::Environment { source, .. } | RolloutError::Lanes(source) => TrainingError::Environment(source),
        RolloutError::Policy { source, .. } | RolloutError::Mismatch(source) => TrainingError::Policy(source),
        other => TrainingError::BadConfig { reason: other.to_string() },
    }
}
