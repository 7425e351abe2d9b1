//! `kind = "torch"`: the policy in a state dict of any trainer, found by the names and shapes of its layers.

use super::{StateDict, Tensor};
use crate::ExpertError;
use crate::archive::{read_file, sources};
use crate::network::{Activation, Layer, Mlp};
use crate::normalization::ObservationNormalization;
use crate::policy::{Head, NetworkPolicy};
use crate::spaces::{Actions, check_fit};
use kanrl_core::config::{BuildError, ExpertConfig, ExpertSource};
use kanrl_core::environment::EnvironmentSpec;
use kanrl_core::policy::ExpertPolicy;
use kanrl_core::space::ActionSpace;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::sync::Arc;

/// Largest file, in bytes.
const MAX_FILE: u64 = 256 << 20;

/// `kind = "torch"`: a state dict, as CleanRL, rsl_rl, rl_games, skrl and Spinning Up save one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TorchConfig {
    /// The `.pt` or `.pth`.
    pub path: PathBuf,
    /// What stands between its layers, which the file does not say; not needed for a single layer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub activation: Option<Activation>,
}

#[typetag::serde(name = "torch")]
impl ExpertConfig for TorchConfig {
    fn build(&self, environment: &EnvironmentSpec) -> Result<Arc<dyn ExpertPolicy>, BuildError> {
        let policy = TorchAgent::open(self).and_then(|agent| agent.for_environment(environment));
        Ok(Arc::new(policy.map_err(ExpertError::into_build_error)?))
    }

    fn sources(&self, _environment: &EnvironmentSpec) -> Result<Vec<ExpertSource>, BuildError> {
        sources(&[&self.path])
    }
}

/// The acting network of a state dict.
pub struct TorchAgent {
    source: String,
    network: Mlp,
    outputs: Outputs,
    normalization: Option<ObservationNormalization>,
    notes: Vec<String>,
}

/// What the names say about the outputs.
#[derive(Debug, PartialEq)]
enum Outputs {
    /// No more than that they are an action's.
    Unsaid,
    /// There is a standard deviation next to them.
    Means,
    /// As [`Self::Means`], between the bounds where those are known, under a hyperbolic tangent.
    Squashed(Option<(Vec<f64>, Vec<f64>)>),
}

/// Parts of names of what does not act.
const NOT_ACTING: [&str; 24] = [
    "critic",
    "critics",
    "value",
    "values",
    "v",
    "vf",
    "v_net",
    "q",
    "qf",
    "q1",
    "q2",
    "qf1",
    "qf2",
    "q_net",
    "target",
    "value_mean_std",
    "optimizer",
    "discriminator",
    "value_preprocessor",
    "log_std",
    "logstd",
    "sigma",
    "log_std_layer",
    "fc_logstd",
];
/// Parts of names of what acts, where others stand next to it.
const ACTING: [&str; 10] =
    ["actor", "actor_mean", "policy", "policy_layer", "pi", "actor_mlp", "mu", "logits", "action_net", "student"];
/// Parts of names that say that the outputs are means.
const DEVIATIONS: [&str; 9] = [
    "log_std",
    "logstd",
    "std",
    "sigma",
    "actor_logstd",
    "log_std_parameter",
    "log_std_layer",
    "fc_logstd",
    "action_scale",
];

impl TorchAgent {
    /// Reads a file.
    ///
    /// # Errors
    /// [`ExpertError`] for a file that is damaged or holds a program, for layers that do not follow each other, and where the
    /// activation is to be said.
    pub fn open(config: &TorchConfig) -> Result<Self, ExpertError> {
        Self::read(&config.path.display().to_string(), read_file(&config.path, MAX_FILE)?, config.activation)
    }

    /// As [`Self::open`], from the file's content; `file` names it in errors.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn read(file: &str, bytes: Vec<u8>, activation: Option<Activation>) -> Result<Self, ExpertError> {
        let malformed = |reason: String| ExpertError::malformed(file, reason);
        let mut state = StateDict::read_nested(file, bytes)?;
        let names = state.names_in_order().to_vec();
        let layers = layers(&state, &names).map_err(malformed)?;
        let described = || layers.iter().map(|(name, _, _)| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        let between = match (activation, layers.len()) {
            (Some(activation), _) => activation,
            (None, 1) => Activation::Identity,
            (None, _) => {
                return Err(malformed(format!(
                    "has the layers {} and does not say what stands between them; say it with --activation (tanh for CleanRL's and \
                     Spinning Up's PPO, relu for SAC, TD3 and DQN, elu for rsl_rl, rl_games and skrl, or what the trainer's config says)",
                    described()
                )));
            }
        };
        let mut built = Vec::new();
        for (index, (name, inputs, outputs)) in layers.iter().enumerate() {
            let weight = state.tensor(&format!("{name}.weight"))?;
            let bias_name = format!("{name}.bias");
            let bias = if state.shape(&bias_name).is_some() { Some(state.tensor(&bias_name)?.values) } else { None };
            let activation = if index + 1 == layers.len() { Activation::Identity } else { between };
            let layer = Layer::new(*inputs, *outputs, &weight.values, bias.as_deref(), activation);
            built.push(layer.map_err(|reason| malformed(format!("has an unusable layer `{name}`: {reason}")))?);
        }
        let network =
            Mlp::new(built).map_err(|reason| malformed(format!("has layers that do not fit together: {reason}")))?;
        let mut notes = vec![format!("the layers {} act, with {between:?} between them", described())];
        let normalization = normalization(&mut state, &names, network.inputs())?;
        notes.push(match &normalization {
            Some((name, _)) => format!("observations are normalized with `{name}`"),
            None => "observations are not normalized: the file has no running mean and variance of them".to_owned(),
        });
        let outputs = outputs(&mut state, &names, network.outputs())?;
        let normalization = normalization.map(|(_, normalization)| normalization);
        Ok(Self { source: file.to_owned(), network, outputs, normalization, notes })
    }

    /// The policy in `environment`, which also says whether the outputs are of discrete actions.
    ///
    /// # Errors
    /// [`ExpertError::Mismatch`] where the sizes differ.
    pub fn for_environment(self, environment: &EnvironmentSpec) -> Result<NetworkPolicy, ExpertError> {
        let outputs = self.network.outputs();
        let actions = match &environment.action_space {
            ActionSpace::Discrete(_) => Actions::Discrete { count: outputs },
            // A state dict has no bounds: the environment's are taken.
            ActionSpace::Box(space) if space.len() == outputs => {
                let bounds =
                    |bound: fn(&kanrl_core::space::Coordinate) -> f64| space.coordinates.iter().map(bound).collect();
                Actions::Box { low: bounds(|axis| axis.low), high: bounds(|axis| axis.high) }
            }
            ActionSpace::Box(_) => unbounded(outputs),
        };
        check_fit(&self.source, self.network.inputs(), &actions, environment)?;
        self.policy(environment.action_space.clone())
    }

    /// The policy without an environment: discrete actions, unless the names say that the outputs are means.
    ///
    /// # Errors
    /// [`ExpertError::Malformed`] where the bounds of a squashed action are not known.
    pub fn standalone(self) -> Result<NetworkPolicy, ExpertError> {
        let count = self.network.outputs();
        let actions = match &self.outputs {
            Outputs::Unsaid if count > 1 => Actions::Discrete { count },
            Outputs::Unsaid | Outputs::Means => unbounded(count),
            Outputs::Squashed(Some((low, high))) => Actions::Box { low: low.clone(), high: high.clone() },
            Outputs::Squashed(None) => {
                let reason = "does not contain the bounds of its actions; name the environment";
                return Err(ExpertError::malformed(&self.source, reason));
            }
        };
        self.policy(actions.to_space())
    }

    fn policy(mut self, action_space: ActionSpace) -> Result<NetworkPolicy, ExpertError> {
        let head = match (&action_space, &self.outputs) {
            (ActionSpace::Discrete(_), _) => Head::Logits,
            (ActionSpace::Box(_), Outputs::Squashed(_)) => Head::Squashed { clip_mean: None },
            (ActionSpace::Box(_), _) => Head::Means,
        };
        self.notes.push(format!(
            "its outputs are {}",
            match head {
                Head::Logits => "scores of discrete actions",
                Head::Squashed { .. } => "the action under a hyperbolic tangent",
                _ => "the action's means",
            }
        ));
        let file = self.source.clone();
        NetworkPolicy::new(self.network, head, action_space, self.normalization, None, self.source)
            .map(|policy| policy.with_notes(self.notes))
            .map_err(|reason| ExpertError::malformed(&file, format!("cannot be used: {reason}")))
    }
}

fn unbounded(count: usize) -> Actions {
    Actions::Box { low: vec![f64::NEG_INFINITY; count], high: vec![f64::INFINITY; count] }
}

/// Whether a part of a name between dots is one of `parts`.
fn has_part(name: &str, parts: &[&str]) -> bool {
    name.split('.').any(|part| parts.contains(&part.trim_start_matches('_').to_ascii_lowercase().as_str()))
}

/// Whether a name is of a critic, of an optimizer or of a standard deviation.
fn is_beside(name: &str) -> bool {
    let is_critic = |part: &str| ["critic", "value", "target"].iter().any(|start| part.starts_with(start));
    has_part(name, &NOT_ACTING) || name.split('.').any(is_critic) || name.split(['.', '_']).any(|part| part == "target")
}

/// Name, inputs and outputs of the dense layers that act, in order.
fn layers(state: &StateDict, names: &[String]) -> Result<Vec<(String, usize, usize)>, String> {
    let dense = |name: &String| {
        let layer = name.strip_suffix(".weight")?;
        match *state.shape(name)? {
            [outputs, inputs] => Some((layer.to_owned(), inputs, outputs)),
            _ => None,
        }
    };
    let all: Vec<(String, usize, usize)> = names.iter().filter_map(dense).collect();
    let mut acting: Vec<_> = all.iter().filter(|(name, ..)| !is_beside(name)).cloned().collect();
    if acting.iter().any(|(name, ..)| has_part(name, &ACTING)) {
        // A trunk that is shared with the critic has a name of its own, and comes first.
        let named: Vec<_> = acting.iter().filter(|(name, ..)| has_part(name, &ACTING)).cloned().collect();
        if follow(&named) && (follows_nothing(&named, &acting) || !follow(&acting)) {
            acting = named;
        }
    }
    if acting.is_empty() {
        // A Q-network alone acts by its largest value.
        acting = all
            .iter()
            .filter(|(name, ..)| !name.contains("target") && !has_part(name, &["optimizer"]))
            .cloned()
            .collect();
    }
    let list = |layers: &[(String, usize, usize)]| {
        layers
            .iter()
            .map(|(name, inputs, outputs)| format!("`{name}` ({inputs} to {outputs})"))
            .collect::<Vec<_>>()
            .join(", ")
    };
    if acting.is_empty() {
        return Err(format!(
            "has no dense layer among its tensors: {}",
            names.iter().take(12).cloned().collect::<Vec<_>>().join(", ")
        ));
    }
    let is_other = |name: &&String| {
        let is_layer =
            name.ends_with(".weight") && !is_beside(name) && state.shape(name).is_some_and(|shape| shape.len() != 2);
        is_layer
            && (acting.iter().any(|(layer, ..)| same_network(layer, name))
                || state.shape(name).is_some_and(|shape| shape.len() > 2))
    };
    if let Some(name) = names.iter().find(is_other) {
        let shape = state.shape(name).unwrap_or_default();
        return Err(format!(
            "has the layer `{name}` of shape {shape:?}, which is not a dense layer; only dense layers can be read"
        ));
    }
    if let Some(name) =
        names.iter().find(|name| has_part(name, &["rnn", "lstm", "gru", "a_rnn"]) || name.contains("weight_ih_l"))
    {
        return Err(format!("has the recurrent layer `{name}`; only feed-forward policies can be read"));
    }
    if !follow(&acting) {
        return Err(format!("has dense layers that do not follow each other: {}", list(&acting)));
    }
    Ok(acting)
}

/// Whether a tensor stands in the same module as a layer: all but the last two parts of its name are the layer's.
fn same_network(layer: &str, name: &str) -> bool {
    let module = |name: &str| name.rsplit_once('.').map_or(String::new(), |(module, _)| module.to_owned());
    module(layer) == module(&module(name))
}

fn follow(layers: &[(String, usize, usize)]) -> bool {
    layers.windows(2).all(|pair| pair[0].2 == pair[1].1)
}

/// Whether `named` is a network of its own inside of `all`: what comes before it does not lead into it.
fn follows_nothing(named: &[(String, usize, usize)], all: &[(String, usize, usize)]) -> bool {
    let first = all.iter().position(|layer| layer == &named[0]).unwrap_or(0);
    first == 0 || all[first - 1].2 != named[0].1
}

/// The running mean and variance of observations, with the name of the mean.
fn normalization(
    state: &mut StateDict,
    names: &[String],
    inputs: usize,
) -> Result<Option<(String, ObservationNormalization)>, ExpertError> {
    // Means and variances by the trainer's names, and what each adds to the variance or to its root.
    const KINDS: [(&str, &str, f64, f64, f64); 5] = [
        ("running_mean", "running_var", 1e-5, 0.0, 5.0),
        ("running_mean", "running_variance", 0.0, 1e-8, 5.0),
        ("_mean", "_var", 0.0, 1e-2, f64::INFINITY),
        ("obs_rms.mean", "obs_rms.var", 1e-8, 0.0, f64::INFINITY),
        ("mean", "var", 1e-8, 0.0, f64::INFINITY),
    ];
    for (mean, variance, to_variance, to_root, clip) in KINDS {
        let fits = |name: &&String| {
            let prefix = name.strip_suffix(mean)?;
            let is_whole = prefix.is_empty() || prefix.ends_with('.');
            let own = is_whole && !is_beside(prefix) && !prefix.contains("critic") && !prefix.contains("value");
            let is_vector = matches!(state.shape(name), Some([size] | [1, size]) if *size == inputs);
            (own && is_vector && state.shape(&format!("{prefix}{variance}")).is_some()).then_some(())
        };
        let Some(name) = names.iter().find(|name| fits(name).is_some()) else { continue };
        let prefix = name.strip_suffix(mean).unwrap_or_default();
        let numbers = |tensor: Tensor| tensor.values.into_iter().map(f64::from).collect::<Vec<f64>>();
        let means = numbers(state.tensor(name)?);
        let mut variances = numbers(state.tensor(&format!("{prefix}{variance}"))?);
        if to_root > 0.0 {
            variances.iter_mut().for_each(|variance| *variance = (variance.max(0.0).sqrt() + to_root).powi(2));
        }
        return Ok(Some((
            name.clone(),
            ObservationNormalization { mean: means, variance: variances, epsilon: to_variance, clip },
        )));
    }
    Ok(None)
}

/// What the names of other tensors say about the outputs.
fn outputs(state: &mut StateDict, names: &[String], count: usize) -> Result<Outputs, ExpertError> {
    let find = |part: &str| {
        names.iter().find(|name| has_part(name, &[part]) && !has_part(name, &["critic", "optimizer"])).cloned()
    };
    if let (Some(scale), Some(bias)) = (find("action_scale"), find("action_bias")) {
        let (scale, bias) = (state.tensor(&scale)?.values, state.tensor(&bias)?.values);
        let at = |values: &[f32], index: usize| f64::from(values[if values.len() == count { index } else { 0 }]);
        if !scale.is_empty() && !bias.is_empty() {
            let bound = |sign: f64| (0..count).map(|index| at(&bias, index) + sign * at(&scale, index)).collect();
            return Ok(Outputs::Squashed(Some((bound(-1.0), bound(1.0)))));
        }
    }
    // Spinning Up's SAC, DDPG and TD3.
    if names.iter().any(|name| name.starts_with("pi.mu_layer.") || name.starts_with("pi.pi.")) {
        return Ok(Outputs::Squashed(None));
    }
    let says_means = names.iter().any(|name| has_part(name, &DEVIATIONS) && !has_part(name, &["optimizer"]));
    let says_means = says_means && !names.iter().any(|name| has_part(name, &["logits", "logits_net"]));
    Ok(if says_means { Outputs::Means } else { Outputs::Unsaid })
}
