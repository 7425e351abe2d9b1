//! A log of observations and actions as a dataset.

use super::arrays::Arrays;
use crate::ExpertError;
use crate::numpy::Array;
use kan_core::dataset::Dataset;
use kan_core::policy::ScoreKind;
use std::path::Path;

/// Most discrete actions.
const MAX_ACTIONS: usize = 4096;

/// What a log's file cannot say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DatasetOptions {
    /// Names of the observation's coordinates, such as an environment's; default: the columns' names, or `x_0`, `x_1`, ….
    pub observation_names: Option<Vec<String>>,
    /// Names of the outputs; default: `a_0`, `a_1`, …, or the columns' names without `action_`. For discrete actions their
    /// number is the number of actions; default: the largest action that occurs, plus 1.
    pub output_names: Option<Vec<String>>,
}

/// Reads a log; see the [module](super) for the names of arrays and columns.
///
/// The targets are the scores where the log has some, else one-hot rows for discrete actions, else the vector actions.
///
/// # Errors
/// [`ExpertError`] for a file that is damaged, lacks something, or whose lengths do not fit together.
pub fn read_dataset(path: &Path, options: &DatasetOptions) -> Result<Dataset, ExpertError> {
    let arrays = Arrays::read(path)?;
    let is_table = arrays.is_table;
    let mut log = Log { arrays, options };
    let starts = log.episode_starts()?;
    let weights = log.arrays.take(&["weights", "weight"])?;
    let targets = log.targets()?;
    let (input_names, observations) = if is_table { log.observation_columns()? } else { log.observation_array()? };

    let rows = observations.len() / input_names.len();
    let fits = |what: &str, length: usize| {
        if length == rows {
            return Ok(());
        }
        let reason = format!("has {rows} rows of observations and {length} of {what}; expected as many");
        Err(ExpertError::malformed(&log.arrays.file, reason))
    };
    fits("actions", targets.values.len() / targets.names.len())?;
    let weights = match weights {
        Some((name, array)) => {
            log.arrays.check_finite(&name, &array)?;
            fits("weights", array.values.len())?;
            if array.values.iter().any(|weight| *weight < 0.0) {
                return Err(ExpertError::malformed(&log.arrays.file, format!("has a negative number in `{name}`")));
            }
            array.values
        }
        None => vec![1.0; rows],
    };
    let starts = starts.rows(rows).map_err(|reason| ExpertError::malformed(&log.arrays.file, reason))?;
    if rows == 0 {
        return Err(ExpertError::malformed(&log.arrays.file, "has no rows; expected observations and actions"));
    }

    let mut dataset = Dataset::new(input_names, targets.names, targets.kind);
    let (inputs, outputs) = (dataset.input_names.len(), dataset.output_names.len());
    for (index, start) in starts.iter().enumerate() {
        let end = starts.get(index + 1).copied().unwrap_or(rows);
        dataset.push_episode(
            &observations[start * inputs..end * inputs],
            &targets.values[start * outputs..end * outputs],
            &weights[*start..end],
        );
    }
    Ok(dataset)
}

struct Log<'a> {
    /// What is not yet used.
    arrays: Arrays,
    options: &'a DatasetOptions,
}

struct Targets {
    names: Vec<String>,
    kind: Option<ScoreKind>,
    values: Vec<f64>,
}

/// How a log marks its episodes.
enum EpisodeMarks {
    /// 1 in the first row, or the first rows' numbers.
    Starts(Vec<f64>),
    /// Not 0 in the last row.
    Ends(Vec<f64>),
    /// Changes with each episode.
    Numbers(Vec<f64>),
    Absent,
}

impl EpisodeMarks {
    /// First row of each episode.
    fn rows(self, rows: usize) -> Result<Vec<usize>, String> {
        let wrong = |length| format!("has {length} marks of episodes for {rows} rows; expected one for each row");
        match self {
            // A mark 0 in the first row can only be its number.
            Self::Starts(marks) if marks.first() == Some(&0.0) => {
                let increasing = marks.windows(2).all(|pair| pair[0] < pair[1]);
                let inside = |mark: &f64| mark.fract() == 0.0 && *mark < rows as f64;
                if !increasing || !marks.iter().all(inside) {
                    return Err(
                        "has `episode_starts` that are neither 1 in each first row nor rising row numbers".into()
                    );
                }
                Ok(marks.into_iter().map(|mark| mark as usize).collect())
            }
            Self::Starts(marks) if marks.len() == rows => {
                Ok((0..rows).filter(|row| *row == 0 || marks[*row] != 0.0).collect())
            }
            Self::Ends(marks) if marks.len() == rows => {
                Ok((0..rows).filter(|row| *row == 0 || marks[*row - 1] != 0.0).collect())
            }
            Self::Numbers(marks) if marks.len() == rows => {
                Ok((0..rows).filter(|row| *row == 0 || marks[*row - 1] != marks[*row]).collect())
            }
            Self::Starts(marks) | Self::Ends(marks) | Self::Numbers(marks) => Err(wrong(marks.len())),
            Self::Absent => Ok(vec![0]),
        }
    }
}

impl Log<'_> {
    fn episode_starts(&mut self) -> Result<EpisodeMarks, ExpertError> {
        let starts = self.arrays.take(&["episode_starts", "episode_start"])?;
        let numbers = if self.arrays.is_table { self.arrays.take(&["episode"])? } else { None };
        let mut ends: Option<Vec<f64>> = None;
        // An episode ends where any of the flags says so.
        for names in [&["dones", "done"], &["terminals", "terminated"], &["timeouts", "truncated"]] {
            if let Some((name, array)) = self.arrays.take(names)? {
                let sum = ends.get_or_insert_with(|| vec![0.0; array.values.len()]);
                if sum.len() != array.values.len() {
                    let reason = format!("has `{name}` of another length than its other flags");
                    return Err(ExpertError::malformed(&self.arrays.file, reason));
                }
                sum.iter_mut().zip(&array.values).for_each(|(sum, value)| *sum += value.abs());
            }
        }
        Ok(match (starts, numbers, ends) {
            (Some((_, array)), _, _) => EpisodeMarks::Starts(array.values),
            (None, Some((_, array)), _) => EpisodeMarks::Numbers(array.values),
            (None, None, Some(ends)) => EpisodeMarks::Ends(ends),
            (None, None, None) => EpisodeMarks::Absent,
        })
    }

    fn targets(&mut self) -> Result<Targets, ExpertError> {
        let actions = self.arrays.take(&["actions", "action"])?;
        for (name, kind) in
            [("logits", ScoreKind::Logits), ("q_values", ScoreKind::QValues), ("means", ScoreKind::Means)]
        {
            if let Some((name, array)) = self.arrays.take(&[name])? {
                return self.vectors(&name, array, Some(kind));
            }
        }
        match actions {
            Some((name, array)) if self.arrays.integers.contains(&name) && array.shape.len() == 1 => {
                self.one_hot(&name, &array)
            }
            Some((name, array)) => self.vectors(&name, array, None),
            None if self.arrays.is_table => self.action_columns(),
            None => Err(self.arrays.missing("actions")),
        }
    }

    /// `[rows]` indices to `[rows, actions]` of 0 and 1.
    fn one_hot(&self, name: &str, array: &Array) -> Result<Targets, ExpertError> {
        let file = &self.arrays.file;
        let largest = array.values.iter().copied().fold(0.0, f64::max);
        let named = self.options.output_names.as_ref().map(Vec::len).filter(|count| *count > 0);
        let count = named.unwrap_or(largest as usize + 1);
        let inside = |action: &f64| *action >= 0.0 && *action < count as f64;
        if count > MAX_ACTIONS || !array.values.iter().all(inside) {
            let reason = format!("has an action in `{name}` that is not among 0 to {}", count.min(MAX_ACTIONS) - 1);
            return Err(ExpertError::malformed(file, reason));
        }
        let mut values = vec![0.0; array.values.len() * count];
        for (row, action) in values.chunks_exact_mut(count).zip(&array.values) {
            row[*action as usize] = 1.0;
        }
        Ok(Targets { names: self.output_names(count, |index| format!("a_{index}"))?, kind: None, values })
    }

    fn vectors(&self, name: &str, array: Array, kind: Option<ScoreKind>) -> Result<Targets, ExpertError> {
        self.arrays.check_finite(name, &array)?;
        let size = match array.shape[..] {
            [_] => 1,
            [_, size] if size > 0 => size,
            _ => {
                let reason = format!("has `{name}` of shape {:?}; expected [rows] or [rows, size]", array.shape);
                return Err(ExpertError::malformed(&self.arrays.file, reason));
            }
        };
        let names = self.output_names(size, |index| format!("a_{index}"))?;
        Ok(Targets { names, kind, values: array.values })
    }

    /// The columns `action_NAME`.
    fn action_columns(&mut self) -> Result<Targets, ExpertError> {
        let is_action = |name: &str| name.len() > "action_".len() && name.starts_with("action_");
        let names: Vec<String> =
            self.arrays.entries.iter().map(|(name, _)| name.clone()).filter(|name| is_action(name)).collect();
        if names.is_empty() {
            return Err(self.arrays.missing("action"));
        }
        let values = self.arrays.columns(&names)?;
        self.arrays.entries.retain(|(name, _)| !is_action(name));
        let short = |index: usize| {
            let name = names[index]["action_".len()..].to_owned();
            if name.starts_with(|first: char| first.is_ascii_digit()) { format!("a_{name}") } else { name }
        };
        Ok(Targets { names: self.output_names(names.len(), short)?, kind: None, values })
    }

    fn observation_columns(&self) -> Result<(Vec<String>, Vec<f64>), ExpertError> {
        let names: Vec<String> = match &self.options.observation_names {
            Some(names) => names.clone(),
            None => self.arrays.entries.iter().map(|(name, _)| name.clone()).collect(),
        };
        if names.is_empty() {
            return Err(ExpertError::malformed(&self.arrays.file, "has no columns of observations"));
        }
        let values = self.arrays.columns(&names)?;
        Ok((self.checked(names)?, values))
    }

    fn observation_array(&mut self) -> Result<(Vec<String>, Vec<f64>), ExpertError> {
        let (name, array) =
            self.arrays.take(&["observations", "obs"])?.ok_or_else(|| self.arrays.missing("observations"))?;
        self.arrays.check_finite(&name, &array)?;
        let size = array.shape.get(1).copied().unwrap_or(0);
        if array.shape.len() != 2 || size == 0 {
            let reason = format!("has `{name}` of shape {:?} expected [rows, observation size]", array.shape);
            return Err(ExpertError::malformed(&self.arrays.file, reason));
        };
        let names = match &self.options.observation_names {
            Some(names) if names.len() == size => names.clone(),
            Some(names) => {
                let reason = format!("has {size} numbers in an observation; expected {}", names.len());
                return Err(ExpertError::malformed(&self.arrays.file, reason));
            }
            None => (0..size).map(|index| format!("x_{index}")).collect(),
        };
        Ok((self.checked(names)?, array.values))
    }

    fn output_names(&self, count: usize, default: impl Fn(usize) -> String) -> Result<Vec<String>, ExpertError> {
        let names = match &self.options.output_names {
            Some(names) if names.len() == count => names.clone(),
            Some(names) => {
                let reason = format!("has {count} numbers in an action; expected {}", names.len());
                return Err(ExpertError::malformed(&self.arrays.file, reason));
            }
            None => (0..count).map(default).collect(),
        };
        self.checked(names)
    }

    /// Names become variables in formulas.
    fn checked(&self, names: Vec<String>) -> Result<Vec<String>, ExpertError> {
        let is_identifier = |name: &String| {
            name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
                && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        };
        match names.iter().find(|name| !is_identifier(name)) {
            None => Ok(names),
            Some(name) => {
                let reason =
                    format!("has the name `{name}`; expected letters, digits and underscores, as in `theta_dot`");
                Err(ExpertError::malformed(&self.arrays.file, reason))
            }
        }
    }
}
