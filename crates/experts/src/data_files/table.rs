//! Tables (`.csv`): a header line that names the columns, and a row a line.

use super::arrays::{Arrays, Column, Kind};
use super::dialect::{DecimalMarks, Dialect, sniff};
use super::text::decode;
use crate::ExpertError;
use crate::numpy::Array;
use std::collections::HashMap;

/// Texts that stand for a missing number.
const MISSING: [&str; 13] = ["", "nan", "na", "n/a", "#n/a", "<na>", "nat", "null", "none", "nil", "-", "--", "?"];

impl Arrays {
    /// Reads a table; its encoding, separator and decimal mark are found, and noted where they are unusual.
    pub(super) fn read_csv(file: String, bytes: Vec<u8>) -> Result<Self, ExpertError> {
        let (text, encoding) = decode(bytes);
        let dialect = sniff(&text);
        let survey = Survey::of(&dialect).map_err(|reason| ExpertError::malformed(&file, reason))?;
        let separator = dialect.separator.name();
        let mut arrays = Self::new(file, true);
        arrays.notes.extend(encoding);
        match (separator, survey.marks.comma) {
            ("commas", false) => {}
            (_, false) => arrays.notes.push(format!("cells are separated by {separator}")),
            (_, true) => {
                arrays.notes.push(format!("cells are separated by {separator}, and numbers have decimal commas"))
            }
        }
        survey.read(&dialect, &mut arrays);
        Ok(arrays)
    }
}

/// What a first pass over a table finds out: everything that later cells could contradict.
struct Survey {
    names: Vec<String>,
    cells: Vec<Cells>,
    marks: DecimalMarks,
    rows: usize,
}

/// What stands in a column.
#[derive(Clone, Default)]
struct Cells {
    numbers: usize,
    flags: usize,
    fractions: bool,
    /// The first that is neither number nor flag, and its line.
    text: Option<(String, u64)>,
}

impl Survey {
    /// The error is a sentence without a subject.
    fn of(dialect: &Dialect<'_>) -> Result<Self, String> {
        let separator = dialect.separator.name();
        let unreadable = |error: csv::Error| format!("is not a table of {separator} and lines: {error}");
        let mut reader = dialect.separator.reader(&dialect.table, false);
        let names: Vec<String> = reader.headers().map_err(unreadable)?.iter().map(str::to_owned).collect();
        if names.iter().all(|name| name.parse::<f64>().is_ok()) {
            return Err("has no header; expected the columns' names in the first line".to_owned());
        }
        let repeated = |index: &usize| !names[*index].is_empty() && names[..*index].contains(&names[*index]);
        if let Some(index) = (1..names.len()).find(repeated) {
            return Err(format!("has two columns `{}`", names[index]));
        }
        let mut survey =
            Self { cells: vec![Cells::default(); names.len()], names, marks: DecimalMarks::default(), rows: 0 };
        let mut record = csv::StringRecord::new();
        while reader.read_record(&mut record).map_err(unreadable)? {
            let line = dialect.lines_above + record.position().map_or(0, csv::Position::line);
            for (cells, text) in survey.cells.iter_mut().zip(&record) {
                survey.marks.note(text);
                cells.note(text, line);
            }
            survey.rows += 1;
        }
        if survey.marks == (DecimalMarks { point: true, comma: true }) {
            return Err(
                "has numbers with a decimal comma and numbers with a decimal point; expected one of them".to_owned()
            );
        }
        Ok(survey)
    }

    /// The second pass.
    fn read(self, dialect: &Dialect<'_>, arrays: &mut Arrays) {
        let mut values: Vec<Vec<f64>> = vec![Vec::with_capacity(self.rows); self.names.len()];
        let mut labels: Vec<HashMap<String, usize>> = vec![HashMap::new(); self.names.len()];
        let mut reader = dialect.separator.reader(&dialect.table, false);
        let mut record = csv::StringRecord::new();
        // The first pass found no error.
        while reader.read_record(&mut record).unwrap_or(false) {
            arrays.lines.push(dialect.lines_above + record.position().map_or(0, csv::Position::line));
            for (column, text) in record.iter().enumerate() {
                let value = match (is_missing(text), &self.cells[column].text) {
                    (true, _) => f64::NAN,
                    (false, None) => cell(text).map_or(f64::NAN, Cell::value),
                    (false, Some(_)) => {
                        let next = labels[column].len();
                        match labels[column].get(text) {
                            Some(code) => *code as f64,
                            None => {
                                labels[column].insert(text.to_owned(), next);
                                next as f64
                            }
                        }
                    }
                };
                values[column].push(value);
            }
        }
        for (((name, values), labels), cells) in self.names.into_iter().zip(values).zip(labels).zip(self.cells) {
            let array = Array { shape: vec![values.len()], values };
            arrays.columns.push(Column { name, array, kind: cells.kind(labels) });
        }
    }
}

impl Cells {
    fn note(&mut self, text: &str, line: u64) {
        if is_missing(text) {
            return;
        }
        match cell(text) {
            Some(Cell::Flag(_)) => self.flags += 1,
            Some(Cell::Number { value, whole }) => {
                self.numbers += 1;
                self.fractions |= !whole || value.fract() != 0.0;
            }
            None if self.text.is_none() => self.text = Some((text.to_owned(), line)),
            None => {}
        }
    }

    fn kind(self, labels: HashMap<String, usize>) -> Kind {
        if let Some((text, line)) = self.text {
            let mut names = vec![String::new(); labels.len()];
            labels.into_iter().for_each(|(name, code)| names[code] = name);
            let refusal = format!("{text:?} in line {line}");
            return Kind::Labels { names, has_numbers: self.numbers > 0, example: refusal };
        }
        match (self.numbers, self.flags) {
            (0, 0) => Kind::Empty,
            (0, _) => Kind::Flags,
            _ if self.fractions => Kind::Floats,
            _ => Kind::Integers,
        }
    }
}

enum Cell {
    /// `whole` says that it is written as a whole number: `1`, not `1.0`.
    Number {
        value: f64,
        whole: bool,
    },
    Flag(bool),
}

impl Cell {
    fn value(self) -> f64 {
        match self {
            Self::Number { value, .. } => value,
            Self::Flag(flag) => f64::from(u8::from(flag)),
        }
    }
}

/// A cell that is a number, with either decimal mark, or a flag.
fn cell(text: &str) -> Option<Cell> {
    let number = text.parse().ok().or_else(|| {
        // A decimal comma, or a minus sign as typesetters write it.
        let plain = text.replacen(',', ".", 1).replacen('\u{2212}', "-", 1);
        if plain == text { None } else { plain.parse().ok() }
    });
    match number {
        Some(value) => Some(Cell::Number { value, whole: !text.contains(['.', ',', 'e', 'E']) }),
        None if text.eq_ignore_ascii_case("true") => Some(Cell::Flag(true)),
        None if text.eq_ignore_ascii_case("false") => Some(Cell::Flag(false)),
        None => None,
    }
}

fn is_missing(text: &str) -> bool {
    text.len() <= 4 && MISSING.iter().any(|missing| text.eq_ignore_ascii_case(missing))
}
