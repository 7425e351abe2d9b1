//! The trained policy by itself: without the value function and the exploration noise.

use super::normalization::{CLIP, EPSILON};
use super::trainer::Trainer;
use super::{AlgorithmConfig, TrainingRecord};
use crate::network::{Activation, Layer, Mlp};
use crate::network_file::NetworkFile;
use crate::{Head, NetworkPolicy, ObservationNormalization};
use kanrl_core::space::ActionSpace;

impl Trainer {
    /// The policy as it is now, acting deterministically.
    pub fn policy(&self) -> NetworkPolicy {
        let model = &self.learner.model;
        let parameters = model.policy.layers_without_padding(&self.learner.parameters[model.policy_range()]);
        let last = parameters.len() - 1;
        let plain = |(index, (weight, bias)): (usize, &(Vec<f32>, Vec<f32>))| {
            let activation = if index == last { Activation::Identity } else { self.config.activation_fn };
            Layer::new(weight.len() / bias.len(), bias.len(), weight, Some(bias), activation)
        };
        let layers = match model.basis {
            Some(basis) => basis.layers(&parameters[last].0, &parameters[last].1),
            None => parameters.iter().enumerate().map(plain).collect(),
        };
        let network = layers.and_then(Mlp::new).expect("finite, fitting layers");
        let action_space = self.lanes.spec().action_space.clone();
        let head = match action_space {
            ActionSpace::Discrete(_) => Head::Logits,
            ActionSpace::Box(_) => Head::Means,
        };
        let normalization = self.normalization.as_ref().map(|normalization| ObservationNormalization {
            mean: normalization.observations.mean.clone(),
            variance: normalization.observations.variance.clone(),
            epsilon: EPSILON,
            clip: CLIP,
        });
        let source = format!("ppo, {} steps in {}", self.timesteps(), self.environment());
        NetworkPolicy::new(network, head, action_space, normalization, None, source).expect("it fits its environment")
    }

    /// The policy as a file, with the record of its training; `evaluation` is the caller's measurement of
    /// [`Self::policy`].
    pub fn network_file(&self, evaluation: Option<super::EvaluationRecord>) -> NetworkFile {
        NetworkFile::new(&self.policy(), Some(self.environment().to_owned())).with_training(TrainingRecord {
            algorithm: "ppo".to_owned(),
            config: AlgorithmConfig::Ppo(self.config.clone()),
            seed: self.seed(),
            timesteps: self.timesteps(),
            evaluation,
        })
    }
}
