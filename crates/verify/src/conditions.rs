//! Changed conditions: what an episode is played under, so that it can be played again.

use kanrl_core::action::{Action, ActionBatch};
use kanrl_core::environment::{
    DynEnvironment, EnvironmentEntry, EnvironmentError, EnvironmentSpec, Frame, KeywordArguments, Parameter,
    StepOutcome,
};
use kanrl_core::policy::{Policy, PolicyError};
use kanrl_core::random::Generator;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};

/// How an episode differs from an ordinary one. The default changes nothing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Conditions {
    /// The episode's seed.
    pub seed: u64,
    /// The state it starts in, instead of a random one; for environments with the argument `start`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start: Option<Vec<f64>>,
    /// Physical constants, by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub parameters: BTreeMap<String, f64>,
    /// An action takes effect so many steps late; until then the first one does.
    pub delay: usize,
    /// Every observation is off by a normal error with this standard deviation, in each coordinate's own unit.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub noise: Vec<f64>,
    /// Share of a vector action's bounds that the actuators reach; 1 for all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actuators: Option<f64>,
}

/// An episode, as far as it counts.
#[derive(Clone, Debug, PartialEq)]
pub struct Played {
    /// Sum of the rewards.
    pub episode_return: f64,
    /// Steps it took.
    pub steps: u32,
    /// Whether the task's own rules ended it.
    pub terminated: bool,
    /// The state at its end, where the environment shows it.
    pub state: Vec<f64>,
}

/// What can go wrong while an episode is played.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PlayError {
    /// The environment cannot be made so, or failed.
    #[error(transparent)]
    Environment(#[from] EnvironmentError),
    /// The policy failed.
    #[error(transparent)]
    Policy(#[from] PolicyError),
}

impl Conditions {
    /// The environment under these conditions.
    ///
    /// # Errors
    /// [`EnvironmentError`] where it takes no start, or has not such a constant.
    pub fn environment(&self, entry: &EnvironmentEntry) -> Result<Box<dyn DynEnvironment>, EnvironmentError> {
        let mut arguments = KeywordArguments::new();
        if let Some(start) = &self.start {
            arguments.insert("start".to_owned(), start.clone().into());
        }
        let mut environment = entry.factory.make(&arguments)?;
        for (name, value) in &self.parameters {
            environment.set_parameter(name, *value)?;
        }
        if self.delay == 0 && self.noise.is_empty() && self.actuators.is_none() {
            return Ok(environment);
        }
        let waiting = VecDeque::new();
        Ok(Box::new(Disturbed { environment, conditions: self.clone(), waiting, random: Generator::new(self.seed) }))
    }

    /// Plays the episode.
    ///
    /// # Errors
    /// [`PlayError`].
    pub fn play(&self, entry: &EnvironmentEntry, policy: &(impl Policy + ?Sized)) -> Result<Played, PlayError> {
        let mut environment = self.environment(entry)?;
        let spec = environment.spec().clone();
        let limit = spec.max_episode_steps.unwrap_or(1000);
        let mut observation = vec![0.0; spec.observation_space.len()];
        let mut actions = ActionBatch::zeros(&spec.action_space, 1);
        environment.reset(Some(self.seed), &mut observation)?;
        let mut played = Played { episode_return: 0.0, steps: 0, terminated: false, state: Vec::new() };
        while played.steps < limit {
            policy.act(&observation, &[played.steps], &mut actions)?;
            let outcome = match environment.step(actions.row(0), &mut observation) {
                Err(EnvironmentError::Diverged { .. }) => break,
                other => other?,
            };
            played.episode_return += outcome.reward;
            played.steps += 1;
            played.terminated |= outcome.terminated;
            if outcome.is_over() {
                break;
            }
        }
        played.state = environment.state();
        Ok(played)
    }
}

/// An environment between a late actuator and a noisy sensor.
struct Disturbed {
    environment: Box<dyn DynEnvironment>,
    conditions: Conditions,
    waiting: VecDeque<Held>,
    random: Generator,
}

/// An action that has not taken effect yet.
enum Held {
    Discrete(usize),
    Vector(Vec<f32>),
}

impl Disturbed {
    fn blur(&mut self, observation: &mut [f64]) {
        for (value, noise) in observation.iter_mut().zip(&self.conditions.noise) {
            *value += noise * self.random.standard_normal();
        }
    }
}

impl DynEnvironment for Disturbed {
    fn spec(&self) -> &EnvironmentSpec {
        self.environment.spec()
    }

    fn reset(&mut self, seed: Option<u64>, observation: &mut [f64]) -> Result<(), EnvironmentError> {
        self.waiting.clear();
        if let Some(seed) = seed {
            self.random = Generator::new(seed);
        }
        self.environment.reset(seed, observation)?;
        self.blur(observation);
        Ok(())
    }

    fn step(&mut self, action: Action<'_>, observation: &mut [f64]) -> Result<StepOutcome, EnvironmentError> {
        let held = || match action {
            Action::Discrete(index) => Held::Discrete(index),
            Action::F32(values) => Held::Vector(values.to_vec()),
            Action::F64(values) => Held::Vector(values.iter().map(|value| *value as f32).collect()),
        };
        if self.waiting.is_empty() {
            self.waiting.extend((0..self.conditions.delay).map(|_| held()));
        }
        self.waiting.push_back(held());
        let taken = self.waiting.pop_front().unwrap_or_else(held);
        let outcome = match taken {
            Held::Discrete(index) => self.environment.step(Action::Discrete(index), observation)?,
            Held::Vector(mut values) => {
                if let (Some(share), kanrl_core::space::ActionSpace::Box(space)) =
                    (self.conditions.actuators, &self.environment.spec().action_space)
                {
                    for (value, coordinate) in values.iter_mut().zip(&space.coordinates) {
                        let (low, high) = ((coordinate.low * share) as f32, (coordinate.high * share) as f32);
                        *value = value.max(low).min(high);
                    }
                }
                self.environment.step(Action::F32(&values), observation)?
            }
        };
        self.blur(observation);
        Ok(outcome)
    }

    fn step_chunk(
        &mut self,
        actions: &ActionBatch,
        observations: &mut [f64],
        outcomes: &mut [StepOutcome],
    ) -> Result<usize, EnvironmentError> {
        let size = self.spec().observation_space.len();
        for row in 0..actions.rows() {
            outcomes[row] = self.step(actions.row(row), &mut observations[row * size..(row + 1) * size])?;
            if outcomes[row].is_over() {
                return Ok(row + 1);
            }
        }
        Ok(actions.rows())
    }

    fn info(&self, info: &mut [f64]) {
        self.environment.info(info);
    }

    fn state(&self) -> Vec<f64> {
        self.environment.state()
    }

    fn parameters(&self) -> Vec<Parameter> {
        self.environment.parameters()
    }

    fn set_parameter(&mut self, name: &str, value: f64) -> Result<(), EnvironmentError> {
        self.environment.set_parameter(name, value)
    }

    fn render(&mut self) -> Result<Frame, EnvironmentError> {
        self.environment.render()
    }
}
