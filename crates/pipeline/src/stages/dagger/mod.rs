//! DAgger: the student plays, the expert labels the states it saw, the student learns them too.

mod judge;
mod mixture;
pub mod rounds;
pub(crate) mod section;

pub use section::DaggerSection;

use crate::engine::{Input, Output, StageError};
use crate::policies::Student;
use crate::stages::artifacts::{AggregatedData, AggregatedModels, AggregatedNetworks, FittedModels};
use crate::stages::collect::ExpertData;
use crate::stages::context::StageContext;
use crate::stages::dagger::rounds::{Dagger, weighed_as_one_round};
use crate::stages::fit::{Model, Network};
use crate::stages::fit::{fit_further, graph};
use crate::stages::per_student::PerStudent;
use std::sync::Arc;

/// A student in a round: the one that was fitted to the expert's episodes, or one that a later round made.
#[derive(Clone)]
enum Learner<'a> {
    Fitted(&'a Model),
    Aggregated(Arc<Model>),
}

impl Learner<'_> {
    fn model(&self) -> &Model {
        match self {
            Self::Fitted(model) => model,
            Self::Aggregated(model) => model,
        }
    }
}

/// Lets every network play, the expert label what it saw, and the network learn that too. A student that no round made
/// better has no artifacts of its own.
pub fn dagger(
    setting: StageContext<'_>,
    collected: Input<ExpertData>,
    fitted: Input<FittedModels>,
    mut made_data: Output<AggregatedData>,
    mut made_models: Output<AggregatedModels>,
    mut made_networks: Output<AggregatedNetworks>,
) -> Result<(), StageError> {
    let dagger = if setting.config().dagger.rounds > 0 { Dagger::of_networks(&setting, "dagger")? } else { None };
    if dagger.is_none() && setting.config().dagger.rounds > 0 {
        setting.reporter.message("dagger", "skipped: DAgger needs an expert that can be queried");
    }
    let inputs = setting.spec().observation_space.len();
    let (mut data, mut models, mut networks) = (Vec::new(), Vec::new(), Vec::new());
    for (dagger, (name, first)) in dagger.iter().flat_map(|dagger| fitted.iter().map(move |student| (dagger, student)))
    {
        let best = dagger.rounds(
            name,
            Learner::Fitted(first),
            weighed_as_one_round(&setting, collected.clone()),
            &|learner: &Learner<'_>| {
                let approximator = &learner.model().approximator;
                let predict = |inputs: &[f64], outputs: &mut [f64]| approximator.predict(inputs, outputs);
                Box::new(Student::new(inputs, setting.head(), predict))
            },
            &mut |learner, data| {
                let (model, _) = fit_further(&setting, "dagger", name, learner.model(), data)?;
                Ok(Learner::Aggregated(Arc::new(model)))
            },
        )?;
        let (round, mean, fidelity) = (best.round, best.mean, best.fidelity);
        let line = format!("{name}: round {round} is the best, mean return {mean:.2}, fidelity {fidelity:.3}");
        setting.reporter.message("dagger", line);
        let Learner::Aggregated(model) = best.student else { continue };
        let model = Arc::into_inner(model).expect("the rounds are over");
        if model.config.has_graph() {
            networks.push((name.to_owned(), Network(graph(&model, &best.data)?)));
        }
        models.push((name.to_owned(), model));
        data.push((name.to_owned(), best.data));
    }
    made_data.set(PerStudent::new(data));
    made_models.set(PerStudent::new(models));
    made_networks.set(PerStudent::new(networks));
    Ok(())
}
