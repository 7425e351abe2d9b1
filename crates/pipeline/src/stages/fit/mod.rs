//! Fitting the approximators to the expert.

pub(crate) mod model;
pub(crate) mod network;

pub use model::Model;
pub use network::Network;

use crate::engine::{Input, Output, StageError};
use crate::rows::Rows;
use crate::stages::artifacts::{FittedModels, FittedNetworks};
use crate::stages::collect::ExpertData;
use crate::stages::context::StageContext;
use crate::stages::per_student::PerStudent;
use crate::students::{self, NetworkStudent};
use kanrl_core::approximator::{ApproximatorError, FitObserver, FitReport, FitTask, FunctionApproximator};
use kanrl_core::config::{ApproximatorConfig, BuildError};
use kanrl_core::graph::UnivariateGraph;
use std::ops::ControlFlow;

/// Rows that a network is fitted to at most: some tens for each of its numbers. Long episodes have many that are alike.
const MOST_ROWS: usize = 8000;

/// Fits every student's model; early stopping is by the validation set.
pub fn fit(
    mut made_models: Output<FittedModels>,
    mut made_networks: Output<FittedNetworks>,
    setting: StageContext<'_>,
    data: Input<ExpertData>,
) -> Result<(), StageError> {
    let models = fit_all(&setting, &data)?;
    let mut networks = Vec::new();
    for (name, model) in models.iter().filter(|(_, model)| model.config.has_graph()) {
        networks.push((name.clone(), Network(graph(model, &data)?)));
    }
    made_networks.set(PerStudent::new(networks));
    made_models.set(PerStudent::new(models));
    Ok(())
}

/// Every student's network, fitted.
fn fit_all(setting: &StageContext<'_>, data: &ExpertData) -> Result<Vec<(String, Model)>, StageError> {
    let fit = |NetworkStudent { name, approximator, .. }: NetworkStudent| {
        let (model, report) = fit_model(setting, "fit", &name, approximator, data)?;
        let losses = losses(report.train_loss, report.validation_loss);
        setting.reporter.message("fit", format!("{name}, {} steps: {losses}", report.steps));
        Ok((name, model))
    };
    students::networks(setting.config()).map_err(build_error)?.into_iter().map(fit).collect()
}

/// Builds an approximator and fits it.
pub(super) fn fit_model(
    setting: &StageContext<'_>,
    stage: &str,
    name: &str,
    config: Box<dyn ApproximatorConfig>,
    data: &ExpertData,
) -> Result<(Model, FitReport), StageError> {
    let (inputs, outputs) = (setting.spec().observation_space.len(), setting.head().outputs());
    let approximator = config.build(inputs, outputs, setting.config().seed).map_err(build_error)?;
    let fit: &Fit = &|model, task, observer| model.fit(task, observer);
    learn(setting, stage, name, Model { config, approximator }, data, fit)
}

/// A model that learns from more rows what it does not know yet.
pub(super) fn fit_further(
    setting: &StageContext<'_>,
    stage: &str,
    name: &str,
    model: &Model,
    data: &ExpertData,
) -> Result<(Model, FitReport), StageError> {
    let copy = Model {
        config: copy(model.config.as_ref())?,
        approximator: model.config.load(&model.approximator.save()).map_err(build_error)?,
    };
    let fit: &Fit = &|model, task, observer| model.fit_further(task, observer);
    learn(setting, stage, name, copy, data, fit)
}

fn copy(config: &dyn ApproximatorConfig) -> Result<Box<dyn ApproximatorConfig>, StageError> {
    let value = serde_json::to_value(config).map_err(|error| StageError::Other(Box::new(error)))?;
    serde_json::from_value(value).map_err(|error| StageError::Other(Box::new(error)))
}

/// How an approximator is fitted.
type Fit =
    dyn Fn(&mut dyn FunctionApproximator, FitTask<'_>, &mut FitObserver<'_>) -> Result<FitReport, ApproximatorError>;

/// Fits a model and tells the run's readers how far it is.
fn learn(
    setting: &StageContext<'_>,
    stage: &str,
    name: &str,
    mut model: Model,
    data: &ExpertData,
    fit: &Fit,
) -> Result<(Model, FitReport), StageError> {
    #[cfg(feature = "gpu")]
    kanrl_wgpu::register();
    let (head, reporter) = (setting.head(), &setting.reporter);
    let (inputs, outputs) = (setting.spec().observation_space.len(), head.outputs());
    let loss = head.loss(&data.train);
    let rows = Rows::spread(data.train.samples(), MOST_ROWS, inputs, outputs);
    let validation = Rows::spread(data.validation.samples(), MOST_ROWS / 2, inputs, outputs);
    let task = FitTask { train: rows.samples(), validation: Some(validation.samples()), loss: &loss };
    let report = fit(model.approximator.as_mut(), task, &mut |progress| {
        let message = format!("steps of {name}, loss {:.3e}", progress.train_loss);
        reporter.progress(stage, progress.step as u64, progress.steps as u64, message);
        reporter.metric(stage, &format!("train loss of {name}"), progress.step as u64, progress.train_loss);
        if let Some(loss) = progress.validation_loss {
            reporter.metric(stage, &format!("validation loss of {name}"), progress.step as u64, loss);
        }
        if reporter.is_cancelled() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    if report.cancelled {
        return Err(StageError::Cancelled);
    }
    if let Some(device) = &report.device {
        reporter.message(stage, format!("{name}: {device}"));
    }
    Ok((model, report))
}

/// A fitted model's graph, with the observations' names.
pub(super) fn graph(model: &Model, data: &ExpertData) -> Result<UnivariateGraph, StageError> {
    let Some(mut graph) = model.approximator.graph(data.train.samples()) else {
        let kind = model.approximator.kind();
        let reason = format!("`{kind}` cannot be turned into a formula; use kind = \"kan\" or \"linear\"");
        return Err(StageError::Unsupported { reason });
    };
    graph.set_input_names(&data.train.input_names);
    Ok(graph)
}

pub(super) fn build_error(error: BuildError) -> StageError {
    StageError::Other(Box::new(error))
}

/// The two losses as text.
pub(super) fn losses(train: f64, validation: Option<f64>) -> String {
    let validation = validation.map_or_else(String::new, |loss| format!(", validation loss {loss:.4e}"));
    format!("training loss {train:.4e}{validation}")
}
