//! The member `data` of an archive: JSON with pickles inside, of which only spaces and a few options are read.

use super::space::{self, Observations};
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
    pub(super) observation_space: Observations,
    pub(super) action_space: Actions,
    /// The number that the environment gives the first discrete action.
    pub(super) first_action: i64,
    /// Where `policy_kwargs` names one.
    pub(super) activation: Option<Activation>,
    /// Where `policy_kwargs` says.
    pub(super) squash_output: Option<bool>,
    /// Where `policy_kwargs` says.
    pub(super) clip_mean: Option<f64>,
    /// Why the agent seems to have been trained with normalized observations, where it does.
    pub(super) normalized: Option<&'static str>,
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
            let text = json.get(":serialized:").and_then(Json::as_str).ok_or_else(|| {
                malformed(format!("has no pickled `{name}`; expected an archive saved by Stable-Baselines3"))
            })?;
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
        let mut observation_space = None;
        with_pickle("observation_space", required("observation_space")?, &mut |value| {
            observation_space = Some(Observations::read(value)?);
            Ok(())
        })?;
        let mut action_space = None;
        with_pickle("action_space", required("action_space")?, &mut |value| {
            action_space = Some(space::actions(value)?);
            Ok(())
        })?;
        let observation_space = observation_space.ok_or_else(|| malformed("has no `observation_space`".to_owned()))?;
        let (action_space, first_action) = action_space.ok_or_else(|| malformed("has no `action_space`".to_owned()))?;

        let mut data = Self {
            policy_class: policy_class.ok_or_else(|| malformed("has no `policy_class`".to_owned()))?,
            observation_space,
            action_space,
            first_action,
            activation: None,
            squash_output: None,
            clip_mean: None,
            normalized: None,
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
        data.normalized = data.signs_of_normalization(&json);
        Ok(data)
    }

    /// What the last observations of the training say: they are kept as the policy saw them.
    fn signs_of_normalization(&self, json: &Json) -> Option<&'static str> {
        // Of a member that does not matter, nothing is an error.
        let array = |name: &str| {
            let bytes = STANDARD.decode(json.get(name)?.get(":serialized:")?.as_str()?).ok()?;
            numpy::array(Pickle::read(&bytes).ok()?.root()).ok()
        };
        let seen = array("_last_obs")?;
        if array("_last_original_obs").is_some_and(|original| original.values != seen.values) {
            return Some("its last observations differ from the environment's own");
        }
        let Observations { low, high, .. } = &self.observation_space;
        let leaves =
            |row: &[f64]| row.iter().zip(low.iter().zip(high)).any(|(value, (low, high))| value < low || value > high);
        seen.values.chunks_exact(low.len()).any(leaves).then_some("its last observations leave the observation space")
    }
}

fn activation(value: Value<'_>) -> Result<Activation, String> {
    let found = match value.as_global() {
        Some(("torch.nn.modules.activation" | "torch.nn.modules.linear" | "torch.nn", name)) => {
            Activation::from_torch(name)
        }
        _ => None,
    };
    found.ok_or_else(|| format!("the activation is {}; supported are {}", value.describe(), Activation::known()))
}
