//! Rust's errors as exceptions of `kanrl._errors`, with the command line's texts.

use kanrl_pipeline::causes::in_words;
use kanrl_pipeline::config::ConfigError;
use pyo3::exceptions::PyImportError;
use pyo3::prelude::*;
use std::error::Error;

/// The caller gave something that does not fit: a `kanrl.InputError`.
pub fn input(error: impl Error + 'static) -> PyErr {
    exception("InputError", in_words(&error), None)
}

/// As [`input`], in words, with how to fix it.
pub fn input_with_help(message: impl Into<String>, help: impl Into<String>) -> PyErr {
    exception("InputError", message.into(), Some(help.into()))
}

/// A config is wrong: a `kanrl.InputError` with the nearest thing that would be right.
pub fn config(error: ConfigError) -> PyErr {
    exception("InputError", in_words(&error), error.help)
}

/// An exception of Gymnasium's or of the user's environment, as a `kanrl.InputError` whose cause it is; an ImportError stays.
pub fn from_python(error: PyErr) -> PyErr {
    Python::attach(|py| {
        if error.is_instance_of::<PyImportError>(py) {
            return error;
        }
        let raised = exception("InputError", error.value(py).to_string(), None);
        raised.set_cause(py, Some(error));
        raised
    })
}

/// The same exception with the one that caused it, if there was one.
pub fn caused(error: PyErr, cause: Option<PyErr>) -> PyErr {
    if let Some(cause) = cause {
        Python::attach(|py| error.set_cause(py, Some(cause)));
    }
    error
}

/// Something failed on the way: a `kanrl.RunError`.
pub fn run(error: impl Error + 'static) -> PyErr {
    exception("RunError", in_words(&error), None)
}

/// As [`run`], with what would help.
pub fn run_with_help(error: impl Error + 'static, help: impl Into<String>) -> PyErr {
    exception("RunError", in_words(&error), Some(help.into()))
}

fn exception(name: &str, message: String, help: Option<String>) -> PyErr {
    Python::attach(|py| {
        let made = py.import("kanrl._errors").and_then(|module| module.getattr(name)?.call1((message, help)));
        made.map_or_else(|error| error, PyErr::from_value)
    })
}
