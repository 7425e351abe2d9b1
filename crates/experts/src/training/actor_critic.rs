//! The policy and the value function: two separate networks in one parameter vector.

use super::distribution::ActionDistribution;
use super::kan_actor::HatBasis;
use super::mlp::{Initialization, Mlp, Workspace};
use super::{Actor, PpoConfig, TrainingError};
use kanrl_core::random::Generator;
use kanrl_core::space::ActionSpace;
use rayon::prelude::*;
use std::ops::Range;

/// Rows that one task works on: fixed, so that sums have the same order for any number of threads.
pub(super) const TASK_ROWS: usize = 64;

/// Networks and action distribution, without their parameters.
///
/// The parameter vector holds the policy network, the logarithms of the standard deviations and the value network.
#[derive(Clone, Debug)]
pub(super) struct ActorCritic {
    /// Observation, or `basis`'s values on it, to logits or means.
    pub policy: Mlp,
    /// What the policy of a Kolmogorov-Arnold network is linear in.
    pub basis: Option<HatBasis>,
    /// Observation to value.
    pub value: Mlp,
    /// What the logits or means stand for.
    pub distribution: ActionDistribution,
}

impl ActorCritic {
    /// Networks that fit an environment.
    ///
    /// # Errors
    /// [`TrainingError::BadConfig`] for state-dependent exploration of discrete actions.
    pub fn new(config: &PpoConfig, observations: usize, space: &ActionSpace) -> Result<Self, TrainingError> {
        let sizes = |outputs| [&[observations], config.net_arch.as_slice(), &[outputs]].concat();
        let latent = config.net_arch[config.net_arch.len() - 1];
        let distribution = match space {
            ActionSpace::Discrete(_) if config.use_sde => {
                let reason = "`use_sde` needs vector actions, and this environment's are discrete".to_owned();
                return Err(TrainingError::BadConfig { reason });
            }
            ActionSpace::Discrete(space) => ActionDistribution::Categorical { actions: space.len() },
            ActionSpace::Box(space) if config.use_sde => {
                ActionDistribution::StateDependent { size: space.len(), latent }
            }
            ActionSpace::Box(space) => ActionDistribution::DiagonalGaussian { size: space.len() },
        };
        let basis = (config.actor == Actor::Kan).then(|| HatBasis::new(observations, config.grid));
        let policy_sizes =
            basis.map_or_else(|| sizes(space.outputs()), |basis| vec![basis.features(), space.outputs()]);
        Ok(Self {
            policy: Mlp::new(policy_sizes, config.activation_fn),
            basis,
            value: Mlp::new(sizes(1), config.activation_fn),
            distribution,
        })
    }

    /// Width of a row of observations, padding included.
    pub fn observation_width(&self) -> usize {
        self.value.input_width()
    }

    /// Writes what the policy network sees of rows of observations, both padded, to its `input`.
    pub fn policy_input(&self, observations: &[f32], input: &mut [f32]) {
        let Some(basis) = self.basis else { return input[..observations.len()].copy_from_slice(observations) };
        let rows = observations.chunks_exact(self.observation_width());
        for (row, input) in rows.zip(input.chunks_exact_mut(self.policy.input_width())) {
            basis.evaluate(row, input);
        }
    }

    /// Length of the parameter vector.
    pub fn parameter_count(&self) -> usize {
        self.value_range().end
    }

    /// Where the policy network's parameters lie.
    pub fn policy_range(&self) -> Range<usize> {
        0..self.policy.parameter_count()
    }

    /// Where the logarithms of the standard deviations lie.
    pub fn log_std_range(&self) -> Range<usize> {
        let start = self.policy.parameter_count();
        start..start + self.distribution.log_std_count()
    }

    /// Where the value network's parameters lie.
    pub fn value_range(&self) -> Range<usize> {
        let start = self.log_std_range().end;
        start..start + self.value.parameter_count()
    }

    /// Initial parameters.
    pub fn initialize(&self, config: &PpoConfig, random: &mut Generator) -> Vec<f32> {
        let initialization = |output_gain| {
            if config.ortho_init { Initialization::Orthogonal { output_gain } } else { Initialization::Uniform }
        };
        let mut parameters = vec![0.0; self.parameter_count()];
        self.policy.initialize(initialization(0.01), random, &mut parameters[self.policy_range()]);
        self.value.initialize(initialization(1.0), random, &mut parameters[self.value_range()]);
        parameters[self.log_std_range()].fill(config.log_std_init);
        parameters
    }

    /// The value of every row of `observations`, rows padded to [`Self::observation_width`].
    pub fn values(&self, parameters: &[f32], observations: &[f32], values: &mut [f32]) {
        let (input, output) = (self.value.input_width(), self.value.output_width());
        let parameters = &parameters[self.value_range()];
        observations.par_chunks(TASK_ROWS * input).zip(values.par_chunks_mut(TASK_ROWS)).for_each_init(
            || Workspace::new(&self.value, TASK_ROWS),
            |workspace, (rows, values)| {
                workspace.input_mut()[..rows.len()].copy_from_slice(rows);
                self.value.forward(parameters, workspace, values.len());
                let outputs = workspace.output().chunks_exact(output);
                values.iter_mut().zip(outputs).for_each(|(value, output)| *value = output[0]);
            },
        );
    }
}
