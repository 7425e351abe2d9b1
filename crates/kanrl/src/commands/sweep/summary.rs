//! A sweep's results as tables and as a plot.

#[cfg(feature = "arrow")]
mod arrow;

use super::workers::{Job, Outcome};
use kanrl_pipeline::files::{self, FileError};
use kanrl_pipeline::report::sweep::{SweepTrial, sweep_html};
use kanrl_pipeline::report::{ParetoPoint, pareto};
use kanrl_pipeline::run::PolicyRole;
use kanrl_pipeline::run::record::RunRecord;
use std::path::Path;

/// One run's results.
pub struct Row {
    pub index: usize,
    pub error: Option<String>,
    /// Why it was given up early.
    stopped: Option<String>,
    name: String,
    settings: Vec<(String, toml::Value)>,
    record: Option<RunRecord>,
}

/// A cell of the table.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    Text(String),
    Number(f64),
    Empty,
}

impl From<Option<f64>> for Cell {
    fn from(value: Option<f64>) -> Self {
        value.map_or(Self::Empty, Self::Number)
    }
}

impl std::fmt::Display for Cell {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Text(text) => text.fmt(formatter),
            Self::Number(number) => number.fmt(formatter),
            Self::Empty => Ok(()),
        }
    }
}

impl Row {
    pub fn new(job: &Job, outcome: Outcome) -> Self {
        let (error, stopped) = match outcome {
            Outcome::Failed(reason) => (Some(reason), None),
            Outcome::Stopped(reason) => (None, Some(reason)),
            Outcome::Done | Outcome::Cancelled | Outcome::Lost => (None, None),
        };
        let name = job.directory.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let settings = job.settings.iter().map(|(path, value)| (path.clone(), value.clone())).collect();
        let is_done = error.is_none() && stopped.is_none();
        let record = if is_done { RunRecord::read(&job.directory) } else { None };
        Self { index: job.index, error, stopped, name, settings, record }
    }

    /// The row as a line of progress.
    pub fn line(&self) -> String {
        match (self.error.as_ref().or(self.stopped.as_ref()), self.formula()) {
            (Some(reason), _) => format!("{}: {}: {reason}", self.name, self.status()),
            (None, Some((operations, mean))) => format!("{}: return {mean:.2}, {operations} operations", self.name),
            (None, None) => format!("{}: done", self.name),
        }
    }

    fn status(&self) -> &'static str {
        match (&self.error, &self.stopped) {
            (Some(_), _) => "failed",
            (None, Some(_)) => "stopped",
            (None, None) => "done",
        }
    }

    /// Operations and mean return of the formula.
    fn formula(&self) -> Option<(usize, f64)> {
        let record = self.record.as_ref()?;
        Some((record.operations?, record.policy(PolicyRole::Headline)?.mean?))
    }

    fn seconds(&self) -> Option<f64> {
        self.record.as_ref()?.seconds
    }

    /// What the report shows of it.
    fn trial(&self) -> SweepTrial<'_> {
        SweepTrial {
            name: &self.name,
            settings: &self.settings,
            status: self.status(),
            reason: self.error.as_deref().or(self.stopped.as_deref()),
            metrics: self.record.as_ref().and_then(|record| record.metrics.as_ref()),
        }
    }

    /// Every column of this row, in order.
    fn cells(&self) -> Vec<(String, Cell)> {
        let mut cells = vec![
            ("run".to_owned(), Cell::Text(self.name.clone())),
            ("status".to_owned(), Cell::Text(self.status().to_owned())),
        ];
        for (path, value) in &self.settings {
            let cell = match value {
                toml::Value::Integer(value) => Cell::Number(*value as f64),
                toml::Value::Float(value) => Cell::Number(*value),
                toml::Value::String(text) => Cell::Text(text.clone()),
                other => Cell::Text(other.to_string()),
            };
            cells.push((path.clone(), cell));
        }
        if let Some(record) = &self.record {
            for policy in &record.policies {
                let mut column = |name: &str, value: Option<f64>| {
                    cells.push((format!("{}_{name}", policy.policy), value.into()));
                };
                column("mean", policy.mean);
                column("std", policy.std);
                column("worst_5_percent", policy.worst_5_percent);
                column("interquartile_mean", policy.interquartile_mean);
                column("agreement", policy.agreement);
            }
            cells.push(("student".to_owned(), record.student.clone().map_or(Cell::Empty, Cell::Text)));
            cells.push(("operations".to_owned(), record.operations.map(|count| count as f64).into()));
        }
        let reason = self.error.as_ref().or(self.stopped.as_ref());
        cells.push(("error".to_owned(), reason.map_or(Cell::Empty, |reason| Cell::Text(reason.clone()))));
        cells
    }
}

/// All rows under one head; columns that are empty everywhere are left out.
pub fn table(rows: &[Row]) -> (Vec<String>, Vec<Vec<Cell>>) {
    let rows: Vec<Vec<(String, Cell)>> = rows.iter().map(Row::cells).collect();
    let mut head: Vec<String> = Vec::new();
    for row in &rows {
        // A column that only some rows have stands behind the one before it.
        let mut place = 0;
        for (name, cell) in row {
            match head.iter().position(|known| known == name) {
                Some(found) => place = found + 1,
                None if *cell == Cell::Empty => {}
                None => {
                    head.insert(place, name.clone());
                    place += 1;
                }
            }
        }
    }
    let find = |row: &Vec<(String, Cell)>, name: &String| {
        row.iter().find(|(known, _)| known == name).map_or(Cell::Empty, |(_, cell)| cell.clone())
    };
    let cells = rows.iter().map(|row| head.iter().map(|name| find(row, name)).collect()).collect();
    (head, cells)
}

/// Writes `summary.csv`, `timings.csv`, `report.html`, `pareto.svg` and, where the build has it, `summary.arrow`. All but the
/// timings are the same bytes for the same sweep, wherever its runs were made.
pub fn write(out: &Path, title: &str, rows: &[Row]) -> Result<(), FileError> {
    let (head, cells) = table(rows);
    let lines = cells.iter().map(|row| row.iter().map(Cell::to_string).collect());
    write_csv(&out.join("summary.csv"), head.clone(), lines)?;
    let timed = rows.iter().map(|row| vec![row.name.clone(), Cell::from(row.seconds()).to_string()]);
    write_csv(&out.join("timings.csv"), vec!["run".to_owned(), "seconds".to_owned()], timed)?;
    #[cfg(feature = "arrow")]
    arrow::write(&out.join("summary.arrow"), &head, &cells)?;
    let trials: Vec<SweepTrial<'_>> = rows.iter().map(Row::trial).collect();
    files::write(&out.join("report.html"), sweep_html(title, &trials).as_bytes())?;
    let points: Vec<ParetoPoint> = rows
        .iter()
        .filter_map(|row| {
            let (operations, mean) = row.formula()?;
            Some(ParetoPoint { name: row.name.clone(), operations: operations as f64, episode_return: mean })
        })
        .collect();
    files::write(&out.join("pareto.svg"), pareto(&points).as_bytes())
}

fn write_csv(path: &Path, head: Vec<String>, rows: impl Iterator<Item = Vec<String>>) -> Result<(), FileError> {
    let failed = |error: std::io::Error| FileError { path: path.to_owned(), source: error };
    let mut csv = csv::Writer::from_writer(Vec::new());
    for row in std::iter::once(head).chain(rows) {
        csv.write_record(&row).map_err(|error| failed(error.into()))?;
    }
    let bytes = csv.into_inner().map_err(|error| failed(error.into_error()))?;
    files::write(path, &bytes)
}

/// The table as a list of objects.
pub fn json(rows: &[Row]) -> serde_json::Value {
    let (head, cells) = table(rows);
    let object = |(row, cells): (&Row, Vec<Cell>)| -> serde_json::Value {
        let value = |cell| match cell {
            Cell::Text(text) => text.into(),
            Cell::Number(number) => number.into(),
            Cell::Empty => serde_json::Value::Null,
        };
        let seconds = ("seconds".to_owned(), row.seconds().into());
        let cells = head.iter().cloned().zip(cells.into_iter().map(value));
        serde_json::Value::Object(cells.chain([seconds]).collect())
    };
    rows.iter().zip(cells).map(object).collect()
}

/// The main columns, best return first.
pub fn print(rows: &[Row]) {
    let mut sorted: Vec<&Row> = rows.iter().collect();
    let key =
        |row: &Row| row.formula().map_or((f64::NEG_INFINITY, usize::MAX), |(operations, mean)| (mean, operations));
    sorted.sort_by(|one, other| {
        let (one, other) = (key(one), key(other));
        other.0.total_cmp(&one.0).then(one.1.cmp(&other.1))
    });
    let width = rows.iter().map(|row| row.name.chars().count()).max().unwrap_or(3);
    println!(
        "\n{:<width$} {:>18} {:>11} {:>11}  {:<12} {:>9}",
        "run", "return", "agreement", "operations", "student", "time"
    );
    for row in sorted {
        let Some(record) = row.record.as_ref() else {
            println!("{:<width$} {:>18}", row.name, row.status());
            continue;
        };
        let played = record.policy(PolicyRole::Headline).and_then(|formula| formula.mean.zip(formula.std));
        let returns = played.map_or_else(String::new, |(mean, std)| format!("{mean:.2} ± {std:.2}"));
        let agreement = record.agreement_text(PolicyRole::Headline).unwrap_or_default();
        let operations = record.operations.map_or_else(String::new, |operations| operations.to_string());
        let student = record.student.as_deref().unwrap_or_default();
        let seconds = record.seconds.map_or_else(String::new, |seconds| format!("{seconds:.1} s"));
        println!("{:<width$} {returns:>18} {agreement:>11} {operations:>11}  {student:<12} {seconds:>9}", row.name);
    }
}
