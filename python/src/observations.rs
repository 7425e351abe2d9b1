//! Observations from NumPy, actions to NumPy.

use crate::errors;
use kanrl_core::action::ActionBatch;
use kanrl_core::policy::all_finite;
use numpy::ndarray::{Array2, arr0};
use numpy::{PyArray1, PyArrayDyn, PyArrayMethods, PyReadonlyArrayDyn, PyUntypedArrayMethods, ToPyArray};
use pyo3::prelude::*;

/// One observation or several, row-major.
pub struct Observations<'py> {
    values: Numbers<'py>,
    pub rows: usize,
    /// A single one, whose action is single as well.
    pub single: bool,
}

/// Numbers in the array that was given, or a copy.
enum Numbers<'py> {
    Given(PyReadonlyArrayDyn<'py, f64>),
    Copied(Vec<f64>),
}

impl<'py> Observations<'py> {
    /// Reads `[size]` or `[rows, size]` numbers of any type; row-major float64 ones are not copied.
    ///
    /// # Errors
    /// `kanrl.InputError` for another shape, or a number that is not finite.
    pub fn read(given: &Bound<'py, PyAny>, size: usize, names: &[String]) -> PyResult<Self> {
        let array = given.cast::<PyArrayDyn<f64>>().ok().filter(|array| array.is_c_contiguous() && array.is_aligned());
        let (values, shape) = match array {
            Some(array) => (Numbers::Given(array.readonly()), array.shape().to_vec()),
            None => {
                let (values, shape) = numbers(given)?;
                (Numbers::Copied(values), shape)
            }
        };
        let (rows, single) = match shape[..] {
            [length] if length == size => (1, true),
            [rows, length] if length == size => (rows, false),
            _ => {
                let message = format!("the observations have the shape {shape:?}, expected [{size}] or [rows, {size}]");
                return Err(errors::input_with_help(message, format!("an observation is {}", names.join(", "))));
            }
        };
        let observations = Self { values, rows, single };
        let values = observations.values();
        if !all_finite(values) {
            let index = values.iter().position(|value| !value.is_finite()).expect("there is one");
            let (row, column) = (index / size, index % size);
            let name = names.get(column).map_or_else(|| column.to_string(), |name| format!("`{name}`"));
            let message = format!("{name} is {} in observation {row}", values[index]);
            return Err(errors::input_with_help(message, "observations are finite numbers"));
        }
        Ok(observations)
    }

    /// All numbers.
    pub fn values(&self) -> &[f64] {
        match &self.values {
            Numbers::Given(array) => array.as_slice().expect("it is contiguous"),
            Numbers::Copied(values) => values,
        }
    }
}

/// An array's numbers, row-major, and its shape.
///
/// # Errors
/// NumPy's, for what is not an array of numbers.
pub fn numbers(given: &Bound<'_, PyAny>) -> PyResult<(Vec<f64>, Vec<usize>)> {
    if let Ok(array) = given.cast::<PyArrayDyn<f64>>() {
        let array = array.readonly();
        return Ok((flat(&array, |value| value), array.shape().to_vec()));
    }
    if let Ok(array) = given.cast::<PyArrayDyn<f32>>() {
        let array = array.readonly();
        return Ok((flat(&array, f64::from), array.shape().to_vec()));
    }
    let py = given.py();
    let options = pyo3::types::PyDict::new(py);
    options.set_item("dtype", "float64")?;
    let array = py.import("numpy")?.call_method("asarray", (given,), Some(&options))?;
    let array = array.cast_into::<PyArrayDyn<f64>>()?;
    let array = array.readonly();
    Ok((flat(&array, |value| value), array.shape().to_vec()))
}

fn flat<T: numpy::Element + Copy>(array: &PyReadonlyArrayDyn<'_, T>, widen: impl Fn(T) -> f64) -> Vec<f64> {
    // A slice of an array in column order would be in that order.
    match array.as_slice() {
        Ok(values) if array.is_c_contiguous() => values.iter().map(|value| widen(*value)).collect(),
        _ => array.as_array().iter().map(|value| widen(*value)).collect(),
    }
}

/// Actions as Gymnasium takes them: int64, or float32 vectors. A single one has no first axis.
pub fn actions(py: Python<'_>, actions: ActionBatch, single: bool) -> Bound<'_, PyAny> {
    match actions {
        ActionBatch::Discrete(actions) if single => arr0(actions[0] as i64).to_pyarray(py).into_any(),
        ActionBatch::Discrete(actions) => {
            let actions: Vec<i64> = actions.into_iter().map(|action| action as i64).collect();
            PyArray1::from_vec(py, actions).into_any()
        }
        ActionBatch::Continuous { values, .. } if single => PyArray1::from_vec(py, values).into_any(),
        ActionBatch::Continuous { values, size } => matrix(py, values, size),
    }
}

/// `[rows, columns]` of a flat buffer.
pub fn matrix<T: numpy::Element>(py: Python<'_>, values: Vec<T>, columns: usize) -> Bound<'_, PyAny> {
    let rows = values.len().checked_div(columns).unwrap_or(0);
    let array = Array2::from_shape_vec((rows, columns), values).expect("rows times columns numbers");
    numpy::PyArray2::from_owned_array(py, array).into_any()
}
