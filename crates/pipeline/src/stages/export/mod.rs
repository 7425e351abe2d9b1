use crate::engine::{Input, Stage, StageError};
use crate::run::LockedRun;
use crate::stages::select::Selection;
use bevy_ecs::prelude::Res;
use kanrl_symbolic::{Formula, SymbolicError};

/// A stage `export_FILE` that writes the chosen formula to a file at the top of the run directory. The exporter is any
/// function of the formula: one of one's own, or `|formula| kanrl_symbolic::export(formula, Format::C)`. Insert it anywhere
/// after `select`; it runs every time.
pub fn export(
    file: impl Into<String>,
    exporter: impl Fn(&Formula) -> Result<String, SymbolicError> + Send + Sync + 'static,
) -> Stage {
    let file = file.into();
    let (name, summary) = (format!("export_{file}"), format!("writes the formula as {file}"));
    let system = move |run: Res<LockedRun>, selection: Input<Selection>| -> Result<(), StageError> {
        let text = exporter(&selection.chosen().formula).map_err(|error| StageError::Other(Box::new(error)))?;
        Ok(run.write_extra(&file, text.as_bytes())?)
    };
    Stage::new(name, summary, system)
}
