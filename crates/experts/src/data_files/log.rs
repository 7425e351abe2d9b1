//! A log of observations and actions.

use super::arrays::{Arrays, Column, Kind};
use super::episodes::EpisodeMarks;
use super::labels::{ActionKind, Labels};
use super::roles::{self, ACTION, OBSERVATIONS};
use super::rows::Rows;
use crate::ExpertError;
use crate::spaces::plain_environment;
use kanrl_core::dataset::{Dataset, Demonstrations};
use kanrl_core::environment::EnvironmentSpec;
use kanrl_core::policy::ScoreKind;
use kanrl_core::space::{ActionSpace, BoxSpace, Coordinate, DiscreteSpace, ElementType};
use std::path::Path;

/// Arrays of scores, and what they mean.
const SCORES: [(&str, ScoreKind); 3] =
    [("logits", ScoreKind::Logits), ("q_values", ScoreKind::QValues), ("means", ScoreKind::Means)];

/// Reads a log; see the [module](super) for the names of arrays and columns.
///
/// With an `environment`, names, number and kind of observations and actions are its own. Without one, names are the columns'
/// (`x_0`, `x_1`, … for arrays), the discrete actions are those that occur, and a vector action lies between the smallest and
/// the largest that occur; `actions` says what a single column of actions holds, where that is not to be guessed from its
/// values. What was found out about the file, and what was left out of it, is in [`Demonstrations::notes`].
///
/// # Errors
/// [`ExpertError`] for a file that is damaged, lacks something, or whose parts do not fit together or the environment.
pub fn read_log(
    path: &Path,
    environment: Option<&EnvironmentSpec>,
    actions: Option<ActionKind>,
) -> Result<Demonstrations, ExpertError> {
    let arrays = Arrays::read(path)?;
    let no_rows = |file: &str| ExpertError::malformed(file, "has no rows; expected observations and actions");
    if arrays.is_table && arrays.lines.is_empty() {
        return Err(no_rows(&arrays.file));
    }
    let mut log = Log { arrays, environment, asked: actions, leading_axes: 1 };
    let observations = if log.arrays.is_table { None } else { Some(log.observation_array()?) };
    let marks = match log.first_rows()? {
        Some(marks) => marks,
        None => EpisodeMarks::take(&mut log.arrays)?,
    };
    let weights = log.arrays.take_numbers(&["weights", "weight"])?;
    let targets = log.targets()?;
    let observations = match observations {
        Some(column) => log.observations_of(column)?,
        None => log.observation_columns()?,
    };

    let malformed = |reason: String| ExpertError::malformed(&log.arrays.file, reason);
    let rows = targets.values.len() / targets.space.outputs();
    if rows == 0 {
        return Err(no_rows(&log.arrays.file));
    }
    let marked = !matches!(marks, EpisodeMarks::Absent) || observations.episodes.is_some();
    let mut starts = marks.rows(rows).map_err(malformed)?;
    if let Some(episodes) = observations.episodes {
        starts.extend((0..rows).step_by((rows / episodes).max(1)));
        starts.sort_unstable();
        starts.dedup();
    }
    let weights = match weights {
        Some(column) => {
            let length = column.array.values.len();
            if length != rows {
                return Err(malformed(format!("has {rows} rows of actions and {length} of weights; expected as many")));
            }
            if column.array.values.iter().any(|weight| *weight < 0.0) {
                return Err(malformed(format!("has a negative number in `{}`", column.name)));
            }
            column.array.values
        }
        None => vec![1.0; rows],
    };
    let mut notes = Vec::new();
    let mut data = Rows {
        input_names: observations.names,
        output_names: targets.columns,
        observations: observations.values,
        targets: targets.values,
        weights,
        starts,
    };
    notes.extend(data.drop_final_observations().map_err(malformed)?);
    notes.extend(data.drop_missing(|row| log.arrays.place(row)).map_err(malformed)?);

    let mut dataset = Dataset::new(data.input_names.clone(), targets.space.output_names(), targets.kind);
    data.push_into(&mut dataset);
    let name = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let spec = environment.cloned().unwrap_or_else(|| plain_environment(name, &dataset.input_names, targets.space));
    let mut all_notes = log.arrays.notes;
    all_notes.extend(notes);
    Ok(Demonstrations { source: log.arrays.file, spec, rows: dataset, marked, notes: all_notes })
}

struct Log<'a> {
    /// What is not yet used.
    arrays: Arrays,
    environment: Option<&'a EnvironmentSpec>,
    asked: Option<ActionKind>,
    /// 1 for arrays `[rows, …]`, 2 for `[episodes, steps, …]`.
    leading_axes: usize,
}

struct Targets {
    space: ActionSpace,
    kind: Option<ScoreKind>,
    /// Where each output comes from, for messages.
    columns: Vec<String>,
    /// `[rows, outputs]`; NaN where something is missing.
    values: Vec<f64>,
}

struct SeenColumns {
    names: Vec<String>,
    /// `[rows, names]`; NaN where something is missing.
    values: Vec<f64>,
    /// Number of equally long episodes, where the array has an axis for them.
    episodes: Option<usize>,
}

impl Log<'_> {
    /// The array of observations; finds out how many axes count rows.
    fn observation_array(&mut self) -> Result<Column, ExpertError> {
        let column = self.arrays.take_numbers(&OBSERVATIONS)?.ok_or_else(|| self.arrays.missing("observations"))?;
        let is_action = |name: &str| {
            ACTION.iter().chain(SCORES.iter().map(|(score, _)| score)).any(|known| name.eq_ignore_ascii_case(known))
        };
        let actions = self.arrays.columns.iter().find(|column| is_action(&column.name));
        let action_shape = actions.map_or(&[][..], |column| &column.array.shape);
        if let [episodes, steps, _, ..] = column.array.shape[..] {
            let has_steps = match *action_shape {
                [rows] => rows == episodes * steps && steps > 1,
                [first, second, ..] => first == episodes && (second == steps || second + 1 == steps),
                [] => false,
            };
            self.leading_axes = 1 + usize::from(has_steps);
        }
        Ok(column)
    }

    /// The `indices` of the package `imitation`: the first row of every episode but the first one.
    fn first_rows(&mut self) -> Result<Option<EpisodeMarks>, ExpertError> {
        let has_actions = self.arrays.columns.iter().any(|column| column.name == "acts");
        if self.arrays.is_table || !has_actions {
            return Ok(None);
        }
        let Some(column) = self.arrays.take_numbers(&["indices"])? else { return Ok(None) };
        let starts: Vec<usize> =
            std::iter::once(0).chain(column.array.values.iter().map(|value| *value as usize)).collect();
        if starts.windows(2).any(|pair| pair[0] >= pair[1]) {
            return Err(ExpertError::malformed(&self.arrays.file, "has `indices` that do not rise"));
        }
        Ok(Some(EpisodeMarks::Rows(starts)))
    }

    fn targets(&mut self) -> Result<Targets, ExpertError> {
        let actions = self.arrays.take(&ACTION)?;
        for (name, kind) in SCORES {
            let is_array = self.arrays.columns.iter().any(|column| column.name == name && !self.arrays.is_table);
            if let Some(column) = if is_array { self.arrays.take_numbers(&[name])? } else { None } {
                return self.vectors(column, Some(kind));
            }
        }
        match actions {
            Some(column) => match self.labels(&column)? {
                Some(labels) => self.one_hot(&column.name, labels),
                None => {
                    self.arrays.check_numbers(&column)?;
                    self.vectors(column, None)
                }
            },
            None if self.arrays.is_table => self.action_columns(),
            None => Err(self.arrays.missing("actions")),
        }
    }

    /// The labels of discrete actions in a column, where it holds some.
    fn labels(&self, column: &Column) -> Result<Option<Labels>, ExpertError> {
        if matches!(column.kind, Kind::Unreadable { .. } | Kind::Empty) {
            self.arrays.check_numbers(column)?;
        }
        let shape = &column.array.shape;
        if shape.iter().skip(self.leading_axes).any(|size| *size != 1) {
            return Ok(None);
        }
        let labels = match self.environment.map(|environment| &environment.action_space) {
            Some(ActionSpace::Box(_)) => Ok(None),
            Some(ActionSpace::Discrete(space)) => Labels::of_space(column, space).map(Some),
            None => Labels::find(column, self.asked),
        };
        labels.map_err(|reason| ExpertError::malformed(&self.arrays.file, reason))
    }

    /// `[rows]` actions to `[rows, actions]` of 0 and 1.
    fn one_hot(&mut self, name: &str, labels: Labels) -> Result<Targets, ExpertError> {
        let count = labels.names.len();
        if count < 2 && !labels.actions.is_empty() {
            let only = labels.names.first().map_or("", |name| name.trim_start_matches("action "));
            let reason = format!("has the action {only} in every row of `{name}`; there is nothing to explain");
            return Err(ExpertError::malformed(&self.arrays.file, reason));
        }
        self.arrays.notes.extend(labels.note);
        let mut values = vec![0.0; labels.actions.len() * count];
        for (row, action) in values.chunks_exact_mut(count.max(1)).zip(&labels.actions) {
            match action.is_nan() {
                true => row.fill(f64::NAN),
                false => row[*action as usize] = 1.0,
            }
        }
        let space = match self.environment {
            Some(environment) => environment.action_space.clone(),
            None => ActionSpace::Discrete(DiscreteSpace::new(labels.names)),
        };
        Ok(Targets { space, kind: None, columns: vec![name.to_owned(); count], values })
    }

    /// Numbers for each action: scores, or vector actions where `kind` is none.
    fn vectors(&mut self, column: Column, kind: Option<ScoreKind>) -> Result<Targets, ExpertError> {
        let shape = &column.array.shape;
        let size: usize = shape.iter().skip(self.leading_axes).product();
        if shape.is_empty() || size == 0 {
            let reason = format!("has `{}` of shape {shape:?}; expected [rows] or [rows, size]", column.name);
            return Err(ExpertError::malformed(&self.arrays.file, reason));
        }
        let names = (0..size).map(|index| format!("a_{index}")).collect();
        self.targets_of(&column.name, names, kind, column.array.values)
    }

    /// Checks what is meant by `values` `[rows, names]` against the environment.
    fn targets_of(
        &mut self,
        name: &str,
        names: Vec<String>,
        kind: Option<ScoreKind>,
        values: Vec<f64>,
    ) -> Result<Targets, ExpertError> {
        let malformed = |reason: String| ExpertError::malformed(&self.arrays.file, reason);
        let size = names.len();
        let columns = vec![name.to_owned(); size];
        let is_discrete = match self.environment {
            Some(environment) => matches!(environment.action_space, ActionSpace::Discrete(_)),
            None => kind.is_none() && self.asked != Some(ActionKind::Numbers),
        };
        let is_one_hot = kind.is_none() && is_discrete && is_one_hot(&values, size);
        let is_vector = matches!(kind, None | Some(ScoreKind::Means)) && !is_one_hot;
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
                let coordinate = |(index, output): (usize, &String)| {
                    let column = || values.iter().skip(index).step_by(size).copied().filter(|value| value.is_finite());
                    let (low, high) =
                        (column().fold(f64::INFINITY, f64::min), column().fold(f64::NEG_INFINITY, f64::max));
                    if low < high || values.is_empty() {
                        return Ok(Coordinate::new(output, "", low, high));
                    }
                    if low > high {
                        return Err(malformed(format!("has no number in `{name}`")));
                    }
                    Err(malformed(format!(
                        "has the action {low} in every row of `{output}`; there is nothing to explain"
                    )))
                };
                let coordinates = names.iter().enumerate().map(coordinate).collect::<Result<_, _>>()?;
                ActionSpace::Box(BoxSpace::new(ElementType::F32, coordinates))
            }
            None if is_one_hot => {
                let note = format!("`{name}` holds a 1 in one of {size} places in every row: {size} discrete actions");
                self.arrays.notes.push(note);
                ActionSpace::Discrete(DiscreteSpace::new(names))
            }
            None => ActionSpace::Discrete(DiscreteSpace::new((0..size).map(|index| format!("action {index}")))),
        };
        Ok(Targets { space, kind, columns, values })
    }

    /// The columns `action_NAME`.
    fn action_columns(&mut self) -> Result<Targets, ExpertError> {
        let part = |column: &Column| roles::action_part(&column.name).map(str::to_owned);
        let names: Vec<String> = self
            .arrays
            .columns
            .iter()
            .filter(|column| part(column).is_some())
            .map(|column| column.name.clone())
            .collect();
        if names.is_empty() {
            return Err(self.arrays.missing("action"));
        }
        let values = self.arrays.side_by_side(&names)?;
        let short = |name: &String| {
            let name = roles::variable(roles::action_part(name).unwrap_or(name));
            if name.starts_with(|first: char| first.is_ascii_digit()) { format!("a_{name}") } else { name }
        };
        let short: Vec<String> = names.iter().map(short).collect();
        self.arrays.columns.retain(|column| !names.contains(&column.name));
        let mut targets = self.targets_of("action_…", short, None, values)?;
        targets.columns = names;
        Ok(targets)
    }

    fn observation_columns(&mut self) -> Result<SeenColumns, ExpertError> {
        let names: Vec<String> = match self.environment {
            Some(environment) => environment.observation_space.names(),
            None => {
                let (names, left_out) = roles::observations(&self.arrays);
                if !left_out.is_empty() {
                    self.arrays
                        .notes
                        .push(format!("skipped, because they are not observations: {}", left_out.join(", ")));
                }
                names
            }
        };
        if names.is_empty() {
            return Err(ExpertError::malformed(&self.arrays.file, "has no columns of observations"));
        }
        let values = self.arrays.side_by_side(&names)?;
        Ok(SeenColumns { names: distinct(names), values, episodes: None })
    }

    fn observations_of(&mut self, column: Column) -> Result<SeenColumns, ExpertError> {
        let shape = &column.array.shape;
        let size: usize = shape.iter().skip(self.leading_axes).product();
        if shape.is_empty() || size == 0 {
            let reason = format!("has `{}` of shape {shape:?}; expected [rows, observation size]", column.name);
            return Err(ExpertError::malformed(&self.arrays.file, reason));
        }
        let names: Vec<String> = match self.environment {
            Some(environment) => environment.observation_space.names(),
            None => (0..size).map(|index| format!("x_{index}")).collect(),
        };
        if names.len() != size {
            let reason = format!("has {size} numbers in an observation; expected {}", names.len());
            return Err(ExpertError::malformed(&self.arrays.file, reason));
        }
        let inside = &shape[self.leading_axes..];
        if inside.len() > 1 {
            self.arrays.notes.push(format!("each observation of shape {inside:?} is taken as {size} numbers in a row"));
        }
        let episodes = (self.leading_axes == 2).then(|| shape[0]);
        Ok(SeenColumns { names: distinct(names), values: column.array.values, episodes })
    }
}

/// Names as variables of a formula, each of its own.
fn distinct(names: Vec<String>) -> Vec<String> {
    let mut distinct: Vec<String> = Vec::with_capacity(names.len());
    for name in names {
        let mut name = roles::variable(&name);
        while name.is_empty() || distinct.contains(&name) {
            name.push('_');
        }
        distinct.push(name);
    }
    distinct
}

/// Whether every complete row of `size` numbers has a single 1 among zeros.
fn is_one_hot(values: &[f64], size: usize) -> bool {
    let mut rows = values.chunks_exact(size).filter(|row| row.iter().all(|value| !value.is_nan())).peekable();
    size > 1
        && rows.peek().is_some()
        && rows.all(|row| {
            row.iter().all(|value| *value == 0.0 || *value == 1.0)
                && row.iter().filter(|value| **value == 1.0).count() == 1
        })
}
