//! Somebody's own files of numbers: logs of observations and actions, and observations to act on.
//!
//! # Logs
//! [`read_log`] takes `.safetensors`, `.npz` and `.csv`. Names of arrays and columns:
//!
//! | array, shape | column | meaning |
//! |---|---|---|
//! | `observations` or `obs` `[rows, inputs]` | every other column but `reward` and `step` | what was seen |
//! | `actions` or `action` `[rows]` or `[rows, 1]` of integers | `action` of integers | the discrete action that was taken |
//! | `actions` or `action` `[rows, size]` or `[rows]` of floats | `action_NAME` each, or `action` | the vector action |
//! | `logits`, `q_values` or `means` `[rows, outputs]` | | scores: better targets than the actions, used instead |
//! | `weights` `[rows]` | `weight` | how much each row counts; 1 where absent |
//! | `episode_starts` | `episode_start` | 1 in the first row of each episode (or, as an array, the first rows' numbers) |
//! | | `episode` | an episode's number or name, the same in all its rows |
//! | `dones`, `terminals`, `timeouts`, `terminated`, `truncated` `[rows]` | `done`, `terminated`, `truncated` | 1 in the last row of an episode |
//!
//! Without any mark, the whole file is one episode. Where the environment is known, its observations are looked for by name
//! in a table, and an array's columns are theirs in order; without one an array's columns are named `x_0`, `x_1`, ….

mod actions;
mod arrays;
mod log;
mod npy;
#[cfg(test)]
mod properties;

pub use actions::ActionsFormat;
pub use log::read_log;

use crate::ExpertError;
use arrays::Arrays;
use std::path::Path;

/// Observations of a `.npy`, `.npz`, `.safetensors` or `.csv` file.
#[derive(Clone, Debug, PartialEq)]
pub struct Observations {
    /// `[rows, size]`, row-major.
    pub values: Vec<f64>,
    /// Numbers in a row.
    pub size: usize,
}

impl Observations {
    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.values.len() / self.size
    }
}

/// Reads observations for a batch inference: the only array of the file or the one called `observations` or `obs`,
/// `[rows, size]` or `[size]` for a single row; in a `.csv`, the columns of these `names`, or all columns where there are no
/// names.
///
/// # Errors
/// [`ExpertError`] for a file that is damaged, of another shape, lacks a column or holds a number that is not finite.
pub fn read_observations(path: &Path, names: &[String]) -> Result<Observations, ExpertError> {
    let mut arrays = Arrays::read(path)?;
    if arrays.is_table {
        let all = || arrays.entries.iter().map(|(name, _)| name.clone()).collect();
        let wanted: Vec<String> = if names.is_empty() { all() } else { names.to_vec() };
        let values = arrays.columns(&wanted)?;
        return Ok(Observations { values, size: wanted.len() });
    }
    let array = match arrays.entries.len() {
        1 => arrays.entries.remove(0),
        _ => arrays.take(&["observations", "obs"])?.ok_or_else(|| arrays.missing("observations"))?,
    };
    let (name, array) = array;
    let size = match array.shape[..] {
        [size] | [_, size] if size > 0 => size,
        _ => {
            let reason = format!("has `{name}` of shape {:?}; expected [rows, observation size]", array.shape);
            return Err(ExpertError::malformed(&arrays.file, reason));
        }
    };
    arrays.check_finite(&name, &array)?;
    Ok(Observations { values: array.values, size })
}
