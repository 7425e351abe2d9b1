//! Rounding a draft's constants.

use super::Draft;
use super::draft::deviations;
use kanrl_symbolic::{SymbolicError, round};

/// Rows that rounding is judged on.
const ROWS: usize = 2000;

/// The draft with its constants rounded to the fewest digits that change no output by more than `tolerance` of its
/// standard deviation on `rows` `[rows, inputs]`, and the most digits that a constant needed.
///
/// # Errors
/// [`SymbolicError`] for a tolerance that is not a number from 0 on, or no rows.
pub fn rounded(draft: &Draft, rows: &[f64], tolerance: f64) -> Result<(Draft, u32), SymbolicError> {
    let inputs = draft.inputs().len();
    let rows = spread(rows, inputs, ROWS);
    let outputs = draft.expressions().len();
    let mut values = vec![0.0; rows.len() / inputs * outputs];
    draft.tape().evaluate(&rows, &mut values);
    let smallest = deviations(&values, outputs).into_iter().fold(f64::INFINITY, f64::min);
    let rounding = round(draft.expressions(), draft.inputs(), &rows, tolerance * smallest)?;
    let folded = rounding.expressions.iter().map(kanrl_symbolic::Expression::folded).collect();
    Ok((Draft::new(draft.head().clone(), draft.inputs().to_vec(), folded)?, rounding.digits))
}

/// About `count` rows at even distances.
pub fn spread(rows: &[f64], width: usize, count: usize) -> Vec<f64> {
    let step = (rows.len() / width).div_ceil(count).max(1);
    rows.chunks_exact(width).step_by(step).flatten().copied().collect()
}
