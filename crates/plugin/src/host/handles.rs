//! Making, describing and freeing instances of a plugin's environment.
#![allow(unsafe_code, reason = "calls the plugin's functions")]

use super::caller::{Caller, PluginContext};
use super::memory::ProcessMemory;
use super::tables::{self, TableError};
use super::watchdog::Function;
use crate::abi::{KANRL_OK, KanrlEnvironment, KanrlError, KanrlSpec, KanrlText};
use kanrl_core::environment::{EnvironmentError, EnvironmentSpec};
use std::ffi::c_void;
use std::ptr::{null, null_mut};
use std::sync::Arc;

/// One kind of environment of a loaded plugin.
#[derive(Debug)]
pub(crate) struct Kind {
    pub context: Arc<PluginContext>,
    pub id: String,
    pub table: KanrlEnvironment,
}

/// A function that every table has: `tables::environments` has refused those without.
pub(super) const PRESENT: &str = "checked when the plugin was loaded";

/// Owns instances and makes one call at a time.
#[derive(Debug)]
pub(super) struct Handles {
    pub kind: Arc<Kind>,
    pub caller: Caller,
    pub list: Vec<*mut c_void>,
}

// SAFETY: the ABI lets an instance move between threads, one call at a time: `Handles` is not `Sync`.
unsafe impl Send for Handles {}

impl Handles {
    pub fn new(kind: Arc<Kind>) -> Self {
        Self { caller: Caller::new(kind.context.clone()), kind, list: Vec::new() }
    }

    /// Makes one more instance from arguments, a JSON object, and says what it says about itself.
    pub fn add(&mut self, arguments: &str) -> Result<EnvironmentSpec, EnvironmentError> {
        let (create, data) = (self.kind.table.create.expect(PRESENT), self.kind.table.data);
        let mut handle = null_mut();
        self.call(Function::Create, |error| {
            // SAFETY: `data` is the table's own, the other pointers are valid for the call.
            unsafe { create(data, KanrlText::new(arguments), &raw mut handle, error) }
        })?;
        // From here on `drop` frees it.
        self.list.push(handle);

        let spec = self.kind.table.spec.expect(PRESENT);
        let mut address = null::<KanrlSpec>();
        // SAFETY: `create` has made the handle; the other pointers are valid for the call.
        self.call(Function::Spec, |error| unsafe { spec(handle, &raw mut address, error) })?;
        tables::spec(&self.memory(), address.addr(), &self.kind.id)
            .map_err(|error| self.wrong_table(Function::Spec, &error))
    }

    /// Makes a call; its failure becomes the environment's error.
    #[inline]
    pub fn call(&self, function: Function, call: impl FnOnce(*mut KanrlError) -> i32) -> Result<(), EnvironmentError> {
        self.caller.call(function, call).map_err(|error| self.caller.environment_error(&self.kind.id, &error))
    }

    /// For reading what a call has handed out, before the next one.
    pub fn memory(&self) -> ProcessMemory {
        // SAFETY: what a plugin hands out stays valid until the next call on that instance, as the ABI asks for; the
        // callers read it at once.
        unsafe { ProcessMemory::new() }
    }

    pub fn wrong_table(&self, function: Function, error: &TableError) -> EnvironmentError {
        self.engine(function, &format!("it returned an invalid table: {error}"))
    }

    pub fn engine(&self, function: Function, reason: &str) -> EnvironmentError {
        let reason = format!("{}: {reason}", self.caller.blame(function));
        EnvironmentError::Engine { id: self.kind.id.clone(), reason }
    }
}

impl Drop for Handles {
    fn drop(&mut self) {
        let destroy = self.kind.table.destroy.expect(PRESENT);
        for handle in self.list.drain(..) {
            let call = |_: *mut KanrlError| {
                // SAFETY: `create` has made the handle, and nothing uses it from here on.
                unsafe { destroy(handle) };
                KANRL_OK
            };
            // `destroy` has no status, so this cannot fail.
            let _ = self.caller.call(Function::Destroy, call);
        }
    }
}
