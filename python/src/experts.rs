//! Experts that live in a Python program: functions from observations to actions.

use crate::environments;
use crate::errors;
use crate::observations::{matrix, numbers};
use crate::policy::Policy;
use kanrl_core::action::ActionBatch;
use kanrl_core::config::{BuildError, ExpertConfig};
use kanrl_core::environment::{EnvironmentRegistry, EnvironmentSpec, KeywordArguments};
use kanrl_core::policy::{ExpertPolicy, Policy as ActingPolicy, PolicyError, ScoreKind};
use kanrl_core::random::Generator;
use kanrl_core::space::{ActionSpace, ElementType};
use kanrl_gymnasium::text;
use pyo3::prelude::*;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Rows that a function is tried on.
const PROBE: usize = 64;

/// The experts that were given in this process, by the digests of their answers.
static GIVEN: Mutex<BTreeMap<String, Arc<PythonExpert>>> = Mutex::new(BTreeMap::new());
/// The last exception that one of them raised.
static RAISED: Mutex<Option<PyErr>> = Mutex::new(None);

/// The exception that an expert has raised since this was last asked.
pub fn raised() -> Option<PyErr> {
    RAISED.lock().unwrap_or_else(PoisonError::into_inner).take()
}

/// Forgets the experts that were given: for tests of what another process sees.
#[pyfunction]
pub fn forget_experts() {
    GIVEN.lock().unwrap_or_else(PoisonError::into_inner).clear();
}

/// `kind = "python"`: an expert that must be given again to resume a run.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PythonExpertConfig {
    /// What the program calls it.
    name: String,
    /// SHA-256 of its actions for a fixed batch of observations: what tells one expert from another.
    answers: String,
}

#[typetag::serde(name = "python")]
impl ExpertConfig for PythonExpertConfig {
    fn build(&self, _environment: &EnvironmentSpec) -> Result<Arc<dyn ExpertPolicy>, BuildError> {
        let given = GIVEN.lock().unwrap_or_else(PoisonError::into_inner);
        match given.get(&self.answers) {
            Some(expert) => Ok(Arc::clone(expert) as Arc<dyn ExpertPolicy>),
            None => Err(BuildError {
                component: "expert",
                reason: format!(
                    "`{}` lives in a Python program: pass it again, kanrl.resume(directory, expert=…)",
                    self.name
                ),
                source: None,
            }),
        }
    }
}

/// Observations `[rows, size]` to try a function on, as NumPy gets them: from episodes of random actions. And how many
/// numbers actions and scores have; actions have one where they are discrete.
#[pyfunction]
pub fn probe<'py>(environment: &Bound<'py, PyAny>, arguments: &str) -> PyResult<(Bound<'py, PyAny>, usize, usize)> {
    let (spec, observations) = visited(environment, arguments)?;
    let scores = spec.action_space.outputs();
    let actions = if matches!(spec.action_space, ActionSpace::Discrete(_)) { 1 } else { scores };
    Ok((array(environment.py(), &spec, &observations), actions, scores))
}

fn visited(environment: &Bound<'_, PyAny>, arguments: &str) -> PyResult<(EnvironmentSpec, Vec<f64>)> {
    let arguments: KeywordArguments = serde_json::from_str(arguments).map_err(errors::input)?;
    let (registry, id): (EnvironmentRegistry, String) = environments::with(environment)?;
    let mut environment = registry.make(&id, &arguments).map_err(errors::input)?;
    let spec = environment.spec().clone();
    let size = spec.observation_space.len();
    let mut observations = vec![0.0; PROBE * size];
    let mut actions = ActionBatch::zeros(&spec.action_space, 1);
    let mut generator = Generator::new(0);
    let mut is_over = true;
    for (row, observation) in observations.chunks_exact_mut(size).enumerate() {
        if is_over {
            environment.reset(Some(row as u64), observation).map_err(errors::run)?;
            is_over = false;
        } else {
            spec.action_space.sample(&mut generator, &mut actions, 0);
            is_over = environment.step(actions.row(0), observation).map_err(errors::run)?.is_over();
        }
    }
    Ok((spec, observations))
}

/// A policy of functions over batches: `act` gives actions, `scores`, where there is one, what they are made of. And its section
/// in a run's config, by which runs find it where it is `kept`.
#[pyfunction]
pub fn python_policy(
    name: String,
    act: Py<PyAny>,
    scores: Option<Py<PyAny>>,
    environment: &Bound<'_, PyAny>,
    arguments: &str,
    kept: bool,
) -> PyResult<(Policy, String)> {
    let (spec, observations) = visited(environment, arguments)?;
    let expert = PythonExpert { name: name.clone(), act, scores, spec };
    let mut actions = ActionBatch::zeros(&expert.spec.action_space, 0);
    let elapsed = [0; PROBE];
    let tried = expert.act(&observations, &elapsed, &mut actions).and_then(|()| {
        let mut scores = vec![0.0; PROBE * expert.spec.action_space.outputs()];
        expert.score_kind().map_or(Ok(()), |_| expert.scores(&observations, &elapsed, &mut scores))
    });
    tried.map_err(|error| errors::caused(errors::input(error), raised()))?;
    let mut digest = Sha256::new();
    match &actions {
        ActionBatch::Discrete(actions) => {
            actions.iter().for_each(|action| digest.update((*action as u64).to_le_bytes()))
        }
        ActionBatch::Continuous { values, .. } => values.iter().for_each(|value| digest.update(value.to_le_bytes())),
    }
    let answers = digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let names = expert.spec.observation_space.names();
    let expert = Arc::new(expert);
    if kept {
        GIVEN.lock().unwrap_or_else(PoisonError::into_inner).insert(answers.clone(), Arc::clone(&expert));
    }
    let section = serde_json::json!({ "kind": "python", "name": name, "answers": answers });
    Ok((Policy::of_this_process(expert, names), section.to_string()))
}

/// Functions in Python as a policy.
#[derive(Debug)]
struct PythonExpert {
    name: String,
    act: Py<PyAny>,
    scores: Option<Py<PyAny>>,
    spec: EnvironmentSpec,
}

impl PythonExpert {
    /// What a function answers: `rows × width` numbers.
    fn ask(
        &self,
        function: &Py<PyAny>,
        observations: &[f64],
        rows: usize,
        width: usize,
    ) -> Result<Vec<f64>, PolicyError> {
        Python::attach(|py| {
            let ask = || -> PyResult<(Vec<f64>, Vec<usize>)> {
                numbers(&function.bind(py).call1((array(py, &self.spec, observations),))?)
            };
            let (values, shape) = ask().map_err(|error| {
                let reason = format!("{}: {}", self.name, text(py, &error));
                *RAISED.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                PolicyError::Failed { reason }
            })?;
            if values.len() != rows * width || shape.first() != Some(&rows) {
                let wanted = if width == 1 { format!("[{rows}]") } else { format!("[{rows}, {width}]") };
                let reason = format!("{} answers with the shape {shape:?}, expected {wanted}", self.name);
                return Err(PolicyError::Failed { reason });
            }
            Ok(values)
        })
    }
}

impl ActingPolicy for PythonExpert {
    fn observation_size(&self) -> usize {
        self.spec.observation_space.len()
    }

    fn action_space(&self) -> &ActionSpace {
        &self.spec.action_space
    }

    fn act(&self, observations: &[f64], elapsed_steps: &[u32], actions: &mut ActionBatch) -> Result<(), PolicyError> {
        let rows = elapsed_steps.len();
        actions.resize(rows);
        if rows == 0 {
            return Ok(());
        }
        match (&self.spec.action_space, actions) {
            (ActionSpace::Discrete(space), ActionBatch::Discrete(actions)) => {
                let answers = self.ask(&self.act, observations, rows, 1)?;
                for (action, answer) in actions.iter_mut().zip(answers) {
                    if answer.fract() != 0.0 || !(0.0..space.len() as f64).contains(&answer) {
                        let reason =
                            format!("{} answers {answer}, expected an action below {}", self.name, space.len());
                        return Err(PolicyError::Failed { reason });
                    }
                    *action = answer as usize;
                }
            }
            (ActionSpace::Box(space), ActionBatch::Continuous { values, .. }) => {
                let answers = self.ask(&self.act, observations, rows, space.len())?;
                not_finite(&answers, space.len(), observations, self.observation_size())?;
                for (value, answer) in values.iter_mut().zip(answers) {
                    *value = answer as f32;
                }
                values.chunks_exact_mut(space.len()).for_each(|row| space.clip(row));
            }
            _ => unreachable!("the batch was made for the space"),
        }
        Ok(())
    }
}

impl ExpertPolicy for PythonExpert {
    fn score_kind(&self) -> Option<ScoreKind> {
        self.scores.as_ref().map(|_| match self.spec.action_space {
            ActionSpace::Discrete(_) => ScoreKind::Logits,
            ActionSpace::Box(_) => ScoreKind::Means,
        })
    }

    fn scores(&self, observations: &[f64], elapsed_steps: &[u32], scores: &mut [f64]) -> Result<(), PolicyError> {
        let function = self.scores.as_ref().ok_or(PolicyError::NoScores)?;
        let (rows, width) = (elapsed_steps.len(), self.spec.action_space.outputs());
        if rows > 0 {
            scores.copy_from_slice(&self.ask(function, observations, rows, width)?);
            not_finite(scores, width, observations, self.observation_size())?;
        }
        Ok(())
    }

    fn source(&self) -> &str {
        &self.name
    }
}

fn not_finite(values: &[f64], width: usize, observations: &[f64], size: usize) -> Result<(), PolicyError> {
    let Some(index) = values.iter().position(|value| !value.is_finite()) else { return Ok(()) };
    let row = index / width;
    let observation = observations[row * size..(row + 1) * size].to_vec();
    Err(PolicyError::NotFinite { output: index % width, value: values[index], observation })
}

/// Observations in the element type of their space.
fn array<'py>(py: Python<'py>, spec: &EnvironmentSpec, observations: &[f64]) -> Bound<'py, PyAny> {
    let size = spec.observation_space.len();
    match spec.observation_space.element_type {
        ElementType::F32 => matrix(py, observations.iter().map(|value| *value as f32).collect(), size),
        ElementType::F64 => matrix(py, observations.to_vec(), size),
    }
}
