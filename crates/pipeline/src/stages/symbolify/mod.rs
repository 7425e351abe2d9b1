//! Naming the edges of a network.

mod choices;
pub(crate) mod judge;
pub mod naming;
pub(crate) mod section;

pub use section::SymbolifySection;

use crate::engine::{Output, StageError};
use crate::formulas::Draft;
use crate::run::statistics::mean;
use crate::stages::artifacts::{LatestData, NamedNetworks, UnnamedNetworks};
use crate::stages::context::StageContext;
use crate::stages::fit::{Network, build_error};
use crate::stages::per_student::PerStudent;
use crate::stages::symbolify::judge::{Judge, plays_no_worse, trails};
use crate::stages::symbolify::naming::{Named, NamingTask, is_curve, name_edges};
use crate::students::{self, LibraryPart};
use kanrl_core::approximator::FitTask;
use kanrl_core::graph::UnivariateGraph;

/// Names the edges of every network, as far as its formula plays as the network does; the others stay curves. A network that
/// plays far worse than another one is left out.
pub fn symbolify(
    setting: StageContext<'_>,
    data: LatestData,
    networks: UnnamedNetworks,
    mut made: Output<NamedNetworks>,
) -> Result<(), StageError> {
    let reporter = &setting.reporter;
    let section = &setting.config().symbolify;
    let judge = Judge::new(&setting, "symbolify")?;
    let returns = |graph: &UnivariateGraph| {
        // Splines of a high degree cannot be formulas yet: they can be judged once they are named.
        Draft::from_graph(setting.head(), graph).map_or_else(|_| Ok(Vec::new()), |draft| judge.returns(&draft))
    };
    let mut students = students::networks(setting.config()).map_err(build_error)?;
    students.extend(students::wider_networks(setting.config()).map_err(build_error)?);
    let whole = networks.with_learned().map(|(_, _, learned)| returns(&learned.0)).collect::<Result<Vec<_>, _>>()?;
    let best = whole.iter().max_by(|first, second| mean(first).total_cmp(&mean(second))).cloned().unwrap_or_default();
    let mut named = Vec::new();
    for ((name, network, learned), whole) in networks.with_learned().zip(whole) {
        if trails(&whole, &best) {
            let (own, best) = (mean(&whole), mean(&best));
            let line = format!("{name} is left out: its network returns {own:.2}, the best one {best:.2}");
            reporter.message("symbolify", line);
            continue;
        }
        let data = data.of(name);
        let loss = setting.head().loss(&data.train);
        let student = students.iter().find(|student| student.name == name);
        let functions = student.and_then(|student| student.functions.as_deref());
        let library = LibraryPart::new(setting.library(), functions).map_err(build_error)?;
        let cut = returns(&network.0)?;
        let (start, before) = if plays_no_worse(&cut, &whole) { (&network.0, cut) } else { (&learned.0, whole) };
        let plays = |graph: &UnivariateGraph| {
            Draft::from_graph(setting.head(), graph).map_or(Ok(true), |draft| judge.accepts(&draft, &before))
        };
        let progress = |done: usize, total: usize, text: String| {
            reporter.progress("symbolify", done as u64, total as u64, format!("edges of {name}"));
            if !text.is_empty() {
                reporter.message("symbolify", format!("{name}: {text}"));
            }
            !reporter.is_cancelled()
        };
        let task = NamingTask {
            fit: FitTask { train: data.train.samples(), validation: Some(data.validation.samples()), loss: &loss },
            library: &library,
            margin: section.margin,
            refit_steps: section.refit_steps,
            tolerance: section.tolerance,
            plays: &plays,
            progress: &progress,
        };
        let Some(Named { graph, loss }) = name_edges(start, &task)? else { return Err(StageError::Cancelled) };
        let curves = graph.edges.iter().filter(|edge| is_curve(&edge.function)).count();
        let played = match before.is_empty() {
            true => String::new(),
            false => format!(", mean return {:.2}, before {:.2}", mean(&returns(&graph)?), mean(&before)),
        };
        let (all, names) = (graph.edges.len(), graph.edges.len() - curves);
        reporter.message("symbolify", format!("{name}: {names} of {all} edges have names{played}, loss {loss:.4e}"));
        named.push((name.to_owned(), Network(graph)));
    }
    made.set(PerStudent::new(named));
    Ok(())
}
