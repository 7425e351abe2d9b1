//! Instances of a plugin's environment and the foreign calls on them.
#![allow(unsafe_code, reason = "calls the plugin's functions")]

use super::handles::{Handles, Kind, PRESENT};
use super::tables;
use super::watchdog::Function;
use crate::abi::{KANRL_UNKNOWN_PARAMETER, KanrlActions, KanrlFrame, KanrlOutcome, KanrlParameter, KanrlText};
use kanrl_core::action::{Action, ActionBatch};
use kanrl_core::environment::{EnvironmentError, EnvironmentSpec, Frame, Parameter};
use std::mem::size_of;
use std::ptr::null;
use std::sync::Arc;

/// One or more instances of the same kind, made from the same arguments, with the same spec.
#[derive(Debug)]
pub(crate) struct Instances {
    handles: Handles,
    spec: EnvironmentSpec,
}

impl Instances {
    /// `count` ≥ 1 instances from arguments, a JSON object.
    pub fn create(kind: Arc<Kind>, arguments: &str, count: usize) -> Result<Self, EnvironmentError> {
        let mut handles = Handles::new(kind);
        let spec = handles.add(arguments)?;
        for _ in 1..count {
            // The buffers of all lanes have the first one's lengths.
            if handles.add(arguments)? != spec {
                return Err(unsteady_spec(&handles));
            }
        }
        Ok(Self { handles, spec })
    }

    pub fn spec(&self) -> &EnvironmentSpec {
        &self.spec
    }

    /// Their spec is not that of earlier ones.
    #[cold]
    pub fn unsteady_spec(&self) -> EnvironmentError {
        unsteady_spec(&self.handles)
    }

    pub fn len(&self) -> usize {
        self.handles.list.len()
    }

    pub fn swap(&mut self, first: usize, second: usize) {
        self.handles.list.swap(first, second);
    }

    /// `observation` is as long as the observation space.
    pub fn reset(&mut self, lane: usize, seed: Option<u64>, observation: &mut [f64]) -> Result<(), EnvironmentError> {
        assert_eq!(observation.len(), self.spec.observation_space.len(), "observation buffer");
        let (reset, handle) = (self.handles.kind.table.reset.expect(PRESENT), self.handles.list[lane]);
        let seed = seed.as_ref().map_or(null(), std::ptr::from_ref);
        self.handles.call(Function::Reset, |error| {
            // SAFETY: the handle is alive, the observation has the spec's length, the seed is null or valid.
            unsafe { reset(handle, seed, observation.as_mut_ptr(), error) }
        })
    }

    /// The action fits the space; `observation` is as long as the observation space.
    pub fn step(
        &mut self,
        lane: usize,
        action: Action<'_>,
        observation: &mut [f64],
        outcome: &mut KanrlOutcome,
    ) -> Result<(), EnvironmentError> {
        assert_eq!(observation.len(), self.spec.observation_space.len(), "observation buffer");
        let (step, handle) = (self.handles.kind.table.step.expect(PRESENT), self.handles.list[lane]);
        let actions = one_action(&action);
        self.handles.call(Function::Step, |error| {
            // SAFETY: the handle is alive, the action has the space's length, the buffers have one row.
            unsafe { step(handle, &raw const actions, observation.as_mut_ptr(), outcome, error) }
        })
    }

    /// One step in each of the first `actions.rows()` lanes; the number of lanes that were stepped, and the error of
    /// the next one if it is not all of them. The actions fit the space.
    pub fn step_lanes(
        &mut self,
        actions: &ActionBatch,
        observations: &mut [f64],
        outcomes: &mut [KanrlOutcome],
    ) -> (usize, Result<(), EnvironmentError>) {
        let (rows, size) = (actions.rows(), self.spec.observation_space.len());
        assert!(rows <= self.handles.list.len(), "as many lanes as actions");
        let (observations, outcomes) = (&mut observations[..rows * size], &mut outcomes[..rows]);
        let Some(step_lanes) = self.handles.kind.table.step_lanes else {
            let each = observations.chunks_exact_mut(size).zip(outcomes).enumerate();
            for (lane, (observation, outcome)) in each {
                if let Err(error) = self.step(lane, actions.row(lane), observation, outcome) {
                    return (lane, Err(error));
                }
            }
            return (rows, Ok(()));
        };
        let table = all_actions(actions);
        let mut done = 0;
        let result = self.handles.call(Function::StepLanes, |error| {
            // SAFETY: there are at least `rows` handles, all alive; the buffers have `rows` rows; the actions fit.
            unsafe {
                step_lanes(
                    self.handles.list.as_ptr(),
                    &raw const table,
                    observations.as_mut_ptr(),
                    outcomes.as_mut_ptr(),
                    &raw mut done,
                    error,
                )
            }
        });
        (if result.is_ok() { rows } else { done.min(rows.saturating_sub(1)) }, result)
    }

    /// Steps lane 0 with the actions one after the other until the episode ends; the number of steps taken. The actions
    /// fit the space.
    pub fn step_chunk(
        &mut self,
        actions: &ActionBatch,
        rows: usize,
        observations: &mut [f64],
        outcomes: &mut [KanrlOutcome],
    ) -> Result<usize, EnvironmentError> {
        let size = self.spec.observation_space.len();
        assert!(rows <= actions.rows(), "as many actions as rows");
        let (observations, outcomes) = (&mut observations[..rows * size], &mut outcomes[..rows]);
        let Some(step_chunk) = self.handles.kind.table.step_chunk else {
            for (row, (observation, outcome)) in observations.chunks_exact_mut(size).zip(outcomes).enumerate() {
                self.step(0, actions.row(row), observation, outcome)?;
                if outcome.terminated != 0 || outcome.truncated != 0 {
                    return Ok(row + 1);
                }
            }
            return Ok(rows);
        };
        let table = KanrlActions { rows, ..all_actions(actions) };
        let (handle, mut done) = (self.handles.list[0], 0);
        self.handles.call(Function::StepChunk, |error| {
            // SAFETY: the handle is alive; the buffers have `rows` rows; the actions fit.
            unsafe {
                step_chunk(
                    handle,
                    &raw const table,
                    observations.as_mut_ptr(),
                    outcomes.as_mut_ptr(),
                    &raw mut done,
                    error,
                )
            }
        })?;
        if (1..=rows).contains(&done) || rows == 0 {
            Ok(done)
        } else {
            Err(self.handles.engine(Function::StepChunk, &format!("it took {done} of {rows} steps")))
        }
    }

    /// `info` is as long as the spec's `info_names`.
    pub fn info(&self, lane: usize, info: &mut [f64]) -> Result<(), EnvironmentError> {
        let (Some(function), false) = (self.handles.kind.table.info, info.is_empty()) else { return Ok(()) };
        assert_eq!(info.len(), self.spec.info_names.len(), "info buffer");
        let handle = self.handles.list[lane];
        // SAFETY: the handle is alive, the buffer has the spec's length.
        self.handles.call(Function::Info, |error| unsafe { function(handle, info.as_mut_ptr(), error) })
    }

    pub fn state(&self, lane: usize) -> Result<Vec<f64>, EnvironmentError> {
        let Some(state) = self.handles.kind.table.state else { return Ok(Vec::new()) };
        let (handle, mut first, mut count) = (self.handles.list[lane], null(), 0);
        // SAFETY: the handle is alive, the pointers are valid for the call.
        self.handles.call(Function::State, |error| unsafe { state(handle, &raw mut first, &raw mut count, error) })?;
        let memory = self.handles.memory();
        tables::numbers(&memory, first.addr(), count, "state")
            .map_err(|error| self.handles.wrong_table(Function::State, &error))
    }

    pub fn parameters(&self, lane: usize) -> Result<Vec<Parameter>, EnvironmentError> {
        let Some(parameters) = self.handles.kind.table.parameters else { return Ok(Vec::new()) };
        let (handle, mut first, mut count) = (self.handles.list[lane], null::<KanrlParameter>(), 0);
        // SAFETY: the handle is alive, the pointers are valid for the call.
        let call = |error| unsafe { parameters(handle, &raw mut first, &raw mut count, error) };
        self.handles.call(Function::Parameters, call)?;
        let memory = self.handles.memory();
        tables::parameters(&memory, first.addr(), count)
            .map_err(|error| self.handles.wrong_table(Function::Parameters, &error))
    }

    pub fn set_parameter(&mut self, lane: usize, name: &str, value: f64) -> Result<(), EnvironmentError> {
        let unknown = |instances: &Self| match instances.parameters(lane) {
            Ok(known) => EnvironmentError::unknown_parameter(&instances.handles.kind.id, name, &known),
            Err(error) => error,
        };
        let Some(set_parameter) = self.handles.kind.table.set_parameter else { return Err(unknown(self)) };
        let handle = self.handles.list[lane];
        // SAFETY: the handle is alive, the text is valid for the call.
        let call = |error| unsafe { set_parameter(handle, KanrlText::new(name), value, error) };
        self.handles.caller.call(Function::SetParameter, call).map_err(|error| match error.status {
            KANRL_UNKNOWN_PARAMETER => unknown(self),
            _ => self.handles.caller.environment_error(&self.handles.kind.id, &error),
        })
    }

    pub fn render(&mut self, lane: usize) -> Result<Frame, EnvironmentError> {
        let Some(render) = self.handles.kind.table.render else {
            return Err(EnvironmentError::NoRendering { id: self.handles.kind.id.clone() });
        };
        let (handle, mut frame) = (self.handles.list[lane], null::<KanrlFrame>());
        // SAFETY: the handle is alive, the pointers are valid for the call.
        self.handles.call(Function::Render, |error| unsafe { render(handle, &raw mut frame, error) })?;
        let memory = self.handles.memory();
        tables::frame(&memory, frame.addr()).map_err(|error| self.handles.wrong_table(Function::Render, &error))
    }

    /// [`EnvironmentError::NotFinite`] for the first number of a row that is not finite.
    #[cold]
    pub fn not_finite(&self, function: Function, observation: &[f64], reward: f64) -> EnvironmentError {
        let bad = observation.iter().position(|value| !value.is_finite());
        let (what, value) = match bad {
            Some(index) => (self.spec.observation_space.coordinates[index].name.as_str(), observation[index]),
            None => ("reward", reward),
        };
        let what = format!("{what} (from {})", self.handles.caller.blame(function));
        EnvironmentError::NotFinite { id: self.handles.kind.id.clone(), what, value }
    }

    /// The function that a step of several lanes calls.
    pub fn lanes_function(&self) -> Function {
        if self.handles.kind.table.step_lanes.is_some() { Function::StepLanes } else { Function::Step }
    }

    /// The function that a chunk of steps calls.
    pub fn chunk_function(&self) -> Function {
        if self.handles.kind.table.step_chunk.is_some() { Function::StepChunk } else { Function::Step }
    }
}

fn unsteady_spec(handles: &Handles) -> EnvironmentError {
    handles.engine(Function::Spec, "two instances made from the same arguments differ in it")
}

fn one_action(action: &Action<'_>) -> KanrlActions {
    let none =
        KanrlActions { size: size_of::<KanrlActions>(), rows: 1, discrete: null(), float32: null(), float64: null() };
    match action {
        Action::Discrete(index) => KanrlActions { discrete: index, ..none },
        Action::F32(values) => KanrlActions { float32: values.as_ptr(), ..none },
        Action::F64(values) => KanrlActions { float64: values.as_ptr(), ..none },
    }
}

fn all_actions(actions: &ActionBatch) -> KanrlActions {
    let none = KanrlActions {
        size: size_of::<KanrlActions>(),
        rows: actions.rows(),
        discrete: null(),
        float32: null(),
        float64: null(),
    };
    match actions {
        ActionBatch::Discrete(actions) => KanrlActions { discrete: actions.as_ptr(), ..none },
        ActionBatch::Continuous { values, .. } => KanrlActions { float32: values.as_ptr(), ..none },
    }
}
