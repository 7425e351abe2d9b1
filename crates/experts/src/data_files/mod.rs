//! Somebody's own files of numbers: logs of observations and actions, and observations to act on.
//!
//! # Logs
//! [`read_log`] takes `.safetensors`, `.npz`, `.hdf5` and tables (`.csv`, `.tsv`, `.txt`). Names of arrays and columns, in any case:
//!
//! | array, shape | column | meaning |
//! |---|---|---|
//! | `observations` or `obs` `[rows, inputs]` or `[episodes, steps, inputs]` | every other one, whatever its name | what was seen |
//! | `actions`, `action`, `acts` or `act` `[rows]`, `[rows, 1]`, `[episodes, steps]` | `action` | a discrete action or a number, below |
//! | `actions`, … `[rows, size]`, `[episodes, steps, size]` | `action_NAME` or `action[NAME]` each | the vector action |
//! | `logits`, `q_values` or `means` `[rows, outputs]` | | scores: better targets than the actions, used instead |
//! | `weights` `[rows]` | `weight` | how much each row counts; 1 where absent |
//! | `episode_starts` | `episode_start` | 1 in the first row of each episode (or, as an array, the first rows' numbers) |
//! | `indices` beside `acts` | | the first rows' numbers but for the first one, as the package `imitation` saves them |
//! | | `episode`, `trajectory`, … | an episode's number or name, the same in all its rows |
//! | `dones`, `terminals`, `timeouts`, `terminated`, `truncated` `[rows]` | `done`, `terminated`, `truncated` | 1 in the last row of an episode |
//!
//! Without any mark, the whole file is one episode. One observation more than actions in every episode is one too many: the
//! last one is left out. Where the environment is known, its observations are looked for by name in a table, and an array's
//! columns are theirs in order; without one an array's columns are named `x_0`, `x_1`, ….
//!
//! An HDF5 file holds either these arrays (D4RL), or a group for each episode, whose `observations` are an array or a group of
//! them: a data set of [Minari](https://minari.farama.org), `main_data.hdf5`.
//!
//! Columns of a table whose names say that they are not observations (an index, `step`, `time`, `reward`, `next_x` beside `x`, …),
//! that hold text or nothing are left out; rows in which a number is missing are left out as well, unless they are most of
//! them. Separator (comma, semicolon, tab, bar, blanks), decimal comma and encoding (UTF-8, UTF-16, Windows-1252) are found
//! out. All of that is said in [`Demonstrations::notes`](kanrl_core::dataset::Demonstrations::notes).
//!
//! # Labels
//! Without an environment, a single column of actions holds the labels of discrete actions where it has texts, flags, at most
//! 64 different integers, 16 different whole floats, or four different fractions with many rows each; [`ActionKind`] decides
//! otherwise. Labels may have gaps and begin anywhere: actions are numbered in the order of their labels, which is noted.

mod actions;
mod arrays;
mod dialect;
mod episodes;
mod hdf5;
mod labels;
mod log;
mod minari;
mod npy;
#[cfg(test)]
mod properties;
mod roles;
mod rows;
mod table;
mod text;

pub use actions::ActionsFormat;
pub use labels::ActionKind;
pub use log::read_log;
pub use minari::dataset_file;

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
    /// Of the columns of a table, in order; empty for arrays.
    pub names: Vec<String>,
    /// How the file was read, where that was to be found out, and what was left out.
    pub notes: Vec<String>,
}

impl Observations {
    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.values.len() / self.size
    }
}

/// Reads observations for a batch inference: the only array of the file or the one called `observations` or `obs`,
/// `[rows, size]` or `[size]` for a single row; in a table, the columns of these `names`, or all columns that may be
/// observations where there are no names.
///
/// # Errors
/// [`ExpertError`] for a file that is damaged, of another shape, lacks a column or holds a number that is not finite.
pub fn read_observations(path: &Path, names: &[String]) -> Result<Observations, ExpertError> {
    let mut arrays = Arrays::read(path)?;
    if arrays.is_table {
        let mut wanted = names.to_vec();
        if wanted.is_empty() {
            let (kept, left_out) = roles::observations(&arrays);
            if !left_out.is_empty() {
                arrays.notes.push(format!("skipped, because they are not observations: {}", left_out.join(", ")));
            }
            wanted = kept;
        }
        for column in arrays.columns.iter().filter(|column| wanted.contains(&column.name)) {
            arrays.check_finite(column)?;
        }
        let values = arrays.side_by_side(&wanted)?;
        if wanted.is_empty() {
            return Err(ExpertError::malformed(&arrays.file, "has no columns of observations"));
        }
        return Ok(Observations { values, size: wanted.len(), names: wanted, notes: arrays.notes });
    }
    let column = match arrays.columns.len() {
        1 => arrays.columns.remove(0),
        _ => arrays.take(&roles::OBSERVATIONS)?.ok_or_else(|| arrays.missing("observations"))?,
    };
    let size = match column.array.shape[..] {
        [size] | [_, size] if size > 0 => size,
        _ => {
            let reason =
                format!("has `{}` of shape {:?}; expected [rows, observation size]", column.name, column.array.shape);
            return Err(ExpertError::malformed(&arrays.file, reason));
        }
    };
    arrays.check_finite(&column)?;
    Ok(Observations { values: column.array.values, size, names: Vec::new(), notes: arrays.notes })
}
