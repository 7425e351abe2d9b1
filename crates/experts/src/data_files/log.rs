//! A log of observations and actions.

use super::arrays::Arrays;
use crate::ExpertError;
use crate::numpy::Array;
use crate::spaces::{MAX_ACTIONS, plain_environment};
use kanrl_core::dataset::{Dataset, Demonstrations};
use kanrl_core::environment::EnvironmentSpec;
use kanrl_core::policy::ScoreKind;
use kanrl_core::space::{ActionSpace, BoxSpace, Coordinate, DiscreteSpace, ElementType};
use std::path::Path;

/// Columns of a table that are no observations.
const IGNORED: [&str; 2] = ["reward", "step"];

/// Reads a log; see the [module](super) for the names of arrays and columns.
///
/// With an `environment`, names, number and kind of observations and actions are its own. Without one, names are the columns'
/// (`x_0`, `x_1`, … for arrays), a discrete action is one of as many as the largest that occurs, and a vector action lies
/// between the smallest and the largest that occur.
///
/// # Errors
/// [`ExpertError`] for a file that is damaged, lacks something, or whose parts do not fit together or the environment.
pub fn read_log(path: &Path, environment: Option<&EnvironmentSpec>) -> Result<Demonstrations, ExpertError> {
    let arrays = Arrays::read(path)?;
    let is_table = arrays.is_table;
    let mut log = Log { arrays, environment };
    let marks = log.episode_marks()?;
    let marked = !matches!(marks, EpisodeMarks::Absent);
    let weights = log.arrays.take(&["weights", "weight"])?;
    let targets = log.targets()?;
    let (input_names, observations) = if is_table { log.observation_columns()? } else { log.observation_array()? };

    let malformed = |reason: String| ExpertError::malformed(&log.arrays.file, reason);
    let rows = observations.len() / input_names.len();
    let fits = |what: &str, length: usize| {
        let reason = || format!("has {rows} rows of observations and {length} of {what}; expected as many");
        if length == rows { Ok(()) } else { Err(malformed(reason())) }
    };
    fits("actions", targets.values.len() / targets.space.outputs())?;
    let weights = match weights {
        Some((name, array)) => {
            log.arrays.check_finite(&name, &array)?;
            fits("weights", array.values.len())?;
            if array.values.iter().any(|weight| *weight < 0.0) {
                return Err(malformed(format!("has a negative number in `{name}`")));
            }
            array.values
        }
        None => vec![1.0; rows],
    };
    let starts = marks.rows(rows).map_err(malformed)?;
    if rows == 0 {
        return Err(malformed("has no rows; expected observations and actions".to_owned()));
    }

    let mut dataset = Dataset::new(input_names, targets.space.output_names(), targets.kind);
    let (inputs, outputs) = (dataset.input_names.len(), dataset.output_names.len());
    for (index, start) in starts.iter().enumerate() {
        let end = starts.get(index + 1).copied().unwrap_or(rows);
        dataset.push_episode(
            &observations[start * inputs..end * inputs],
            &targets.values[start * outputs..end * outputs],
            &weights[*start..end],
        );
    }
    let name = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let spec = environment.cloned().unwrap_or_else(|| plain_environment(name, &dataset.input_names, targets.space));
    Ok(Demonstrations { source: log.arrays.file, spec, rows: dataset, marked })
}

struct Log<'a> {
    /// What is not yet used.
    arrays: Arrays,
    environment: Option<&'a EnvironmentSpec>,
}

struct Targets {
    space: ActionSpace,
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
    fn episode_marks(&mut self) -> Result<EpisodeMarks, ExpertError> {
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
            Some((name, array)) if self.is_discrete(&name, &array) => self.one_hot(&name, &array),
            Some((name, array)) => self.vectors(&name, array, None),
            None if self.arrays.is_table => self.action_columns(),
            None => Err(self.arrays.missing("actions")),
        }
    }

    /// Whether an array holds indices of actions: the environment says so, or all of them are whole by their type.
    fn is_discrete(&self, name: &str, array: &Array) -> bool {
        let is_column = array.shape.iter().skip(1).all(|size| *size == 1);
        is_column
            && match self.environment.map(|environment| &environment.action_space) {
                Some(ActionSpace::Discrete(_)) => true,
                Some(ActionSpace::Box(_)) => false,
                None => self.arrays.integers.iter().any(|integer| integer == name),
            }
    }

    /// `[rows]` indices to `[rows, actions]` of 0 and 1.
    fn one_hot(&self, name: &str, array: &Array) -> Result<Targets, ExpertError> {
        self.arrays.check_finite(name, array)?;
        let count = match self.environment {
            Some(environment) => environment.action_space.outputs(),
            None => array.values.iter().copied().fold(0.0, f64::max) as usize + 1,
        };
        let inside = |action: &&f64| action.fract() == 0.0 && **action >= 0.0 && **action < count as f64;
        let outside = array.values.iter().find(|action| !inside(action));
        if outside.is_some() || count > MAX_ACTIONS {
            let action = outside.map_or_else(|| (count - 1).to_string(), f64::to_string);
            let largest = count.min(MAX_ACTIONS) - 1;
            let reason = format!("has the action {action} in `{name}`; expected whole numbers from 0 to {largest}");
            return Err(ExpertError::malformed(&self.arrays.file, reason));
        }
        let mut values = vec![0.0; array.values.len() * count];
        for (row, action) in values.chunks_exact_mut(count).zip(&array.values) {
            row[*action as usize] = 1.0;
        }
        Ok(Targets { space: self.discrete(count), kind: None, values })
    }

    fn discrete(&self, count: usize) -> ActionSpace {
        let plain = || ActionSpace::Discrete(DiscreteSpace::new((0..count).map(|index| format!("action {index}"))));
        self.environment.map_or_else(plain, |environment| environment.action_space.clone())
    }

    /// Numbers for each action: scores, or vector actions where `kind` is none.
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
        let names = (0..size).map(|index| format!("a_{index}")).collect();
        self.targets_of(name, names, kind, array.values)
    }

    /// Checks what is meant by `values` `[rows, names]` against the environment.
    fn targets_of(
        &self,
        name: &str,
        names: Vec<String>,
        kind: Option<ScoreKind>,
        values: Vec<f64>,
    ) -> Result<Targets, ExpertError> {
        let malformed = |reason: String| ExpertError::malformed(&self.arrays.file, reason);
        let size = names.len();
        let is_vector = matches!(kind, None | Some(ScoreKind::Means));
        let space = match self.environment {
            Some(environment) => {
                let space = &environment.action_space;
                if matches!(space, ActionSpace::Box(_)) != is_vector || space.outputs() != size {
                    let what = if is_vector { "vector actions" } else { "scores of discrete actions" };
                    let wanted = crate::policy::describe_actions(space);
                    let reason = format!("has {what} of {size} in `{name}`, but `{}` takes {wanted}", environment.id);
                    return Err(malformed(reason));
                }
                space.clone()
            }
            None if is_vector => {
                let names = self.checked(names)?;
                let coordinate = |(index, name): (usize, String)| {
                    let column = || values.iter().skip(index).step_by(size).copied();
                    let (low, high) =
                        (column().fold(f64::INFINITY, f64::min), column().fold(f64::NEG_INFINITY, f64::max));
                    if low < high || values.is_empty() {
                        return Ok(Coordinate::new(name, "", low, high));
                    }
                    Err(malformed(format!(
                        "has the action {low} in every row of `{name}`; there is nothing to explain"
                    )))
                };
                let coordinates = names.into_iter().enumerate().map(coordinate).collect::<Result<_, _>>()?;
                ActionSpace::Box(BoxSpace::new(ElementType::F32, coordinates))
            }
            None => self.discrete(size),
        };
        Ok(Targets { space, kind, values })
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
        let short = |name: &String| {
            let name = name["action_".len()..].to_owned();
            if name.starts_with(|first: char| first.is_ascii_digit()) { format!("a_{name}") } else { name }
        };
        self.targets_of("action_…", names.iter().map(short).collect(), None, values)
    }

    fn observation_columns(&self) -> Result<(Vec<String>, Vec<f64>), ExpertError> {
        let is_seen = |name: &&String| !IGNORED.contains(&name.as_str());
        let names: Vec<String> = match self.environment {
            Some(environment) => environment.observation_space.names(),
            None => self.arrays.entries.iter().map(|(name, _)| name).filter(is_seen).cloned().collect(),
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
        let names: Vec<String> = match self.environment {
            Some(environment) => environment.observation_space.names(),
            None => (0..size).map(|index| format!("x_{index}")).collect(),
        };
        if names.len() != size {
            let reason = format!("has {size} numbers in an observation; expected {}", names.len());
            return Err(ExpertError::malformed(&self.arrays.file, reason));
        }
        Ok((self.checked(names)?, array.values))
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
