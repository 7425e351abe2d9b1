//! PPO's optimization phase: several passes of clipped policy-gradient steps over one rollout.

use super::PpoConfig;
use super::actor_critic::{ActorCritic, TASK_ROWS};
use super::adam::Adam;
use super::distribution::{ActionDistribution, ActionTerms, PolicyRow};
use super::mlp::Workspace;
use kanrl_core::random::Generator;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// One rollout's rows, in any order.
#[derive(Clone, Debug, Default)]
pub(super) struct Samples {
    /// `[rows, observation_width]`, normalized and padded.
    pub observations: Vec<f32>,
    /// `[rows, action_size]`, before clipping.
    pub actions: Vec<f32>,
    /// `[rows]`, under the policy that acted.
    pub log_probabilities: Vec<f32>,
    /// `[rows]`.
    pub advantages: Vec<f32>,
    /// `[rows]`, what the value function learns.
    pub returns: Vec<f32>,
}

/// Means over the minibatches of one optimization phase, under Stable-Baselines3's names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Losses {
    /// The clipped surrogate objective, negated.
    pub policy_gradient_loss: f64,
    /// Mean squared error of the value function.
    pub value_loss: f64,
    /// Mean entropy of the policy, negated, in nats.
    pub entropy_loss: f64,
    /// Estimate of the Kullback-Leibler divergence from the policy that acted.
    pub approx_kl: f64,
    /// Share of rows whose probability ratio left the clip range.
    pub clip_fraction: f64,
}

impl Losses {
    fn add(&mut self, other: &Self, factor: f64) {
        self.policy_gradient_loss += factor * other.policy_gradient_loss;
        self.value_loss += factor * other.value_loss;
        self.entropy_loss += factor * other.entropy_loss;
        self.approx_kl += factor * other.approx_kl;
        self.clip_fraction += factor * other.clip_fraction;
    }
}

/// The parameters, and all that is needed to improve them.
#[derive(Debug)]
pub(super) struct Learner {
    pub model: ActorCritic,
    pub parameters: Vec<f32>,
    pub adam: Adam,
    gradient: Vec<f32>,
    tasks: Vec<Task>,
}

/// One network's gradient on a few rows of a minibatch.
#[derive(Debug)]
struct Task {
    network: Network,
    /// Which [`TASK_ROWS`] rows of the minibatch.
    chunk: usize,
    workspace: Workspace,
    /// The network's parameters, and for the policy the logarithms of its standard deviations.
    gradient: Vec<f32>,
    /// Sums over the task's rows.
    losses: Losses,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Network {
    Policy,
    Value,
}

/// What all rows of a minibatch share.
struct Minibatch<'a> {
    samples: &'a Samples,
    indices: &'a [u32],
    advantage_mean: f32,
    advantage_scale: f32,
    clip_range: f32,
    entropy_coefficient: f32,
    value_coefficient: f32,
    variance: &'a [f32],
}

impl Learner {
    /// With given parameters; `batch_size` rows at most make a minibatch.
    pub fn new(model: ActorCritic, parameters: Vec<f32>, batch_size: usize) -> Self {
        let networks = [(Network::Policy, &model.policy), (Network::Value, &model.value)];
        let tasks = (0..batch_size.div_ceil(TASK_ROWS))
            .flat_map(|chunk| networks.map(|(network, mlp)| (chunk, network, mlp)))
            .map(|(chunk, network, mlp)| {
                let extra = if network == Network::Policy { model.log_std_range().len() } else { 0 };
                Task {
                    network,
                    chunk,
                    workspace: Workspace::new(mlp, TASK_ROWS.min(batch_size)),
                    gradient: vec![0.0; mlp.parameter_count() + extra],
                    losses: Losses::default(),
                }
            })
            .collect();
        let count = parameters.len();
        Self { model, parameters, adam: Adam::new(count), gradient: vec![0.0; count], tasks }
    }

    /// The logarithms of the exploration's standard deviations.
    pub fn log_std(&self) -> &[f32] {
        &self.parameters[self.model.log_std_range()]
    }

    /// `n_epochs` passes over the rows; `remaining` of the run is left (1 at its start).
    ///
    /// # Errors
    /// The gradient's norm where it is not finite; the parameters are then those before that step.
    pub fn optimize(
        &mut self,
        samples: &Samples,
        config: &PpoConfig,
        remaining: f64,
        random: &mut Generator,
    ) -> Result<Losses, f64> {
        let mut indices: Vec<u32> = (0..samples.returns.len() as u32).collect();
        let mut means = Losses::default();
        let mut minibatches = 0u32;
        'epochs: for _ in 0..config.n_epochs {
            random.shuffle(&mut indices);
            for indices in indices.chunks(config.batch_size) {
                let losses = self.gradient(samples, indices, config, remaining);
                means.add(&losses, 1.0);
                minibatches += 1;
                if config.target_kl.is_some_and(|target| losses.approx_kl > 1.5 * target) {
                    break 'epochs;
                }
                let norm = norm(&self.gradient);
                if !norm.is_finite() {
                    return Err(norm);
                }
                let scale = (config.max_grad_norm / (norm + 1e-6)).min(1.0) as f32;
                let learning_rate = config.learning_rate.value(remaining);
                self.adam.step(&mut self.parameters, &self.gradient, scale, learning_rate);
            }
        }
        let mut result = Losses::default();
        result.add(&means, 1.0 / f64::from(minibatches));
        Ok(result)
    }

    /// Sets `self.gradient` to the loss's on one minibatch and returns the loss's parts.
    fn gradient(&mut self, samples: &Samples, indices: &[u32], config: &PpoConfig, remaining: f64) -> Losses {
        let (advantage_mean, advantage_scale) = if config.normalize_advantage && indices.len() > 1 {
            let count = indices.len() as f64;
            let advantages = || indices.iter().map(|index| f64::from(samples.advantages[*index as usize]));
            let mean = advantages().sum::<f64>() / count;
            let variance = advantages().map(|value| (value - mean).powi(2)).sum::<f64>() / (count - 1.0);
            (mean as f32, (1.0 / (variance.sqrt() + 1e-8)) as f32)
        } else {
            (0.0, 1.0)
        };
        let variance = ActionDistribution::squared_std(self.log_std());
        let minibatch = Minibatch {
            samples,
            indices,
            advantage_mean,
            advantage_scale,
            clip_range: config.clip_range.value(remaining) as f32,
            entropy_coefficient: config.ent_coef as f32,
            value_coefficient: config.vf_coef as f32,
            variance: &variance,
        };
        let (model, parameters) = (&self.model, &self.parameters);
        let tasks = &mut self.tasks[..2 * indices.len().div_ceil(TASK_ROWS)];
        tasks.par_iter_mut().for_each(|task| match task.network {
            Network::Policy => policy_gradient(model, &parameters[..model.log_std_range().end], &minibatch, task),
            Network::Value => value_gradient(model, &parameters[model.value_range()], &minibatch, task),
        });

        self.gradient.fill(0.0);
        let (policy, value) = self.gradient.split_at_mut(model.value_range().start);
        let mut sums = Losses::default();
        for task in tasks {
            let target = if task.network == Network::Policy { &mut *policy } else { &mut *value };
            target.iter_mut().zip(&task.gradient).for_each(|(sum, part)| *sum += part);
            sums.add(&task.losses, 1.0);
        }
        let mut losses = Losses::default();
        losses.add(&sums, 1.0 / indices.len() as f64);
        losses
    }
}

/// Brings the task's rows into its workspace, runs the network on them and returns their indices.
fn forward<'a>(model: &ActorCritic, parameters: &[f32], minibatch: &Minibatch<'a>, task: &mut Task) -> &'a [u32] {
    let indices = minibatch.indices.chunks(TASK_ROWS).nth(task.chunk).unwrap_or(&[]);
    let width = model.observation_width();
    let mlp = if task.network == Network::Policy { &model.policy } else { &model.value };
    for (input, index) in task.workspace.input_mut().chunks_exact_mut(mlp.input_width()).zip(indices) {
        let row = &minibatch.samples.observations[*index as usize * width..][..width];
        match task.network {
            Network::Policy => model.policy_input(row, input),
            Network::Value => input.copy_from_slice(row),
        }
    }
    mlp.forward(parameters, &mut task.workspace, indices.len());
    indices
}

/// Gradient of `-mean(min(ratio · A, clip(ratio) · A)) - ent_coef · mean(entropy)`.
fn policy_gradient(model: &ActorCritic, parameters: &[f32], minibatch: &Minibatch<'_>, task: &mut Task) {
    let (policy, distribution, samples) = (&model.policy, model.distribution, minibatch.samples);
    let indices = forward(model, &parameters[model.policy_range()], minibatch, task);
    let (width, size) = (policy.output_width(), distribution.action_size());
    let latent_width = task.workspace.latent_width();
    let share = 1.0 / minibatch.indices.len() as f32;
    let (network_gradient, std_gradient) = task.gradient.split_at_mut(policy.parameter_count());
    std_gradient.fill(0.0);
    let mut losses = Losses::default();

    let (latents, outputs, gradients) = task.workspace.latent_output_and_gradient();
    gradients.fill(0.0);
    for (row, index) in indices.iter().enumerate() {
        let index = *index as usize;
        let output = &outputs[row * width..][..width];
        let policy_row = PolicyRow { output, latent: &latents[row * latent_width..][..latent_width] };
        let action = &samples.actions[index * size..][..size];
        let advantage = (samples.advantages[index] - minibatch.advantage_mean) * minibatch.advantage_scale;
        let terms = distribution.evaluate(policy_row, minibatch.variance, action);

        let log_ratio = terms.log_probability - samples.log_probabilities[index];
        let ratio = log_ratio.exp();
        let clipped = ratio.clamp(1.0 - minibatch.clip_range, 1.0 + minibatch.clip_range);
        // Beyond the clip range, on the side that the advantage pushes to, the objective is flat.
        let flat = clipped * advantage < ratio * advantage;
        let gradient = ActionTerms {
            log_probability: if flat { 0.0 } else { -share * advantage * ratio },
            entropy: -share * minibatch.entropy_coefficient,
        };
        let output_gradient = &mut gradients[row * width..][..width];
        distribution.backward(policy_row, minibatch.variance, action, gradient, output_gradient, std_gradient);

        losses.policy_gradient_loss -= f64::from((ratio * advantage).min(clipped * advantage));
        losses.entropy_loss -= f64::from(terms.entropy);
        losses.approx_kl += f64::from((ratio - 1.0) - log_ratio);
        losses.clip_fraction += if (ratio - 1.0).abs() > minibatch.clip_range { 1.0 } else { 0.0 };
    }
    // d variance / d log_std = 2 variance
    std_gradient.iter_mut().zip(minibatch.variance).for_each(|(gradient, variance)| *gradient *= 2.0 * variance);
    task.losses = losses;
    policy.backward(&parameters[model.policy_range()], &mut task.workspace, network_gradient);
}

/// Gradient of `vf_coef · mean((return - value)²)`.
fn value_gradient(model: &ActorCritic, parameters: &[f32], minibatch: &Minibatch<'_>, task: &mut Task) {
    let indices = forward(model, parameters, minibatch, task);
    let width = model.value.output_width();
    let factor = 2.0 * minibatch.value_coefficient / minibatch.indices.len() as f32;
    let mut squares = 0.0;
    let (_, outputs, gradients) = task.workspace.latent_output_and_gradient();
    gradients.fill(0.0);
    for ((output, gradient), index) in outputs.chunks_exact(width).zip(gradients.chunks_exact_mut(width)).zip(indices) {
        let error = output[0] - minibatch.samples.returns[*index as usize];
        gradient[0] = factor * error;
        squares += f64::from(error * error);
    }
    task.losses = Losses { value_loss: squares, ..Losses::default() };
    model.value.backward(parameters, &mut task.workspace, &mut task.gradient);
}

/// Euclidean norm, summed in a fixed order.
fn norm(values: &[f32]) -> f64 {
    let squares = values.chunks(1024).map(|chunk| {
        let (lanes, rest) = chunk.as_chunks::<16>();
        let mut sums = [0.0f32; 16];
        for values in lanes {
            for lane in 0..16 {
                sums[lane] += values[lane] * values[lane];
            }
        }
        f64::from(sums.iter().sum::<f32>() + rest.iter().map(|value| value * value).sum::<f32>())
    });
    squares.sum::<f64>().sqrt()
}

#[cfg(test)]
mod tests;
