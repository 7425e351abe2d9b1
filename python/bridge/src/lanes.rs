//! Environments in Python that are stepped together; the first of them alone is an environment.

use crate::text;
use kanrl_core::action::{Action, ActionBatch};
use kanrl_core::environment::{
    DynEnvironment, EnvironmentError, EnvironmentSpec, Frame, LaneError, Parameter, StepOutcome, VectorEnvironment,
};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

/// Lanes in Python.
#[derive(Debug)]
pub struct PythonLanes {
    spec: EnvironmentSpec,
    object: Py<PyAny>,
    lanes: usize,
}

/// The bytes of observations, rewards and flags.
type Stepped = (Vec<u8>, Vec<u8>, Vec<u8>);

impl PythonLanes {
    pub(crate) fn new(spec: EnvironmentSpec, object: Py<PyAny>, lanes: usize) -> Self {
        Self { spec, object, lanes }
    }

    /// Calls Python; an exception becomes the environment's error.
    fn call<T>(&self, call: impl FnOnce(&Bound<'_, PyAny>) -> PyResult<T>) -> Result<T, EnvironmentError> {
        Python::attach(|py| {
            call(self.object.bind(py))
                .map_err(|error| EnvironmentError::Engine { id: self.spec.id.clone(), reason: text(py, &error) })
        })
    }

    fn finite(&self, observation: &[f64]) -> Result<(), EnvironmentError> {
        let Some(index) = observation.iter().position(|value| !value.is_finite()) else { return Ok(()) };
        let what = self.spec.observation_space.coordinates[index].name.clone();
        Err(EnvironmentError::NotFinite { id: self.spec.id.clone(), what, value: observation[index] })
    }

    fn start(&self, lane: usize, seed: Option<u64>, observation: &mut [f64]) -> Result<(), EnvironmentError> {
        let bytes: Vec<u8> = self.call(|object| object.call_method1("reset", (lane, seed))?.extract())?;
        observation.iter_mut().zip(numbers(&bytes)).for_each(|(to, from)| *to = from);
        self.finite(observation)
    }

    fn step_rows(
        &self,
        actions: &[u8],
        kind: &str,
        observations: &mut [f64],
        outcomes: &mut [StepOutcome],
    ) -> Result<(), LaneError> {
        let rows = outcomes.len();
        let stepped = Python::attach(|py| {
            let object = self.object.bind(py);
            let step = || -> PyResult<Stepped> {
                object.call_method1("step", (rows, PyBytes::new(py, actions), kind))?.extract()
            };
            step().map_err(|error| {
                let lane = object.getattr("lane").and_then(|lane| lane.extract()).unwrap_or(0);
                let source = EnvironmentError::Engine { id: self.spec.id.clone(), reason: text(py, &error) };
                LaneError { lane, source }
            })
        });
        let (seen, rewards, flags) = stepped?;
        observations.iter_mut().zip(numbers(&seen)).for_each(|(to, from)| *to = from);
        let each = outcomes.iter_mut().zip(numbers(&rewards)).zip(flags.chunks_exact(2)).enumerate();
        let size = self.spec.observation_space.len();
        for (lane, ((outcome, reward), flags)) in each {
            *outcome = StepOutcome { reward, terminated: flags[0] != 0, truncated: flags[1] != 0 };
            let located = |source| LaneError { lane, source };
            self.finite(&observations[lane * size..(lane + 1) * size]).map_err(located)?;
            if !reward.is_finite() {
                let (id, what) = (self.spec.id.clone(), "reward".to_owned());
                return Err(located(EnvironmentError::NotFinite { id, what, value: reward }));
            }
        }
        Ok(())
    }
}

impl VectorEnvironment for PythonLanes {
    fn spec(&self) -> &EnvironmentSpec {
        &self.spec
    }

    fn lanes(&self) -> usize {
        self.lanes
    }

    fn reset_lane(&mut self, lane: usize, seed: Option<u64>, observation: &mut [f64]) -> Result<(), EnvironmentError> {
        self.start(lane, seed, observation)
    }

    fn step_lanes(
        &mut self,
        actions: &ActionBatch,
        observations: &mut [f64],
        outcomes: &mut [StepOutcome],
    ) -> Result<(), LaneError> {
        let rows = actions.rows();
        let size = self.spec.observation_space.len();
        let (bytes, kind) = bytes(actions);
        self.step_rows(&bytes, kind, &mut observations[..rows * size], &mut outcomes[..rows])
    }

    fn swap_lanes(&mut self, first: usize, second: usize) {
        // Two places of a list can always be exchanged.
        let _ = self.call(|object| object.call_method1("swap", (first, second)).map(drop));
    }

    fn set_parameter(&mut self, name: &str, value: f64) -> Result<(), EnvironmentError> {
        DynEnvironment::set_parameter(self, name, value)
    }
}

impl DynEnvironment for PythonLanes {
    fn spec(&self) -> &EnvironmentSpec {
        &self.spec
    }

    fn reset(&mut self, seed: Option<u64>, observation: &mut [f64]) -> Result<(), EnvironmentError> {
        self.start(0, seed, observation)
    }

    fn step(&mut self, action: Action<'_>, observation: &mut [f64]) -> Result<StepOutcome, EnvironmentError> {
        let (bytes, kind): (Vec<u8>, &str) = match action {
            Action::Discrete(index) => ((index as i64).to_ne_bytes().to_vec(), "int64"),
            Action::F32(values) => (values.iter().flat_map(|value| value.to_ne_bytes()).collect(), "float32"),
            Action::F64(values) => (values.iter().flat_map(|value| value.to_ne_bytes()).collect(), "float64"),
        };
        let mut outcome = [StepOutcome::default()];
        self.step_rows(&bytes, kind, observation, &mut outcome).map_err(|error| error.source)?;
        Ok(outcome[0])
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

impl Drop for PythonLanes {
    fn drop(&mut self) {
        // There is nobody to tell that they did not close.
        let _ = self.call(|object| object.call_method0("close").map(drop));
    }
}

/// Actions as Python gets them, and NumPy's name for their type.
fn bytes(actions: &ActionBatch) -> (Vec<u8>, &'static str) {
    match actions {
        ActionBatch::Discrete(actions) => {
            (actions.iter().flat_map(|action| (*action as i64).to_ne_bytes()).collect(), "int64")
        }
        ActionBatch::Continuous { values, .. } => {
            (values.iter().flat_map(|value| value.to_ne_bytes()).collect(), "float32")
        }
    }
}

fn numbers(bytes: &[u8]) -> impl Iterator<Item = f64> {
    let (chunks, _) = bytes.as_chunks();
    chunks.iter().map(|chunk| f64::from_ne_bytes(*chunk))
}
