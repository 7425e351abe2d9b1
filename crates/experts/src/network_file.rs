//! Networks as safetensors with a description: the format of bundled and of self-trained experts.
//!
//! | tensor | shape, type | meaning |
//! |---|---|---|
//! | `layers.I.weight` | `[outputs, inputs]` F32 | layer `I`, counted from 0, in torch's layout |
//! | `layers.I.bias` | `[outputs]` F32 | its bias; zeros where absent |
//! | `observation.mean`, `observation.variance` | `[inputs]` F64 | observation normalization, where there is one |
//!
//! The file's metadata has a [`NetworkDescription`] as JSON under the key `kanrl.policy`. A file that another program
//! writes needs only these tensors and, for CartPole, the metadata
//! `{"kanrl.policy": "{\"format_version\": 1, \"activation\": \"tanh\", \"head\": {\"kind\": \"logits\"}}"}`.

use crate::ExpertError;
use crate::archive::{read_file, sources};
use crate::network::{Activation, Layer, Mlp};
use crate::normalization::ObservationNormalization;
use crate::policy::{Head, NetworkPolicy, TimeFeature};
use crate::spaces::{Actions, check_fit};
use crate::training::{EvaluationRecord, TrainingRecord};
use kanrl_core::config::{BuildError, ExpertConfig, ExpertSource};
use kanrl_core::environment::EnvironmentSpec;
use kanrl_core::policy::ExpertPolicy;
use kanrl_core::space::ActionSpace;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Key of the description in the file's metadata.
const METADATA_KEY: &str = "kanrl.policy";
/// The newest version of the format.
const FORMAT_VERSION: u32 = 1;
/// Largest file, in bytes.
const MAX_FILE: u64 = 256 << 20;
/// Most layers.
const MAX_LAYERS: usize = 64;

/// What the tensors do not say.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetworkDescription {
    /// 1.
    pub format_version: u32,
    /// Id of the environment that it was trained in; for people, not checked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// After every layer but the last.
    pub activation: Activation,
    /// What the outputs mean.
    pub head: Head,
    /// Bounds of a vector action: `[low, high]` for each coordinate, `null` for no bound; absent for discrete actions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action_bounds: Option<Vec<[Option<f64>; 2]>>,
    /// Beside the tensors `observation.mean` and `observation.variance`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub normalization: Option<NormalizationOptions>,
    /// Where the last input is the time left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_feature: Option<TimeFeature>,
    /// How it was trained and how well it plays, where kanrl trained it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub training: Option<TrainingRecord>,
}

/// See [`ObservationNormalization`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NormalizationOptions {
    /// Added to the variance, inside the root.
    pub epsilon: f64,
    /// Largest magnitude that is let through.
    pub clip: f64,
}

/// `kind = "safetensors"`: a file of this format.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SafetensorsConfig {
    /// The `.safetensors`.
    pub path: PathBuf,
}

#[typetag::serde(name = "safetensors")]
impl ExpertConfig for SafetensorsConfig {
    fn build(&self, environment: &EnvironmentSpec) -> Result<Arc<dyn ExpertPolicy>, BuildError> {
        let policy = NetworkFile::open(&self.path).and_then(|file| file.for_environment(environment));
        Ok(Arc::new(policy.map_err(ExpertError::into_build_error)?))
    }

    fn sources(&self, _environment: &EnvironmentSpec) -> Result<Vec<ExpertSource>, BuildError> {
        sources(&[&self.path])
    }
}

/// A file's contents.
#[derive(Clone, Debug, PartialEq)]
pub struct NetworkFile {
    source: String,
    description: NetworkDescription,
    network: Mlp,
    normalization: Option<ObservationNormalization>,
}

impl NetworkFile {
    /// The description and network of a policy, ready to be written.
    pub fn new(policy: &NetworkPolicy, environment: Option<String>) -> Self {
        let layers = policy.network().layers();
        let action_bounds = match kanrl_core::policy::Policy::action_space(policy) {
            ActionSpace::Discrete(_) => None,
            ActionSpace::Box(space) => {
                let bound = |value: f64| value.is_finite().then_some(value);
                Some(space.coordinates.iter().map(|axis| [bound(axis.low), bound(axis.high)]).collect())
            }
        };
        let description = NetworkDescription {
            format_version: FORMAT_VERSION,
            environment,
            activation: layers.first().map_or(Activation::Identity, Layer::activation),
            head: policy.head().clone(),
            action_bounds,
            normalization: policy
                .normalization()
                .map(|options| NormalizationOptions { epsilon: options.epsilon, clip: options.clip }),
            time_feature: policy.time_feature(),
            training: None,
        };
        Self {
            source: ExpertPolicy::source(policy).to_owned(),
            description,
            network: policy.network().clone(),
            normalization: policy.normalization().cloned(),
        }
    }

    /// The same with a measurement in the record of its training, if it has one.
    #[must_use]
    pub fn with_evaluation(mut self, evaluation: EvaluationRecord) -> Self {
        if let Some(record) = &mut self.description.training {
            record.evaluation = Some(evaluation);
        }
        self
    }

    /// The same with a record of its training.
    #[must_use]
    pub fn with_training(mut self, record: TrainingRecord) -> Self {
        self.description.training = Some(record);
        self
    }

    /// Reads a file of at most 256 MiB.
    ///
    /// # Errors
    /// As [`Self::read`]; also where it cannot be read or is larger.
    pub fn open(path: &Path) -> Result<Self, ExpertError> {
        Self::read(&path.display().to_string(), &read_file(path, MAX_FILE)?)
    }

    /// Reads a file's bytes; `file` names it in errors and reports.
    ///
    /// # Errors
    /// [`ExpertError`] for a file that is damaged or lacks tensors or the description.
    pub fn read(file: &str, bytes: &[u8]) -> Result<Self, ExpertError> {
        let malformed = |reason: String| ExpertError::malformed(file, reason);
        let unreadable = |error| malformed(format!("is not a complete safetensors file ({error}); copy it again"));
        let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(unreadable)?;
        let tensors = SafeTensors::deserialize(bytes).map_err(unreadable)?;
        let text = metadata.metadata().as_ref().and_then(|entries| entries.get(METADATA_KEY));
        let text = text.ok_or_else(|| {
            malformed(format!("has no `{METADATA_KEY}` in its metadata; expected a JSON description of the network"))
        })?;
        let description: NetworkDescription = serde_json::from_str(text)
            .map_err(|error| malformed(format!("has an unusable `{METADATA_KEY}` in its metadata: {error}")))?;
        if description.format_version != FORMAT_VERSION {
            let found = description.format_version;
            return Err(malformed(format!("has the format version {found}; this build reads {FORMAT_VERSION}")));
        }
        let network = network(&tensors, description.activation).map_err(malformed)?;
        let normalization = match description.normalization {
            None => None,
            Some(NormalizationOptions { epsilon, clip }) => {
                let numbers = |name: &str| vector(&tensors, name).map_err(malformed);
                let normalization = ObservationNormalization {
                    mean: numbers("observation.mean")?,
                    variance: numbers("observation.variance")?,
                    epsilon,
                    clip,
                };
                normalization.check(network.inputs()).map_err(malformed)?;
                Some(normalization)
            }
        };
        Ok(Self { source: file.to_owned(), description, network, normalization })
    }

    /// The file's bytes; the same contents give the same bytes.
    pub fn write(&self) -> Vec<u8> {
        let f32s = |values: &[f32]| values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>();
        let f64s = |values: &[f64]| values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>();
        let mut tensors = Vec::new();
        for (index, layer) in self.network.layers().iter().enumerate() {
            let weight = (Dtype::F32, vec![layer.outputs(), layer.inputs()], f32s(&layer.weight()));
            tensors.push((format!("layers.{index}.weight"), weight));
            tensors.push((format!("layers.{index}.bias"), (Dtype::F32, vec![layer.outputs()], f32s(layer.bias()))));
        }
        if let Some(ObservationNormalization { mean, variance, .. }) = &self.normalization {
            tensors.push(("observation.mean".to_owned(), (Dtype::F64, vec![mean.len()], f64s(mean))));
            tensors.push(("observation.variance".to_owned(), (Dtype::F64, vec![variance.len()], f64s(variance))));
        }
        let views = tensors.iter().map(|(name, (dtype, shape, data))| {
            (name, TensorView::new(*dtype, shape.clone(), data).expect("data as long as its shape says"))
        });
        let text = serde_json::to_string(&self.description).expect("a description is plain data");
        let metadata = HashMap::from([(METADATA_KEY.to_owned(), text)]);
        safetensors::serialize(views, Some(metadata)).expect("valid tensors")
    }

    /// What the tensors do not say.
    pub fn description(&self) -> &NetworkDescription {
        &self.description
    }

    /// The policy in `environment`.
    ///
    /// # Errors
    /// [`ExpertError::Mismatch`] where the spaces differ.
    pub fn for_environment(self, environment: &EnvironmentSpec) -> Result<NetworkPolicy, ExpertError> {
        let time = usize::from(self.description.time_feature.is_some());
        check_fit(&self.source, self.network.inputs() - time, &self.actions()?, environment)?;
        self.policy(environment.action_space.clone())
    }

    /// The policy without an environment: its actions have plain names (`a_0`, …).
    ///
    /// # Errors
    /// [`ExpertError::Malformed`] where head, bounds and network do not fit together.
    pub fn standalone(self) -> Result<NetworkPolicy, ExpertError> {
        let space = self.actions()?.to_space();
        self.policy(space)
    }

    fn actions(&self) -> Result<Actions, ExpertError> {
        let outputs = self.network.outputs();
        match (&self.description.head, &self.description.action_bounds) {
            (Head::Logits, None) => Ok(Actions::Discrete { count: outputs }),
            (Head::QValues { quantiles }, None) => {
                Ok(Actions::Discrete { count: outputs.checked_div(*quantiles).unwrap_or(0) })
            }
            (Head::Means | Head::Squashed { .. }, Some(bounds)) => {
                let low = bounds.iter().map(|bound| bound[0].unwrap_or(f64::NEG_INFINITY)).collect();
                let high = bounds.iter().map(|bound| bound[1].unwrap_or(f64::INFINITY)).collect();
                Ok(Actions::Box { low, high })
            }
            (_, Some(_)) => {
                Err(ExpertError::malformed(&self.source, "has `action_bounds`, which discrete actions do not have"))
            }
            (_, None) => Err(ExpertError::malformed(
                &self.source,
                "has no `action_bounds` in its description; expected [low, high] for each coordinate of the action",
            )),
        }
    }

    fn policy(self, action_space: ActionSpace) -> Result<NetworkPolicy, ExpertError> {
        let file = self.source.clone();
        let (head, time) = (self.description.head, self.description.time_feature);
        NetworkPolicy::new(self.network, head, action_space, self.normalization, time, self.source)
            .map_err(|reason| ExpertError::malformed(&file, format!("cannot be used: {reason}")))
    }
}

fn network(tensors: &SafeTensors<'_>, hidden: Activation) -> Result<Mlp, String> {
    let count = (0..=MAX_LAYERS).take_while(|index| tensors.tensor(&format!("layers.{index}.weight")).is_ok()).count();
    if count == 0 || count > MAX_LAYERS {
        return Err(format!("has {count} layers; expected `layers.0.weight` and up to {MAX_LAYERS} layers"));
    }
    let layers = (0..count).map(|index| {
        let name = format!("layers.{index}.weight");
        let weight = tensors.tensor(&name).map_err(|error| error.to_string())?;
        let [outputs, inputs] = weight.shape()[..] else {
            return Err(format!("has `{name}` of shape {:?}; expected [outputs, inputs]", weight.shape()));
        };
        let values = numbers(&name, &weight)?;
        let bias_name = format!("layers.{index}.bias");
        let bias = tensors.tensor(&bias_name).ok().map(|bias| numbers(&bias_name, &bias)).transpose()?;
        let to_f32 = |values: Vec<f64>| values.into_iter().map(|value| value as f32).collect::<Vec<f32>>();
        let activation = if index + 1 == count { Activation::Identity } else { hidden };
        Layer::new(inputs, outputs, &to_f32(values), bias.map(to_f32).as_deref(), activation)
            .map_err(|reason| format!("has an unusable layer {index}: {reason}"))
    });
    Mlp::new(layers.collect::<Result<_, _>>()?).map_err(|reason| format!("has layers that do not fit: {reason}"))
}

fn vector(tensors: &SafeTensors<'_>, name: &str) -> Result<Vec<f64>, String> {
    let tensor = tensors.tensor(name).map_err(|_| format!("has no tensor `{name}`, which its description needs"))?;
    numbers(name, &tensor)
}

/// The elements of an F32 or F64 tensor.
fn numbers(name: &str, tensor: &TensorView<'_>) -> Result<Vec<f64>, String> {
    let code = match tensor.dtype() {
        Dtype::F32 => "<f4",
        Dtype::F64 => "<f8",
        other => return Err(format!("has `{name}` of {other:?}; expected F32 or F64")),
    };
    Ok(crate::numpy::decode(code, tensor.shape().to_vec(), tensor.data())?.values)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy() -> NetworkPolicy {
        let hidden = Layer::new(3, 2, &[1.0, 2.0, 3.0, -1.0, 0.5, 0.25], Some(&[0.1, 0.2]), Activation::Tanh);
        let output = Layer::new(2, 1, &[1.0, -1.0], None, Activation::Identity);
        let network = Mlp::new(vec![hidden.expect("a layer"), output.expect("a layer")]).expect("a network");
        let space = Actions::Box { low: vec![-2.0], high: vec![2.0] }.to_space();
        let normalization = ObservationNormalization {
            mean: vec![0.0, 1.0, 0.5],
            variance: vec![1.0, 4.0, 0.1],
            epsilon: 1e-8,
            clip: 10.0,
        };
        let time = Some(TimeFeature { max_steps: 1000 });
        NetworkPolicy::new(network, Head::Means, space, Some(normalization), time, "made here".into())
            .expect("a policy")
    }

    #[test]
    fn what_is_written_is_read_back() {
        let file = NetworkFile::new(&policy(), Some("Test-v0".into()));
        let bytes = file.write();
        assert_eq!(bytes, file.write());
        let read = NetworkFile::read("made here", &bytes).expect("a readable file");
        assert_eq!(read, file);
        let mut outputs = [[0.0]; 2];
        for (output, policy) in outputs.iter_mut().zip([read.standalone().expect("a policy"), policy()]) {
            policy.scores(&[0.3, -0.7], &[250], output).expect("scores");
        }
        assert_eq!(outputs[0], outputs[1]);
    }

    #[test]
    fn a_truncation_at_any_byte_is_an_error() {
        let bytes = NetworkFile::new(&policy(), None).write();
        for length in 0..bytes.len() {
            let message = NetworkFile::read("x.safetensors", &bytes[..length]).expect_err("a refusal").to_string();
            assert!(message.starts_with("`x.safetensors` is not a complete safetensors file"), "{message}");
        }
    }
}
