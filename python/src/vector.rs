//! Rust environments for Python: lanes that are stepped together, on all cores where there are many.

use crate::environments;
use crate::errors;
use crate::observations::{matrix, numbers};
use kanrl_core::action::{Action, ActionBatch};
use kanrl_core::environment::{DynEnvironment, EnvironmentError, EnvironmentSpec, KeywordArguments, StepOutcome};
use kanrl_core::space::{ActionSpace, ElementType};
use numpy::{PyArray1, PyArray2, PyArrayMethods, PyUntypedArrayMethods, ToPyArray};
use pyo3::prelude::*;
use rayon::prelude::*;
use std::sync::{Mutex, PoisonError};

/// Lanes of one task: fewer are stepped by the calling thread alone.
const CHUNK: usize = 64;

/// Environments that are stepped together.
#[pyclass(frozen, module = "kanrl._kanrl")]
pub struct Lanes {
    spec: EnvironmentSpec,
    lanes: Mutex<Vec<Lane>>,
}

struct Lane {
    environment: Box<dyn DynEnvironment>,
    /// Its episode has ended; the next step starts another.
    is_over: bool,
    observation: Vec<f64>,
    info: Vec<f64>,
    outcome: StepOutcome,
}

impl Lane {
    fn step(&mut self, action: Action<'_>, resets: bool) -> Result<(), EnvironmentError> {
        if self.is_over && resets {
            self.environment.reset(None, &mut self.observation)?;
            (self.is_over, self.outcome) = (false, StepOutcome::default());
        } else {
            self.outcome = match self.environment.step(action, &mut self.observation) {
                // The simulation cannot go on: the episode is cut off, as in rollouts.
                Err(EnvironmentError::Diverged { .. }) => {
                    StepOutcome { reward: 0.0, terminated: false, truncated: true }
                }
                other => other?,
            };
            self.is_over = self.outcome.is_over();
        }
        self.environment.info(&mut self.info);
        Ok(())
    }
}

/// Observations, rewards, ends and cuts, and the info's numbers.
type Stepped<'py> = (
    Bound<'py, PyAny>,
    Bound<'py, PyArray1<f64>>,
    Bound<'py, PyArray1<bool>>,
    Bound<'py, PyArray1<bool>>,
    Bound<'py, PyAny>,
);

#[pymethods]
impl Lanes {
    /// So many of the environment, with its keyword arguments as JSON.
    #[new]
    fn new(identifier: &str, arguments: &str, count: usize) -> PyResult<Self> {
        if count == 0 {
            return Err(errors::input_with_help("no environments", "num_envs is at least 1"));
        }
        let arguments: KeywordArguments = serde_json::from_str(arguments).map_err(errors::input)?;
        let registry = environments::registry()?;
        let made = (0..count).map(|_| registry.make(identifier, &arguments)).collect::<Result<Vec<_>, _>>();
        let made = made.map_err(errors::input)?;
        let spec = made[0].spec().clone();
        let lane = |environment| Lane {
            environment,
            is_over: false,
            observation: vec![0.0; spec.observation_space.len()],
            info: vec![0.0; spec.info_names.len()],
            outcome: StepOutcome::default(),
        };
        let lanes = made.into_iter().map(lane).collect();
        Ok(Self { lanes: Mutex::new(lanes), spec })
    }

    /// The spec as JSON.
    fn spec(&self) -> String {
        serde_json::to_string(&self.spec).expect("a spec serializes")
    }

    /// Starts episodes in the lanes that `mask` names, in all without; `seeds` has one for each lane.
    #[pyo3(signature = (seeds, mask=None))]
    fn reset<'py>(
        &self,
        py: Python<'py>,
        seeds: Vec<Option<u64>>,
        mask: Option<Vec<bool>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        if seeds.len() != lanes.len() || mask.as_ref().is_some_and(|mask| mask.len() != lanes.len()) {
            let message = format!("{} seeds for {} environments", seeds.len(), lanes.len());
            return Err(errors::input_with_help(message, "give one for each environment"));
        }
        for (index, (lane, seed)) in lanes.iter_mut().zip(seeds).enumerate() {
            if mask.as_ref().is_none_or(|mask| mask[index]) {
                lane.environment.reset(seed, &mut lane.observation).map_err(errors::run)?;
                lane.is_over = false;
            }
        }
        Ok(self.observations(py, &lanes))
    }

    /// One step in every lane. With `resets`, lanes whose episode has ended start another one instead, whatever their action.
    fn step<'py>(&self, py: Python<'py>, actions: &Bound<'py, PyAny>, resets: bool) -> PyResult<Stepped<'py>> {
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        let lanes = &mut *lanes;
        let actions = self.actions(actions, lanes.len())?;
        let step = |(lane, own): (usize, &mut Lane)| own.step(actions.row(lane), resets);
        let stepped = py.detach(|| {
            if lanes.len() <= CHUNK {
                return lanes.iter_mut().enumerate().try_for_each(step);
            }
            lanes.par_iter_mut().with_min_len(CHUNK).enumerate().try_for_each(step)
        });
        stepped.map_err(errors::run)?;
        let rewards: Vec<f64> = lanes.iter().map(|lane| lane.outcome.reward).collect();
        let terminated: Vec<bool> = lanes.iter().map(|lane| lane.outcome.terminated).collect();
        let truncated: Vec<bool> = lanes.iter().map(|lane| lane.outcome.truncated).collect();
        let infos = lanes.iter().flat_map(|lane| lane.info.iter().copied()).collect();
        Ok((
            self.observations(py, lanes),
            rewards.to_pyarray(py),
            terminated.to_pyarray(py),
            truncated.to_pyarray(py),
            matrix(py, infos, self.spec.info_names.len()),
        ))
    }

    /// A picture of a lane, `[height, width, 3]`.
    fn render<'py>(&self, py: Python<'py>, lane: usize) -> PyResult<Bound<'py, PyAny>> {
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        let lane = &mut lanes[lane];
        let frame = py.detach(|| lane.environment.render()).map_err(errors::run)?;
        matrix(py, frame.rgb, frame.width * 3).call_method1("reshape", ((frame.height, frame.width, 3),))
    }

    /// The physical state of a lane.
    fn state(&self, lane: usize) -> Vec<f64> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)[lane].environment.state()
    }
}

impl Lanes {
    fn observations<'py>(&self, py: Python<'py>, lanes: &[Lane]) -> Bound<'py, PyAny> {
        let size = self.spec.observation_space.len();
        match self.spec.observation_space.element_type {
            ElementType::F32 => {
                let mut values: Vec<f32> = Vec::with_capacity(lanes.len() * size);
                lanes.iter().for_each(|lane| values.extend(lane.observation.iter().map(|value| *value as f32)));
                matrix(py, values, size)
            }
            ElementType::F64 => {
                let mut values: Vec<f64> = Vec::with_capacity(lanes.len() * size);
                lanes.iter().for_each(|lane| values.extend_from_slice(&lane.observation));
                matrix(py, values, size)
            }
        }
    }

    fn actions(&self, given: &Bound<'_, PyAny>, count: usize) -> PyResult<ActionBatch> {
        let wrong = |shape: &[usize], wanted: String| {
            errors::input_with_help(format!("the actions have the shape {shape:?}, expected {wanted}"), "one for each")
        };
        match &self.spec.action_space {
            ActionSpace::Discrete(_) => {
                if let Ok(actions) = given.cast::<PyArray1<i64>>() {
                    let actions: Vec<usize> =
                        actions.readonly().as_array().iter().map(|action| *action as usize).collect();
                    return match actions.len() == count {
                        true => Ok(ActionBatch::Discrete(actions)),
                        false => Err(wrong(&[actions.len()], format!("[{count}]"))),
                    };
                }
                let (values, shape) = numbers(given)?;
                if values.len() != count {
                    return Err(wrong(&shape, format!("[{count}]")));
                }
                Ok(ActionBatch::Discrete(values.into_iter().map(|value| value as usize).collect()))
            }
            ActionSpace::Box(space) => {
                let size = space.len();
                let right = |shape: &[usize]| shape == [count, size] || (count == 1 && shape == [size]);
                if let Ok(actions) = given.cast::<PyArray2<f32>>() {
                    let actions = actions.readonly();
                    let shape = actions.shape().to_vec();
                    if !right(&shape) {
                        return Err(wrong(&shape, format!("[{count}, {size}]")));
                    }
                    return Ok(ActionBatch::Continuous { values: actions.as_array().iter().copied().collect(), size });
                }
                let (values, shape) = numbers(given)?;
                if !right(&shape) {
                    return Err(wrong(&shape, format!("[{count}, {size}]")));
                }
                Ok(ActionBatch::Continuous { values: values.into_iter().map(|value| value as f32).collect(), size })
            }
        }
    }
}
