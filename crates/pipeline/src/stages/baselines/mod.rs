//! A linear and a sparse quadratic formula, which every run has beside its networks.

pub mod sparse;

use crate::engine::{Get, Make, StageError};
use crate::stages::collect::ExpertData;
use crate::stages::context::{StageContext, failed};
use crate::stages::dagger::rounds::Dagger;
use crate::stages::per_student::PerStudent;
use crate::stages::refine::{Formulas, faithful, learnt};
use crate::students::{LINEAR, QUADRATIC};

/// Adds the formulas that need no network: a linear and a sparse quadratic one.
pub fn rivals(
    setting: StageContext<'_>,
    data: Get<'_, ExpertData>,
    mut formulas: Make<'_, PerStudent<Formulas>>,
) -> Result<(), StageError> {
    let config = setting.config();
    if !config.students.rivals {
        return Ok(());
    }
    let dagger = Dagger::new(&setting, "rivals")?;
    let (head, loss) = (setting.head(), setting.head().loss());
    let names = setting.spec().observation_space.names();
    let line = sparse::linear(&head, &names, data.train.samples(), &loss).map_err(failed)?;
    let line = learnt(&setting, dagger.as_ref(), "rivals", LINEAR, line, data.clone())?;
    // Products are chosen among what the linear one saw: more than the expert's own states.
    let samples = line.data.train.samples();
    let terms = config.students.quadratic_terms;
    let square = sparse::quadratic(&head, &names, samples, &loss, terms).map_err(failed)?;
    for (name, draft) in [(LINEAR, line.student.clone()), (QUADRATIC, square)] {
        if formulas.get_mut().get(name).is_none() {
            let faithful = faithful(&setting, dagger.as_ref(), "rivals", name, draft, line.data.clone())?;
            formulas.get_mut().0.push((name.to_owned(), Formulas { faithful, polished: None }));
        }
    }
    Ok(())
}
