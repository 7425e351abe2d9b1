//! The functions of a plugin's tables, compiled for each kind of environment.
#![allow(unsafe_code, reason = "the entries of the C ABI")]

use super::ExportedEnvironment;
use super::instance::{CallFailure, Instance, caught, finish};
use super::served::Served;
use super::spec_table::{FrameTable, ParameterTables};
use crate::abi::{
    KanrlActions, KanrlEnvironment, KanrlError, KanrlFrame, KanrlOutcome, KanrlParameter, KanrlSpec, KanrlText,
};
use kanrl_core::action::Action;
use kanrl_core::environment::{EnvironmentError, StepOutcome};
use std::ffi::c_void;
use std::mem::size_of;
use std::slice::{from_raw_parts, from_raw_parts_mut};
use std::sync::OnceLock;

/// Makes an environment from a JSON object.
type Constructor<S> = Box<dyn Fn(&str) -> Result<S, EnvironmentError> + Send + Sync>;

/// The `data` of a table: a constructor that stays for the life of the process.
pub fn leak_constructor<S: Served>(
    constructor: impl Fn(&str) -> Result<S, EnvironmentError> + Send + Sync + 'static,
) -> *const Constructor<S> {
    let constructor: Constructor<S> = Box::new(constructor);
    Box::leak(Box::new(constructor))
}

/// A table without texts, whose functions serve `S`.
pub fn environment_table<S: Served>(data: *const Constructor<S>) -> KanrlEnvironment {
    KanrlEnvironment {
        size: size_of::<KanrlEnvironment>(),
        id: KanrlText::EMPTY,
        summary: KanrlText::EMPTY,
        default_arguments: KanrlText::EMPTY,
        arguments_schema: KanrlText::EMPTY,
        data: data.cast(),
        create: Some(create::<S>),
        destroy: Some(destroy::<S>),
        spec: Some(spec::<S>),
        reset: Some(reset::<S>),
        step: Some(step::<S>),
        step_lanes: Some(step_lanes::<S>),
        step_chunk: Some(step_chunk::<S>),
        info: Some(info::<S>),
        state: Some(state::<S>),
        parameters: Some(parameters::<S>),
        set_parameter: Some(set_parameter::<S>),
        render: Some(render::<S>),
        hints: KanrlText::EMPTY,
    }
}

/// The entry that [`export_plugin!`](crate::export_plugin) makes.
///
/// # Safety
/// The pointers are valid for the call, as the ABI asks for.
pub unsafe fn serve_environments(
    tables: &'static OnceLock<Vec<KanrlEnvironment>>,
    environments: fn() -> Result<Vec<ExportedEnvironment>, EnvironmentError>,
    first: *mut *const KanrlEnvironment,
    count: *mut usize,
    error: *mut KanrlError,
) -> i32 {
    let result = match tables.get() {
        Some(tables) => Ok(tables),
        None => caught(environments).map(|environments| {
            tables.get_or_init(|| environments.into_iter().map(ExportedEnvironment::into_table).collect())
        }),
    };
    // SAFETY: the pointers are valid for the call.
    unsafe {
        let done = result.map(|tables| {
            *first = tables.as_ptr();
            *count = tables.len();
        });
        finish(done, error)
    }
}

unsafe extern "C" fn create<S: Served>(
    data: *const c_void,
    arguments: KanrlText,
    instance: *mut *mut c_void,
    error: *mut KanrlError,
) -> i32 {
    // SAFETY: `data` is what `leak_constructor` made for this `S`; the others are valid for the call.
    unsafe {
        let constructor = &*data.cast::<Constructor<S>>();
        let done = caught(|| constructor(text(&arguments)?).map(Instance::new))
            .map(|made| *instance = Box::into_raw(Box::new(made)).cast());
        finish(done, error)
    }
}

unsafe extern "C" fn destroy<S: Served>(instance: *mut c_void) {
    // SAFETY: `create` leaked this box, and the host does not use it again.
    let instance = unsafe { Box::from_raw(instance.cast::<Instance<S>>()) };
    // There is nobody to tell that dropping panicked.
    let _ = caught(|| {
        drop(instance);
        Ok(())
    });
}

unsafe extern "C" fn spec<S: Served>(
    instance: *mut c_void,
    spec: *mut *const KanrlSpec,
    error: *mut KanrlError,
) -> i32 {
    // SAFETY: the handle is `create`'s, the pointers are valid for the call.
    unsafe {
        *spec = &raw const Instance::<S>::from_handle(instance).spec.table;
        finish(Ok(()), error)
    }
}

unsafe extern "C" fn reset<S: Served>(
    instance: *mut c_void,
    seed: *const u64,
    observation: *mut f64,
    error: *mut KanrlError,
) -> i32 {
    // SAFETY: the handle is `create`'s, the seed is null or valid, the observation has the spec's length.
    unsafe {
        let instance = Instance::<S>::from_handle(instance);
        let observation = from_raw_parts_mut(observation, instance.size);
        let seed = seed.as_ref().copied();
        finish(instance.guarded(|instance| instance.served.reset(seed, observation)), error)
    }
}

unsafe extern "C" fn step<S: Served>(
    instance: *mut c_void,
    actions: *const KanrlActions,
    observation: *mut f64,
    outcome: *mut KanrlOutcome,
    error: *mut KanrlError,
) -> i32 {
    // SAFETY: the handle is `create`'s, there is one action that fits, the buffers have one row.
    unsafe {
        let instance = Instance::<S>::from_handle(instance);
        let observation = from_raw_parts_mut(observation, instance.size);
        let actions = Actions::new(&*actions, instance);
        let done = instance.guarded(|instance| {
            *outcome = foreign(instance.served.step(actions.row(0), observation)?);
            Ok(())
        });
        finish(done, error)
    }
}

unsafe extern "C" fn step_lanes<S: Served>(
    instances: *const *mut c_void,
    actions: *const KanrlActions,
    observations: *mut f64,
    outcomes: *mut KanrlOutcome,
    done: *mut usize,
    error: *mut KanrlError,
) -> i32 {
    // SAFETY: there are as many handles of `create`'s, actions that fit and rows in the buffers as `actions` says; the
    // handles differ from each other.
    unsafe {
        let rows = (*actions).rows;
        let instances = from_raw_parts(instances, rows);
        let Some(first) = instances.first() else { return finish(Ok(()), error) };
        let first = Instance::<S>::from_handle(*first);
        let (size, actions) = (first.size, Actions::new(&*actions, first));
        let observations = from_raw_parts_mut(observations, rows * size).chunks_exact_mut(size);
        let outcomes = from_raw_parts_mut(outcomes, rows);
        let mut lane = 0;
        let result = caught(|| {
            for ((handle, observation), outcome) in instances.iter().zip(observations).zip(outcomes) {
                let instance = Instance::<S>::from_handle(*handle);
                if instance.has_panicked() {
                    return Ok(false);
                }
                *outcome = foreign(instance.served.step(actions.row(lane), observation)?);
                lane += 1;
            }
            Ok(true)
        });
        *done = lane;
        let result = match result {
            Ok(true) => Ok(()),
            Ok(false) => Instance::<S>::from_handle(instances[lane]).guarded(|_| Ok(())),
            Err(failure) => {
                if matches!(failure, CallFailure::Panic(_)) {
                    Instance::<S>::from_handle(instances[lane]).set_panicked();
                }
                Err(failure)
            }
        };
        finish(result, error)
    }
}

unsafe extern "C" fn step_chunk<S: Served>(
    instance: *mut c_void,
    actions: *const KanrlActions,
    observations: *mut f64,
    outcomes: *mut KanrlOutcome,
    done: *mut usize,
    error: *mut KanrlError,
) -> i32 {
    // SAFETY: the handle is `create`'s; there are as many actions that fit and rows in the buffers as `actions` says.
    unsafe {
        let rows = (*actions).rows;
        let instance = Instance::<S>::from_handle(instance);
        let (size, actions) = (instance.size, Actions::new(&*actions, instance));
        let observations = from_raw_parts_mut(observations, rows * size).chunks_exact_mut(size);
        let outcomes = from_raw_parts_mut(outcomes, rows);
        let result = instance.guarded(|instance| {
            for (row, (observation, outcome)) in observations.zip(outcomes).enumerate() {
                let now = instance.served.step(actions.row(row), observation)?;
                *outcome = foreign(now);
                *done = row + 1;
                if now.is_over() {
                    break;
                }
            }
            Ok(())
        });
        finish(result, error)
    }
}

unsafe extern "C" fn info<S: Served>(instance: *mut c_void, info: *mut f64, error: *mut KanrlError) -> i32 {
    // SAFETY: the handle is `create`'s, the buffer is as long as the spec's `info_count`.
    unsafe {
        let instance = Instance::<S>::from_handle(instance);
        let info = from_raw_parts_mut(info, instance.spec.table.info_count);
        let done = instance.guarded(|instance| {
            instance.served.info(info);
            Ok(())
        });
        finish(done, error)
    }
}

unsafe extern "C" fn state<S: Served>(
    instance: *mut c_void,
    values: *mut *const f64,
    count: *mut usize,
    error: *mut KanrlError,
) -> i32 {
    // SAFETY: the handle is `create`'s, the pointers are valid for the call.
    unsafe {
        let instance = Instance::<S>::from_handle(instance);
        let done = instance.guarded(|instance| {
            instance.state = instance.served.state();
            (*values, *count) = (instance.state.as_ptr(), instance.state.len());
            Ok(())
        });
        finish(done, error)
    }
}

unsafe extern "C" fn parameters<S: Served>(
    instance: *mut c_void,
    parameters: *mut *const KanrlParameter,
    count: *mut usize,
    error: *mut KanrlError,
) -> i32 {
    // SAFETY: the handle is `create`'s, the pointers are valid for the call.
    unsafe {
        let instance = Instance::<S>::from_handle(instance);
        let done = instance.guarded(|instance| {
            instance.parameters = ParameterTables::new(instance.served.parameters());
            (*parameters, *count) = (instance.parameters.tables.as_ptr(), instance.parameters.tables.len());
            Ok(())
        });
        finish(done, error)
    }
}

unsafe extern "C" fn set_parameter<S: Served>(
    instance: *mut c_void,
    name: KanrlText,
    value: f64,
    error: *mut KanrlError,
) -> i32 {
    // SAFETY: the handle is `create`'s, the text is valid for the call.
    unsafe {
        let instance = Instance::<S>::from_handle(instance);
        let done = instance.guarded(|instance| instance.served.set_parameter(text(&name)?, value));
        finish(done, error)
    }
}

unsafe extern "C" fn render<S: Served>(
    instance: *mut c_void,
    frame: *mut *const KanrlFrame,
    error: *mut KanrlError,
) -> i32 {
    // SAFETY: the handle is `create`'s, the pointers are valid for the call.
    unsafe {
        let instance = Instance::<S>::from_handle(instance);
        let done = instance.guarded(|instance| {
            *frame = &raw const instance.frame.insert(FrameTable::new(instance.served.render()?)).table;
            Ok(())
        });
        finish(done, error)
    }
}

/// The host's actions.
enum Actions<'a> {
    Discrete(&'a [usize]),
    F32(&'a [f32], usize),
    F64(&'a [f64], usize),
}

impl<'a> Actions<'a> {
    /// # Safety
    /// The pointers that are not null have `rows` rows of the length that the instance's spec says.
    unsafe fn new<S>(table: &KanrlActions, instance: &Instance<S>) -> Self {
        let size = instance.spec.table.action_count;
        // SAFETY: the caller vouches for the lengths.
        unsafe {
            if !table.discrete.is_null() {
                Self::Discrete(from_raw_parts(table.discrete, table.rows))
            } else if !table.float32.is_null() {
                Self::F32(from_raw_parts(table.float32, table.rows * size), size)
            } else {
                Self::F64(from_raw_parts(table.float64, table.rows * size), size)
            }
        }
    }

    #[inline]
    fn row(&self, row: usize) -> Action<'a> {
        match *self {
            Self::Discrete(actions) => Action::Discrete(actions[row]),
            Self::F32(values, size) => Action::F32(&values[row * size..(row + 1) * size]),
            Self::F64(values, size) => Action::F64(&values[row * size..(row + 1) * size]),
        }
    }
}

#[inline]
fn foreign(outcome: StepOutcome) -> KanrlOutcome {
    KanrlOutcome { reward: outcome.reward, terminated: outcome.terminated.into(), truncated: outcome.truncated.into() }
}

/// # Safety
/// The text is valid for as long as `'a`.
unsafe fn text<'a>(text: &KanrlText) -> Result<&'a str, EnvironmentError> {
    if text.length == 0 {
        return Ok("");
    }
    // SAFETY: the caller vouches for the pointer and the length.
    let bytes = unsafe { from_raw_parts(text.data.cast::<u8>(), text.length) };
    std::str::from_utf8(bytes)
        .map_err(|error| EnvironmentError::Engine { id: String::new(), reason: format!("the host's text: {error}") })
}
