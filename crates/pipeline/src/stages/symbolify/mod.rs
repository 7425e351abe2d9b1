//! Naming the edges of a network.

pub mod naming;

use crate::engine::{Output, StageError};
use crate::stages::artifacts::{LatestData, NamedNetworks, UnnamedNetworks};
use crate::stages::context::StageContext;
use crate::stages::fit::Network;
use crate::stages::fit::{build_error, losses};
use crate::stages::per_student::PerStudent;
use crate::stages::symbolify::naming::SymbolifyTask;
use crate::students::{self, LibraryPart};
use kanrl_core::approximator::FitTask;

/// Names every edge of every network.
pub fn symbolify(
    setting: StageContext<'_>,
    data: LatestData,
    networks: UnnamedNetworks,
    mut made: Output<NamedNetworks>,
) -> Result<(), StageError> {
    let reporter = &setting.reporter;
    let students = students::networks(setting.config()).map_err(build_error)?;
    let mut named = Vec::new();
    for (name, network) in networks.iter() {
        let data = data.of(name);
        let loss = setting.head().loss(&data.train);
        let student = students.iter().find(|student| student.name == name);
        let functions = student.and_then(|student| student.functions.as_deref());
        let library = LibraryPart::new(setting.library(), functions).map_err(build_error)?;
        let task = SymbolifyTask {
            fit: FitTask { train: data.train.samples(), validation: Some(data.validation.samples()), loss: &loss },
            library: &library,
            section: &setting.config().symbolify,
        };
        let mut progress = |done: usize, total: usize, text: String| {
            reporter.progress("symbolify", done as u64, total as u64, format!("edges of {name}"));
            if !text.is_empty() {
                reporter.message("symbolify", format!("{name}: {text}"));
            }
            !reporter.is_cancelled()
        };
        let Some(outcome) = naming::symbolify(&network.0, &task, &mut progress)? else {
            return Err(StageError::Cancelled);
        };
        let losses = losses(outcome.report.train_loss, outcome.report.validation_loss);
        reporter.message("symbolify", format!("{name}: {} named edges: {losses}", outcome.graph.edges.len()));
        named.push((name.to_owned(), Network(outcome.graph)));
    }
    made.set(PerStudent::new(named));
    Ok(())
}
