//! The member `data` of an archive: JSON with pickles inside, of which only spaces and a few options are read.

use crate::ExpertError;
use crate::network::Activation;
use crate::numpy;
use crate::pickle::{Pickle, Value};
use crate::spaces::Actions;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value as Json;

/// What the policy's network needs to know.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Data {
    /// Module and name.
    pub(super) policy_class: (String, String),
    /// Only a `Box` can be used.
    pub(super) observation_space: Actions,
    pub(super) action_space: Actions,
    /// Where `policy_kwargs` names one.
    pub(super) activation: Option<Activation>,
    /// Where `policy_kwargs` says.
    pub(super) squash_output: Option<bool>,
    /// Where `policy_kwargs` says.
    pub(super) clip_mean: Option<f64>,
}

impl Data {
    pub(super) fn read(file: &str, bytes: &[u8]) -> Result<Self, ExpertError> {
        let malformed = |reason: String| ExpertError::malformed(file, reason);
        let json: Json = serde_json::from_slice(bytes)
            .map_err(|error| malformed(format!("is not JSON ({error}); expected what Stable-Baselines3 saves")))?;
        let required = |name: &str| {
            json.get(name).ok_or_else(|| malformed(format!("has no `{name}`; expected what Stable-Baselines3 saves")))
        };
        let with_pickle = |name: &str, json: &Json, read: &mut dyn FnMut(Value<'_>) -> Result<(), String>| {
            let place = format!("{file}: {name}");
            let text = json
                .get(":serialized:")
                .and_then(Json::as_str)
                .ok_or_else(|| malformed(format!("has no pickled `{name}`; expected what Stable-Baselines3 saves")))?;
            let bytes = STANDARD
                .decode(text)
                .map_err(|error| malformed(format!("has a `{name}` that is not base64 ({error})")))?;
            let pickle = Pickle::read(&bytes).map_err(|source| ExpertError::Pickle { file: place.clone(), source })?;
            read(pickle.root()).map_err(|reason| malformed(format!("has an unusable `{name}`: {reason}")))
        };

        let mut policy_class = None;
        with_pickle("policy_class", required("policy_class")?, &mut |value| {
            let class = value.as_global().ok_or_else(|| format!("it is {}; expected a class", value.describe()))?;
            policy_class = Some((class.0.to_owned(), class.1.to_owned()));
            Ok(())
        })?;
        let space = |name: &str| {
            let mut found = None;
            with_pickle(name, required(name)?, &mut |value| {
                found = Some(space(value)?);
                Ok(())
            })?;
            found.ok_or_else(|| malformed(format!("has no `{name}`")))
        };
        let (observation_space, action_space) = (space("observation_space")?, space("action_space")?);

        let mut data = Self {
            policy_class: policy_class.ok_or_else(|| malformed("has no `policy_class`".to_owned()))?,
            observation_space,
            action_space,
            activation: None,
            squash_output: None,
            clip_mean: None,
        };
        let options = required("policy_kwargs")?;
        if options.get(":serialized:").is_some() {
            with_pickle("policy_kwargs", options, &mut |value| {
                data.squash_output = value.get("squash_output").and_then(Value::as_bool);
                data.clip_mean = value.get("clip_mean").and_then(Value::as_float);
                data.activation = value.get("activation_fn").map(activation).transpose()?;
                Ok(())
            })?;
        } else {
            data.squash_output = options.get("squash_output").and_then(Json::as_bool);
            data.clip_mean = options.get("clip_mean").and_then(Json::as_f64);
        }
        Ok(data)
    }
}

fn activation(value: Value<'_>) -> Result<Activation, String> {
    match value.as_global() {
        Some(("torch.nn.modules.activation", name)) => match name {
            "Tanh" => return Ok(Activation::Tanh),
            "ReLU" => return Ok(Activation::Relu),
            "ELU" => return Ok(Activation::Elu),
            "LeakyReLU" => return Ok(Activation::LeakyRelu),
            _ => {}
        },
        Some(("torch.nn.modules.linear", "Identity")) => return Ok(Activation::Identity),
        _ => {}
    }
    Err(format!("the activation is {}; supported are Tanh, ReLU, ELU and LeakyReLU", value.describe()))
}

/// `gym.spaces` (old archives) or `gymnasium.spaces`.
fn space(value: Value<'_>) -> Result<Actions, String> {
    const SUPPORTED: &str = "supported are Discrete and one-dimensional Box";
    let attribute = |name: &str| value.attribute(name).ok_or_else(|| format!("the space has no `{name}`"));
    match value.callee() {
        Some(("gym.spaces.box" | "gymnasium.spaces.box", "Box")) => {
            let bound = |name| {
                let bound = numpy::array(attribute(name)?)?;
                match bound.shape.len() {
                    1 if !bound.values.is_empty() => Ok(bound.values),
                    _ => Err(format!("the space is a Box of shape {:?}; {SUPPORTED}", bound.shape)),
                }
            };
            let (low, high) = (bound("low")?, bound("high")?);
            if low.len() != high.len() || low.iter().zip(&high).any(|(low, high)| low.is_nan() || high.is_nan()) {
                return Err("the space's bounds do not fit together".to_owned());
            }
            Ok(Actions::Box { low, high })
        }
        Some(("gym.spaces.discrete" | "gymnasium.spaces.discrete", "Discrete")) => {
            let number = |name| -> Result<f64, String> {
                let array = numpy::array(attribute(name)?)?;
                array.values.first().copied().ok_or_else(|| format!("the space has no `{name}`"))
            };
            let count = number("n")?;
            if value.attribute("start").is_some() && number("start")? != 0.0 {
                return Err("the space does not start at 0".to_owned());
            }
            if !(1.0..=4096.0).contains(&count) {
                return Err(format!("the space has {count} actions; expected 1 to 4096"));
            }
            Ok(Actions::Discrete { count: count as usize })
        }
        _ => Err(format!("the space is {}; {SUPPORTED}", value.describe())),
    }
}
