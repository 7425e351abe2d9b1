//! Gymnasium's environments in Python as environments of kanrl's: for the Python package, whose interpreter runs already, and
//! for the plugin `plugins/gymnasium`, which starts one.
//!
//! Usable are environments whose observations are a Box of one dimension or a Discrete space, and whose actions are one
//! or the other; the rest say which space they have. Actions reach Python in the type that they have here (`numpy.int64`,
//! arrays of `float32` or `float64`) and observations come back as `float64` without loss, so that an environment
//! behaves as it does from Python. The interpreter is entered once a step for all lanes.
//!
//! Gymnasium names no coordinates: they are `x_0`, `x_1`, … here, and those of a vector action `a_0`, `a_1`, …, unless
//! the keyword arguments `observation_names` and `action_names` say others.

mod factory;
mod lanes;
mod spec;

pub use factory::{PythonFactory, identifiers};
pub use lanes::PythonLanes;

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyString;

const CODE: &std::ffi::CStr =
    match std::ffi::CStr::from_bytes_with_nul(concat!(include_str!("gymnasium.py"), "\0").as_bytes()) {
        Ok(code) => code,
        Err(_) => panic!("the module has a zero byte"),
    };

/// The module that steps environments, in the interpreter that runs.
///
/// # Errors
/// An ImportError where there is no Gymnasium.
pub fn module(py: Python<'_>) -> PyResult<&Bound<'_, PyModule>> {
    static MODULE: PyOnceLock<Py<PyModule>> = PyOnceLock::new();
    let load = || PyModule::from_code(py, CODE, c"kanrl_gymnasium.py", c"kanrl_gymnasium").map(Bound::unbind);
    MODULE.get_or_try_init(py, load).map(|module| module.bind(py))
}

/// A Python exception in words.
pub fn text(py: Python<'_>, error: &PyErr) -> String {
    let kind =
        error.get_type(py).name().map_or_else(|_| "error".to_owned(), |name: Bound<'_, PyString>| name.to_string());
    format!("{kind}: {}", error.value(py))
}
