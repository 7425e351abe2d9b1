use crate::python;
use kanrl_core::action::{Action, ActionBatch};
use kanrl_core::environment::{
    DynEnvironment, EnvironmentError, EnvironmentSpec, Frame, KeywordArguments, Parameter, StepOutcome,
};
use kanrl_core::space::{ActionSpace, BoxSpace, Coordinate, DiscreteSpace, ElementType};
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use serde_json::Value;

/// One environment in Python.
#[derive(Debug)]
pub struct GymnasiumEnvironment {
    spec: EnvironmentSpec,
    object: Py<PyAny>,
}

impl GymnasiumEnvironment {
    /// `gymnasium.make(identifier, **arguments)`; its id here has `prefix` before it.
    ///
    /// # Errors
    /// [`EnvironmentError::BadArguments`] for arguments or spaces that do not fit, [`EnvironmentError::Engine`] where
    /// Python fails.
    pub fn new(prefix: &str, identifier: &str, arguments: &KeywordArguments) -> Result<Self, EnvironmentError> {
        let id = format!("{prefix}{identifier}");
        let engine = |reason| EnvironmentError::Engine { id: id.clone(), reason };
        let module = python::module().map_err(engine)?;
        let arguments = Value::Object(arguments.clone()).to_string();
        Python::attach(|py| {
            let make = || -> PyResult<(Py<PyAny>, String)> {
                let object = module.bind(py).call_method1("Environment", (identifier, arguments))?;
                let description = object.call_method0("description")?.extract()?;
                Ok((object.unbind(), description))
            };
            let (object, description) = make().map_err(|error| {
                let unusable = module.bind(py).getattr("Unusable").is_ok_and(|kind| error.is_instance(py, &kind));
                match unusable {
                    true => EnvironmentError::BadArguments { id: id.clone(), reason: error.value(py).to_string() },
                    false => engine(python::text(py, &error)),
                }
            })?;
            let description: Value = serde_json::from_str(&description).map_err(|error| engine(error.to_string()))?;
            Ok(Self { spec: spec(&id, &description), object })
        })
    }

    /// Calls Python; an exception becomes the environment's error.
    fn call<T>(&self, call: impl FnOnce(&Bound<'_, PyAny>) -> PyResult<T>) -> Result<T, EnvironmentError> {
        Python::attach(|py| {
            call(self.object.bind(py)).map_err(|error| EnvironmentError::Engine {
                id: self.spec.id.clone(),
                reason: python::text(py, &error),
            })
        })
    }

    fn write(&self, bytes: &[u8], observation: &mut [f64]) -> Result<(), EnvironmentError> {
        if bytes.len() != size_of_val(observation) {
            let (found, wanted) = (bytes.len() / size_of::<f64>(), observation.len());
            let reason = format!("it gave an observation of {found} numbers, its space has {wanted}");
            return Err(EnvironmentError::Engine { id: self.spec.id.clone(), reason });
        }
        observation.iter_mut().zip(numbers(bytes)).for_each(|(to, from)| *to = from);
        Ok(())
    }
}

impl DynEnvironment for GymnasiumEnvironment {
    fn spec(&self) -> &EnvironmentSpec {
        &self.spec
    }

    fn reset(&mut self, seed: Option<u64>, observation: &mut [f64]) -> Result<(), EnvironmentError> {
        let bytes: Vec<u8> = self.call(|object| object.call_method1("reset", (seed,))?.extract())?;
        self.write(&bytes, observation)
    }

    fn step(&mut self, action: Action<'_>, observation: &mut [f64]) -> Result<StepOutcome, EnvironmentError> {
        let (bytes, reward, terminated, truncated): (Vec<u8>, f64, bool, bool) = self.call(|object| {
            let py = object.py();
            let stepped = match action {
                Action::Discrete(index) => object.call_method1("step_discrete", (index,)),
                Action::F32(values) => {
                    let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_ne_bytes()).collect();
                    object.call_method1("step_float32", (PyBytes::new(py, &bytes),))
                }
                Action::F64(values) => {
                    let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_ne_bytes()).collect();
                    object.call_method1("step_float64", (PyBytes::new(py, &bytes),))
                }
            };
            stepped?.extract()
        })?;
        self.write(&bytes, observation)?;
        Ok(StepOutcome { reward, terminated, truncated })
    }

    fn step_chunk(
        &mut self,
        actions: &ActionBatch,
        observations: &mut [f64],
        outcomes: &mut [StepOutcome],
    ) -> Result<usize, EnvironmentError> {
        let each = observations.chunks_exact_mut(self.spec.observation_space.len()).zip(outcomes);
        for (row, (observation, outcome)) in each.take(actions.rows()).enumerate() {
            *outcome = self.step(actions.row(row), observation)?;
            if outcome.is_over() {
                return Ok(row + 1);
            }
        }
        Ok(actions.rows())
    }

    fn info(&self, _info: &mut [f64]) {}

    fn state(&self) -> Vec<f64> {
        let bytes: Result<Vec<u8>, _> = self.call(|object| object.call_method0("state")?.extract());
        bytes.map(|bytes| numbers(&bytes).collect()).unwrap_or_default()
    }

    fn parameters(&self) -> Vec<Parameter> {
        Vec::new()
    }

    fn set_parameter(&mut self, name: &str, _value: f64) -> Result<(), EnvironmentError> {
        Err(EnvironmentError::unknown_parameter(&self.spec.id, name, &[]))
    }

    fn render(&mut self) -> Result<Frame, EnvironmentError> {
        let frame: Option<(usize, usize, Vec<u8>)> = self.call(|object| object.call_method0("render")?.extract())?;
        let (height, width, rgb) = frame.ok_or_else(|| EnvironmentError::NoRendering { id: self.spec.id.clone() })?;
        Ok(Frame { width, height, rgb })
    }
}

impl Drop for GymnasiumEnvironment {
    fn drop(&mut self) {
        // There is nobody to tell that it did not close.
        let _ = self.call(|object| object.call_method0("close").map(drop));
    }
}

fn numbers(bytes: &[u8]) -> impl Iterator<Item = f64> {
    let (chunks, _) = bytes.as_chunks();
    chunks.iter().map(|chunk| f64::from_ne_bytes(*chunk))
}

/// The spec that `Environment.description` in `bridge.py` tells.
fn spec(id: &str, description: &Value) -> EnvironmentSpec {
    let observation = &description["observation"];
    let observation_space = match observation["discrete"].as_u64() {
        Some(states) => {
            let number = Coordinate::new("x_0", "1", 0.0, states.saturating_sub(1) as f64);
            BoxSpace::new(ElementType::F64, vec![number.described("number of the state")])
        }
        None => box_space(observation, "x", "observation"),
    };
    let action = &description["action"];
    let action_space = match action["discrete"].as_u64() {
        Some(actions) => ActionSpace::Discrete(DiscreteSpace::new((0..actions).map(|index| format!("action {index}")))),
        None => ActionSpace::Box(box_space(action, "a", "action")),
    };
    EnvironmentSpec {
        id: id.to_owned(),
        observation_space,
        action_space,
        max_episode_steps: description["max_episode_steps"].as_u64().and_then(|steps| u32::try_from(steps).ok()),
        reward_threshold: description["reward_threshold"].as_f64(),
        frames_per_second: description["frames_per_second"].as_u64().map_or(30, |frames| frames.clamp(1, 1000) as u32),
        info_names: vec![],
    }
}

fn box_space(space: &Value, letter: &str, what: &str) -> BoxSpace {
    let bounds = |name: &str| space[name].as_array().cloned().unwrap_or_default();
    let coordinate = |(index, (low, high)): (usize, (Value, Value))| {
        let (low, high) = (low.as_f64().unwrap_or(f64::NEG_INFINITY), high.as_f64().unwrap_or(f64::INFINITY));
        Coordinate::new(format!("{letter}_{index}"), "1", low, high).described(format!("{what} {index}"))
    };
    let coordinates = bounds("low").into_iter().zip(bounds("high")).enumerate().map(coordinate).collect();
    let element_type = if space["float32"] == true { ElementType::F32 } else { ElementType::F64 };
    BoxSpace::new(element_type, coordinates)
}
