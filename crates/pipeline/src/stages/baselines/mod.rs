//! Formulas that need no network: a linear and a sparse quadratic one in every run, and those of the user's own form.

pub mod candidate;
pub mod laws;
pub mod sparse;

use crate::engine::{Input, Output, StageError};
use crate::formulas::Draft;
use crate::formulas::rounding::rounded;
use crate::stages::artifacts::{BaselineFormulas, FaithfulFormulas};
use crate::stages::baselines::candidate::Form;
use crate::stages::collect::ExpertData;
use crate::stages::context::{StageContext, failed};
use crate::stages::dagger::rounds::{Dagger, weighed_as_one_round};
use crate::stages::per_student::PerStudent;
use crate::stages::refine::{faithful, learned};
use crate::students::{LINEAR, QUADRATIC};
use kanrl_core::approximator::FitTask;
use kanrl_symbolic::Formula;

/// Adds the formulas that need no network: a linear and a sparse quadratic one, and the config's candidates.
pub fn rivals(
    setting: StageContext<'_>,
    data: Input<ExpertData>,
    networks: Input<FaithfulFormulas>,
    mut made: Output<BaselineFormulas>,
) -> Result<(), StageError> {
    let data = weighed_as_one_round(&setting, data.clone());
    made.set(PerStudent::new(all(&setting, &data, &networks)?));
    Ok(())
}

type Named = Vec<(String, Formula)>;

fn all(setting: &StageContext<'_>, data: &ExpertData, networks: &FaithfulFormulas) -> Result<Named, StageError> {
    let mut formulas = Vec::new();
    let config = setting.config();
    if !config.students.rivals && config.students.laws.is_empty() && config.students.candidates.is_empty() {
        return Ok(formulas);
    }
    let dagger = Dagger::new(setting, "rivals")?;
    if config.students.rivals {
        formulas.extend(linear_and_quadratic(setting, dagger.as_ref(), data, networks)?);
    }
    formulas.extend(of_laws(setting, dagger.as_ref(), data)?);
    for (index, text) in config.students.candidates.iter().enumerate() {
        let name = format!("candidate-{}", index + 1);
        let faithful = own_form(setting, dagger.as_ref(), &name, text, data)?;
        formulas.push((name, faithful));
    }
    Ok(formulas)
}

fn linear_and_quadratic(
    setting: &StageContext<'_>,
    dagger: Option<&Dagger<'_>>,
    data: &ExpertData,
    networks: &FaithfulFormulas,
) -> Result<Named, StageError> {
    let mut formulas = Vec::new();
    let (head, loss) = (setting.head(), setting.head().loss(&data.train));
    let names = setting.spec().observation_space.names();
    let line = sparse::linear(&head, &names, data.train.samples(), &loss).map_err(failed)?;
    let line = learned(setting, dagger, "rivals", LINEAR, line, data.clone())?;
    // Products are chosen among what the linear one saw: more than the expert's own states.
    let samples = line.data.train.samples();
    let terms = setting.config().students.quadratic_terms;
    let square = sparse::quadratic(&head, &names, samples, &loss, terms).map_err(failed)?;
    for (name, draft) in [(LINEAR, line.student.clone()), (QUADRATIC, square)] {
        // A student may be linear itself.
        if networks.get(name).is_none() {
            let (faithful, _) = faithful(setting, dagger, "rivals", name, draft, line.data.clone())?;
            formulas.push((name.to_owned(), faithful));
        }
    }
    Ok(formulas)
}

/// Formulas of a few linear laws behind conditions, unless fewer explain as much.
fn of_laws(setting: &StageContext<'_>, dagger: Option<&Dagger<'_>>, data: &ExpertData) -> Result<Named, StageError> {
    let mut formulas = Vec::new();
    let (head, loss) = (setting.head(), setting.head().loss(&data.train));
    let names = setting.spec().observation_space.names();
    let mut known: Vec<Draft> = Vec::new();
    for count in &setting.config().students.laws {
        let draft = laws::laws(&head, &names, data.train.samples(), &loss, *count).map_err(failed)?;
        if known.contains(&draft) {
            continue;
        }
        let name = format!("laws-{count}");
        let (faithful, _) = faithful(setting, dagger, "rivals", &name, draft.clone(), data.clone())?;
        formulas.push((name, faithful));
        known.push(draft);
    }
    Ok(formulas)
}

/// A candidate with its constants fitted and rounded. No term of it is left out: it is what its author wanted to see.
fn own_form(
    setting: &StageContext<'_>,
    dagger: Option<&Dagger<'_>>,
    name: &str,
    text: &str,
    data: &ExpertData,
) -> Result<Formula, StageError> {
    let (config, head) = (setting.config(), setting.head());
    let loss = head.loss(&data.train);
    let form = Form::parse(text, setting.spec()).map_err(|error| StageError::Other(Box::new(error)))?;
    let task = FitTask { train: data.train.samples(), validation: Some(data.validation.samples()), loss: &loss };
    let draft = form.fitted(&head, task, config.seed).map_err(failed)?;
    let best = learned(setting, dagger, "rivals", name, draft, data.clone())?;
    let rows = &best.data.train.observations;
    let (draft, _) = rounded(&best.student, rows, config.refine.rounding_tolerance).map_err(failed)?;
    let played = dagger.map_or_else(String::new, |_| format!(", mean return {:.2} (round {})", best.mean, best.round));
    setting.reporter.message("rivals", format!("{name}, `{text}`: {} operations{played}", draft.operations()));
    draft.formula().map_err(failed)
}
