use crate::artefacts::{ExpertData, Model, Network};
use crate::engine::{Get, Make, StageError};
use crate::run::Setting;
use kan_core::approximator::{FitTask, FunctionApproximator};
use std::ops::ControlFlow;

/// Fits the approximator and takes its graph; early stopping is by the validation set.
pub fn fit(
    mut made_model: Make<'_, Model>,
    mut made_network: Make<'_, Network>,
    setting: Setting<'_>,
    data: Get<'_, ExpertData>,
) -> Result<(), StageError> {
    let model = fitted(&setting, &data)?;
    let Some(mut graph) = model.graph(data.train.samples()) else {
        let reason = format!("`{}` cannot be turned into a formula; use kind = \"kan\" or \"linear\"", model.kind());
        return Err(StageError::Unsupported { reason });
    };
    graph.set_input_names(&data.train.input_names);
    made_model.set(Model(model));
    made_network.set(Network(graph));
    Ok(())
}

/// Fits an approximator that has no graph: the end of the line.
pub fn fit_without_graph(
    mut made_model: Make<'_, Model>,
    setting: Setting<'_>,
    data: Get<'_, ExpertData>,
) -> Result<(), StageError> {
    made_model.set(Model(fitted(&setting, &data)?));
    Ok(())
}

fn fitted(setting: &Setting<'_>, data: &ExpertData) -> Result<Box<dyn FunctionApproximator>, StageError> {
    let (config, head, reporter) = (setting.config(), setting.head(), &setting.reporter);
    let inputs = setting.spec().observation_space.len();
    let build = |error: kan_core::config::BuildError| StageError::Other(Box::new(error));
    let mut model = config.approximator.build(inputs, head.outputs(), config.seed).map_err(build)?;
    let loss = head.loss();
    let task = FitTask { train: data.train.samples(), validation: Some(data.validation.samples()), loss: &loss };
    let report = model.fit(task, &mut |progress| {
        let message = format!("steps, loss {:.3e}", progress.train_loss);
        reporter.progress("fit", progress.step as u64, progress.steps as u64, message);
        if reporter.is_cancelled() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    if report.cancelled {
        return Err(StageError::Cancelled);
    }
    reporter.message("fit", format!("{} steps: {}", report.steps, losses(report.train_loss, report.validation_loss)));
    Ok(model)
}

/// The two losses as text.
pub(super) fn losses(train: f64, validation: Option<f64>) -> String {
    let validation = validation.map_or_else(String::new, |loss| format!(", validation loss {loss:.4e}"));
    format!("training loss {train:.4e}{validation}")
}
