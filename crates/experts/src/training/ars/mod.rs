//! Augmented random search: a linear policy (or a small network) that random directions in its parameters improve.
//!
//! H. Mania, A. Guy, B. Recht (2018), "Simple random search provides a competitive approach to reinforcement learning",
//! arXiv 1803.07055: version V2-t, as sb3-contrib has it. Linear policies are the experts that formulas imitate best.
//!
//! ```
//! use kanrl_core::environment::{EnvironmentRegistry, KeywordArguments};
//! use kanrl_experts::training::{ArsConfig, ArsTrainer};
//! use std::ops::ControlFlow;
//!
//! let mut registry = EnvironmentRegistry::new();
//! kanrl_envs_classic::register(&mut registry)?;
//! let config = ArsConfig { n_timesteps: 10_000, ..ArsConfig::default() };
//! let mut trainer = ArsTrainer::new(&registry, "CartPole-v1", &KeywordArguments::new(), config, 0)?;
//! trainer.run(|_, progress| {
//!     println!("{} steps: {:?}", progress.timesteps, progress.mean_return);
//!     ControlFlow::Continue(())
//! })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod config;
mod parameters;

pub use config::ArsConfig;

use super::algorithm::failed;
use super::normalization::RunningMoments;
use super::trainer::{Identity, Progress};
use super::{AlgorithmConfig, TrainingError, TrainingRecord};
use crate::NetworkPolicy;
use crate::network_file::NetworkFile;
use kanrl_core::environment::{EnvironmentRegistry, KeywordArguments};
use kanrl_core::random::{Generator, SeedSequence};
use kanrl_core::rollout::{Episode, RolloutOptions, Rollouts};
use parameters::Shape;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::ops::ControlFlow;
use std::path::Path;

/// A run of augmented random search that can be stepped, saved and resumed. The seed decides every bit of the result; the
/// number of threads decides nothing.
pub struct ArsTrainer {
    rollouts: Rollouts,
    shape: Shape,
    state: State,
}

/// Everything that the next iteration depends on: the checkpoint is this, as JSON.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct State {
    algorithm: Tag,
    identity: Identity,
    config: ArsConfig,
    iteration: u32,
    timesteps: u64,
    episodes: u64,
    parameters: Vec<f64>,
    moments: RunningMoments,
}

/// Tells a checkpoint of this algorithm from others.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
enum Tag {
    #[serde(rename = "ars")]
    Ars,
}

/// One direction, tried forward and backward.
struct Trial {
    direction: Vec<f64>,
    forward: f64,
    backward: f64,
    episodes: Vec<Episode>,
}

impl ArsTrainer {
    /// Starts a run on an environment of the registry, made with these keyword arguments. The first policy gives zeros.
    ///
    /// # Errors
    /// [`TrainingError::BadConfig`], or the environment's own.
    pub fn new(
        registry: &EnvironmentRegistry,
        environment: &str,
        arguments: &KeywordArguments,
        config: ArsConfig,
        seed: u64,
    ) -> Result<Self, TrainingError> {
        config.validate()?;
        let entry = registry.get(environment)?;
        let identity = Identity { environment: entry.id.clone(), arguments: arguments.clone(), seed };
        let rollouts = Rollouts::new(entry, arguments)?;
        let shape = Shape::new(&config, rollouts.spec());
        let mut random = Generator::from_seed_sequence(&SeedSequence::new(seed).child(0));
        let state = State {
            algorithm: Tag::Ars,
            identity,
            iteration: 0,
            timesteps: 0,
            episodes: 0,
            parameters: shape.initial(&mut random),
            moments: RunningMoments::new(shape.inputs()),
            config,
        };
        Ok(Self { rollouts, shape, state })
    }

    /// The hyper-parameters.
    pub fn config(&self) -> &ArsConfig {
        &self.state.config
    }

    /// The environment's id.
    pub fn environment(&self) -> &str {
        &self.state.identity.environment
    }

    /// The seed.
    pub fn seed(&self) -> u64 {
        self.state.identity.seed
    }

    /// Environment steps taken.
    pub fn timesteps(&self) -> u64 {
        self.state.timesteps
    }

    /// Whether all steps have been taken.
    pub fn is_finished(&self) -> bool {
        self.state.timesteps >= self.state.config.n_timesteps
    }

    /// Trains to the end, or until the observer breaks off; it hears the trainer and its progress after every iteration.
    /// Returns whether the run is finished.
    ///
    /// # Errors
    /// As [`Self::update`].
    pub fn run(
        &mut self,
        mut observer: impl FnMut(&Self, &Progress) -> ControlFlow<()>,
    ) -> Result<bool, TrainingError> {
        while !self.is_finished() {
            let progress = self.update()?;
            if observer(self, &progress).is_break() {
                break;
            }
        }
        Ok(self.is_finished())
    }

    /// One iteration: every direction is tried forward and backward on the same seeds, and the parameters move along the
    /// best ones.
    ///
    /// # Errors
    /// The environment's, or [`TrainingError::Diverged`].
    pub fn update(&mut self) -> Result<Progress, TrainingError> {
        let config = self.state.config.clone();
        let seeds = SeedSequence::new(self.state.identity.seed).child(1).child(self.state.iteration);
        let mut trials = (0..config.n_delta)
            .into_par_iter()
            .map(|index| self.trial(&seeds.child(index as u32)))
            .collect::<Result<Vec<_>, _>>()?;
        for episode in trials.iter().flat_map(|trial| &trial.episodes) {
            self.state.timesteps += u64::from(episode.length);
            self.state.episodes += 1;
            if let Some(trajectory) = episode.trajectory.as_ref().filter(|_| config.normalize) {
                self.state.moments.update(&trajectory.observations);
            }
        }
        let (mean_return, mean_length) = means(&trials);
        // Ties keep the order of the directions, so that the result does not depend on the sort.
        trials.sort_by(|a, b| b.best().total_cmp(&a.best()));
        trials.truncate(config.n_top);
        let deviation = deviation(trials.iter().flat_map(|trial| [trial.forward, trial.backward]));
        if deviation > 0.0 {
            let rate = config.learning_rate / (config.n_top as f64 * deviation);
            for trial in &trials {
                let step = rate * (trial.forward - trial.backward);
                for (parameter, direction) in self.state.parameters.iter_mut().zip(&trial.direction) {
                    *parameter += step * direction;
                }
            }
        }
        if let Some(value) = self.state.parameters.iter().find(|value| !value.is_finite()) {
            let timesteps = self.state.timesteps;
            return Err(TrainingError::Diverged { timesteps, what: "a parameter", value: *value });
        }
        self.state.iteration += 1;
        Ok(Progress {
            timesteps: self.state.timesteps,
            total_timesteps: config.n_timesteps,
            episodes: self.state.episodes,
            mean_return: Some(mean_return),
            mean_length: Some(mean_length),
            losses: None,
        })
    }

    fn trial(&self, seeds: &SeedSequence) -> Result<Trial, TrainingError> {
        let config = &self.state.config;
        let mut random = Generator::from_seed_sequence(&seeds.child(0));
        let direction: Vec<f64> = self.state.parameters.iter().map(|_| random.standard_normal()).collect();
        let mut episode_seeds = vec![0; config.n_eval_episodes];
        seeds.child(1).generate_u64(&mut episode_seeds);
        let options = RolloutOptions { lanes: config.n_eval_episodes, record: config.normalize, ..Default::default() };
        let mut episodes = Vec::with_capacity(2 * config.n_eval_episodes);
        let mut play = |sign: f64| -> Result<f64, TrainingError> {
            let moved = self.state.parameters.iter().zip(&direction);
            let moved: Vec<f64> = moved.map(|(value, step)| value + sign * config.delta_std * step).collect();
            let played = self.rollouts.run(&self.policy_of(&moved), &episode_seeds, &options).map_err(failed)?;
            let bonus = |episode: &Episode| f64::from(episode.length) * config.alive_bonus_offset;
            let sum: f64 = played.iter().map(|episode| episode.episode_return + bonus(episode)).sum();
            let mean = sum / played.len() as f64;
            episodes.extend(played);
            Ok(mean)
        };
        let (forward, backward) = (play(1.0)?, play(-1.0)?);
        Ok(Trial { direction, forward, backward, episodes })
    }

    /// The policy as it is now.
    pub fn policy(&self) -> NetworkPolicy {
        self.policy_of(&self.state.parameters)
    }

    fn policy_of(&self, parameters: &[f64]) -> NetworkPolicy {
        let moments = self.state.config.normalize.then_some(&self.state.moments);
        let source = format!("ars, {} steps in {}", self.timesteps(), self.environment());
        self.shape.policy(parameters, moments, self.rollouts.spec(), source)
    }

    /// The policy as a file, with the record of its training; `evaluation` is the caller's measurement of
    /// [`Self::policy`].
    pub fn network_file(&self, evaluation: Option<super::EvaluationRecord>) -> NetworkFile {
        NetworkFile::new(&self.policy(), Some(self.environment().to_owned())).with_training(TrainingRecord {
            algorithm: "ars".to_owned(),
            config: AlgorithmConfig::Ars(self.state.config.clone()),
            seed: self.seed(),
            timesteps: self.timesteps(),
            evaluation,
        })
    }

    /// The run as JSON. A run resumed from it goes on as if it had never stopped, bit for bit.
    pub fn checkpoint(&self) -> Vec<u8> {
        serde_json::to_vec(&self.state).expect("numbers, names and lists only")
    }

    /// Writes [`Self::checkpoint`] to a file, whole or not at all.
    ///
    /// # Errors
    /// [`TrainingError::File`].
    pub fn save_checkpoint(&self, path: &Path) -> Result<(), TrainingError> {
        kanrl_core::files::write(path, &self.checkpoint()).map_err(TrainingError::File)
    }

    /// Resumes a run from [`Self::checkpoint`]'s bytes.
    ///
    /// # Errors
    /// [`TrainingError::BadCheckpoint`], or the environment's own.
    pub fn resume(registry: &EnvironmentRegistry, bytes: &[u8]) -> Result<Self, TrainingError> {
        let bad = |reason: String| TrainingError::BadCheckpoint { reason };
        let state: State = serde_json::from_slice(bytes).map_err(|error| bad(error.to_string()))?;
        let Identity { environment, arguments, seed } = &state.identity;
        let mut trainer = Self::new(registry, environment, arguments, state.config.clone(), *seed)?;
        let (expected, inputs) = (trainer.state.parameters.len(), trainer.shape.inputs());
        if state.parameters.len() != expected || state.parameters.iter().any(|value| !value.is_finite()) {
            return Err(bad(format!("`parameters` must be {expected} finite numbers")));
        }
        let moments = &state.moments;
        if moments.mean.len() != inputs || moments.variance.len() != inputs || moments.count.is_nan() {
            return Err(bad(format!("`moments` must be of {inputs} coordinates")));
        }
        trainer.state = state;
        Ok(trainer)
    }
}

impl Trial {
    fn best(&self) -> f64 {
        self.forward.max(self.backward)
    }
}

/// Mean return and length of all episodes, rewards as the environment gives them.
fn means(trials: &[Trial]) -> (f64, f64) {
    let episodes = || trials.iter().flat_map(|trial| &trial.episodes);
    let count = episodes().count() as f64;
    let returns: f64 = episodes().map(|episode| episode.episode_return).sum();
    let lengths: f64 = episodes().map(|episode| f64::from(episode.length)).sum();
    (returns / count, lengths / count)
}

/// Standard deviation, with n in the denominator.
fn deviation(values: impl Iterator<Item = f64> + Clone) -> f64 {
    let count = values.clone().count() as f64;
    let mean = values.clone().sum::<f64>() / count;
    (values.map(|value| (value - mean).powi(2)).sum::<f64>() / count).sqrt()
}
