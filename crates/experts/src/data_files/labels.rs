//! Discrete actions in a log: which numbers and texts are labels of a choice, and which action each of them is.

use super::arrays::{Column, Kind};
use crate::spaces::MAX_ACTIONS;
use kanrl_core::space::DiscreteSpace;
use serde::{Deserialize, Serialize};

/// What a log's column of actions holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ActionKind {
    /// Labels of discrete actions.
    Labels,
    /// One continuous action.
    Numbers,
}

impl std::str::FromStr for ActionKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "labels" => Ok(Self::Labels),
            "numbers" => Ok(Self::Numbers),
            _ => Err(format!("`{text}` is neither `labels` nor `numbers`")),
        }
    }
}

/// Most different whole numbers of an integer type that are still taken for labels.
const MOST_INTEGERS: usize = 64;
/// Most different whole numbers among floats, as pandas and NumPy write labels.
const MOST_WHOLE_FLOATS: usize = 16;
/// Most different fractions that are taken for labels, each of which must fill many rows.
const MOST_FRACTIONS: usize = 4;
const ROWS_OF_A_FRACTION: usize = 20;

/// The labels of a log's actions.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Labels {
    /// What each action is called in the file, by its number.
    pub(super) names: Vec<String>,
    /// The number of each row's action; NaN where it is missing.
    pub(super) actions: Vec<f64>,
    /// How the column was read, where that could have been otherwise.
    pub(super) note: Option<String>,
}

impl Labels {
    /// The labels of a column without an environment, or `None` where it holds numbers.
    ///
    /// # Errors
    /// A sentence without a subject.
    pub(super) fn find(column: &Column, asked: Option<ActionKind>) -> Result<Option<Self>, String> {
        let name = &column.name;
        let values = &column.array.values;
        if let Kind::Labels { names, .. } = &column.kind {
            let mut order: Vec<usize> = (0..names.len()).collect();
            order.sort_by(|first, second| names[*first].cmp(&names[*second]));
            check_count(name, names.len())?;
            let rank = |code: usize| order.iter().position(|other| *other == code).unwrap_or(code) as f64;
            let ranks: Vec<f64> = (0..names.len()).map(rank).collect();
            let actions =
                values.iter().map(|code| if code.is_nan() { f64::NAN } else { ranks[*code as usize] }).collect();
            let names = order.into_iter().map(|code| names[code].clone()).collect();
            return Ok(Some(Self::named(name, names, actions)));
        }
        let Some(distinct) = distinct(values, MAX_ACTIONS) else {
            return match asked {
                Some(ActionKind::Labels) => check_count(name, MAX_ACTIONS + 1).map(|()| None),
                _ => Ok(None),
            };
        };
        let whole = distinct.iter().all(|value| value.fract() == 0.0);
        let are_labels = match (asked, &column.kind) {
            (Some(asked), _) => asked == ActionKind::Labels,
            (None, Kind::Flags) => true,
            (None, Kind::Integers) => distinct.len() <= MOST_INTEGERS,
            (None, _) if whole => distinct.len() <= MOST_WHOLE_FLOATS,
            (None, _) => distinct.len() <= MOST_FRACTIONS && distinct.len() * ROWS_OF_A_FRACTION <= values.len(),
        };
        if !are_labels {
            return Ok(None);
        }
        let number =
            |value: f64| distinct.iter().position(|label| *label == value).map_or(f64::NAN, |rank| rank as f64);
        let actions = values.iter().map(|value| number(*value)).collect();
        let text = |value: &f64| match (&column.kind, *value == 0.0) {
            (Kind::Flags, true) => "False".to_owned(),
            (Kind::Flags, false) => "True".to_owned(),
            _ => value.to_string(),
        };
        let is_plain =
            column.kind == Kind::Integers && distinct.iter().enumerate().all(|(index, value)| *value == index as f64);
        let mut labels = Self::named(name, distinct.iter().map(text).collect(), actions);
        if is_plain {
            labels.note = None;
            labels.names = (0..distinct.len()).map(|index| format!("action {index}")).collect();
        }
        Ok(Some(labels))
    }

    /// The labels of a column as numbers of an environment's actions.
    ///
    /// # Errors
    /// A sentence without a subject.
    pub(super) fn of_space(column: &Column, space: &DiscreteSpace) -> Result<Self, String> {
        let (name, count) = (&column.name, space.len());
        let known = || space.actions.join(", ");
        let same = |first: &str, second: &str| plain(first) == plain(second);
        let values = &column.array.values;
        if let Kind::Labels { names, .. } = &column.kind {
            let number = |label: &String| {
                let number = label.parse().ok().filter(|number: &usize| *number < count);
                let number = number.or_else(|| space.actions.iter().position(|action| same(action, label)));
                number.map(|number| number as f64).ok_or_else(|| {
                    format!(
                        "has the action {label:?} in `{name}`; expected whole numbers from 0 to {}, or {}",
                        count - 1,
                        known()
                    )
                })
            };
            let numbers: Vec<f64> = names.iter().map(number).collect::<Result<_, _>>()?;
            let actions =
                values.iter().map(|code| if code.is_nan() { f64::NAN } else { numbers[*code as usize] }).collect();
            return Ok(Self { names: space.actions.clone(), actions, note: None });
        }
        let inside = |value: &f64| value.is_nan() || value.fract() == 0.0 && *value >= 0.0 && *value < count as f64;
        if values.iter().all(inside) {
            return Ok(Self { names: space.actions.clone(), actions: values.clone(), note: None });
        }
        // As many labels as there are actions: -1 and 1, or a count from 1.
        match distinct(values, count) {
            Some(distinct) if distinct.len() == count && distinct.iter().all(|value| value.fract() == 0.0) => {
                let rank =
                    |value: &f64| distinct.iter().position(|label| label == value).map_or(f64::NAN, |rank| rank as f64);
                let names = distinct.iter().map(f64::to_string).collect();
                let labels = Self::named(name, names, values.iter().map(rank).collect());
                Ok(Self { names: space.actions.clone(), ..labels })
            }
            _ => {
                let outside = values.iter().find(|value| !inside(value)).copied().unwrap_or(f64::NAN);
                let last = count - 1;
                Err(format!("has the action {outside} in `{name}`; expected whole numbers from 0 to {last}"))
            }
        }
    }

    fn named(column: &str, names: Vec<String>, actions: Vec<f64>) -> Self {
        const SHOWN: usize = 12;
        let shown: Vec<String> =
            names.iter().take(SHOWN).enumerate().map(|(index, name)| format!("action {index} is {name}")).collect();
        let more = if names.len() > SHOWN { ", …" } else { "" };
        let note = format!("`{column}` holds {} labels: {}{more}", names.len(), shown.join(", "));
        Self { names, actions, note: Some(note) }
    }
}

/// The different finite values, sorted; `None` for more than `most` of them, or an infinite one.
fn distinct(values: &[f64], most: usize) -> Option<Vec<f64>> {
    let mut distinct: Vec<f64> = Vec::new();
    for value in values.iter().filter(|value| !value.is_nan()) {
        if let Err(place) = distinct.binary_search_by(|other| other.total_cmp(&(value + 0.0))) {
            if distinct.len() == most || value.is_infinite() {
                return None;
            }
            distinct.insert(place, value + 0.0);
        }
    }
    Some(distinct)
}

fn check_count(name: &str, count: usize) -> Result<(), String> {
    if count <= MAX_ACTIONS {
        return Ok(());
    }
    Err(format!("has more than {MAX_ACTIONS} different labels in `{name}`; expected at most as many actions"))
}

/// `push left` as `push_left`.
fn plain(name: &str) -> String {
    name.to_lowercase().replace([' ', '-'], "_")
}
