use super::fit::losses;
use crate::artefacts::{ExpertData, FaithfulFormula, Network};
use crate::engine::{Get, Make, StageError};
use crate::run::Setting;
use kan_core::approximator::FitTask;
use std::ops::ControlFlow;
use symbolic::{Expression, SymbolicError, Tape, graph_expressions, round};

/// Rows that rounding is judged on.
const ROUNDING_ROWS: usize = 2000;

/// Fits all constants again, together, turns the network into expressions, and rounds them.
pub fn refine(
    mut made: Make<'_, FaithfulFormula>,
    setting: Setting<'_>,
    data: Get<'_, ExpertData>,
    network: Get<'_, Network>,
) -> Result<(), StageError> {
    let (section, head, reporter) = (&setting.config().refine, setting.head(), &setting.reporter);
    let loss = head.loss();
    let mut graph = network.0.clone();
    let fit = FitTask { train: data.train.samples(), validation: Some(data.validation.samples()), loss: &loss };
    let report = graph.refit(fit, section.steps, &mut |progress| {
        let message = format!("steps, loss {:.3e}", progress.train_loss);
        reporter.progress("refine", progress.step as u64, progress.steps as u64, message);
        if reporter.is_cancelled() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    if report.cancelled {
        return Err(StageError::Cancelled);
    }
    reporter.message("refine", losses(report.train_loss, report.validation_loss));
    let inputs = setting.spec().observation_space.names();
    let expressions = graph_expressions(&graph).map_err(failed)?;
    let rows = spread_rows(&data.train.observations, inputs.len());
    let tolerance = section.rounding_tolerance * smallest_deviation(&expressions, &inputs, &rows)?;
    let rounded = round(&expressions, &inputs, &rows, tolerance).map_err(failed)?;
    let formula = head.formula(inputs, rounded.expressions).map_err(failed)?;
    reporter.message(
        "refine",
        format!("{} operations, constants of at most {} digits", formula.operations(), rounded.digits),
    );
    made.set(FaithfulFormula(formula));
    Ok(())
}

fn failed(error: SymbolicError) -> StageError {
    StageError::Other(Box::new(error))
}

/// Rows at even distances.
fn spread_rows(observations: &[f64], inputs: usize) -> Vec<f64> {
    let step = (observations.len() / inputs).div_ceil(ROUNDING_ROWS).max(1);
    observations.chunks_exact(inputs).step_by(step).flatten().copied().collect()
}

/// The smallest standard deviation of any output: rounding is allowed to change outputs by a share of it.
fn smallest_deviation(expressions: &[Expression], inputs: &[String], rows: &[f64]) -> Result<f64, StageError> {
    let tape = Tape::compile(expressions, inputs).map_err(failed)?;
    let outputs = expressions.len();
    let count = rows.len() / inputs.len();
    let mut values = vec![0.0; count * outputs];
    tape.evaluate(rows, &mut values);
    let deviation = |output: usize| {
        let column = || values.iter().skip(output).step_by(outputs);
        let mean = column().sum::<f64>() / count as f64;
        (column().map(|value| (value - mean).powi(2)).sum::<f64>() / count as f64).sqrt()
    };
    Ok((0..outputs).map(deviation).fold(f64::INFINITY, f64::min))
}
