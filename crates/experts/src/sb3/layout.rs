//! Where each algorithm keeps the network that chooses the action, and what its outputs mean.

use super::data::Data;
use crate::ExpertError;
use crate::network::{Activation, Layer, Mlp};
use crate::policy::Head;
use crate::spaces::Actions;
use crate::torch::StateDict;

const SUPPORTED: &str = "supported are the MlpPolicy of PPO, A2C, TRPO, SAC, TD3, TQC, DDPG, DQN, QR-DQN and ARS";

/// The acting network of an archive.
pub(super) fn network(file: &str, data: &Data, state: &mut StateDict) -> Result<(Mlp, Head), ExpertError> {
    let unsupported =
        |what: String| ExpertError::Unsupported { file: file.to_owned(), what, supported: SUPPORTED.to_owned() };
    let (module, class) = &data.policy_class;
    if !module.starts_with("stable_baselines3.") && !module.starts_with("sb3_contrib.") {
        return Err(unsupported(format!("a policy of the class `{module}.{class}`")));
    }
    if let Some(name) = state.names().find(|name| name.contains("features_extractor.")) {
        return Err(unsupported(format!("a policy with a features extractor (`{name}`)")));
    }
    let is_box = matches!(data.action_space, Actions::Box { .. });
    let squash = |default: bool| is_box && data.squash_output.unwrap_or(default);
    let continuous = |squash: bool| if squash { Head::Squashed { clip_mean: None } } else { Head::Means };
    let hidden = |default: Activation| data.activation.unwrap_or(default);

    let mut builder = Builder { file, state, layers: Vec::new() };
    let head = match &**class {
        "ActorCriticPolicy" | "MaskableActorCriticPolicy" => {
            let activation = hidden(Activation::Tanh);
            builder.sequence("mlp_extractor.shared_net", activation, activation)?;
            builder.sequence("mlp_extractor.policy_net", activation, activation)?;
            builder.layer("action_net", Activation::Identity)?;
            if is_box { continuous(squash(false)) } else { Head::Logits }
        }
        "SACPolicy" | "TQCPolicy" => {
            let activation = hidden(Activation::Relu);
            builder.sequence("actor.latent_pi", activation, activation)?;
            // With gSDE the mean is limited by a Hardtanh, and the layer has a number.
            let limited = builder.state.shape("actor.mu.0.weight").is_some();
            builder.layer(if limited { "actor.mu.0" } else { "actor.mu" }, Activation::Identity)?;
            Head::Squashed { clip_mean: limited.then(|| data.clip_mean.unwrap_or(2.0) as f32) }
        }
        "TD3Policy" => {
            builder.sequence("actor.mu", hidden(Activation::Relu), Activation::Identity)?;
            Head::Squashed { clip_mean: None }
        }
        "DQNPolicy" => {
            builder.sequence("q_net.q_net", hidden(Activation::Relu), Activation::Identity)?;
            Head::QValues { quantiles: 1 }
        }
        "QRDQNPolicy" => {
            builder.sequence("quantile_net.quantile_net", hidden(Activation::Relu), Activation::Identity)?;
            let Actions::Discrete { count } = data.action_space else {
                return Err(unsupported("a QRDQNPolicy with continuous actions".to_owned()));
            };
            Head::QValues { quantiles: builder.layers.last().map_or(0, |layer| layer.outputs() / count) }
        }
        "ARSPolicy" | "ARSLinearPolicy" => {
            if builder.state.shape("action_net.weight").is_some() {
                builder.layer("action_net", Activation::Identity)?;
            } else {
                builder.sequence("action_net", hidden(Activation::Relu), Activation::Identity)?;
            }
            if is_box { continuous(squash(class == "ARSPolicy")) } else { Head::Logits }
        }
        _ => return Err(unsupported(format!("a policy of the class `{module}.{class}`"))),
    };
    let network = Mlp::new(builder.layers).map_err(|reason| {
        ExpertError::malformed(file, format!("has a network that does not fit together: {reason}"))
    })?;
    Ok((network, head))
}

struct Builder<'a> {
    file: &'a str,
    state: &'a mut StateDict,
    layers: Vec<Layer>,
}

impl Builder<'_> {
    /// The numbered layers of a torch `Sequential`, in order; the numbers between them are activations. May be empty.
    fn sequence(&mut self, prefix: &str, between: Activation, last: Activation) -> Result<(), ExpertError> {
        let number = |name: &str| name.strip_prefix(prefix)?.strip_prefix('.')?.strip_suffix(".weight")?.parse().ok();
        let mut numbers: Vec<u32> = self.state.names().filter_map(number).collect();
        numbers.sort_unstable();
        for (index, number) in numbers.iter().enumerate() {
            let activation = if index + 1 == numbers.len() { last } else { between };
            self.layer(&format!("{prefix}.{number}"), activation)?;
        }
        Ok(())
    }

    fn layer(&mut self, name: &str, activation: Activation) -> Result<(), ExpertError> {
        let weight = self.state.tensor(&format!("{name}.weight"))?;
        let bias_name = format!("{name}.bias");
        let bias = match self.state.shape(&bias_name) {
            Some(_) => Some(self.state.tensor(&bias_name)?.values),
            None => None,
        };
        let malformed = |reason: String| ExpertError::malformed(self.file, reason);
        let [outputs, inputs] = weight.shape[..] else {
            return Err(malformed(format!("has `{name}.weight` of shape {:?}; expected a dense layer", weight.shape)));
        };
        let layer = Layer::new(inputs, outputs, &weight.values, bias.as_deref(), activation)
            .map_err(|reason| malformed(format!("has an unusable layer `{name}`: {reason}")))?;
        self.layers.push(layer);
        Ok(())
    }
}
