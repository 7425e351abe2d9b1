//! Calls into a plugin: watched, one at a time where it asks for that, with errors that name plugin and function.

use super::watchdog::{CallLimit, Function, Watched};
use crate::abi::{
    KANRL_BAD_ARGUMENTS, KANRL_NO_RENDERING, KANRL_OK, KANRL_PANIC, KANRL_UNAVAILABLE, KANRL_UNKNOWN_PARAMETER,
    KanrlError,
};
use kanrl_core::environment::EnvironmentError;
use std::cell::RefCell;
use std::mem::size_of;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

/// Longest error message that is kept, in bytes.
const MESSAGE_LIMIT: usize = 4096;

/// What all calls into one plugin share.
#[derive(Debug)]
pub(crate) struct PluginContext {
    pub path: PathBuf,
    pub limit: CallLimit,
    /// Held during every call where the plugin asks for one call at a time.
    pub lock: Option<Mutex<()>>,
}

/// Makes calls, one at a time.
#[derive(Debug)]
pub(crate) struct Caller {
    context: Arc<PluginContext>,
    watched: Watched,
    message: RefCell<Box<[u8]>>,
}

/// A call that failed.
#[derive(Debug)]
pub(crate) struct CallError {
    pub status: i32,
    pub function: Function,
    /// What the plugin said, or something in its place.
    pub message: String,
}

impl Caller {
    pub fn new(context: Arc<PluginContext>) -> Self {
        let watched = Watched::new(context.path.clone(), context.limit.clone());
        Self { context, watched, message: RefCell::new(vec![0; MESSAGE_LIMIT].into()) }
    }

    /// Makes a call: `call` gets room for an error and returns the status.
    #[inline]
    pub fn call(&self, function: Function, call: impl FnOnce(*mut KanrlError) -> i32) -> Result<(), CallError> {
        let mut message = self.message.borrow_mut();
        let mut error = KanrlError {
            size: size_of::<KanrlError>(),
            text: message.as_mut_ptr().cast(),
            capacity: message.len(),
            length: 0,
        };
        let status = {
            // Waiting for another instance is not a hang: the lock comes first.
            let _one_at_a_time =
                self.context.lock.as_ref().map(|lock| lock.lock().unwrap_or_else(PoisonError::into_inner));
            let _inside = self.watched.enter(function);
            call(&raw mut error)
        };
        if status == KANRL_OK {
            Ok(())
        } else {
            Err(failure(status, function, &message[..error.length.min(MESSAGE_LIMIT)]))
        }
    }

    /// What is said about a call, in front of what went wrong.
    pub fn blame(&self, function: Function) -> String {
        format!("plugin `{}`: `{}`", self.context.path.display(), function.name())
    }

    /// A failed call as the environment's error.
    #[cold]
    pub fn environment_error(&self, id: &str, error: &CallError) -> EnvironmentError {
        let id = id.to_owned();
        if error.status == KANRL_UNAVAILABLE {
            return EnvironmentError::Unavailable { id, reason: error.message.clone() };
        }
        let reason = format!("{} failed: {}", self.blame(error.function), error.message);
        match error.status {
            KANRL_BAD_ARGUMENTS => EnvironmentError::BadArguments { id, reason },
            KANRL_NO_RENDERING => EnvironmentError::NoRendering { id },
            _ => EnvironmentError::Engine { id, reason },
        }
    }
}

#[cold]
fn failure(status: i32, function: Function, message: &[u8]) -> CallError {
    let said = String::from_utf8_lossy(message).into_owned();
    let message = match (status, said.is_empty()) {
        (KANRL_PANIC, _) => format!("it panicked: {said}"),
        (KANRL_UNKNOWN_PARAMETER, true) => "it does not know the parameter".to_owned(),
        (_, true) => format!("it returned status {status} and no message"),
        (_, false) => said,
    };
    CallError { status, function, message }
}
