//! Rollouts: many episodes of one environment under one policy, in parallel and reproducibly.
//!
//! An episode depends on its seed and on the policy alone: not on the number of lanes, of threads, or on the other
//! seeds. Lanes are stepped together, so that the policy is asked for a whole batch of actions at a time.
//!
//! ```
//! # use kanrl_core::action::ActionBatch;
//! # use kanrl_core::environment::{Discrete, Environment, EnvironmentEntry, EnvironmentError, EnvironmentSpec};
//! # use kanrl_core::environment::{KeywordArguments, StepOutcome};
//! # use kanrl_core::policy::{Policy, PolicyError};
//! # use kanrl_core::space::{ActionSpace, BoxSpace, Coordinate, DiscreteSpace, ElementType};
//! use kanrl_core::rollout::{RolloutOptions, Rollouts};
//! # struct Corridor(EnvironmentSpec, f64);
//! # impl Environment for Corridor {
//! #     type Action = Discrete;
//! #     fn spec(&self) -> &EnvironmentSpec { &self.0 }
//! #     fn reset(&mut self, _: Option<u64>, observation: &mut [f64]) -> Result<(), EnvironmentError> {
//! #         self.1 = 0.0;
//! #         Ok(observation[0] = self.1)
//! #     }
//! #     fn step(&mut self, action: usize, observation: &mut [f64]) -> Result<StepOutcome, EnvironmentError> {
//! #         self.1 += action as f64;
//! #         observation[0] = self.1;
//! #         Ok(StepOutcome { reward: -1.0, terminated: self.1 >= 3.0, truncated: false })
//! #     }
//! #     fn state(&self) -> Vec<f64> { vec![self.1] }
//! # }
//! # fn actions() -> ActionSpace { ActionSpace::Discrete(DiscreteSpace::new(["stay", "go"])) }
//! # let corridor = EnvironmentEntry::new("Corridor-v0", "", "", |_: std::collections::BTreeMap<String, f64>| {
//! #     let x = Coordinate::new("x", "m", 0.0, 3.0);
//! #     Ok(Corridor(EnvironmentSpec {
//! #         id: "Corridor-v0".into(), observation_space: BoxSpace::new(ElementType::F64, vec![x]),
//! #         action_space: actions(), max_episode_steps: Some(10), reward_threshold: None, frames_per_second: 1,
//! #         info_names: vec![],
//! #     }, 0.0))
//! # });
//! # struct AlwaysGo(ActionSpace);
//! # impl Policy for AlwaysGo {
//! #     fn observation_size(&self) -> usize { 1 }
//! #     fn action_space(&self) -> &ActionSpace { &self.0 }
//! #     fn act(&self, _: &[f64], elapsed: &[u32], actions: &mut ActionBatch) -> Result<(), PolicyError> {
//! #         *actions = ActionBatch::Discrete(vec![1; elapsed.len()]);
//! #         Ok(())
//! #     }
//! # }
//! # let always_go = AlwaysGo(actions());
//!
//! let rollouts = Rollouts::new(&corridor, &KeywordArguments::new())?;
//! let episodes = rollouts.run(&always_go, &[0, 1, 2], &RolloutOptions::default())?;
//! assert_eq!(episodes[2].episode_return, -3.0);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod chunk;
mod episode;

pub use episode::{Episode, Trajectory};

use crate::environment::{EnvironmentEntry, EnvironmentError, EnvironmentFactory, EnvironmentSpec, KeywordArguments};
use crate::policy::{Policy, PolicyError};
use crate::space::ActionSpace;
use chunk::{Chunk, Worker};
use rayon::prelude::*;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// How to run episodes. None of it changes an episode but `random_actions` and `max_steps`.
#[derive(Clone, Debug, PartialEq)]
pub struct RolloutOptions {
    /// Lanes stepped together by one thread, at least 1: the rows of the policy's batch. Default 16.
    pub lanes: usize,
    /// Whether to keep observations, actions and rewards. Default no.
    pub record: bool,
    /// Probability of taking a uniformly random action instead of the policy's, drawn from the episode's own seed.
    /// Default 0.
    pub random_actions: f64,
    /// Cuts episodes off after so many steps, in addition to the environment's own limit. Default none.
    pub max_steps: Option<u32>,
}

impl Default for RolloutOptions {
    fn default() -> Self {
        Self { lanes: 16, record: false, random_actions: 0.0, max_steps: None }
    }
}

/// How far a run has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RolloutProgress {
    /// Episodes that have ended.
    pub episodes: usize,
    /// Episodes in all.
    pub total: usize,
    /// Steps taken in the episodes that have ended.
    pub steps: u64,
}

/// Hears progress after every episode and every thousand steps, from any thread; `Break` cancels the run.
pub type RolloutObserver<'a> = dyn Fn(RolloutProgress) -> ControlFlow<()> + Sync + 'a;

/// What can go wrong in a run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RolloutError {
    /// The environment failed.
    #[error("the episode with seed {seed} failed at step {step}")]
    Environment {
        /// The episode's seed.
        seed: u64,
        /// Steps since its reset, 0 for the reset itself.
        step: u32,
        /// What happened.
        #[source]
        source: EnvironmentError,
    },
    /// The policy failed.
    #[error("the policy failed at step {step} of the episode with seed {seed}")]
    Policy {
        /// The episode's seed.
        seed: u64,
        /// Steps since its reset.
        step: u32,
        /// What happened.
        #[source]
        source: PolicyError,
    },
    /// The policy was made for another environment.
    #[error(transparent)]
    Mismatch(PolicyError),
    /// More lanes could not be made.
    #[error("no more lanes can be created")]
    Lanes(#[source] EnvironmentError),
    /// Episodes might never end.
    #[error("environment `{id}` has no time limit: set `max_steps`")]
    NoTimeLimit {
        /// The environment.
        id: String,
    },
    /// The observer cancelled it.
    #[error("cancelled after {episodes} of {total} episodes")]
    Cancelled {
        /// Episodes that had ended.
        episodes: usize,
        /// Episodes in all.
        total: usize,
    },
}

/// Runs episodes of one environment. Lanes are made when first needed and kept for later runs.
pub struct Rollouts {
    factory: Arc<dyn EnvironmentFactory>,
    arguments: KeywordArguments,
    parameters: Vec<(String, f64)>,
    spec: EnvironmentSpec,
    idle: Mutex<Vec<Worker>>,
}

impl std::fmt::Debug for Rollouts {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { spec, arguments, parameters, .. } = self;
        let mut debug = formatter.debug_struct("Rollouts");
        debug.field("id", &spec.id).field("arguments", arguments).field("parameters", parameters).finish()
    }
}

impl Rollouts {
    /// Rollouts of an environment made with these arguments.
    ///
    /// # Errors
    /// As [`EnvironmentFactory::make`].
    pub fn new(entry: &EnvironmentEntry, arguments: &KeywordArguments) -> Result<Self, EnvironmentError> {
        let factory = entry.factory.clone();
        let first = Worker::new(factory.make_vector(arguments, 1)?);
        let spec = first.spec().clone();
        let (arguments, parameters, idle) = (arguments.clone(), Vec::new(), Mutex::new(vec![first]));
        Ok(Self { factory, arguments, parameters, spec, idle })
    }

    /// The environment's spec.
    pub fn spec(&self) -> &EnvironmentSpec {
        &self.spec
    }

    /// Changes a named constant of the environment, such as a mass, for all later runs.
    ///
    /// # Errors
    /// [`EnvironmentError::UnknownParameter`].
    pub fn set_parameter(&mut self, name: &str, value: f64) -> Result<(), EnvironmentError> {
        // One lane remains to tell whether the name is known; the others are made again when needed.
        let idle = self.idle.get_mut().unwrap_or_else(PoisonError::into_inner);
        idle.truncate(1);
        match idle.first_mut() {
            Some(worker) => worker.environment().set_parameter(name, value)?,
            None => self.factory.make_vector(&self.arguments, 1)?.set_parameter(name, value)?,
        }
        self.parameters.retain(|(known, _)| known != name);
        self.parameters.push((name.to_owned(), value));
        Ok(())
    }

    /// Runs one episode for each seed; the results are in the order of `seeds`.
    ///
    /// # Errors
    /// [`RolloutError`], that of the first seed in order where several episodes fail.
    pub fn run<P: Policy + ?Sized>(
        &self,
        policy: &P,
        seeds: &[u64],
        options: &RolloutOptions,
    ) -> Result<Vec<Episode>, RolloutError> {
        self.run_observed(policy, seeds, options, &|_| ControlFlow::Continue(()))
    }

    /// As [`Self::run`], telling `observer` how far it has come.
    ///
    /// # Errors
    /// As [`Self::run`], and [`RolloutError::Cancelled`].
    pub fn run_observed<P: Policy + ?Sized>(
        &self,
        policy: &P,
        seeds: &[u64],
        options: &RolloutOptions,
        observer: &RolloutObserver<'_>,
    ) -> Result<Vec<Episode>, RolloutError> {
        check_policy(policy, &self.spec).map_err(RolloutError::Mismatch)?;
        if self.spec.max_episode_steps.is_none() && options.max_steps.is_none() {
            return Err(RolloutError::NoTimeLimit { id: self.spec.id.clone() });
        }
        let monitor = Monitor::new(seeds.len(), observer);
        let lanes = options.lanes.max(1);
        // Several rounds of lanes in a chunk keep the batch full where episodes differ in length. Nothing here depends
        // on the number of threads.
        let chunk = lanes * (seeds.len() / (lanes * 64)).clamp(1, 8);
        let run_chunk = |seeds: &[u64]| {
            let mut worker = self.worker(lanes.min(seeds.len())).map_err(RolloutError::Lanes)?;
            let episodes = Chunk { policy, seeds, options, monitor: &monitor }.run(&mut worker)?;
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(worker);
            Ok(episodes)
        };
        let chunks: Vec<Result<Vec<Episode>, RolloutError>> = if seeds.len() <= chunk {
            seeds.chunks(chunk).map(run_chunk).collect()
        } else {
            seeds.par_chunks(chunk).map(run_chunk).collect()
        };
        let mut episodes = Vec::with_capacity(seeds.len());
        for chunk in chunks {
            episodes.extend(chunk?);
        }
        Ok(episodes)
    }

    /// An idle worker with enough lanes, or a new one.
    fn worker(&self, lanes: usize) -> Result<Worker, EnvironmentError> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = idle.iter().rposition(|worker| worker.lanes() >= lanes) {
            return Ok(idle.swap_remove(place));
        }
        // A worker with too few lanes would only lie about.
        idle.pop();
        drop(idle);
        let mut environment = self.factory.make_vector(&self.arguments, lanes)?;
        for (name, value) in &self.parameters {
            environment.set_parameter(name, *value)?;
        }
        Ok(Worker::new(environment))
    }
}

fn check_policy<P: Policy + ?Sized>(policy: &P, spec: &EnvironmentSpec) -> Result<(), PolicyError> {
    let describe = |inputs: usize, space: &ActionSpace| match space {
        ActionSpace::Discrete(space) => format!("{inputs} observations and {} discrete actions", space.len()),
        ActionSpace::Box(space) => format!("{inputs} observations and a vector of {} actions", space.len()),
    };
    let policy = describe(policy.observation_size(), policy.action_space());
    let environment = describe(spec.observation_space.len(), &spec.action_space);
    if policy == environment { Ok(()) } else { Err(PolicyError::Mismatch { policy, environment }) }
}

/// What the chunks of a run share.
struct Monitor<'a> {
    observer: &'a RolloutObserver<'a>,
    total: usize,
    episodes: AtomicUsize,
    steps: AtomicU64,
    cancelled: AtomicBool,
}

impl<'a> Monitor<'a> {
    fn new(total: usize, observer: &'a RolloutObserver<'a>) -> Self {
        let (episodes, steps) = (AtomicUsize::new(0), AtomicU64::new(0));
        Self { observer, total, episodes, steps, cancelled: AtomicBool::new(false) }
    }

    /// Tells the observer, after `ended` has ended if any.
    fn tell(&self, ended: Option<&Episode>) -> Result<(), RolloutError> {
        let (new_episodes, new_steps) = ended.map_or((0, 0), |episode| (1, u64::from(episode.length)));
        let episodes = self.episodes.fetch_add(new_episodes, Ordering::Relaxed) + new_episodes;
        let steps = self.steps.fetch_add(new_steps, Ordering::Relaxed) + new_steps;
        if (self.observer)(RolloutProgress { episodes, total: self.total, steps }).is_break() {
            self.cancelled.store(true, Ordering::Relaxed);
        }
        if self.cancelled.load(Ordering::Relaxed) {
            return Err(RolloutError::Cancelled { episodes, total: self.total });
        }
        Ok(())
    }
}
