//! DAgger: the student plays, the expert labels the states it saw, the student learns them too.

pub mod rounds;

use crate::engine::{Make, StageError};
use crate::policies::Student;
use crate::stages::collect::ExpertData;
use crate::stages::context::StageContext;
use crate::stages::dagger::rounds::Dagger;
use crate::stages::fit::{Model, Network};
use crate::stages::fit::{fit_model, graph};
use crate::stages::per_student::PerStudent;
use kanrl_core::config::ApproximatorConfig;
use std::sync::Arc;

/// Lets every network play, the expert label what it saw, and the network learn that too.
pub fn dagger(
    setting: StageContext<'_>,
    mut data: Make<'_, PerStudent<ExpertData>>,
    mut models: Make<'_, PerStudent<Model>>,
    mut networks: Make<'_, PerStudent<Network>>,
) -> Result<(), StageError> {
    if setting.config().dagger.rounds == 0 {
        return Ok(());
    }
    let Some(dagger) = Dagger::new(&setting, "dagger")? else {
        setting.reporter.message("dagger", "a log says nothing of other states: no rounds");
        return Ok(());
    };
    let inputs = setting.spec().observation_space.len();
    let datasets = std::mem::take(data.get_mut()).0;
    let first = std::mem::take(models.get_mut()).0;
    let (mut new_data, mut new_models, mut new_networks) = (Vec::new(), Vec::new(), Vec::new());
    for ((name, data), (_, model)) in datasets.into_iter().zip(first) {
        let best = dagger.rounds(
            &name,
            Arc::new(model),
            data,
            &|model: &Arc<Model>| {
                let predict = |inputs: &[f64], outputs: &mut [f64]| model.approximator.predict(inputs, outputs);
                Box::new(Student::new(inputs, setting.head(), predict))
            },
            &mut |model, data| {
                let config = copy(model.config.as_ref())?;
                fit_model(&setting, "dagger", &name, config, data).map(|(model, _)| Arc::new(model))
            },
        )?;
        let line = format!("{name}: round {} is the best, mean return {:.2}", best.round, best.mean);
        setting.reporter.message("dagger", line);
        new_networks.push((name.clone(), Network(graph(&best.student, &best.data)?)));
        let model = Arc::into_inner(best.student).expect("the rounds are over");
        new_models.push((name.clone(), model));
        new_data.push((name, best.data));
    }
    data.set(PerStudent(new_data));
    models.set(PerStudent(new_models));
    networks.set(PerStudent(new_networks));
    Ok(())
}

fn copy(config: &dyn ApproximatorConfig) -> Result<Box<dyn ApproximatorConfig>, StageError> {
    let value = serde_json::to_value(config).map_err(|error| StageError::Other(Box::new(error)))?;
    serde_json::from_value(value).map_err(|error| StageError::Other(Box::new(error)))
}
