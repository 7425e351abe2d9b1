//! The table as an Arrow file, which pandas, Polars and DuckDB read.

use super::Cell;
use arrow_array::{ArrayRef, Float64Array, RecordBatch, StringArray};
use arrow_ipc::writer::FileWriter;
use kanrl_pipeline::files::{self, FileError};
use std::path::Path;
use std::sync::Arc;

/// Writes the table; a column with any text in it is one of strings.
pub fn write(path: &Path, head: &[String], rows: &[Vec<Cell>]) -> Result<(), FileError> {
    let column = |index: usize| -> ArrayRef {
        let cells = || rows.iter().map(move |row| &row[index]);
        if cells().any(|cell| matches!(cell, Cell::Text(_))) {
            let text = |cell: &Cell| (*cell != Cell::Empty).then(|| cell.to_string());
            Arc::new(StringArray::from_iter(cells().map(text)))
        } else {
            let number = |cell: &Cell| if let Cell::Number(value) = cell { Some(*value) } else { None };
            Arc::new(Float64Array::from_iter(cells().map(number)))
        }
    };
    let encode = || {
        let batch = RecordBatch::try_from_iter(head.iter().enumerate().map(|(index, name)| (name, column(index))))?;
        let mut writer = FileWriter::try_new(Vec::new(), &batch.schema())?;
        writer.write(&batch)?;
        writer.into_inner()
    };
    let bytes = encode().map_err(|error| FileError { path: path.to_owned(), source: std::io::Error::other(error) })?;
    files::write(path, &bytes)
}
