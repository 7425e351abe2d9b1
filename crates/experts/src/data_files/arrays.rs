//! Named arrays of numbers from any of the supported files.

use super::npy;
use crate::ExpertError;
use crate::archive::{Archive, MAX_FILE, read_file};
use crate::numpy::{self, Array};
use kanrl_core::suggest;
use safetensors::{Dtype, SafeTensors};
use std::path::Path;

/// What a file holds.
pub(super) struct Arrays {
    /// Names the file in errors.
    pub(super) file: String,
    /// In the file's order.
    pub(super) columns: Vec<Column>,
    /// The arrays are the columns of a table.
    pub(super) is_table: bool,
    /// Names of what was taken out of `columns`.
    taken: Vec<String>,
    /// A table's line of each row.
    pub(super) lines: Vec<u64>,
    /// How the file was read, where that was to be found out.
    pub(super) notes: Vec<String>,
}

/// An array, or the column of a table.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Column {
    pub(super) name: String,
    /// NaN where a number is missing.
    pub(super) array: Array,
    pub(super) kind: Kind,
}

/// What the elements of an array are.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind {
    Floats,
    Integers,
    /// True (1) and false (0).
    Flags,
    /// Texts: the values are indices into `names`. `example` is one that is not a number, with its place.
    Labels {
        names: Vec<String>,
        has_numbers: bool,
        example: String,
    },
    /// A column in which everything is missing.
    Empty,
    /// Something else, of which nothing was read: it may not be needed.
    Unreadable {
        reason: String,
    },
}

impl Arrays {
    pub(super) fn read(path: &Path) -> Result<Self, ExpertError> {
        let file = path.display().to_string();
        let extension = path.extension().and_then(|extension| extension.to_str()).map(str::to_ascii_lowercase);
        let reader = match extension.as_deref() {
            Some("npy") => Self::read_npy,
            Some("npz") => Self::read_npz,
            Some("safetensors") => Self::read_safetensors,
            Some("hdf5" | "h5") => Self::read_hdf5,
            Some("csv" | "tsv" | "txt") => Self::read_csv,
            _ => {
                let reason =
                    "is not a supported file type; expected .safetensors, .npz, .npy, .hdf5, .csv, .tsv, or .txt";
                return Err(ExpertError::malformed(&file, reason));
            }
        };
        reader(file, read_file(path, MAX_FILE)?)
    }

    pub(super) fn new(file: String, is_table: bool) -> Self {
        Self { file, columns: Vec::new(), is_table, taken: Vec::new(), lines: Vec::new(), notes: Vec::new() }
    }

    pub(super) fn read_npy(file: String, bytes: Vec<u8>) -> Result<Self, ExpertError> {
        let (array, kind) = npy::read(&bytes).map_err(|reason| ExpertError::malformed(&file, reason))?;
        let mut arrays = Self::new(file, false);
        arrays.columns.push(Column { name: "observations".to_owned(), array, kind });
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
            let (array, kind) = npy::read(&bytes).map_err(|reason| ExpertError::malformed(&path, reason))?;
            arrays.columns.push(Column { name: name.to_owned(), array, kind });
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
                Dtype::F16 => "<f2",
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
                    let reason = format!("is of {other:?}; expected F32, F64 or integers");
                    arrays.columns.push(Column::unreadable(name, reason));
                    continue;
                }
            };
            let array = numpy::decode(code, view.shape().to_vec(), view.data())
                .map_err(|reason| ExpertError::malformed(&arrays.file, format!("has a bad `{name}`: {reason}")))?;
            let kind = match view.dtype() {
                Dtype::F16 | Dtype::F32 | Dtype::F64 => Kind::Floats,
                Dtype::BOOL => Kind::Flags,
                _ => Kind::Integers,
            };
            arrays.columns.push(Column { name: name.to_owned(), array, kind });
        }
        Ok(arrays)
    }

    /// Takes the array that has one of these names, in any case; two of them are an error.
    pub(super) fn take(&mut self, names: &[&str]) -> Result<Option<Column>, ExpertError> {
        let is_named = |column: &Column| names.iter().any(|name| column.name.eq_ignore_ascii_case(name));
        let mut found = self.columns.iter().enumerate().filter(|(_, column)| is_named(column));
        let (first, second) = (found.next(), found.next());
        if let (Some((_, first)), Some((_, second))) = (first, second) {
            let reason = format!("has both `{}` and `{}`; expected only one", first.name, second.name);
            return Err(ExpertError::malformed(&self.file, reason));
        }
        let index = first.map(|(index, _)| index);
        let column = index.map(|index| self.columns.remove(index));
        self.taken.extend(column.iter().map(|column| column.name.clone()));
        Ok(column)
    }

    /// As [`Self::take`], for what must be numbers.
    pub(super) fn take_numbers(&mut self, names: &[&str]) -> Result<Option<Column>, ExpertError> {
        let column = self.take(names)?;
        if let Some(column) = &column {
            self.check_numbers(column)?;
        }
        Ok(column)
    }

    /// The columns of these names side by side: `[rows, names]`.
    pub(super) fn side_by_side(&self, names: &[String]) -> Result<Vec<f64>, ExpertError> {
        let columns = names.iter().map(|name| {
            let column = self.columns.iter().find(|column| column.name == *name).ok_or_else(|| self.missing(name))?;
            self.check_numbers(column)?;
            Ok(&column.array.values)
        });
        let columns: Vec<&Vec<f64>> = columns.collect::<Result<_, ExpertError>>()?;
        let rows = columns.first().map_or(0, |column| column.len());
        Ok((0..rows).flat_map(|row| columns.iter().map(move |column| column[row])).collect())
    }

    pub(super) fn missing(&self, name: &str) -> ExpertError {
        let left = self.columns.iter().map(|column| &column.name);
        let present: Vec<String> = left.chain(&self.taken).cloned().collect();
        let nearest = suggest::nearest(name, &present).map(str::to_owned);
        let hint = suggest::did_you_mean(&nearest);
        let what = if self.is_table { "column" } else { "array" };
        let present = if present.is_empty() { "none".to_owned() } else { present.join(", ") };
        ExpertError::malformed(&self.file, format!("has no {what} `{name}`{hint}; it has {present}"))
    }

    /// Refuses what cannot be read as numbers.
    pub(super) fn check_numbers(&self, column: &Column) -> Result<(), ExpertError> {
        let reason = match &column.kind {
            Kind::Labels { example, .. } => {
                format!("has {example}, {} `{}`; expected a number", self.what(), column.name)
            }
            Kind::Unreadable { reason } => format!("has `{}`, which {reason}", column.name),
            Kind::Empty if column.array.values.is_empty() => return Ok(()),
            Kind::Empty => format!("has no number in the column `{}`; expected finite numbers", column.name),
            Kind::Floats | Kind::Integers | Kind::Flags => return Ok(()),
        };
        Err(ExpertError::malformed(&self.file, reason))
    }

    pub(super) fn check_finite(&self, column: &Column) -> Result<(), ExpertError> {
        self.check_numbers(column)?;
        let array = &column.array;
        match array.values.iter().position(|value| !value.is_finite()) {
            None => Ok(()),
            Some(index) => {
                let width = array.shape.iter().skip(1).product::<usize>().max(1);
                let (place, value) = (self.place(index / width), array.values[index]);
                let reason = format!("has {value} in `{}`, {place}; expected finite numbers", column.name);
                Err(ExpertError::malformed(&self.file, reason))
            }
        }
    }

    /// Where a row stands: `line 52`, or `row 50` counted from 0 in a file without lines.
    pub(super) fn place(&self, row: usize) -> String {
        self.lines.get(row).map_or_else(|| format!("row {row}"), |line| format!("line {line}"))
    }

    fn what(&self) -> &'static str {
        if self.is_table { "column" } else { "array" }
    }
}

impl Column {
    pub(super) fn unreadable(name: &str, reason: String) -> Self {
        let array = Array { shape: Vec::new(), values: Vec::new() };
        Self { name: name.to_owned(), array, kind: Kind::Unreadable { reason } }
    }
}
