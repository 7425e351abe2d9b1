//! Exports that run in their own language, next to the formula.
//!
//! Each language has a few lines that read points, call the export, and write what it gives; the numbers are compared here.

mod programs;

pub(crate) use programs::python;

use crate::contract::Contract;
use crate::fixed::{Fixed, FixedError};
use crate::target::{ExportFile, Format, Scalar, Target};
use kanrl_symbolic::{ActionRule, Format as Text, Formula, SymbolicError};
use std::path::Path;

/// Relative error granted to doubles: of the largest number met on the way.
const DOUBLE: f64 = 1e-12;
/// The same for singles, 64 units in the last place.
const FLOAT: f64 = 64.0 / (1 << 24) as f64;

/// What came of a replay.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// It ran, and this is how near it came.
    Replayed(Replayed),
    /// What it needs is not installed.
    Missing(String),
    /// It is not a program.
    NotCode,
}

/// How near an export came to its formula.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Replayed {
    /// Points that were compared.
    pub rows: usize,
    /// Points at which a condition of the formula was too near to switching to say which branch is right.
    pub switching: usize,
    /// Largest difference of an output.
    pub largest_error: f64,
    /// The largest share of what is allowed that a difference took.
    pub share: f64,
    /// Points at which another action was chosen because two outputs were as near to each other as their errors.
    pub ties: usize,
}

/// Why a replay failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReplayError {
    /// A file could not be written or read.
    #[error("{path}: {source}")]
    File {
        /// Which.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// A program did not run, or ended with an error.
    #[error("{program} failed:\n{output}")]
    Failed {
        /// The program.
        program: String,
        /// What it said.
        output: String,
    },
    /// An output is not what the formula gives.
    #[error("at {observation:?} {output} is {found}; the formula gives {expected}, and {allowed:e} is allowed")]
    Output {
        /// The observation.
        observation: Vec<f64>,
        /// The output's name.
        output: String,
        /// What the export gave.
        found: f64,
        /// What the formula gives.
        expected: f64,
        /// How far they may be apart.
        allowed: f64,
    },
    /// An action is not what the formula chooses.
    #[error("at {observation:?} the action is {found:?}; the formula gives {expected:?}")]
    Action {
        /// The observation.
        observation: Vec<f64>,
        /// What the export gave.
        found: Vec<f64>,
        /// What the formula gives.
        expected: Vec<f64>,
    },
    /// Fewer or more numbers than there were points.
    #[error("the export gave {found} numbers where {expected} were expected")]
    Count {
        /// How many it gave.
        found: usize,
        /// How many there should be.
        expected: usize,
    },
    /// `formula.json` is not the contract's formula.
    #[error("formula.json is another formula than the contract's")]
    OtherFormula,
    /// The formula cannot be evaluated.
    #[error(transparent)]
    Symbolic(#[from] SymbolicError),
    /// The formula has no fixed point.
    #[error(transparent)]
    Fixed(#[from] FixedError),
}

/// Runs an export for observations `[rows, inputs]` and compares all it gives with the formula. **This runs the export's code.**
///
/// # Errors
/// [`ReplayError`] where it does not run, or differs by more than it may.
pub fn replay(
    target: Target,
    files: &[ExportFile],
    contract: &Contract,
    points: &[f64],
) -> Result<Outcome, ReplayError> {
    let folder =
        tempfile::tempdir().map_err(|source| ReplayError::File { path: "a temporary folder".to_owned(), source })?;
    for file in files {
        write(&folder.path().join(&file.name), &file.bytes)?;
    }
    let formula = &contract.formula;
    if target.format == Format::Text(Text::Json) {
        let same = files.first().is_some_and(|file| file.bytes == formula.to_json().as_bytes());
        return if same { Ok(Outcome::Replayed(Replayed::default())) } else { Err(ReplayError::OtherFormula) };
    }
    // Singles are given singles, so that only what the export computes is compared.
    let single = |value: &f64| f64::from(*value as f32);
    let points: Vec<f64> =
        if target.scalar == Scalar::Float { points.iter().map(single).collect() } else { points.to_vec() };
    write(&folder.path().join("points"), &points.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>())?;
    let program = match programs::find(target, formula) {
        Ok(Some(program)) => program,
        Ok(None) => return Ok(Outcome::NotCode),
        Err(missing) => return Ok(Outcome::Missing(missing)),
    };
    program.run(folder.path())?;
    let actions = read(&folder.path().join("actions"))?;
    // Of a vector, ONNX has nothing but the action.
    let values = folder.path().join("values");
    let values = if values.is_file() { Some(read(&values)?) } else { None };
    compare(target, contract, &points, values.as_deref(), &actions).map(Outcome::Replayed)
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), ReplayError> {
    std::fs::write(path, bytes).map_err(|source| ReplayError::File { path: path.display().to_string(), source })
}

fn read(path: &Path) -> Result<Vec<f64>, ReplayError> {
    let bytes = std::fs::read(path).map_err(|source| ReplayError::File { path: path.display().to_string(), source })?;
    Ok(bytes.chunks_exact(8).map(|bytes| f64::from_le_bytes(bytes.try_into().unwrap_or_default())).collect())
}

/// Compares what an export gave for `points` with the formula: `values` `[rows, outputs]` where it has any, `actions` `[rows]`, or
/// `[rows, outputs]` for a vector.
///
/// # Errors
/// [`ReplayError`] at the first difference that is larger than it may be.
pub fn compare(
    target: Target,
    contract: &Contract,
    points: &[f64],
    values: Option<&[f64]>,
    actions: &[f64],
) -> Result<Replayed, ReplayError> {
    let formula = &contract.formula;
    let (inputs, width) = (formula.inputs().len(), formula.outputs().len());
    let rows = points.len().checked_div(inputs).unwrap_or(1);
    let action_width = if matches!(formula.action(), ActionRule::Clip { .. }) { width } else { 1 };
    let counts =
        values.map(|values| (values.len(), rows * width)).into_iter().chain([(actions.len(), rows * action_width)]);
    for (found, expected) in counts {
        if found != expected {
            return Err(ReplayError::Count { found, expected });
        }
    }
    let tape = formula.compile()?;
    let (mut exact, mut scale) = (vec![0.0; rows * width], vec![0.0; rows]);
    tape.evaluate(points, &mut exact);
    tape.largest_intermediates(points, &mut scale);
    let fixed = match target.scalar {
        Scalar::Fixed(word) => Some(Fixed::new(formula, &contract.ranges(), word)?),
        _ => None,
    };
    let relative = if target.scalar == Scalar::Double { DOUBLE } else { FLOAT };
    let mut result = Replayed::default();
    for row in 0..rows {
        let observation = &points[row * inputs..(row + 1) * inputs];
        if fixed.as_ref().is_some_and(|fixed| fixed.is_switching(observation)) {
            result.switching += 1;
            continue;
        }
        result.rows += 1;
        let expected = &exact[row * width..(row + 1) * width];
        let mut allowed = vec![0.0; width];
        for (index, output) in formula.outputs().iter().enumerate() {
            allowed[index] = fixed.as_ref().map_or(relative * scale[row], |fixed| fixed.outputs[index].bound);
            let expected = expected[index];
            let found = values.map_or(expected, |values| values[row * width + index]);
            let error = (found - expected).abs();
            if found == expected || !found.is_finite() && !expected.is_finite() {
                continue;
            }
            if error > allowed[index] || error.is_nan() {
                let (observation, output, allowed) = (observation.to_vec(), output.name.clone(), allowed[index]);
                return Err(ReplayError::Output { observation, output, found, expected, allowed });
            }
            result.largest_error = result.largest_error.max(error);
            result.share = result.share.max(error / allowed[index]);
        }
        let found = &actions[row * action_width..(row + 1) * action_width];
        let chosen = act(formula, expected);
        if !is_right(formula, fixed.as_ref(), found, &chosen, expected, &allowed) {
            return Err(ReplayError::Action {
                observation: observation.to_vec(),
                found: found.to_vec(),
                expected: chosen,
            });
        }
        if action_width == width && values.is_none() {
            let error = found.iter().zip(&chosen).map(|(found, chosen)| (found - chosen).abs()).fold(0.0, f64::max);
            result.largest_error = result.largest_error.max(error);
            result.share = result.share.max(error / allowed.iter().copied().fold(f64::MIN_POSITIVE, f64::max));
        }
        let is_discrete = !matches!(formula.action(), ActionRule::Clip { .. });
        result.ties += usize::from(is_discrete && found != chosen && expected.iter().all(|value| value.is_finite()));
    }
    Ok(result)
}

fn act(formula: &Formula, outputs: &[f64]) -> Vec<f64> {
    use kanrl_core::action::ActionBatch;
    let mut actions = match formula.action() {
        ActionRule::Clip { .. } => ActionBatch::Continuous { values: Vec::new(), size: outputs.len() },
        _ => ActionBatch::Discrete(Vec::new()),
    };
    formula.act(outputs, &mut actions);
    match actions {
        ActionBatch::Discrete(actions) => actions.into_iter().map(|action| action as f64).collect(),
        ActionBatch::Continuous { values, .. } => values.into_iter().map(f64::from).collect(),
    }
}

/// Whether an action is the formula's, or as good within what outputs may differ by.
fn is_right(
    formula: &Formula,
    fixed: Option<&Fixed>,
    found: &[f64],
    chosen: &[f64],
    outputs: &[f64],
    allowed: &[f64],
) -> bool {
    if found == chosen || outputs.iter().any(|output| !output.is_finite()) {
        return true;
    }
    match formula.action() {
        ActionRule::Threshold => (found[0] == 0.0 || found[0] == 1.0) && outputs[0].abs() <= allowed[0],
        ActionRule::Argmax => {
            let action = found[0] as usize;
            let best = chosen[0] as usize;
            action < outputs.len() && outputs[best] - outputs[action] <= allowed[best] + allowed[action]
        }
        ActionRule::Clip { .. } => {
            let single = |value: f64| value.abs() * f64::from(f32::EPSILON);
            let bound = |index: usize| match fixed.map(|fixed| &fixed.action) {
                Some(crate::fixed::FixedAction::Clip(coordinates)) => coordinates[index].bound,
                _ => allowed[index] + single(chosen[index]),
            };
            (0..found.len()).all(|index| (found[index] - chosen[index]).abs() <= bound(index))
        }
    }
}
