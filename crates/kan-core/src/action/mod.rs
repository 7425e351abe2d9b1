//! Actions: one at a time, a batch of them in one flat buffer, and the rule that turns outputs into them.

mod rule;

pub use rule::ActionRule;
pub(crate) use rule::clip;

use crate::space::ActionSpace;

/// A vector action with the element type it was given in: Gymnasium's results depend on it to the bit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ContinuousAction<'a> {
    /// What policies send.
    F32(&'a [f32]),
    /// What a recording may hold.
    F64(&'a [f64]),
}

impl ContinuousAction<'_> {
    /// Number of coordinates.
    pub fn len(&self) -> usize {
        match self {
            Self::F32(values) => values.len(),
            Self::F64(values) => values.len(),
        }
    }

    /// Whether there is no coordinate.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Coordinate `index`, widened.
    ///
    /// # Panics
    /// If `index` is not below [`Self::len`].
    pub fn get(&self, index: usize) -> f64 {
        match self {
            Self::F32(values) => f64::from(values[index]),
            Self::F64(values) => values[index],
        }
    }
}

/// An action of either kind.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Action<'a> {
    /// Index into the actions of a [`DiscreteSpace`](crate::space::DiscreteSpace).
    Discrete(usize),
    /// A vector of f32.
    F32(&'a [f32]),
    /// A vector of f64.
    F64(&'a [f64]),
}

/// A batch of actions in one flat buffer, one row each.
#[derive(Clone, Debug, PartialEq)]
pub enum ActionBatch {
    /// `[rows]` indices.
    Discrete(Vec<usize>),
    /// `[rows, size]` numbers, row-major.
    Continuous {
        /// `rows × size` numbers.
        values: Vec<f32>,
        /// Numbers in a row.
        size: usize,
    },
}

impl ActionBatch {
    /// `rows` zero actions for `space`.
    pub fn zeros(space: &ActionSpace, rows: usize) -> Self {
        match space {
            ActionSpace::Discrete(_) => Self::Discrete(vec![0; rows]),
            ActionSpace::Box(space) => Self::Continuous { values: vec![0.0; rows * space.len()], size: space.len() },
        }
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        match self {
            Self::Discrete(actions) => actions.len(),
            Self::Continuous { values, size } => values.len().checked_div(*size).unwrap_or(0),
        }
    }

    /// Makes room for exactly `rows` rows; new ones are zero. Does not allocate when it has held as many before.
    pub fn resize(&mut self, rows: usize) {
        match self {
            Self::Discrete(actions) => actions.resize(rows, 0),
            Self::Continuous { values, size } => values.resize(rows * *size, 0.0),
        }
    }

    /// Row `row`.
    ///
    /// # Panics
    /// If `row` is not below [`Self::rows`].
    #[inline]
    pub fn row(&self, row: usize) -> Action<'_> {
        match self {
            Self::Discrete(actions) => Action::Discrete(actions[row]),
            Self::Continuous { values, size } => Action::F32(&values[row * size..(row + 1) * size]),
        }
    }

    /// Appends a row.
    ///
    /// # Panics
    /// If the action is of another kind than the batch.
    #[inline]
    pub fn push(&mut self, action: Action<'_>) {
        match (self, action) {
            (Self::Discrete(actions), Action::Discrete(action)) => actions.push(action),
            (Self::Continuous { values, size }, Action::F32(action)) if *size == action.len() => {
                values.extend_from_slice(action);
            }
            _ => panic!("{action:?} is of another kind than the batch"),
        }
    }
}
