//! DAgger: the student plays, the expert labels the states it saw, the student learns them too.

mod judge;
mod mixture;
pub mod rounds;
pub(crate) mod section;
mod takeover;

pub use section::DaggerSection;

use crate::engine::{Input, Output, StageError};
use crate::policies::Student;
use crate::stages::artifacts::{AggregatedData, AggregatedModels, AggregatedNetworks, FittedModels};
use crate::stages::collect::ExpertData;
use crate::stages::context::StageContext;
use crate::stages::dagger::rounds::{Best, Dagger, weighed_as_one_round};
use crate::stages::fit::{Model, Network, build_error, fit_further, fit_model, graph};
use crate::stages::per_student::PerStudent;
use crate::students::{self, NetworkStudent};
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
/// better has no artifacts of its own. Where none is good enough, wider networks learn, one after another; the best of those
/// is kept.
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
    let (mut data, mut models, mut networks) = (Vec::new(), Vec::new(), Vec::new());
    if let Some(dagger) = dagger {
        let mut made = Vec::new();
        let mut is_good_enough = false;
        for (name, first) in fitted.iter() {
            let best = rounds(&setting, &dagger, name, Learner::Fitted(first), &collected)?;
            is_good_enough |= best.is_good_enough;
            made.push((name.to_owned(), best));
        }
        let mut best_wider: Option<(String, Best<Learner<'_>>)> = None;
        for NetworkStudent { name, approximator, .. } in
            students::wider_networks(setting.config()).map_err(build_error)?
        {
            if is_good_enough {
                break;
            }
            let (first, _) = fit_model(&setting, "dagger", &name, approximator, &collected)?;
            let best = rounds(&setting, &dagger, &name, Learner::Aggregated(Arc::new(first)), &collected)?;
            is_good_enough |= best.is_good_enough;
            if best_wider.as_ref().is_none_or(|(_, other)| best.is_better_than(other)) {
                best_wider = Some((name, best));
            }
        }
        made.extend(best_wider);
        for (name, best) in made {
            let Learner::Aggregated(model) = best.student else { continue };
            let model = Arc::into_inner(model).expect("the rounds are over");
            if model.config.has_graph() {
                networks.push((name.clone(), Network(graph(&model, &best.data)?)));
            }
            models.push((name.clone(), model));
            data.push((name, best.data));
        }
    }
    made_data.set(PerStudent::new(data));
    made_models.set(PerStudent::new(models));
    made_networks.set(PerStudent::new(networks));
    Ok(())
}

/// A network's rounds.
fn rounds<'m>(
    setting: &StageContext<'_>,
    dagger: &Dagger<'_>,
    name: &str,
    first: Learner<'m>,
    collected: &ExpertData,
) -> Result<Best<Learner<'m>>, StageError> {
    let inputs = setting.spec().observation_space.len();
    let best = dagger.rounds(
        name,
        first,
        weighed_as_one_round(setting, collected.clone()),
        &|learner: &Learner<'_>| {
            let approximator = &learner.model().approximator;
            let predict = |inputs: &[f64], outputs: &mut [f64]| approximator.predict(inputs, outputs);
            Box::new(Student::new(inputs, setting.head(), predict))
        },
        &mut |learner, data| {
            let (model, _) = fit_further(setting, "dagger", name, learner.model(), data)?;
            Ok(Learner::Aggregated(Arc::new(model)))
        },
    )?;
    let Best { round, mean, fidelity, .. } = &best;
    let line = format!("{name}: round {round} is the best, mean return {mean:.2}, fidelity {fidelity:.3}");
    setting.reporter.message("dagger", line);
    let own = [(name, "return", *mean), (name, "fidelity", *fidelity), ("the expert", "return", dagger.of_expert())];
    for (whose, what, value) in own {
        setting.reporter.metric("dagger", &format!("validation {what} of {whose}"), *round as u64, value);
    }
    Ok(best)
}
