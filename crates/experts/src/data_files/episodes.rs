//! Where a log's episodes begin.

use super::arrays::Arrays;
use super::arrays::Kind;
use crate::ExpertError;

/// How a log marks its episodes.
pub(super) enum EpisodeMarks {
    /// 1 in the first row, or the first rows' numbers.
    Starts(Vec<f64>),
    /// Not 0 in the last row.
    Ends(Vec<f64>),
    /// Changes with each episode.
    Numbers(Vec<f64>),
    /// The first rows.
    Rows(Vec<usize>),
    Absent,
}

/// Names of columns that number or name episodes.
const NUMBERS: [&str; 9] = [
    "episode",
    "episodes",
    "episode_id",
    "episode_index",
    "episode_number",
    "trajectory",
    "trajectory_id",
    "traj",
    "traj_id",
];

impl EpisodeMarks {
    /// Takes the marks out of `arrays`.
    pub(super) fn take(arrays: &mut Arrays) -> Result<Self, ExpertError> {
        let starts = arrays.take_numbers(&["episode_starts", "episode_start"])?;
        let numbers = if arrays.is_table { arrays.take(&NUMBERS)? } else { None };
        let mut ends: Option<Vec<f64>> = None;
        // An episode ends where any of the flags says so.
        for names in [
            &["dones", "done"][..],
            &["terminals", "terminal", "terminated", "terminations"],
            &["timeouts", "timeout", "truncated", "truncations"],
        ] {
            if let Some(column) = arrays.take_numbers(names)? {
                let values = column.array.values;
                let sum = ends.get_or_insert_with(|| vec![0.0; values.len()]);
                if sum.len() != values.len() {
                    let reason = format!("has `{}` whose length differs from its other flags", column.name);
                    return Err(ExpertError::malformed(&arrays.file, reason));
                }
                sum.iter_mut().zip(&values).for_each(|(sum, value)| *sum += value.abs());
            }
        }
        Ok(match (starts, numbers, ends) {
            (Some(column), _, _) => Self::Starts(column.array.values),
            (None, Some(column), _) if column.kind != Kind::Empty => Self::Numbers(column.array.values),
            (None, _, Some(ends)) => Self::Ends(ends),
            (None, _, None) => Self::Absent,
        })
    }

    /// First row of each episode.
    pub(super) fn rows(self, rows: usize) -> Result<Vec<usize>, String> {
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
            // A row without a mark does not end an episode.
            Self::Ends(marks) if marks.len() == rows => {
                Ok((0..rows).filter(|row| *row == 0 || marks[*row - 1] != 0.0 && !marks[*row - 1].is_nan()).collect())
            }
            Self::Numbers(marks) if marks.len() == rows => {
                let changes = |row: usize| marks[row - 1] != marks[row] && !marks[row].is_nan();
                Ok((0..rows).filter(|row| *row == 0 || changes(*row)).collect())
            }
            Self::Starts(marks) | Self::Ends(marks) | Self::Numbers(marks) => Err(wrong(marks.len())),
            Self::Rows(starts) => Ok(starts),
            Self::Absent => Ok(vec![0]),
        }
    }
}
