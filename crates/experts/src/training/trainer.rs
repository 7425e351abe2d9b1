use super::actor_critic::ActorCritic;
use super::advantage::generalized_advantages;
use super::distribution::{ActionDistribution, PolicyRow};
use super::lanes::Lanes;
use super::learner::{Learner, Losses, Samples};
use super::mlp::Workspace;
use super::normalization::Normalization;
use super::{PpoConfig, TrainingError};
use kanrl_core::environment::{EnvironmentRegistry, KeywordArguments};
use kanrl_core::random::{Generator, SeedSequence};
use kanrl_core::space::ActionSpace;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::ops::ControlFlow;

/// Ended episodes that the reported means run over.
const REPORTED_EPISODES: usize = 100;

/// Where a training run stands, told after every rollout and its optimization.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// Environment steps taken, over all lanes.
    pub timesteps: u64,
    /// Environment steps in all.
    pub total_timesteps: u64,
    /// Episodes ended so far.
    pub episodes: u64,
    /// Mean return of the last 100 ended episodes, as collected: with exploration noise, rewards not normalized.
    pub mean_return: Option<f64>,
    /// Mean length of the same episodes, in steps.
    pub mean_length: Option<f64>,
    /// Of the optimization that followed the rollout; none where there is no gradient.
    pub losses: Option<Losses>,
}

/// A run of proximal policy optimization that can be stepped, saved and resumed.
///
/// J. Schulman et al. (2017), "Proximal Policy Optimization Algorithms", arXiv 1707.06347, in the form that
/// Stable-Baselines3 gives it. The seed decides every bit of the result; the number of threads decides nothing.
pub struct Trainer {
    pub(super) identity: Identity,
    pub(super) config: PpoConfig,
    pub(super) lanes: Lanes,
    pub(super) learner: Learner,
    pub(super) normalization: Option<Normalization>,
    pub(super) state: State,
    samples: Samples,
    workspace: Workspace,
}

/// What is trained, and from which seed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Identity {
    pub environment: String,
    pub arguments: KeywordArguments,
    pub seed: u64,
}

/// Counters, and what is known of episodes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct State {
    /// Rollouts done.
    pub updates: u32,
    /// Episodes ended.
    pub episodes: u64,
    /// Return and length of the last ended episodes.
    pub ended: VecDeque<(f64, u32)>,
    /// Return and length of each lane's running episode.
    pub running: Vec<(f64, u32)>,
}

/// Independent random streams of one run.
#[derive(Clone, Copy)]
enum Stream {
    Initialization,
    Updates,
    Lanes,
}

impl Stream {
    fn seeds(self, seed: u64) -> SeedSequence {
        SeedSequence::new(seed).child(self as u32)
    }
}

impl Trainer {
    /// Starts a run on an environment of the registry, made with these keyword arguments.
    ///
    /// # Errors
    /// [`TrainingError::BadConfig`], or the environment's own.
    pub fn new(
        registry: &EnvironmentRegistry,
        environment: &str,
        arguments: &KeywordArguments,
        config: PpoConfig,
        seed: u64,
    ) -> Result<Self, TrainingError> {
        let environment = registry.get(environment)?.id.clone();
        let identity = Identity { environment, arguments: arguments.clone(), seed };
        let mut trainer = Self::without_episodes(registry, identity, config)?;
        trainer.lanes.reset()?;
        if let Some(normalization) = &mut trainer.normalization {
            let observations: Vec<f64> = trainer.lanes.steps().flat_map(|step| &step.observation).copied().collect();
            normalization.observations.update(&observations);
        }
        Ok(trainer)
    }

    /// Everything but the environments' first observations.
    pub(super) fn without_episodes(
        registry: &EnvironmentRegistry,
        identity: Identity,
        config: PpoConfig,
    ) -> Result<Self, TrainingError> {
        config.validate()?;
        let Identity { environment, arguments, seed } = &identity;
        let lanes = Lanes::new(registry, environment, arguments, config.n_envs, Stream::Lanes.seeds(*seed))?;
        let spec = lanes.spec();
        let model = ActorCritic::new(&config, spec.observation_space.len(), &spec.action_space)?;
        let mut random = Generator::from_seed_sequence(&Stream::Initialization.seeds(*seed));
        let parameters = model.initialize(&config, &mut random);
        let normalization =
            config.normalize.then(|| Normalization::new(spec.observation_space.len(), config.n_envs, config.gamma));
        let rows = config.rollout_size();
        let samples = Samples {
            observations: vec![0.0; rows * model.observation_width()],
            actions: vec![0.0; rows * model.distribution.action_size()],
            log_probabilities: vec![0.0; rows],
            advantages: vec![0.0; rows],
            returns: vec![0.0; rows],
        };
        let workspace = Workspace::new(&model.policy, config.n_envs);
        let state = State { running: vec![(0.0, 0); config.n_envs], ..State::default() };
        let learner = Learner::new(model, parameters, config.batch_size.min(rows));
        Ok(Self { identity, config, lanes, learner, normalization, state, samples, workspace })
    }

    /// The hyper-parameters.
    pub fn config(&self) -> &PpoConfig {
        &self.config
    }

    /// The environment's id.
    pub fn environment(&self) -> &str {
        &self.identity.environment
    }

    /// The seed.
    pub fn seed(&self) -> u64 {
        self.identity.seed
    }

    /// Environment steps taken, over all lanes.
    pub fn timesteps(&self) -> u64 {
        u64::from(self.state.updates) * self.config.rollout_size() as u64
    }

    /// Whether all steps have been taken.
    pub fn is_finished(&self) -> bool {
        u64::from(self.state.updates) >= self.config.updates()
    }

    /// Trains to the end, or until the observer breaks off; it hears the trainer (for a checkpoint, say) and its
    /// progress after every update. Returns whether the run is finished.
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

    /// One rollout, and the optimization on it.
    ///
    /// # Errors
    /// The environment's, or [`TrainingError::Diverged`].
    pub fn update(&mut self) -> Result<Progress, TrainingError> {
        let seeds = Stream::Updates.seeds(self.identity.seed).child(self.state.updates);
        let mut random = Generator::from_seed_sequence(&seeds);
        self.collect(&mut random)?;
        self.state.updates += 1;
        let total = self.config.n_timesteps as f64;
        let remaining = (1.0 - self.timesteps() as f64 / total).max(0.0);
        let losses = self.learner.optimize(&self.samples, &self.config, remaining, &mut random).map_err(|value| {
            TrainingError::Diverged { timesteps: self.timesteps(), what: "the gradient's norm", value }
        })?;
        let mean = |value: fn(&(f64, u32)) -> f64| {
            let ended = &self.state.ended;
            (!ended.is_empty()).then(|| ended.iter().map(value).sum::<f64>() / ended.len() as f64)
        };
        Ok(Progress {
            timesteps: self.timesteps(),
            total_timesteps: self.config.updates() * self.config.rollout_size() as u64,
            episodes: self.state.episodes,
            mean_return: mean(|(episode_return, _)| *episode_return),
            mean_length: mean(|(_, length)| f64::from(*length)),
            losses: Some(losses),
        })
    }

    /// Fills `self.samples` with one rollout of the current policy.
    fn collect(&mut self, random: &mut Generator) -> Result<(), TrainingError> {
        let Self { config, lanes, learner, normalization, state, samples, workspace, .. } = self;
        let (model, log_std) = (&learner.model, learner.log_std());
        let (distribution, policy) = (model.distribution, &model.policy);
        let policy_parameters = &learner.parameters[model.policy_range()];
        let (count, width, size) = (config.n_envs, model.observation_width(), distribution.action_size());
        let variance = ActionDistribution::squared_std(log_std);
        let state_dependent = matches!(distribution, ActionDistribution::StateDependent { .. });
        let mut noise = vec![vec![0.0; if state_dependent { log_std.len() } else { 0 }]; count];
        let mut sent = vec![0.0; count * size];
        let (mut rewards, mut over) = (vec![0.0; config.rollout_size()], vec![false; config.rollout_size()]);
        // Rows whose episode was truncated, and the observations that came last there.
        let (mut truncated, mut truncated_observations) = (Vec::new(), Vec::new());
        let mut observations: Vec<f64> = lanes.steps().flat_map(|step| &step.observation).copied().collect();

        for step in 0..config.n_steps {
            let drawn_again = config.sde_sample_freq > 0 && step as i64 % config.sde_sample_freq == 0;
            if step == 0 || drawn_again {
                noise.iter_mut().for_each(|matrix| distribution.draw_noise_matrix(log_std, random, matrix));
            }
            let rows = step * count..(step + 1) * count;
            let input = &mut samples.observations[rows.start * width..rows.end * width];
            normalize(normalization.as_ref(), &observations, input, width);
            model.policy_input(input, workspace.input_mut());
            policy.forward(policy_parameters, workspace, count);
            let outputs = workspace.output().chunks_exact(policy.output_width());
            let latents = workspace.latent().chunks_exact(workspace.latent_width());
            for (lane, (output, latent)) in outputs.zip(latents).enumerate() {
                let row = PolicyRow { output, latent };
                let action = &mut samples.actions[(rows.start + lane) * size..][..size];
                distribution.sample(row, log_std, &noise[lane], random, action);
                let terms = distribution.evaluate(row, &variance, action);
                samples.log_probabilities[rows.start + lane] = terms.log_probability;
            }
            sent.copy_from_slice(&samples.actions[rows.start * size..rows.end * size]);
            if let ActionSpace::Box(space) = &lanes.spec().action_space {
                sent.chunks_exact_mut(size).for_each(|action| space.clip(action));
            }
            lanes.step(&sent)?;

            let (rewards, over) = (&mut rewards[rows.clone()], &mut over[rows.clone()]);
            for (lane, step) in lanes.steps().enumerate() {
                rewards[lane] = step.outcome.reward;
                over[lane] = step.outcome.is_over();
                state.record(lane, rewards[lane], over[lane]);
            }
            observations.clear();
            lanes.steps().for_each(|step| observations.extend_from_slice(&step.observation));
            if let Some(normalization) = normalization {
                normalization.observations.update(&observations);
                normalization.normalize_rewards(rewards, over);
            }
            for (lane, step) in lanes.steps().enumerate() {
                if step.outcome.truncated && !step.outcome.terminated {
                    truncated.push(rows.start + lane);
                    let start = truncated_observations.len();
                    truncated_observations.resize(start + width, 0.0);
                    let row = &mut truncated_observations[start..];
                    normalize(normalization.as_ref(), &step.last_observation, row, width);
                }
            }
        }

        // The value function plays no part in acting: all its values are computed here, in large batches.
        let mut values = vec![0.0; config.rollout_size()];
        model.values(&learner.parameters, &samples.observations, &mut values);
        let mut truncated_values = vec![0.0; truncated.len()];
        model.values(&learner.parameters, &truncated_observations, &mut truncated_values);
        for (row, value) in truncated.into_iter().zip(truncated_values) {
            rewards[row] += config.gamma * f64::from(value);
        }
        let (mut last, mut last_values) = (vec![0.0; count * width], vec![0.0; count]);
        normalize(normalization.as_ref(), &observations, &mut last, width);
        model.values(&learner.parameters, &last, &mut last_values);
        let discounts = (config.gamma, config.gae_lambda);
        let (advantages, returns) = (&mut samples.advantages, &mut samples.returns);
        generalized_advantages(&rewards, &values, &over, &last_values, discounts, advantages, returns);
        Ok(())
    }
}

impl State {
    fn record(&mut self, lane: usize, reward: f64, over: bool) {
        let (episode_return, length) = &mut self.running[lane];
        *episode_return += reward;
        *length += 1;
        if over {
            if self.ended.len() == REPORTED_EPISODES {
                self.ended.pop_front();
            }
            self.ended.push_back(std::mem::take(&mut self.running[lane]));
            self.episodes += 1;
        }
    }
}

/// Observations as the networks see them: `[rows, size]` to `[rows, width]`; the padding stays as it is.
fn normalize(normalization: Option<&Normalization>, observations: &[f64], output: &mut [f32], width: usize) {
    let size = observations.len() / (output.len() / width).max(1);
    for (observation, output) in observations.chunks_exact(size.max(1)).zip(output.chunks_exact_mut(width)) {
        match normalization {
            Some(normalization) => normalization.normalize_observation(observation, output),
            None => output.iter_mut().zip(observation).for_each(|(output, value)| *output = *value as f32),
        }
    }
}
