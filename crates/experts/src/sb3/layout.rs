//! Where each algorithm keeps the network that chooses the action, and what its outputs mean.

use super::data::Data;
use crate::ExpertError;
use crate::network::{Activation, Layer, Mlp};
use crate::policy::Head;
use crate::spaces::Actions;
use crate::torch::StateDict;

const SUPPORTED: &str = "supported are the MlpPolicy and the MultiInputPolicy without images of PPO, A2C, TRPO, MaskablePPO, SAC, TD3, TQC, CrossQ, DDPG, DQN, QR-DQN, and ARS";
/// Added to the variance by CrossQ's batch renormalization.
const RENORMALIZATION_EPSILON: f32 = 0.001;

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
    if let Some(name) = state.names().find(|name| name.contains("lstm")) {
        return Err(unsupported(format!("a recurrent policy (`{name}`)")));
    }
    let is_box = matches!(data.action_space, Actions::Box { .. });
    let squash = |default: bool| is_box && data.squash_output.unwrap_or(default);
    let continuous = |squash: bool| if squash { Head::Squashed { clip_mean: None } } else { Head::Means };
    let hidden = |default: Activation| data.activation.unwrap_or(default);

    let chosen = |is_box_head: Head| match &data.action_space {
        Actions::Box { .. } => is_box_head,
        Actions::Discrete { .. } => Head::Logits,
        Actions::Choices { counts } => Head::Choices { counts: counts.clone() },
    };
    // `MultiInputPolicy` is a name in the modules of several algorithms.
    let class = match (&**class, module.split('.').rev().nth(1)) {
        ("MultiInputPolicy", Some("sac")) => "SACPolicy",
        ("MultiInputPolicy", Some("tqc")) => "TQCPolicy",
        ("MultiInputPolicy", Some("td3")) => "TD3Policy",
        ("MultiInputPolicy", Some("dqn")) => "DQNPolicy",
        ("MultiInputPolicy", Some("qrdqn")) => "QRDQNPolicy",
        (class, _) => class,
    };
    // Probabilities of bits have a single logit each.
    let bits = matches!(&data.action_space, Actions::Choices { counts } if state.shape("action_net.bias") == Some(&[counts.len()][..]));

    let mut builder = Builder { file, state, layers: Vec::new(), before: None };
    let head = match class {
        "ActorCriticPolicy"
        | "MultiInputActorCriticPolicy"
        | "MaskableActorCriticPolicy"
        | "MaskableMultiInputActorCriticPolicy" => {
            let activation = hidden(Activation::Tanh);
            builder.sequence("mlp_extractor.shared_net", activation, activation)?;
            builder.sequence("mlp_extractor.policy_net", activation, activation)?;
            builder.layer("action_net", Activation::Identity)?;
            if bits { Head::Bits } else { chosen(continuous(squash(false))) }
        }
        "SACPolicy" | "TQCPolicy" | "CrossQPolicy" => {
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
            if bits { Head::Bits } else { chosen(continuous(squash(class == "ARSPolicy"))) }
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
    /// `scale · x + shift` of each input in front of the next layer.
    before: Option<(Vec<f32>, Vec<f32>)>,
}

impl Builder<'_> {
    /// The numbered layers of a torch `Sequential`, in order; the numbers between them are activations. May be empty.
    fn sequence(&mut self, prefix: &str, between: Activation, last: Activation) -> Result<(), ExpertError> {
        let number = |name: &str| name.strip_prefix(prefix)?.strip_prefix('.')?.strip_suffix(".weight")?.parse().ok();
        let mut numbers: Vec<u32> = self.state.names().filter_map(number).collect();
        numbers.sort_unstable();
        for (index, number) in numbers.iter().enumerate() {
            let activation = if index + 1 == numbers.len() { last } else { between };
            if let Some(before) = number.checked_sub(1) {
                self.renormalization(&format!("{prefix}.{before}"))?;
            }
            self.layer(&format!("{prefix}.{number}"), activation)?;
        }
        // One may stand behind the last layer.
        let behind = numbers.last().map_or(0, |last| last + 1);
        for number in behind..behind + 2 {
            self.renormalization(&format!("{prefix}.{number}"))?;
        }
        Ok(())
    }

    /// CrossQ's batch renormalization, which with its running statistics is one factor and one term for each input.
    fn renormalization(&mut self, name: &str) -> Result<(), ExpertError> {
        if self.state.shape(&format!("{name}.ra_mean")).is_none() {
            return Ok(());
        }
        let mut values = |part: &str| Ok::<_, ExpertError>(self.state.tensor(&format!("{name}.{part}"))?.values);
        let (mean, variance, scale, bias) = (values("ra_mean")?, values("ra_var")?, values("scale")?, values("bias")?);
        if variance.len() != mean.len() || scale.len() != mean.len() || bias.len() != mean.len() {
            return Err(ExpertError::malformed(self.file, format!("has statistics of different lengths in `{name}`")));
        }
        let factors: Vec<f32> = scale
            .iter()
            .zip(&variance)
            .map(|(scale, variance)| scale / (variance + RENORMALIZATION_EPSILON).sqrt())
            .collect();
        let shifts = bias.iter().zip(&mean).zip(&factors).map(|((bias, mean), factor)| bias - mean * factor).collect();
        self.before = Some((factors, shifts));
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
        let (mut weights, mut bias) = (weight.values, bias);
        if let Some((factors, shifts)) = self.before.take().filter(|(factors, _)| factors.len() == inputs) {
            let mut sums = bias.unwrap_or_else(|| vec![0.0; outputs]);
            for (row, sum) in weights.chunks_exact_mut(inputs).zip(&mut sums) {
                *sum += row.iter().zip(&shifts).map(|(weight, shift)| weight * shift).sum::<f32>();
                row.iter_mut().zip(&factors).for_each(|(weight, factor)| *weight *= factor);
            }
            bias = Some(sums);
        }
        let layer = Layer::new(inputs, outputs, &weights, bias.as_deref(), activation)
            .map_err(|reason| malformed(format!("has an unusable layer `{name}`: {reason}")))?;
        self.layers.push(layer);
        Ok(())
    }
}
