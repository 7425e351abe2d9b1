//! An instance in a plugin, and how its panics and errors become a status and a message.
#![allow(unsafe_code, reason = "uses the host's pointers")]

use super::served::Served;
use super::spec_table::{FrameTable, ParameterTables, SpecTable};
use crate::abi::{
    KANRL_BAD_ARGUMENTS, KANRL_ERROR, KANRL_NO_RENDERING, KANRL_OK, KANRL_PANIC, KANRL_UNAVAILABLE,
    KANRL_UNKNOWN_PARAMETER, KanrlError,
};
use kanrl_core::environment::EnvironmentError;
use std::any::Any;
use std::ffi::c_void;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// An environment with what was last handed out of it.
pub struct Instance<S> {
    pub served: S,
    pub spec: SpecTable,
    /// Length of an observation.
    pub size: usize,
    pub state: Vec<f64>,
    pub parameters: ParameterTables,
    pub frame: Option<FrameTable>,
    panicked: bool,
}

impl<S: Served> Instance<S> {
    pub fn new(served: S) -> Self {
        let spec = served.spec().clone();
        Self {
            served,
            size: spec.observation_space.len(),
            spec: SpecTable::new(spec),
            state: Vec::new(),
            parameters: ParameterTables::default(),
            frame: None,
            panicked: false,
        }
    }

    /// # Safety
    /// `instance` was made by `create` for this `S`, is not destroyed, and nobody else uses it.
    pub unsafe fn from_handle<'a>(instance: *mut c_void) -> &'a mut Self {
        // SAFETY: `create` handed out a leaked box of this type; the caller vouches for the rest.
        unsafe { &mut *instance.cast::<Self>() }
    }

    pub fn has_panicked(&self) -> bool {
        self.panicked
    }

    pub fn set_panicked(&mut self) {
        self.panicked = true;
    }

    /// Runs `work` unless an earlier call panicked; one that panics leaves the instance unusable.
    #[inline]
    pub fn guarded(&mut self, work: impl FnOnce(&mut Self) -> Result<(), EnvironmentError>) -> Result<(), CallFailure> {
        if self.panicked {
            return Err(CallFailure::Panic("an earlier call on this instance".into()));
        }
        let result = caught(|| work(self));
        self.panicked = matches!(result, Err(CallFailure::Panic(_)));
        result
    }
}

/// Why a call failed.
pub enum CallFailure {
    Error(EnvironmentError),
    Panic(String),
}

/// Runs `work` and catches its panic.
#[inline]
pub fn caught<T>(work: impl FnOnce() -> Result<T, EnvironmentError>) -> Result<T, CallFailure> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(result) => result.map_err(CallFailure::Error),
        Err(payload) => Err(CallFailure::Panic(panic_message(&*payload))),
    }
}

/// The status of a result; the message of a failure is written to `error`.
///
/// # Safety
/// `error` is valid for the call, as the ABI asks for.
#[inline]
pub unsafe fn finish(result: Result<(), CallFailure>, error: *mut KanrlError) -> i32 {
    match result {
        Ok(()) => KANRL_OK,
        // SAFETY: the caller vouches for `error`.
        Err(failure) => unsafe { report(failure, error) },
    }
}

#[cold]
unsafe fn report(failure: CallFailure, error: *mut KanrlError) -> i32 {
    let (status, message) = match failure {
        CallFailure::Panic(message) => (KANRL_PANIC, message),
        // The host says which environment it was.
        CallFailure::Error(EnvironmentError::Engine { reason, .. }) => (KANRL_ERROR, reason),
        CallFailure::Error(EnvironmentError::BadArguments { reason, .. }) => (KANRL_BAD_ARGUMENTS, reason),
        CallFailure::Error(EnvironmentError::Unavailable { reason, .. }) => (KANRL_UNAVAILABLE, reason),
        CallFailure::Error(error @ EnvironmentError::NoRendering { .. }) => (KANRL_NO_RENDERING, error.to_string()),
        CallFailure::Error(error @ EnvironmentError::UnknownParameter { .. }) => {
            (KANRL_UNKNOWN_PARAMETER, error.to_string())
        }
        CallFailure::Error(error) => (KANRL_ERROR, error.to_string()),
    };
    // SAFETY: the host's error is valid for the call.
    let error = unsafe { &mut *error };
    let mut length = message.len().min(error.capacity);
    while !message.is_char_boundary(length) {
        length -= 1;
    }
    // SAFETY: `text` has room for `capacity` bytes, and `length` is not more.
    unsafe { std::ptr::copy_nonoverlapping(message.as_ptr(), error.text.cast(), length) };
    error.length = length;
    status
}

fn panic_message(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_else(|| "without a message".to_owned())
}
