//! Named arrays of numbers from any of the supported files.

use super::npy;
use crate::ExpertError;
use crate::archive::{Archive, MAX_FILE, read_file};
use crate::numpy::{self, Array};
use kanrl_core::suggest;
use safetensors::{Dtype, SafeTensors};
use std::collections::HashMap;
use std::path::Path;

/// The column of a table that may hold names.
const EPISODE: &str = "episode";

/// What a file holds.
pub(super) struct Arrays {
    /// Names the file in errors.
    pub(super) file: String,
    /// In the file's order.
    pub(super) entries: Vec<(String, Array)>,
    /// Names of the arrays whose elements are integers.
    pub(super) integers: Vec<String>,
    /// The arrays are the columns of a table.
    pub(super) is_table: bool,
    /// Why the column [`EPISODE`] holds no numbers, if it holds names: its values are then 0 for the first name, and so on.
    names: Option<String>,
}

impl Arrays {
    pub(super) fn read(path: &Path) -> Result<Self, ExpertError> {
        let file = path.display().to_string();
        let extension = path.extension().and_then(|extension| extension.to_str()).map(str::to_ascii_lowercase);
        let reader = match extension.as_deref() {
            Some("npy") => Self::read_npy,
            Some("npz") => Self::read_npz,
            Some("safetensors") => Self::read_safetensors,
            Some("csv") => Self::read_csv,
            _ => {
                let reason = "is of no known type; expected .safetensors, .npz, .npy or .csv";
                return Err(ExpertError::malformed(&file, reason));
            }
        };
        reader(file, read_file(path, MAX_FILE)?)
    }

    fn new(file: String, is_table: bool) -> Self {
        Self { file, entries: Vec::new(), integers: Vec::new(), is_table, names: None }
    }

    fn push(&mut self, name: String, array: Array, integer: bool) {
        if integer {
            self.integers.push(name.clone());
        }
        self.entries.push((name, array));
    }

    pub(super) fn read_npy(file: String, bytes: Vec<u8>) -> Result<Self, ExpertError> {
        let (array, integer) = npy::read(&bytes).map_err(|reason| ExpertError::malformed(&file, reason))?;
        let mut arrays = Self::new(file, false);
        arrays.push("observations".to_owned(), array, integer);
        Ok(arrays)
    }

    pub(super) fn read_npz(file: String, bytes: Vec<u8>) -> Result<Self, ExpertError> {
        let mut archive = Archive::new(file.clone(), bytes)?;
        let mut arrays = Self::new(file, false);
        // For all members together, since a small file may unpack to many large ones.
        let mut left = MAX_FILE;
        for member in archive.names() {
            let Some(name) = member.strip_suffix(".npy") else { continue };
            let path = format!("{}/{member}", arrays.file);
            let bytes = archive.read(&member, left)?;
            left -= bytes.len() as u64;
            match npy::read(&bytes) {
                Ok((array, integer)) => arrays.push(name.to_owned(), array, integer),
                Err(reason) => return Err(ExpertError::malformed(&path, reason)),
            }
        }
        Ok(arrays)
    }

    pub(super) fn read_safetensors(file: String, bytes: Vec<u8>) -> Result<Self, ExpertError> {
        let tensors = SafeTensors::deserialize(&bytes).map_err(|error| {
            ExpertError::malformed(&file, format!("is not a complete safetensors file ({error}); copy it again"))
        })?;
        let mut arrays = Self::new(file, false);
        let mut names = tensors.names();
        names.sort_unstable();
        for name in names {
            let view = tensors.tensor(name).expect("a name of the file");
            let code = match view.dtype() {
                Dtype::F32 => "<f4",
                Dtype::F64 => "<f8",
                Dtype::I8 => "|i1",
                Dtype::I16 => "<i2",
                Dtype::I32 => "<i4",
                Dtype::I64 => "<i8",
                Dtype::U8 | Dtype::BOOL => "|u1",
                Dtype::U16 => "<u2",
                Dtype::U32 => "<u4",
                Dtype::U64 => "<u8",
                other => {
                    let reason = format!("has `{name}` of {other:?}; expected F32, F64 or integers");
                    return Err(ExpertError::malformed(&arrays.file, reason));
                }
            };
            let array = numpy::decode(code, view.shape().to_vec(), view.data())
                .map_err(|reason| ExpertError::malformed(&arrays.file, format!("has a bad `{name}`: {reason}")))?;
            arrays.push(name.to_owned(), array, !matches!(view.dtype(), Dtype::F32 | Dtype::F64));
        }
        Ok(arrays)
    }

    /// The header line names the columns; every other line is a row of numbers. `true` and `false` count as 1 and 0, and
    /// names of episodes as numbers of their own.
    pub(super) fn read_csv(file: String, bytes: Vec<u8>) -> Result<Self, ExpertError> {
        let malformed = |reason: String| ExpertError::malformed(&file, reason);
        let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(&*bytes);
        let unreadable = |error: csv::Error| malformed(format!("is not a table of commas and lines: {error}"));
        let names: Vec<String> = reader.headers().map_err(unreadable)?.iter().map(str::to_owned).collect();
        if let Some(index) = (1..names.len()).find(|index| names[..*index].contains(&names[*index])) {
            return Err(malformed(format!("has two columns `{}`", names[index])));
        }
        if names.is_empty() || names.iter().all(|name| name.parse::<f64>().is_ok()) {
            return Err(malformed("has no header; expected the columns' names in the first line".to_owned()));
        }
        let mut columns = vec![Vec::new(); names.len()];
        let mut integer = vec![true; names.len()];
        let (mut episodes, mut episode_column, mut no_number) = (HashMap::new(), Vec::new(), None);
        let mut record = csv::StringRecord::new();
        while reader.read_record(&mut record).map_err(unreadable)? {
            let line = record.position().map_or(0, csv::Position::line);
            for (index, text) in record.iter().enumerate() {
                if names[index] == EPISODE {
                    let next = episodes.len();
                    episode_column.push(*episodes.entry(text.to_owned()).or_insert(next) as f64);
                }
                let value = match number(text) {
                    Some(value) => value,
                    None => {
                        let column = &names[index];
                        let reason = format!("has {text:?} in line {line}, column `{column}`; expected a number");
                        if column != EPISODE {
                            return Err(malformed(reason));
                        }
                        no_number.get_or_insert(reason);
                        f64::NAN
                    }
                };
                integer[index] &= !text.contains(['.', 'e', 'E']) && value.fract() == 0.0;
                columns[index].push(value);
            }
        }
        let mut arrays = Self::new(file, true);
        for ((name, mut values), integer) in names.into_iter().zip(columns).zip(integer) {
            if no_number.is_some() && name == EPISODE {
                values = std::mem::take(&mut episode_column);
            }
            arrays.push(name, Array { shape: vec![values.len()], values }, integer);
        }
        arrays.names = no_number;
        Ok(arrays)
    }

    /// Takes the array that has one of these names; two of them are an error.
    pub(super) fn take(&mut self, names: &[&str]) -> Result<Option<(String, Array)>, ExpertError> {
        let mut found = self.entries.iter().enumerate().filter(|(_, (name, _))| names.contains(&name.as_str()));
        let (first, second) = (found.next(), found.next());
        if let (Some((_, (first, _))), Some((_, (second, _)))) = (first, second) {
            let reason = format!("has both `{first}` and `{second}`; expected only one of them");
            return Err(ExpertError::malformed(&self.file, reason));
        }
        let index = first.map(|(index, _)| index);
        Ok(index.map(|index| self.entries.remove(index)))
    }

    /// The columns of these names side by side: `[rows, names]`.
    pub(super) fn columns(&self, names: &[String]) -> Result<Vec<f64>, ExpertError> {
        let columns = names.iter().map(|name| {
            let column = self.entries.iter().find(|(found, _)| found == name);
            let (name, column) = column.ok_or_else(|| self.missing(name))?;
            if let Some(reason) = self.names.as_ref().filter(|_| name == EPISODE) {
                return Err(ExpertError::malformed(&self.file, reason));
            }
            self.check_finite(name, column)?;
            Ok(&column.values)
        });
        let columns: Vec<&Vec<f64>> = columns.collect::<Result<_, ExpertError>>()?;
        let rows = columns.first().map_or(0, |column| column.len());
        Ok((0..rows).flat_map(|row| columns.iter().map(move |column| column[row])).collect())
    }

    pub(super) fn missing(&self, name: &str) -> ExpertError {
        let present: Vec<String> = self.entries.iter().map(|(name, _)| name.clone()).collect();
        let nearest = suggest::nearest(name, &present).map(str::to_owned);
        let hint = suggest::did_you_mean(&nearest);
        let what = if self.is_table { "column" } else { "array" };
        let present = if present.is_empty() { "none".to_owned() } else { present.join(", ") };
        ExpertError::malformed(&self.file, format!("has no {what} `{name}`{hint}; it has {present}"))
    }

    pub(super) fn check_finite(&self, name: &str, array: &Array) -> Result<(), ExpertError> {
        match array.values.iter().position(|value| !value.is_finite()) {
            None => Ok(()),
            Some(index) => {
                let width = array.shape.iter().skip(1).product::<usize>().max(1);
                let (row, value) = (index / width, array.values[index]);
                let reason = format!("has {value} in `{name}`, row {row}; expected finite numbers");
                Err(ExpertError::malformed(&self.file, reason))
            }
        }
    }
}

fn number(text: &str) -> Option<f64> {
    match text {
        "true" | "True" => Some(1.0),
        "false" | "False" => Some(0.0),
        _ => text.parse().ok(),
    }
}
