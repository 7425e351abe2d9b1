//! How a table is written: its separator, its decimal mark, what stands above it.

use std::borrow::Cow;

/// What may stand between two cells; the first of equally good ones is taken.
const SEPARATORS: [Separator; 5] = [
    Separator::Character(b','),
    Separator::Character(b';'),
    Separator::Character(b'\t'),
    Separator::Character(b'|'),
    Separator::Blanks,
];
/// So much of a file is looked at to find its separator, in bytes.
const SAMPLE: usize = 1 << 18;

/// What stands between the cells of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Separator {
    Character(u8),
    /// Any number of spaces and tabs, as `numpy.savetxt` writes one.
    Blanks,
}

impl Separator {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Character(b',') => "commas",
            Self::Character(b';') => "semicolons",
            Self::Character(b'\t') => "tabs",
            Self::Character(_) => "vertical bars",
            Self::Blanks => "blanks",
        }
    }

    /// The cells of a line without quotes.
    fn split(self, line: &str) -> Vec<&str> {
        match self {
            Self::Character(character) => line.split(char::from(character)).map(str::trim).collect(),
            Self::Blanks => line.split_whitespace().collect(),
        }
    }

    /// A reader of the text; `text` is rewritten where blanks separate.
    pub(super) fn reader(self, text: &str, flexible: bool) -> csv::Reader<std::io::Cursor<Vec<u8>>> {
        let (delimiter, text) = match self {
            Self::Character(character) => (character, Cow::Borrowed(text)),
            Self::Blanks => {
                let line = |line: &str| line.split_whitespace().collect::<Vec<&str>>().join("\t") + "\n";
                (b'\t', Cow::Owned(text.lines().map(line).collect()))
            }
        };
        csv::ReaderBuilder::new()
            .delimiter(delimiter)
            .flexible(flexible)
            .trim(csv::Trim::All)
            .from_reader(std::io::Cursor::new(text.into_owned().into_bytes()))
    }
}

/// The rows of a table and what stands between their cells.
#[derive(Debug, PartialEq)]
pub(super) struct Dialect<'a> {
    pub(super) separator: Separator,
    /// The header line and all rows.
    pub(super) table: Cow<'a, str>,
    /// Lines of the file above the table.
    pub(super) lines_above: u64,
}

/// Finds the separator: of those with which all rows have as many cells as the header, the one that makes the most.
///
/// Lines above the header that begin with `#` are comments, except that the last of them is the header where a row of
/// as many cells follows, as `numpy.savetxt` writes it; a first line `sep=;` says the separator, as Excel writes it.
pub(super) fn sniff(text: &str) -> Dialect<'_> {
    let (said, text) = announced(text);
    let (table, lines_above) = without_comments(text);
    let lines_above = lines_above + u64::from(said.is_some());
    if let Some(separator) = said {
        return Dialect { separator, table, lines_above };
    }
    let mut end = SAMPLE.min(table.len());
    while !table.is_char_boundary(end) {
        end -= 1;
    }
    // A row that is cut off would look ragged.
    let sample = if end == table.len() { &table[..] } else { &table[..table[..end].rfind('\n').unwrap_or(end)] };
    let mut best = (false, 0, Separator::Character(b','));
    // A header alone says nothing.
    let separators = if sample.trim().contains('\n') { &SEPARATORS[..] } else { &[] };
    for separator in separators {
        let separator = *separator;
        if separator == Separator::Blanks && sample.contains('"') {
            continue;
        }
        let mut reader = separator.reader(sample, true);
        let cells = reader.headers().map_or(0, csv::StringRecord::len);
        // A single column is one only where its name has no other separator in it.
        let is_one = cells == 1 && sample.lines().next().is_some_and(|line| line.contains([',', ';', '\t', '|']));
        let even = !is_one && reader.records().all(|record| record.is_ok_and(|record| record.len() == cells));
        if (even, cells) > (best.0, best.1) {
            best = (even, cells, separator);
        }
    }
    Dialect { separator: best.2, table, lines_above }
}

/// The separator of a line `sep=;`, and what follows it.
fn announced(text: &str) -> (Option<Separator>, &str) {
    let (first, rest) = text.split_once('\n').unwrap_or((text, ""));
    let first = first.trim_end_matches('\r').trim_matches('"');
    match first.strip_prefix("sep=").or_else(|| first.strip_prefix("SEP=")).map(str::as_bytes) {
        Some([character]) if character.is_ascii() => (Some(Separator::Character(*character)), rest),
        _ => (None, text),
    }
}

/// The table below comments, and the number of lines above it.
fn without_comments(text: &str) -> (Cow<'_, str>, u64) {
    let mut rest = text;
    let (mut last, mut lines) = ("", 0);
    while rest.starts_with('#') {
        let (line, below) = rest.split_once('\n').unwrap_or((rest, ""));
        (last, rest, lines) = (line.trim_end_matches('\r'), below, lines + 1);
    }
    let first = rest.lines().next().unwrap_or("");
    let above = last.trim_start_matches(['#', ' ']);
    let is_row_below = |separator: &Separator| {
        let cells = separator.split(first);
        let has_number = cells.iter().any(|cell| cell.replacen(',', ".", 1).parse::<f64>().is_ok());
        has_number && cells.len() == separator.split(above).len()
    };
    if lines > 0 && SEPARATORS.iter().any(is_row_below) {
        return (Cow::Owned(format!("{above}\n{rest}")), lines - 1);
    }
    (Cow::Borrowed(rest), lines)
}

/// The mark between the whole part and the fraction of the numbers in a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct DecimalMarks {
    /// Some number has a point.
    pub(super) point: bool,
    /// Some number has a comma.
    pub(super) comma: bool,
}

impl DecimalMarks {
    /// Notes the mark of a cell, where it is a number with one.
    pub(super) fn note(&mut self, cell: &str) {
        let is_number = |text: &str| text.parse::<f64>().is_ok();
        match (cell.contains('.'), cell.contains(',')) {
            (true, false) if is_number(cell) => self.point = true,
            (false, true) if is_number(&cell.replacen(',', ".", 1)) => self.comma = true,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Separator, sniff};

    #[test]
    fn separators() {
        let separator = |text: &str| sniff(text).separator.name();
        assert_eq!(separator("x,v,action\n1,2,0\n"), "commas");
        assert_eq!(separator("x;v;action\n1,5;2,5;0\n2,5;3,5;1\n"), "semicolons");
        assert_eq!(separator("x\tv\taction\n1.5\t2\t0\n"), "tabs");
        assert_eq!(separator("x|action\n1|0\n"), "vertical bars");
        assert_eq!(separator("x   v action\n 1.5  2 0\n"), "blanks");
        assert_eq!(separator("pole angle, cart speed, action\n1, 2, 0\n"), "commas");
        assert_eq!(separator("\"x (m, s)\";v;action\n1;2;0\n"), "semicolons");
        assert_eq!(separator("x\n1\n2\n"), "commas");
        assert_eq!(separator("x\n1,5\n2,5\n"), "semicolons");
        assert_eq!(separator("a,b\n1,2\n3\n"), "commas");
        assert_eq!(separator(""), "commas");
    }

    #[test]
    fn lines_above_the_table() {
        let dialect = sniff("sep=;\nx;action\n1;0\n");
        assert_eq!(
            (dialect.separator, &*dialect.table, dialect.lines_above),
            (Separator::Character(b';'), "x;action\n1;0\n", 1)
        );
        let dialect = sniff("#{\"t_start\": 1.5}\nx,action\n1,0\n");
        assert_eq!((&*dialect.table, dialect.lines_above), ("x,action\n1,0\n", 1));
        assert_eq!(sniff("#,x,action\n0,1,left\n").table, ",x,action\n0,1,left\n");
        let dialect = sniff("# x v action\n1 2 0\n2 1 1\n");
        assert_eq!(
            (dialect.separator, &*dialect.table, dialect.lines_above),
            (Separator::Blanks, "x v action\n1 2 0\n2 1 1\n", 0)
        );
    }
}
